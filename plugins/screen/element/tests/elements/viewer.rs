//! Somebody who watches what a pad gives, and can be held up at will.

use std::sync::Arc;
use std::time::Duration;

use convene_screen::Decoder;
use gst::prelude::*;
use parking_lot::{Condvar, Mutex};

use crate::support::Picture;

const LIMIT: Duration = Duration::from_secs(30);

/// A sink pad with a decoder behind it.
pub struct Viewer {
    pub pad: gst::Pad,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    seen: Mutex<Seen>,
    changed: Condvar,
}

/// What a viewer has got so far.
#[derive(Default)]
pub struct Seen {
    decoder: Decoder,
    pub bytes: u64,
    pub buffers: usize,
    /// Buffers that a reader can begin with.
    pub beginnings: usize,
    pub events: Vec<gst::EventType>,
    pub is_held_up: bool,
    flushing: bool,
}

impl Viewer {
    /// Linked to this source pad.
    pub fn of(pad: &gst::Pad) -> Self {
        let viewer = Self::unlinked();
        pad.link(&viewer.pad).expect("a sink pad without caps links with everything");
        viewer
    }

    pub fn unlinked() -> Self {
        let shared = Arc::new(Shared::default());
        let (chain, event) = (Arc::clone(&shared), Arc::clone(&shared));
        let pad = gst::Pad::builder(gst::PadDirection::Sink)
            .chain_function(move |_, _, buffer| chain.take(&buffer))
            .event_function(move |_, _, what| {
                let mut seen = event.seen.lock();
                match what.type_() {
                    gst::EventType::FlushStart => seen.flushing = true,
                    gst::EventType::FlushStop => seen.flushing = false,
                    _ => {}
                }
                seen.events.push(what.type_());
                event.changed.notify_all();
                true
            })
            .build();
        pad.set_active(true).expect("a lonely pad can be activated");
        Self { pad, shared }
    }

    /// From now on nothing more is taken, and whoever pushes waits.
    pub fn hold_up(&self) {
        self.shared.seen.lock().is_held_up = true;
    }

    pub fn let_go(&self) {
        self.shared.seen.lock().is_held_up = false;
        self.shared.changed.notify_all();
    }

    /// Looks at what it has got so far.
    pub fn look<T>(&self, look: impl FnOnce(&Seen) -> T) -> T {
        look(&self.shared.seen.lock())
    }

    pub fn wait_until(&self, what: &str, ready: impl Fn(&Seen) -> bool) {
        let mut seen = self.shared.seen.lock();
        let waited = self.shared.changed.wait_while_for(&mut seen, |seen| !ready(seen), LIMIT);
        assert!(
            !waited.timed_out(),
            "{what}: {} bytes in {} buffers, {:?}",
            seen.bytes,
            seen.buffers,
            seen.events
        );
    }

    pub fn wait_for_picture(&self, picture: &Picture) {
        self.wait_until("the picture is shown", |seen| seen.picture().as_ref() == Some(picture));
    }

    pub fn wait_for_end(&self) {
        self.wait_until("the stream ends", |seen| seen.events.last() == Some(&gst::EventType::Eos));
    }
}

impl Seen {
    /// What is on show.
    pub fn picture(&self) -> Option<Picture> {
        let canvas = self.decoder.canvas()?;
        Some(Picture {
            width: canvas.size().width().into(),
            height: canvas.size().height().into(),
            rgb: canvas.pixels().chunks_exact(4).flat_map(|pixel| [pixel[2], pixel[1], pixel[0]]).collect(),
        })
    }

    pub fn painted_bytes(&self) -> u64 {
        self.decoder.painted_bytes()
    }
}

impl Shared {
    fn take(&self, buffer: &gst::Buffer) -> Result<gst::FlowSuccess, gst::FlowError> {
        let mut seen = self.seen.lock();
        self.changed.wait_while(&mut seen, |seen| seen.is_held_up && !seen.flushing);
        if seen.flushing {
            return Err(gst::FlowError::Flushing);
        }
        let bytes = buffer.map_readable().expect("a buffer can be read");
        seen.bytes += bytes.len() as u64;
        seen.buffers += 1;
        if !buffer.flags().contains(gst::BufferFlags::DELTA_UNIT) {
            seen.beginnings += 1;
        }
        seen.decoder.push(&bytes);
        while seen.decoder.next_update().expect("a relay sends good streams").is_some() {}
        self.changed.notify_all();
        Ok(gst::FlowSuccess::Ok)
    }
}
