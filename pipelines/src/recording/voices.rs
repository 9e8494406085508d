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

use super::timeline::{Timeline, WAIT, clock_time};

/// What may wait of one voice: minutes of it. It waits for its time alone, which is a moment away.
const WAITING_BYTES_MAX: u64 = 1 << 20;

/// One connection's voices on their way into the recording.
pub struct RecordingVoices {
    pipeline: gst::Pipeline,
    recorder: gst::Element,
    timeline: Arc<Mutex<Timeline>>,
    cutter: Cutter,
    voices: BTreeMap<u32, Voice>,
    /// Those who have left, and when: the last that they said is still on its way.
    leaving: Vec<(Voice, Duration)>,
}

/// Dropping it ends the voice, not its track.
struct Voice {
    name: String,
    pipeline: gst::Pipeline,
    recorder: gst::Element,
    source: gst_app::AppSrc,
    /// Lets nothing through before its time, as a pause is told when it comes.
    gate: gst::Element,
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
            leaving: Vec::new(),
        }
    }

    /// For another connection, which begins with a whole record. All stay until it says who is there.
    #[must_use]
    pub fn again(self) -> Self {
        Self { cutter: Cutter::new(VOICES), ..self }
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
        let now = self.pipeline.current_running_time().map_or(Duration::ZERO, Duration::from);
        self.leaving.retain(|(_, left)| now < *left + 2 * WAIT);
        let has_left = |number: &u32, voice: &mut Voice| {
            !voices.iter().any(|(there, name)| there == number && *name == voice.name)
        };
        let left = self.voices.extract_if(.., has_left);
        self.leaving.extend(left.map(|(_, voice)| (voice, now)));
        for (number, name) in voices {
            if !self.voices.contains_key(number) {
                let back = self.leaving.iter().position(|(voice, _)| voice.name == *name);
                let voice = match back {
                    Some(at) => self.leaving.remove(at).0,
                    None => Voice::seat(&self.pipeline, &self.recorder, name)?,
                };
                self.voices.insert(*number, voice);
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
        let gate = factory("clocksync")?.create().build().map_err(PipelineError::build)?;
        let voice = Self {
            name: name.to_owned(),
            pipeline: pipeline.clone(),
            recorder: recorder.clone(),
            source,
            gate,
            pad,
        };
        for element in voice.elements() {
            voice.pipeline.add(element).map_err(PipelineError::build)?;
        }
        voice.source.link(&voice.gate).map_err(|error| refuse(error.to_string()))?;
        let outlet = voice.gate.static_pad("src").expect("a clocksync has a source pad");
        outlet.link(&voice.pad).map_err(|error| refuse(error.to_string()))?;
        for element in voice.elements() {
            element.sync_state_with_parent().map_err(PipelineError::build)?;
        }
        Ok(voice)
    }

    fn elements(&self) -> [&gst::Element; 2] {
        [&self.gate, self.source.upcast_ref()]
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
        for element in self.elements() {
            // Held in its last state, so that a pipeline that changes its own state does not start it again.
            element.set_locked_state(true);
            let _ = element.set_state(gst::State::Null);
            // It is refused when the element never came in.
            let _ = self.pipeline.remove(element);
        }
    }
}
