//! How a rectangle is painted.

use bytes::Bytes;

use crate::webp::{self, Effort, Grade};
use crate::{Canvas, Colour, Record, Rect};

/// Of a rectangle that palettes do not help, fewer pixels than one in so many repeat their left neighbour.
const PHOTOGRAPH_REPEATS: usize = 4;
/// One row in so many is looked at for it.
const ROWS_SAMPLED: usize = 4;

/// A way to paint a rectangle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Op {
    Fill(Colour),
    Lossless(Effort),
    /// For photographs, which are refined when they rest.
    Lossy(Grade),
    /// The reader has this picture.
    Recall {
        key: u64,
        webp: Bytes,
    },
}

/// How the rectangle is painted exactly, decided from its pixels.
pub(crate) fn choose(canvas: &Canvas, rect: Rect) -> Op {
    if let Some(colour) = canvas.single_colour(rect) {
        return Op::Fill(colour);
    }
    let is_photograph = ROWS_SAMPLED * repeats(canvas, rect) * PHOTOGRAPH_REPEATS < rect.area();
    Op::Lossless(if is_photograph { Effort::Quick } else { Effort::Thorough })
}

impl Op {
    /// The reader has the canvas's pixels after it.
    pub(crate) fn is_exact(&self) -> bool {
        !matches!(self, Self::Lossy(_))
    }

    /// The record that paints the canvas's present content.
    pub(crate) fn record(self, canvas: &Canvas, rect: Rect) -> Record {
        match self {
            Self::Fill(colour) => Record::Fill { rect, colour },
            Self::Lossless(effort) => {
                let webp = webp::encode_lossless(canvas.pixels(), canvas.stride(), rect, effort);
                Record::Picture { rect, webp }
            }
            Self::Lossy(grade) => {
                let webp = webp::encode_lossy(canvas.pixels(), canvas.stride(), rect, grade);
                Record::Picture { rect, webp }
            }
            Self::Recall { key, webp } => Record::Recall { rect, key, webp },
        }
    }
}

/// Pixels of the sampled rows that are as their left neighbour.
fn repeats(canvas: &Canvas, rect: Rect) -> usize {
    let in_row = |y| {
        let pixels: &[[u8; 4]] = canvas.row(rect, y).as_chunks().0;
        pixels.iter().zip(&pixels[1..]).filter(|(left, right)| left == right).count()
    };
    (usize::from(rect.y)..rect.bottom() as usize).step_by(ROWS_SAMPLED).map(in_row).sum()
}
