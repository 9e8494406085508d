//! The composer's sink pads, and whose turn it is where pictures tell the time.

use std::sync::Arc;
use std::time::Duration;

use gst::prelude::*;
use gst_video::VideoInfo;
use parking_lot::Mutex;

use super::decoder::FeedDecoder;
use super::scene::Role;

/// A sink pad.
pub(super) struct Input {
    pub pad: gst::Pad,
    pub role: Role,
    pub segment: gst::FormattedSegment<gst::ClockTime>,
    pub format: Option<Format>,
    pub ended: bool,
    /// Something of this time waits to be shown.
    pub turn: Option<Duration>,
}

/// How its pictures come.
#[derive(Clone)]
pub(super) enum Format {
    Raw(VideoInfo),
    Vp8(Arc<Mutex<FeedDecoder>>),
}

impl Input {
    pub fn new(pad: gst::Pad, role: Role) -> Self {
        Self { pad, role, segment: gst::FormattedSegment::new(), format: None, ended: false, turn: None }
    }

    /// Whether something may still come. Nothing does into a pad of the recorder's that nobody has linked.
    fn is_open(&self) -> bool {
        let outer = self.pad.peer().and_then(|peer| peer.parent()).and_downcast::<gst::GhostPad>();
        !self.ended && outer.is_none_or(|outer| outer.is_linked())
    }
}

/// All of them, in the order in which they came.
#[derive(Default)]
pub(super) struct Inputs(pub Vec<Input>);

impl Inputs {
    pub fn of(&mut self, pad: &gst::Pad) -> Option<&mut Input> {
        self.0.iter_mut().find(|input| input.pad == *pad)
    }

    /// Takes a pad out.
    pub fn remove(&mut self, pad: &gst::Pad) -> Option<Input> {
        let at = self.0.iter().position(|input| input.pad == *pad)?;
        Some(self.0.remove(at))
    }

    /// Whether a screen may still come.
    pub fn has_screen(&self) -> bool {
        self.0.iter().any(|input| input.role == Role::Screen && !input.ended)
    }

    pub fn all_ended(&self) -> bool {
        self.0.iter().all(|input| input.ended)
    }

    /// Whether what waits at this pad is the earliest of all. Who has nothing to show yet may come with something earlier.
    pub fn is_turn_of(&self, pad: &gst::Pad) -> bool {
        let first = self.0.iter().enumerate().filter(|(_, input)| input.turn.is_some() || input.is_open());
        // `None` is before everything.
        let first = first.min_by_key(|(at, input)| (input.turn, *at));
        first.is_some_and(|(_, input)| input.turn.is_some() && input.pad == *pad)
    }
}
