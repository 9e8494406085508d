//! The meeting's faces on their way into the recording: a source for each, which comes and goes with the face.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use gst::prelude::*;
use parking_lot::Mutex;

use crate::PipelineError;
use crate::cutter::Cutter;
use crate::faces::{FACES, Record};
use crate::init::factory;

use super::timeline::{Timeline, clock_time};

/// What may wait for one face's decoder: seconds of a camera. What comes then is let go, as an old picture is of no use.
const WAITING_BYTES_MAX: u64 = 4 << 20;

/// One connection's faces on their way into the recording.
pub struct RecordingFaces {
    pipeline: gst::Pipeline,
    recorder: gst::Element,
    timeline: Arc<Mutex<Timeline>>,
    cutter: Cutter,
    faces: BTreeMap<u32, Face>,
    /// Those of the connection before, until this one says who is there.
    former: Vec<Face>,
}

/// Dropping it takes the face out of the picture.
struct Face {
    pipeline: gst::Pipeline,
    recorder: gst::Element,
    source: gst_app::AppSrc,
    /// Lets nothing through before its time.
    gate: gst::Element,
    pad: gst::Pad,
    /// The time of the last frame: none may come before it.
    last: gst::ClockTime,
}

impl RecordingFaces {
    pub(super) fn new(
        pipeline: &gst::Pipeline,
        recorder: &gst::Element,
        timeline: Arc<Mutex<Timeline>>,
    ) -> Self {
        Self {
            pipeline: pipeline.clone(),
            recorder: recorder.clone(),
            timeline,
            cutter: Cutter::new(FACES),
            faces: BTreeMap::new(),
            former: Vec::new(),
        }
    }

    /// For another connection, which begins with a whole record. The faces stay until it says who is there.
    #[must_use]
    pub fn again(mut self) -> Self {
        self.cutter = Cutter::new(FACES);
        self.former.extend(std::mem::take(&mut self.faces).into_values());
        self
    }

    /// A piece of what a [`Watcher`](crate::Watcher) tells, cut anywhere. After an error the connection is of no use any more.
    pub fn push(&mut self, piece: &[u8]) -> Result<(), PipelineError> {
        self.cutter.push(piece);
        while let Some(record) = self.cutter.next()? {
            match Record::parse(record)? {
                Record::Scene { screen, faces } => self.set_scene(screen, &faces)?,
                Record::Frame { face, sent, wait, data } => {
                    let Some(now) = self.pipeline.current_running_time() else { continue };
                    let time = self.timeline.lock().place(sent, wait, now.into());
                    if let Some(face) = self.faces.get_mut(&face) {
                        face.show(time, data)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn set_scene(&mut self, screen: bool, faces: &[(u32, String)]) -> Result<(), PipelineError> {
        self.former.clear();
        self.faces.retain(|number, _| faces.iter().any(|(there, _)| there == number));
        for (number, name) in faces {
            if !self.faces.contains_key(number) {
                // There may be more of them than one picture has room for.
                let Some(face) = Face::seat(&self.pipeline, &self.recorder, name)? else { continue };
                self.faces.insert(*number, face);
            }
        }
        if let Some(pad) = self.recorder.static_pad("screen") {
            pad.set_property("shown", screen);
        }
        Ok(())
    }
}

impl Face {
    fn seat(
        pipeline: &gst::Pipeline,
        recorder: &gst::Element,
        name: &str,
    ) -> Result<Option<Self>, PipelineError> {
        let Some(pad) = recorder.request_pad_simple("feed_%u") else { return Ok(None) };
        pad.set_property("display-name", name);
        let source = factory("appsrc")?
            .create()
            .property("caps", gst::Caps::new_empty_simple("video/x-vp8"))
            .property("is-live", true)
            .property("format", gst::Format::Time)
            .property("max-bytes", WAITING_BYTES_MAX)
            .property_from_str("leaky-type", "downstream")
            .property("block", false)
            .build()
            .map_err(PipelineError::build)?;
        let source: gst_app::AppSrc = source.downcast().expect("the factory appsrc makes an AppSrc");
        let gate = factory("clocksync")?.create().build().map_err(PipelineError::build)?;
        let last = gst::ClockTime::ZERO;
        let face = Self { pipeline: pipeline.clone(), recorder: recorder.clone(), source, gate, pad, last };
        let refuse = |why: String| PipelineError::Build(format!("a face cannot be recorded: {why}"));
        for element in face.elements() {
            face.pipeline.add(element).map_err(PipelineError::build)?;
        }
        face.source.link(&face.gate).map_err(|error| refuse(error.to_string()))?;
        let outlet = face.gate.static_pad("src").expect("a clocksync has a source pad");
        outlet.link(&face.pad).map_err(|error| refuse(error.to_string()))?;
        for element in face.elements() {
            element.sync_state_with_parent().map_err(PipelineError::build)?;
        }
        Ok(Some(face))
    }

    fn elements(&self) -> [&gst::Element; 2] {
        [&self.gate, self.source.upcast_ref()]
    }

    fn show(&mut self, time: Duration, frame: Bytes) -> Result<(), PipelineError> {
        self.last = self.last.max(clock_time(time));
        let mut buffer = gst::Buffer::from_slice(frame);
        buffer.get_mut().expect("a new buffer").set_pts(self.last);
        let pushed = self.source.push_buffer(buffer);
        pushed.map(|_| ()).map_err(|flow| PipelineError::Closed(flow.to_string()))
    }
}

impl Drop for Face {
    fn drop(&mut self) {
        self.recorder.release_request_pad(&self.pad);
        for element in self.elements() {
            element.set_locked_state(true);
            let _ = element.set_state(gst::State::Null);
            // It is refused when it never came in.
            let _ = self.pipeline.remove(element);
        }
    }
}
