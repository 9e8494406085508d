//! Somebody who hears each participant of a talk alone, and says nothing: a recorder that keeps a track for each.
//!
//! ```text
//! mixer.solo_%u ! appsink
//! ```

use std::collections::BTreeMap;

use bytes::Bytes;
use gst::prelude::*;
use tokio::sync::mpsc::Sender;

use super::TalkPipeline;
use crate::PipelineError;
use crate::voices;

/// Sends what each says into a channel, as [`RecordingVoices`](crate::RecordingVoices) takes it. It outlives talks: between two of them it hears nobody.
/// Nothing comes of who is muted.
pub struct Separator {
    records: Sender<Bytes>,
    voices: BTreeMap<u32, Voice>,
}

/// One participant's way out of the mixer. Dropping it takes it down.
struct Voice {
    name: String,
    /// Held: a sink that stops posts to its pipeline's bus, also when the meeting is over.
    pipeline: gst::Pipeline,
    mixer: gst::Element,
    pad: gst::Pad,
    sink: gst_app::AppSink,
}

impl Separator {
    /// Hears nobody yet. What does not fit into the channel is lost to this one alone.
    pub fn new(records: Sender<Bytes>) -> Self {
        Self { records, voices: BTreeMap::new() }
    }

    /// Whether nobody takes what it hears.
    pub fn is_closed(&self) -> bool {
        self.records.is_closed()
    }

    /// Hears these people, by the numbers that they have in the talk. An error means that nobody keeps up with what it tells; it is of no use any more.
    pub fn update(
        &mut self,
        talk: Option<&TalkPipeline>,
        people: &BTreeMap<u32, String>,
    ) -> Result<(), PipelineError> {
        let Some(talk) = talk else {
            self.voices.clear();
            return self.tell();
        };
        self.voices.retain(|number, voice| people.get(number) == Some(&voice.name));
        for (number, name) in people {
            if !self.voices.contains_key(number) {
                self.voices.insert(*number, Voice::seat(talk, *number, name, self.records.clone())?);
            }
        }
        self.tell()
    }

    fn tell(&self) -> Result<(), PipelineError> {
        let voices = self.voices.iter().map(|(number, voice)| (*number, voice.name.as_str()));
        let told = self.records.try_send(voices::present(voices));
        told.map_err(|error| PipelineError::Closed(error.to_string()))
    }
}

impl Voice {
    fn seat(
        talk: &TalkPipeline,
        number: u32,
        name: &str,
        records: Sender<Bytes>,
    ) -> Result<Self, PipelineError> {
        let refuse = |why: &str| PipelineError::Build(format!("a voice cannot be recorded: {why}"));
        let pad = talk.mixer.request_pad_simple(&format!("solo_{number}"));
        let pad = pad.ok_or_else(|| refuse("another recorder has it"))?;
        let voice = Self {
            name: name.to_owned(),
            pipeline: talk.pipeline.clone(),
            mixer: talk.mixer.clone(),
            pad,
            sink: packet_sink(number, records),
        };
        voice.pipeline.add(&voice.sink).map_err(PipelineError::build)?;
        voice.sink.sync_state_with_parent().map_err(PipelineError::build)?;
        let entry = voice.sink.static_pad("sink").expect("an appsink has a sink pad");
        voice.pad.link(&entry).map_err(|error| refuse(&error.to_string()))?;
        Ok(voice)
    }
}

impl Drop for Voice {
    fn drop(&mut self) {
        self.mixer.release_request_pad(&self.pad);
        // Held in its last state, so that a pipeline that changes its own state does not start it again.
        self.sink.set_locked_state(true);
        let _ = self.sink.set_state(gst::State::Null);
        // It is refused when the sink never came in.
        let _ = self.pipeline.remove(&self.sink);
        self.sink.set_callbacks(gst_app::AppSinkCallbacks::builder().build());
    }
}

/// Hands packets on; whoever does not take them loses some, and nobody waits.
fn packet_sink(number: u32, records: Sender<Bytes>) -> gst_app::AppSink {
    let callbacks = gst_app::AppSinkCallbacks::builder()
        .new_sample(move |sink| {
            let sample = sink.pull_sample().map_err(|_| gst::FlowError::Eos)?;
            let Some(buffer) = sample.buffer() else { return Ok(gst::FlowSuccess::Ok) };
            let follows = !buffer.flags().contains(gst::BufferFlags::DISCONT);
            let packet = buffer.map_readable().ok();
            if let Some(((pts, base), packet)) = buffer.pts().zip(sink.base_time()).zip(packet) {
                // Full or closed: lost to this recorder alone.
                let _ = records.try_send(voices::packet(number, (base + pts).into(), follows, &packet));
            }
            Ok(gst::FlowSuccess::Ok)
        })
        .build();
    gst_app::AppSink::builder()
        .caps(&gst::Caps::new_empty_simple("audio/x-opus"))
        .sync(false)
        .async_(false)
        .enable_last_sample(false)
        .callbacks(callbacks)
        .build()
}
