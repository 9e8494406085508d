//! How a rectangle is painted.

use crate::{Canvas, Colour, Record, Rect, webp};

/// A way to paint a rectangle. Lossy pictures for photographs and video for films will stand here too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Op {
    Fill(Colour),
    Lossless,
}

/// Decides from the rectangle's pixels.
pub(crate) fn choose(canvas: &Canvas, rect: Rect) -> Op {
    canvas.single_colour(rect).map_or(Op::Lossless, Op::Fill)
}

impl Op {
    /// The record that paints the canvas's present content.
    pub(crate) fn record(self, canvas: &Canvas, rect: Rect) -> Record {
        match self {
            Self::Fill(colour) => Record::Fill { rect, colour },
            Self::Lossless => {
                Record::Picture { rect, webp: webp::encode_lossless(canvas.pixels(), canvas.stride(), rect) }
            }
        }
    }
}
