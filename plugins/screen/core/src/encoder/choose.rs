//! How a rectangle is painted.

use bytes::Bytes;

use crate::graphic;
use crate::webp::{self, Effort, Grade};
use crate::{Canvas, Colour, Picture, Record, Rect};

/// Of a rectangle that palettes do not help, fewer pixels than one in so many repeat their left neighbour.
const PHOTOGRAPH_REPEATS: usize = 4;
/// One row in so many is looked at for it.
const ROWS_SAMPLED: usize = 4;

/// Bits a pixel beyond which a graphic is not looked at, and up to which nothing else is: text takes one or two, and what takes
/// four is nearly always shorter as WebP.
const GRAPHIC_BITS_MAX: usize = 4;
const SHORT_BITS: usize = 1;
/// So many bytes more, as few pixels take more each.
const SMALL_BYTES: usize = 64;

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
        picture: Picture,
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
            Self::Lossless(effort) => Record::Picture { rect, picture: lossless(canvas, rect, effort) },
            Self::Lossy(grade) => {
                let file = webp::encode_lossy(canvas.pixels(), canvas.stride(), rect, grade);
                Record::Picture { rect, picture: Picture::WebP(file) }
            }
            Self::Recall { key, picture } => Record::Recall { rect, key, picture },
        }
    }
}

/// In the form that takes less; a graphic that is short for its area is, without looking.
fn lossless(canvas: &Canvas, rect: Rect, effort: Effort) -> Picture {
    let (pixels, stride) = (canvas.pixels(), canvas.stride());
    let bytes_max = rect.area() * GRAPHIC_BITS_MAX / 8 + SMALL_BYTES;
    let graphic = graphic::encode(pixels, stride, rect, bytes_max);
    let is_short = |graphic: &Bytes| graphic.len() <= rect.area() * SHORT_BITS / 8 + SMALL_BYTES;
    if let Some(graphic) = graphic.clone().filter(is_short) {
        return Picture::Graphic(graphic);
    }
    let file = webp::encode_lossless(pixels, stride, rect, effort);
    match graphic {
        Some(graphic) if graphic.len() <= file.len() => Picture::Graphic(graphic),
        _ => Picture::WebP(file),
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
