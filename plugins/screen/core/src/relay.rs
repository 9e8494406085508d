//! One presenter, many viewers, each at its own pace.
//!
//! The relay holds the screen. A viewer that keeps up is handed the presenter's own updates; what another one misses becomes dirty cells, its
//! debt, and is paid with the newest content when its line has room. Nothing is ever queued for a viewer beyond its window.

mod bands;
mod effort;
mod held;
mod lessons;
mod pictures;
mod piece;
mod presenter;
mod seat;
mod viewer;

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;

use crate::{ScreenSize, StreamError};
use held::Held;
use presenter::Presenter;
use viewer::Viewer;

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
    /// What a viewer can read. It gets pictures that stand alone until it has said so.
    Reads {
        /// Who.
        viewer: ViewerId,
        /// Films, which are VP8.
        films: bool,
        /// Series of graphics.
        series: bool,
    },
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
pub struct Relay {
    presenter: Presenter,
    held: Held,
    viewers: BTreeMap<ViewerId, Viewer>,
}

impl Relay {
    /// A relay without a screen and without viewers.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in what happened; `now` is the time since any fixed start. An error refuses the presenter's stream: it is told once, and what
    /// follows is ignored until [`Input::PresenterChanged`] or a piece that begins with `Start`. Viewers keep the last good screen.
    pub fn handle(&mut self, input: Input<'_>, now: Duration) -> Result<(), StreamError> {
        match input {
            Input::Stream(bytes) => return self.take(bytes, now),
            Input::PresenterChanged => {
                self.presenter = Presenter::default();
                self.held.undo();
            }
            Input::Join(viewer) => {
                self.viewers.insert(viewer, Viewer::new(&self.held));
            }
            Input::Leave(viewer) => {
                self.viewers.remove(&viewer);
            }
            Input::Reads { viewer, films, series } => {
                if let Some(viewer) = self.viewers.get_mut(&viewer) {
                    viewer.set_reads(films, series);
                }
            }
            Input::Painted { viewer, bytes } => {
                if let Some(viewer) = self.viewers.get_mut(&viewer) {
                    viewer.painted(bytes, now);
                }
            }
        }
        Ok(())
    }

    /// The next piece for this viewer (whole records; at most 1 MiB, unless a single record is longer), or how long to wait. What the
    /// viewer gets ends with an `Update` before anything else is sent, so every piece may be shown as it comes.
    pub fn poll(&mut self, viewer: ViewerId, now: Duration) -> Output {
        self.held.effort.begin(viewer, now);
        let piece = self.viewers.get_mut(&viewer).and_then(|viewer| viewer.next_piece(&mut self.held, now));
        piece.map_or_else(|| Output::Wait { until: self.held.effort.again_at() }, Output::Send)
    }

    /// Bytes of the presenter's stream taken in since the last [`Input::PresenterChanged`].
    pub fn taken_bytes(&self) -> u64 {
        self.presenter.taken_bytes()
    }

    /// The held screen's size, once there is one.
    pub fn size(&self) -> Option<ScreenSize> {
        self.held.size()
    }

    fn take(&mut self, bytes: &[u8], now: Duration) -> Result<(), StreamError> {
        for piece in self.presenter.accept(bytes) {
            self.presenter.push(piece);
            while let Some(update) = self.presenter.next_update(&mut self.held)? {
                for viewer in self.viewers.values_mut() {
                    viewer.offer(&update, &self.held, now);
                }
            }
        }
        Ok(())
    }
}
