//! Somebody who hears a meeting and says nothing: a recorder.

use bytes::Bytes;
use gst::prelude::*;
use tokio::sync::mpsc::Sender;

use crate::PipelineError;
use crate::sound::frame;

/// Somebody who hears everything and says nothing. Dropping it leaves.
pub struct Listener {
    /// Held: a sink that stops posts to its pipeline's bus, also when the meeting is over.
    pipeline: gst::Pipeline,
    mixer: gst::Element,
    pad: Option<gst::Pad>,
    sink: gst_app::AppSink,
}

impl Listener {
    /// Everything that is said goes into this channel; what does not fit is lost.
    pub(crate) fn join(
        pipeline: &gst::Pipeline,
        mixer: &gst::Element,
        number: u32,
        packets: Sender<Bytes>,
    ) -> Result<Self, PipelineError> {
        let sink = packet_sink(packets);
        pipeline.add(&sink).map_err(PipelineError::build)?;
        let mut listener = Self { pipeline: pipeline.clone(), mixer: mixer.clone(), pad: None, sink };
        listener.seat(number)?;
        Ok(listener)
    }

    /// What fails takes the sink out again, as the listener is dropped.
    fn seat(&mut self, number: u32) -> Result<(), PipelineError> {
        let refuse = |why: String| PipelineError::Build(format!("nobody can listen: {why}"));
        self.sink.sync_state_with_parent().map_err(|error| refuse(error.to_string()))?;
        let pad = self.mixer.request_pad_simple(&format!("src_{number}"));
        let pad = self.pad.insert(pad.ok_or_else(|| refuse("the mixer has no place".into()))?);
        let sink = self.sink.static_pad("sink").expect("an appsink has a sink pad");
        pad.link(&sink).map_err(|error| refuse(error.to_string()))?;
        Ok(())
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let Some(pad) = self.pad.take() {
            self.mixer.release_request_pad(&pad);
        }
        // Held in its last state, so that a pipeline that changes its own state does not start it again.
        self.sink.set_locked_state(true);
        let _ = self.sink.set_state(gst::State::Null);
        // It is refused when the sink never came in.
        let _ = self.pipeline.remove(&self.sink);
        self.sink.set_callbacks(gst_app::AppSinkCallbacks::builder().build());
    }
}

/// Hands packets on; whoever does not take them loses some, and nobody waits.
fn packet_sink(packets: Sender<Bytes>) -> gst_app::AppSink {
    let callbacks = gst_app::AppSinkCallbacks::builder()
        .new_sample(move |sink| {
            let sample = sink.pull_sample().map_err(|_| gst::FlowError::Eos)?;
            let mixed = sample.buffer().and_then(gst::BufferRef::pts).zip(sink.base_time());
            let packet = sample.buffer().and_then(|buffer| buffer.map_readable().ok());
            if let Some(((pts, base), packet)) = mixed.zip(packet) {
                // Full or closed: lost to this listener alone.
                let _ = packets.try_send(frame((base + pts).into(), &packet));
            }
            Ok(gst::FlowSuccess::Ok)
        })
        .build();
    let caps = gst::Caps::builder("audio/x-opus").field("channel-mapping-family", 0i32).build();
    gst_app::AppSink::builder()
        .caps(&caps)
        .sync(false)
        .async_(false)
        .enable_last_sample(false)
        .callbacks(callbacks)
        .build()
}
