//! Pixels in, stream out.
//!
//! The encoder keeps two canvases: `reference` is what a reader has, `next` what it shall have. A frame is compared with `next` at memory
//! speed; what differs is copied there. Then moves are found, checked and applied to the reference, and only what still differs is
//! painted. So whatever the search for moves does or misses, the reader ends with the frame's pixels.

mod choose;
mod compare;
mod merge;
mod moves;
mod pointer;

use std::time::Duration;

use bytes::{Bytes, BytesMut};

use crate::{Canvas, Frame, Point, Record, Rect, ScreenSize};
use pointer::Pointer;

pub(crate) use choose::choose;
pub use pointer::CursorError;

/// Compares each frame with what a reader has, and writes what the reader needs.
#[derive(Debug, Default)]
pub struct Encoder {
    canvases: Option<Canvases>,
    pointer: Pointer,
    /// `Start` was sent, and nothing asked for another one.
    started: bool,
}

#[derive(Debug)]
struct Canvases {
    reference: Canvas,
    next: Canvas,
    /// Nothing was painted yet, so nothing can have moved.
    is_black: bool,
}

impl Encoder {
    /// An encoder whose first frame begins a stream.
    pub fn new() -> Self {
        Self::default()
    }

    /// One whole update that shows this frame and the newest cursor (`Start` and `Size` in front the first time, `Size` when it
    /// changed); `None` when nothing changed.
    ///
    /// # Panics
    /// When `frame.pixels` is too short for its size and stride.
    pub fn frame(&mut self, frame: Frame<'_>, time: Duration) -> Option<Bytes> {
        let mut out = BytesMut::new();
        if !self.started {
            Record::Start.write(&mut out);
            self.started = true;
            self.canvases = None;
        }
        let canvases = match &mut self.canvases {
            Some(canvases) if canvases.reference.size() == frame.size => canvases,
            canvases => {
                Record::Size(frame.size).write(&mut out);
                canvases.insert(Canvases::black(frame.size))
            }
        };
        canvases.advance(frame, &mut out);
        self.pointer.write_changes(&mut out);
        end_update(out, time)
    }

    /// The pointer's hot spot is here; goes out with the next update.
    pub fn move_cursor(&mut self, x: i16, y: i16, visible: bool) {
        self.pointer.place(x, y, visible);
    }

    /// The pointer looks like this from now on: BGRA with straight alpha, tight rows; goes out with the next update.
    pub fn shape_cursor(
        &mut self,
        hot: Point,
        width: u16,
        height: u16,
        bgra: &[u8],
    ) -> Result<(), CursorError> {
        self.pointer.shape(hot, (width, height), bgra)
    }

    /// Cursor changes alone, as an update of its own; `None` when there are none, or while no frame was sent.
    pub fn cursor_update(&mut self, time: Duration) -> Option<Bytes> {
        if !self.started {
            return None;
        }
        let mut out = BytesMut::new();
        self.pointer.write_changes(&mut out);
        end_update(out, time)
    }

    /// The next frame begins with `Start` and carries the whole screen.
    pub fn restart(&mut self) {
        self.started = false;
        self.pointer.forget_sent();
    }
}

impl Canvases {
    fn black(size: ScreenSize) -> Self {
        Self { reference: Canvas::new(size), next: Canvas::new(size), is_black: true }
    }

    /// Writes what turns the reference into the frame.
    fn advance(&mut self, frame: Frame<'_>, out: &mut BytesMut) {
        let mut dirty = compare::take_in(frame, &mut self.next);
        let moves = if self.is_black {
            Vec::new()
        } else {
            moves::find_and_apply(&self.next, &mut self.reference, &dirty)
        };
        self.is_black = false;
        moves.iter().for_each(|record| record.write(out));
        if !moves.is_empty() {
            dirty = compare::still_dirty(&self.next, &self.reference, &dirty);
        }
        for record in self.paint(merge::merge(&dirty)) {
            record.write(out);
        }
        dirty.iter().for_each(|&rect| self.reference.copy_from(&self.next, rect));
    }

    fn paint(&self, rects: Vec<Rect>) -> Vec<Record> {
        let chosen = rects.into_iter().map(|rect| (rect, choose(&self.next, rect))).collect();
        let chosen = merge::merge_fills(chosen);
        chosen.into_iter().map(|(rect, op)| op.record(&self.next, rect)).collect()
    }
}

fn end_update(mut out: BytesMut, time: Duration) -> Option<Bytes> {
    if out.is_empty() {
        return None;
    }
    let time_us = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
    Record::Update { time_us }.write(&mut out);
    Some(out.freeze())
}
