//! The pointer at the writer: what it is, and what a reader has been told of it.

use bytes::BytesMut;

use crate::webp::{self, Effort};
use crate::{CURSOR_SIDE_MAX, CursorShape, Point, Record, Rect};

/// Why a cursor's shape was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CursorError {
    /// A side of 0 or over [`crate::CURSOR_SIDE_MAX`].
    #[error("a cursor of {width} x {height} pixels is outside of the limits (1 to {CURSOR_SIDE_MAX} a side)")]
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

#[derive(Debug, Default)]
pub(super) struct Pointer {
    shape: Option<CursorShape>,
    shape_sent: bool,
    place: Option<Place>,
    sent_place: Option<Place>,
}

type Place = (i16, i16, bool);

impl Pointer {
    pub(super) fn place(&mut self, x: i16, y: i16, visible: bool) {
        self.place = Some((x, y, visible));
    }

    pub(super) fn shape(
        &mut self,
        hot: Point,
        (width, height): (u16, u16),
        bgra: &[u8],
    ) -> Result<(), CursorError> {
        if width == 0 || height == 0 || CURSOR_SIDE_MAX < width.max(height) {
            return Err(CursorError::BadSize { width, height });
        }
        if width <= hot.x || height <= hot.y {
            return Err(CursorError::BadHotSpot { x: hot.x, y: hot.y });
        }
        let rect = Rect::new(0, 0, width, height);
        let need = rect.area() * 4;
        if bgra.len() != need {
            return Err(CursorError::BadLength { got: bgra.len(), need });
        }
        let webp = webp::encode_lossless(bgra, usize::from(width) * 4, rect, Effort::Thorough);
        let shape = CursorShape { hot, width, height, webp };
        if self.shape.as_ref() != Some(&shape) {
            self.shape = Some(shape);
            self.shape_sent = false;
        }
        Ok(())
    }

    /// A reader knows nothing from now on.
    pub(super) fn forget_sent(&mut self) {
        self.shape_sent = false;
        self.sent_place = None;
    }

    /// Writes what a reader does not know yet.
    pub(super) fn write_changes(&mut self, out: &mut BytesMut) {
        if let Some(shape) = self.shape.as_ref().filter(|_| !self.shape_sent) {
            Record::CursorShape(shape.clone()).write(out);
            self.shape_sent = true;
        }
        if let Some((x, y, visible)) = self.place.filter(|_| self.place != self.sent_place) {
            Record::Cursor { x, y, visible }.write(out);
            self.sent_place = self.place;
        }
    }
}
