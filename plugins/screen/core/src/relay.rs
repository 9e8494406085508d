//! One presenter, many viewers, each at its own pace.

use std::time::Duration;

use bytes::Bytes;

use crate::{ScreenSize, StreamError};

/// Who watches; the caller chooses the numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ViewerId(pub u32);

/// What happens to a relay.
#[derive(Clone, Copy, Debug)]
pub enum Input<'a> {
    /// The presenter's next bytes, in pieces of any size.
    Stream(&'a [u8]),
    /// The next bytes come from a fresh stream. A half update is forgotten; viewers keep the screen that is held.
    PresenterChanged,
    /// Somebody watches from now on: a stream of their own begins, with `Start` and the whole screen.
    Join(ViewerId),
    /// Somebody no longer watches.
    Leave(ViewerId),
    /// A viewer has painted this much of its stream, counted from its `Join`.
    Painted {
        /// Who.
        viewer: ViewerId,
        /// Bytes up to the end of the last shown `Update`.
        bytes: u64,
    },
}

/// What to do for a viewer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Send this, then poll again.
    Send(Bytes),
    /// Nothing to send now. Poll again after the next [`Relay::handle`], and at `until` when there is one.
    Wait {
        /// When there will be something to send without any further input.
        until: Option<Duration>,
    },
}

/// One presenter, many viewers, each at its own pace.
#[derive(Debug, Default)]
pub struct Relay {}

impl Relay {
    /// A relay without a screen and without viewers.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in what happened; `now` is the time since any fixed start. An error refuses the presenter's stream until
    /// [`Input::PresenterChanged`] or a piece that begins with `Start`; viewers keep the last good screen.
    pub fn handle(&mut self, _input: Input<'_>, _now: Duration) -> Result<(), StreamError> {
        todo!()
    }

    /// The next piece for this viewer (whole records), or how long to wait.
    pub fn poll(&mut self, _viewer: ViewerId, _now: Duration) -> Output {
        todo!()
    }

    /// Bytes of the presenter's stream taken in since the last [`Input::PresenterChanged`].
    pub fn taken_bytes(&self) -> u64 {
        todo!()
    }

    /// The held screen's size, once there is one.
    pub fn size(&self) -> Option<ScreenSize> {
        todo!()
    }
}
