//! The meeting's voices on their way into tracks of their own: a source for each, which comes and goes with the participant.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use gst::prelude::*;
use parking_lot::Mutex;

use crate::PipelineError;
use crate::cutter::Cutter;
use crate::init::factory;
use crate::voices::{Record, VOICES};

use super::timeline::{Timeline, clock_time};

/// What may wait of one voice: a minute of it. More only waits where nothing is recorded any more.
const WAITING_BYTES_MAX: u64 = 1 << 20;

/// One connection's voices on their way into the recording.
pub struct RecordingVoices {
    pipeline: gst::Pipeline,
    recorder: gst::Element,
    timeline: Arc<Mutex<Timeline>>,
    cutter: Cutter,
    voices: BTreeMap<u32, Voice>,
}

/// Dropping it ends the voice, not its track.
struct Voice {
    pipeline: gst::Pipeline,
    recorder: gst::Element,
    source: gst_app::AppSrc,
    pad: gst::Pad,
}

impl RecordingVoices {
    pub(super) fn new(
        pipeline: &gst::Pipeline,
        recorder: &gst::Element,
        timeline: Arc<Mutex<Timeline>>,
    ) -> Self {
        Self {
            pipeline: pipeline.clone(),
            recorder: recorder.clone(),
            timeline,
            cutter: Cutter::new(VOICES),
            voices: BTreeMap::new(),
        }
    }

    /// For another connection, which begins with a whole record. Whoever is there again has the same track.
    #[must_use]
    pub fn again(mut self) -> Self {
        self.cutter = Cutter::new(VOICES);
        self.voices.clear();
        self
    }

    /// A piece of what [`Separator`](crate::Separator)s tell, cut anywhere. After an error the connection is of no use any more.
    pub fn push(&mut self, piece: &[u8]) -> Result<(), PipelineError> {
        self.cutter.push(piece);
        while let Some(record) = self.cutter.next()? {
            match Record::parse(record)? {
                Record::Present(voices) => self.seat(&voices)?,
                Record::Packet { voice, mixed, follows, data } => {
                    let Some(now) = self.pipeline.current_running_time() else { continue };
                    let time = self.timeline.lock().beside(mixed, now.into());
                    if let Some(voice) = self.voices.get(&voice) {
                        voice.say(time, follows, data)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn seat(&mut self, voices: &[(u32, String)]) -> Result<(), PipelineError> {
        self.voices.retain(|number, _| voices.iter().any(|(there, _)| there == number));
        for (number, name) in voices {
            if !self.voices.contains_key(number) {
                self.voices.insert(*number, Voice::seat(&self.pipeline, &self.recorder, name)?);
            }
        }
        Ok(())
    }
}

impl Voice {
    fn seat(pipeline: &gst::Pipeline, recorder: &gst::Element, name: &str) -> Result<Self, PipelineError> {
        let refuse = |why: String| PipelineError::Build(format!("a voice cannot be recorded: {why}"));
        let pad = recorder.request_pad_simple("voice_%u");
        let pad = pad.ok_or_else(|| refuse("the recorder has no pad for it".into()))?;
        pad.set_property("display-name", name);
        let caps = gst::Caps::builder("audio/x-opus").field("channel-mapping-family", 0i32);
        let source = factory("appsrc")?
            .create()
            .property("caps", caps.build())
            .property("is-live", true)
            .property("format", gst::Format::Time)
            .property("max-bytes", WAITING_BYTES_MAX)
            .property_from_str("leaky-type", "downstream")
            .property("block", false)
            .build()
            .map_err(PipelineError::build)?;
        let source: gst_app::AppSrc = source.downcast().expect("the factory appsrc makes an AppSrc");
        let voice = Self { pipeline: pipeline.clone(), recorder: recorder.clone(), source, pad };
        voice.pipeline.add(&voice.source).map_err(PipelineError::build)?;
        let outlet = voice.source.static_pad("src").expect("an appsrc has a source pad");
        outlet.link(&voice.pad).map_err(|error| refuse(error.to_string()))?;
        voice.source.sync_state_with_parent().map_err(PipelineError::build)?;
        Ok(voice)
    }

    fn say(&self, time: Duration, follows: bool, packet: Bytes) -> Result<(), PipelineError> {
        let mut buffer = gst::Buffer::from_slice(packet);
        let stamped = buffer.get_mut().expect("a new buffer");
        stamped.set_pts(clock_time(time));
        if !follows {
            stamped.set_flags(gst::BufferFlags::DISCONT);
        }
        let pushed = self.source.push_buffer(buffer);
        pushed.map(drop).map_err(|flow| PipelineError::Closed(flow.to_string()))
    }
}

impl Drop for Voice {
    fn drop(&mut self) {
        self.recorder.release_request_pad(&self.pad);
        // Held in its last state, so that a pipeline that changes its own state does not start it again.
        self.source.set_locked_state(true);
        let _ = self.source.set_state(gst::State::Null);
        // It is refused when the source never came in.
        let _ = self.pipeline.remove(&self.source);
    }
}
