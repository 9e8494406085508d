//! Somebody who sees all faces of a talk and shows none: a recorder.
//!
//! ```text
//! relay.feed_%u ! rtpjitterbuffer ! rtpvp8depay request-keyframe=true wait-for-keyframe=true ! appsink
//! ```

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use gst::prelude::*;
use tokio::sync::mpsc::Sender;
use tokio::sync::mpsc::error::TrySendError;

use super::{Shown, TalkPipeline, lips};
use crate::PipelineError;
use crate::faces;
use crate::init::factory;

/// How long a packet waits for one that was lost and is sent again.
const LOSS_MS: u32 = 200;

/// Sends what there is to see into a channel, as [`RecordingFaces`](crate::RecordingFaces) takes it. It outlives talks: between two of them it sees
/// no faces.
pub struct Watcher {
    records: Sender<Bytes>,
    faces: Vec<Face>,
    next: u32,
}

/// One camera's way out of the relay. Dropping it takes it down.
struct Face {
    /// What the relay calls the camera's connection.
    peer: String,
    name: String,
    number: u32,
    /// Held: a sink that stops posts to its pipeline's bus, also when the meeting is over.
    pipeline: gst::Pipeline,
    relay: gst::Element,
    pad: gst::Pad,
    elements: [gst::Element; 3],
}

impl Watcher {
    /// Sees nothing yet. What does not fit into the channel is lost to this watcher alone.
    pub fn new(records: Sender<Bytes>) -> Self {
        Self { records, faces: Vec::new(), next: 0 }
    }

    /// Whether nobody takes what it sees.
    pub fn is_closed(&self) -> bool {
        self.records.is_closed()
    }

    /// Sees those who send pictures now, and tells whether somebody presents a screen. An error means that nobody keeps up with what it
    /// tells; it is of no use any more.
    pub fn update(&mut self, talk: Option<&TalkPipeline>, screen: bool) -> Result<(), PipelineError> {
        let shown = talk.map_or_else(Vec::new, TalkPipeline::shown);
        let there: BTreeSet<&str> = shown.iter().map(|shown| shown.peer.as_str()).collect();
        self.faces.retain(|face| there.contains(face.peer.as_str()));
        let Some(talk) = talk else { return self.tell(screen) };
        for shown in shown {
            if self.faces.iter().all(|face| face.peer != shown.peer) {
                let number = self.next;
                self.next = self.next.wrapping_add(1);
                self.faces.push(Face::seat(talk, shown, number, self.records.clone())?);
            }
        }
        self.tell(screen)
    }

    fn tell(&self, screen: bool) -> Result<(), PipelineError> {
        let faces = self.faces.iter().map(|face| (face.number, face.name.as_str()));
        let told = self.records.try_send(faces::scene(screen, faces));
        told.map_err(|error| PipelineError::Closed(error.to_string()))
    }
}

impl Face {
    fn seat(
        talk: &TalkPipeline,
        Shown { peer, name, voice }: Shown,
        number: u32,
        records: Sender<Bytes>,
    ) -> Result<Self, PipelineError> {
        let (jitterbuffer, depayloader) = (factory("rtpjitterbuffer")?, factory("rtpvp8depay")?);
        let ordered = jitterbuffer.create().property("latency", LOSS_MS).property("do-lost", true);
        let whole =
            depayloader.create().property("request-keyframe", true).property("wait-for-keyframe", true);
        let elements = [
            ordered.build().map_err(PipelineError::build)?,
            whole.build().map_err(PipelineError::build)?,
            frame_sink(number, voice, records).upcast(),
        ];
        let refuse = |why: &str| PipelineError::Build(format!("a face cannot be recorded: {why}"));
        let pad = talk.relay.request_pad_simple("feed_%u").ok_or_else(|| refuse("the relay has no pad"))?;
        pad.set_property("peer", &peer);
        let face = Self {
            peer,
            name,
            number,
            pipeline: talk.pipeline.clone(),
            relay: talk.relay.clone(),
            pad,
            elements,
        };
        let failed = |error: gst::glib::BoolError| refuse(&error.to_string());
        face.pipeline.add_many(&face.elements).map_err(failed)?;
        gst::Element::link_many(&face.elements).map_err(failed)?;
        for element in face.elements.iter().rev() {
            element.sync_state_with_parent().map_err(failed)?;
        }
        let entry = face.elements[0].static_pad("sink").expect("a jitter buffer has a sink pad");
        face.pad.link(&entry).map_err(|error| refuse(&error.to_string()))?;
        Ok(face)
    }
}

impl Drop for Face {
    fn drop(&mut self) {
        self.relay.release_request_pad(&self.pad);
        for element in &self.elements {
            // Held in its last state, so that a pipeline that changes its own state does not start it again.
            element.set_locked_state(true);
            let _ = element.set_state(gst::State::Null);
            // It is refused when the element never came in.
            let _ = self.pipeline.remove(element);
        }
    }
}

/// Hands whole frames on, each with the time for which it waits for this voice, and each film from a key frame on.
/// Nobody waits: what finds no room is lost, with all until the next key frame.
fn frame_sink(number: u32, voice: gst::Pad, records: Sender<Bytes>) -> gst_app::AppSink {
    let waits = Arc::new(AtomicBool::new(true));
    let callbacks = gst_app::AppSinkCallbacks::builder()
        .new_sample(move |sink| {
            let sample = sink.pull_sample().map_err(|_| gst::FlowError::Eos)?;
            let Some(buffer) = sample.buffer() else { return Ok(gst::FlowSuccess::Ok) };
            if buffer.flags().contains(gst::BufferFlags::DELTA_UNIT) && waits.load(Ordering::Relaxed) {
                return Ok(gst::FlowSuccess::Ok);
            }
            let (Some(running), Some(base)) = (sink.current_running_time(), sink.base_time()) else {
                return Ok(gst::FlowSuccess::Ok);
            };
            let time = ((base + running).into(), lips::wait(buffer, &voice, running));
            let record = buffer.map_readable().ok().and_then(|frame| faces::frame(number, time, &frame));
            let sent = record.map(|record| records.try_send(record));
            waits.store(!matches!(sent, Some(Ok(()))), Ordering::Relaxed);
            if matches!(sent, None | Some(Err(TrySendError::Full(_)))) {
                let pad = sink.static_pad("sink").expect("an appsink has a sink pad");
                pad.push_event(gst_video::UpstreamForceKeyUnitEvent::builder().all_headers(true).build());
            }
            Ok(gst::FlowSuccess::Ok)
        })
        .build();
    gst_app::AppSink::builder()
        .caps(&gst::Caps::new_empty_simple("video/x-vp8"))
        .sync(false)
        .async_(false)
        .enable_last_sample(false)
        .callbacks(callbacks)
        .build()
}
