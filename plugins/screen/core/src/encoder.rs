//! Pixels in, stream out.

use std::time::Duration;

use bytes::Bytes;

use crate::{Frame, Point};

/// Why a cursor's shape was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CursorError {
    /// A side of 0 or over [`crate::CURSOR_SIDE_MAX`].
    #[error(
        "a cursor of {width} x {height} pixels is outside of the limits (1 to {})",
        crate::CURSOR_SIDE_MAX
    )]
    BadSize {
        /// Pixels a row.
        width: u16,
        /// Rows.
        height: u16,
    },
    /// The hot spot is not one of the picture's pixels.
    #[error("the cursor's hot spot {x}, {y} is outside of its picture")]
    BadHotSpot {
        /// Pixels from the left edge.
        x: u16,
        /// Pixels from the top edge.
        y: u16,
    },
    /// Not 4 bytes a pixel.
    #[error("the cursor's picture has {got} bytes; its size needs {need}")]
    BadLength {
        /// Bytes that came.
        got: usize,
        /// Bytes that the size needs.
        need: usize,
    },
}

/// Compares each frame with what a reader has, and writes what the reader needs.
#[derive(Debug, Default)]
pub struct Encoder {}

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
    pub fn frame(&mut self, _frame: Frame<'_>, _time: Duration) -> Option<Bytes> {
        todo!()
    }

    /// The pointer's hot spot is here; goes out with the next update.
    pub fn move_cursor(&mut self, _x: i16, _y: i16, _visible: bool) {
        todo!()
    }

    /// The pointer looks like this from now on: BGRA with straight alpha, tight rows; goes out with the next update.
    pub fn shape_cursor(
        &mut self,
        _hot: Point,
        _width: u16,
        _height: u16,
        _bgra: &[u8],
    ) -> Result<(), CursorError> {
        todo!()
    }

    /// Cursor changes alone, as an update of its own; `None` when there are none, or while no frame was sent.
    pub fn cursor_update(&mut self, _time: Duration) -> Option<Bytes> {
        todo!()
    }

    /// The next frame begins with `Start` and carries the whole screen.
    pub fn restart(&mut self) {
        todo!()
    }
}
