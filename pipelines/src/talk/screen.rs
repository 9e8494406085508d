//! A shared screen in VP8, for programs that watch a meeting and know no other codec.
//!
//! ```text
//! (the meeting's relay) ! appsrc ! LINE ! relay.feed_sink_%u      (its pad screen=true peer=screen)
//! ```
//!
//! The screen is decoded as for any viewer, and encoded once for all programs: what has changed, fifteen times a second at most, and once a second
//! what has not, by which the relay knows that it is still there.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use gst::prelude::*;
use parking_lot::Mutex;

use crate::init::factory;
use crate::meeting::{Reader, SCREEN_CAPS, painted_of};
use crate::{MeetingPipeline, PipelineError};

/// What the relay calls the screen.
pub(super) const PEER: &str = "screen";

/// What its parts are called.
const NAME: &str = "shown-screen";

/// What rests is sent again after so long: within the second and a half after which the relay takes a picture for switched off.
const REST: gst::ClockTime = gst::ClockTime::SECOND;

/// Pictures have 1920 x 1080 pixels at most. `static-threshold` and the quantizers are those that suit text; a still screen then costs next to nothing.
const LINE: &str = "screendec ! imagefreeze name=hold allow-replace=true is-live=true ! video/x-raw,framerate=15/1 \
    ! videoconvert ! videoscale ! video/x-raw,format=I420,width=[2,1920],height=[2,1080],pixel-aspect-ratio=1/1 \
    ! vp8enc deadline=1 cpu-used=8 threads=2 lag-in-frames=0 end-usage=cbr target-bitrate=2000000 min-quantizer=4 max-quantizer=50 \
      static-threshold=100 keyframe-max-dist=3000 name=encoder \
    ! rtpvp8pay picture-id-mode=15-bit mtu=1150";

/// Whether an element that stands there, as GStreamer writes it, is a part of a screen's way.
pub(super) fn is_part(place: &str) -> bool {
    place.contains(NAME)
}

/// A screen's way into the talk. Dropping it takes it down.
pub struct ShownScreen {
    /// Before the rest: nothing more comes then.
    reader: Option<Reader>,
    pipeline: gst::Pipeline,
    relay: gst::Element,
    pad: gst::Pad,
    bin: gst::Bin,
    source: gst::Element,
}

impl ShownScreen {
    /// The screen of this meeting.
    pub(super) fn new(
        pipeline: &gst::Pipeline,
        relay: &gst::Element,
        meeting: &Arc<MeetingPipeline>,
    ) -> Result<Self, PipelineError> {
        let source = factory("appsrc")?
            .create()
            .property("caps", gst::Caps::new_empty_simple(SCREEN_CAPS))
            .property("is-live", true)
            .property("do-timestamp", true)
            .property("format", gst::Format::Time)
            // The meeting's relay sends no more than is painted here.
            .property("max-bytes", 0u64)
            .build()
            .map_err(PipelineError::build)?;
        let bin = gst::parse::bin_from_description(LINE, true).map_err(PipelineError::build)?;
        bin.set_property("name", NAME);
        pass_changes(&bin);
        let pad = relay.request_pad_simple("feed_sink_%u");
        let pad = pad.ok_or_else(|| PipelineError::Build("the relay has no pad for a screen".into()))?;
        pad.set_property("peer", PEER);
        pad.set_property("screen", true);
        let (pipeline, relay) = (pipeline.clone(), relay.clone());
        let mut shown = Self { reader: None, pipeline, relay, pad, bin, source };
        shown.link().map_err(PipelineError::build)?;
        shown.read(meeting)?;
        Ok(shown)
    }

    fn link(&self) -> Result<(), gst::glib::BoolError> {
        let failed = |error: gst::PadLinkError| gst::glib::bool_error!("a screen cannot be taken: {error}");
        let bin = self.bin.upcast_ref::<gst::Element>();
        self.pipeline.add_many([&self.source, bin])?;
        self.source.link(bin)?;
        self.bin.static_pad("src").expect("it ends in a payloader").link(&self.pad).map_err(failed)?;
        bin.sync_state_with_parent()?;
        self.source.sync_state_with_parent()
    }

    fn read(&mut self, meeting: &Arc<MeetingPipeline>) -> Result<(), PipelineError> {
        let source: gst_app::AppSrc = self.source.clone().downcast().expect("the factory makes one");
        let reader =
            meeting.read(true, move |bytes| source.push_buffer(gst::Buffer::from_slice(bytes)).is_ok())?;
        let painted = reader.painter();
        let pad = self.source.static_pad("src").expect("an appsrc has a source pad");
        pad.add_probe(gst::PadProbeType::EVENT_UPSTREAM, move |_, info| {
            match info.event().and_then(painted_of) {
                Some(bytes) => {
                    painted(bytes);
                    gst::PadProbeReturn::Handled
                }
                None => gst::PadProbeReturn::Ok,
            }
        });
        self.reader = Some(reader);
        Ok(())
    }
}

impl Drop for ShownScreen {
    fn drop(&mut self) {
        self.reader = None;
        self.relay.release_request_pad(&self.pad);
        for element in [&self.source, self.bin.upcast_ref()] {
            // Held in its last state, so that a pipeline that changes its own state does not start it again.
            element.set_locked_state(true);
            let _ = element.set_state(gst::State::Null);
            // It is refused when it never came in.
            let _ = self.pipeline.remove(element);
        }
    }
}

/// Of the pictures that are held, those pass that are new, one a second, and one when a key frame is wanted.
fn pass_changes(bin: &gst::Bin) {
    let is_wanted = Arc::new(AtomicBool::new(false));
    let wanted = Arc::clone(&is_wanted);
    let source = |name: &str| {
        let element = bin.by_name(name).expect("it is in the line");
        element.static_pad("src").expect("it has a source pad")
    };
    source("encoder").add_probe(gst::PadProbeType::EVENT_UPSTREAM, move |_, info| {
        if info.event().is_some_and(|event| event.has_name("GstForceKeyUnit")) {
            wanted.store(true, Ordering::Relaxed);
        }
        gst::PadProbeReturn::Ok
    });
    let last: Mutex<Option<(usize, gst::ClockTime)>> = Mutex::new(None);
    source("hold").add_probe(gst::PadProbeType::BUFFER, move |_, info| {
        let Some(picture) = info.buffer() else { return gst::PadProbeReturn::Ok };
        let pts = picture.pts().unwrap_or_default();
        // What is repeated lies in the same memory.
        let memory = picture.memory(0).map_or(0, |memory| memory.as_ptr() as usize);
        let mut last = last.lock();
        let rests = last.is_some_and(|(before, at)| before == memory && pts < at + REST);
        if rests && !is_wanted.swap(false, Ordering::Relaxed) {
            return gst::PadProbeReturn::Drop;
        }
        *last = Some((memory, pts));
        gst::PadProbeReturn::Ok
    });
}
