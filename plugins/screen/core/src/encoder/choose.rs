//! How a rectangle is painted.

use crate::webp::{self, Effort};
use crate::{Canvas, Colour, Record, Rect};

/// A rectangle of which fewer pixels than one in so many repeat their left neighbour is a photograph.
const PHOTOGRAPH_REPEATS: usize = 4;

/// A way to paint a rectangle. Lossy pictures for photographs and video for films will stand here too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Op {
    Fill(Colour),
    Lossless(Effort),
}

/// Decides from the rectangle's pixels.
pub(crate) fn choose(canvas: &Canvas, rect: Rect) -> Op {
    if let Some(colour) = canvas.single_colour(rect) {
        return Op::Fill(colour);
    }
    let is_photograph = repeats(canvas, rect) * PHOTOGRAPH_REPEATS < rect.area();
    Op::Lossless(if is_photograph { Effort::Quick } else { Effort::Thorough })
}

impl Op {
    /// The record that paints the canvas's present content.
    pub(crate) fn record(self, canvas: &Canvas, rect: Rect) -> Record {
        match self {
            Self::Fill(colour) => Record::Fill { rect, colour },
            Self::Lossless(effort) => {
                let webp = webp::encode_lossless(canvas.pixels(), canvas.stride(), rect, effort);
                Record::Picture { rect, webp }
            }
        }
    }
}

/// Pixels that are as their left neighbour.
fn repeats(canvas: &Canvas, rect: Rect) -> usize {
    let in_row = |y| {
        let pixels: &[[u8; 4]] = canvas.row(rect, y).as_chunks().0;
        pixels.iter().zip(&pixels[1..]).filter(|(left, right)| left == right).count()
    };
    (usize::from(rect.y)..rect.bottom() as usize).map(in_row).sum()
}
