//! How a rectangle is painted.

use crate::graphic;
use crate::webp::{self, Effort, Grade};
use crate::{Canvas, Colour, Picture, Record, Rect};

/// Of a rectangle that palettes do not help, fewer pixels than one in so many repeat their left neighbour.
const PHOTOGRAPH_REPEATS: usize = 4;
/// One row in so many is looked at for it.
const ROWS_SAMPLED: usize = 4;

/// Bits a pixel beyond which a graphic is given up, and up to which nothing else is tried: text takes one or two, and what takes four is
/// shorter as WebP for the most part.
const GRAPHIC_BITS_MAX: usize = 4;
const SHORT_BITS: usize = 2;
/// So many bytes more, as each of few pixels takes more.
const SMALL_BYTES: usize = 256;
/// Of fewer pixels a graphic is always tried.
const SMALL_AREA: usize = 64 * 64;

/// A way to paint a rectangle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Op {
    Fill(Colour),
    Lossless(Effort),
    /// For photographs, which are refined when they rest.
    Lossy(Grade),
    /// The same for text that the line cannot carry soon: this record paints it in few colours.
    Few(Record),
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
    Op::Lossless(if is_photograph(canvas, rect) { Effort::Quick } else { Effort::Thorough })
}

impl Op {
    /// The reader has the canvas's pixels after it.
    pub(crate) fn is_exact(&self) -> bool {
        !matches!(self, Self::Lossy(_) | Self::Few(_))
    }

    /// The record that paints the canvas's present content.
    pub(crate) fn record(&self, canvas: &Canvas, rect: Rect) -> Record {
        match self {
            Self::Fill(colour) => Record::Fill { rect, colour: *colour },
            Self::Few(record) => record.clone(),
            Self::Lossless(effort) => Record::Picture { rect, picture: lossless(canvas, rect, *effort) },
            Self::Lossy(grade) => {
                let file = webp::encode_lossy(canvas.pixels(), canvas.stride(), rect, *grade);
                Record::Picture { rect, picture: Picture::WebP(file) }
            }
            Self::Recall { key, picture } => Record::Recall { rect, key: *key, picture: picture.clone() },
        }
    }
}

/// In the form that takes less; a graphic that is short for its area does, without looking.
fn lossless(canvas: &Canvas, rect: Rect, effort: Effort) -> Picture {
    let (pixels, stride) = (canvas.pixels(), canvas.stride());
    let graphic = may_be_graphic(canvas, rect)
        .then(|| graphic::encode(pixels, stride, rect, bytes_of(rect, GRAPHIC_BITS_MAX)))
        .flatten();
    if let Some(graphic) = graphic.as_ref().filter(|graphic| graphic.len() <= short_bytes(rect)) {
        return Picture::Graphic(graphic.clone());
    }
    let file = webp::encode_lossless(pixels, stride, rect, effort);
    match graphic {
        Some(graphic) if graphic.len() <= file.len() => Picture::Graphic(graphic),
        _ => Picture::WebP(file),
    }
}

/// Whether a graphic may be shorter than a WebP picture.
pub(super) fn may_be_graphic(canvas: &Canvas, rect: Rect) -> bool {
    rect.area() < SMALL_AREA || !is_photograph(canvas, rect)
}

/// Up to so many bytes a graphic of the rectangle is taken without looking at anything else.
pub(super) fn short_bytes(rect: Rect) -> usize {
    bytes_of(rect, SHORT_BITS)
}

fn bytes_of(rect: Rect, bits_a_pixel: usize) -> usize {
    rect.area() * bits_a_pixel / 8 + SMALL_BYTES
}

/// Whether palettes do not help.
fn is_photograph(canvas: &Canvas, rect: Rect) -> bool {
    ROWS_SAMPLED * repeats(canvas, rect) * PHOTOGRAPH_REPEATS < rect.area()
}

/// Pixels of the sampled rows that are as their left neighbour.
fn repeats(canvas: &Canvas, rect: Rect) -> usize {
    let in_row = |y| {
        let pixels: &[[u8; 4]] = canvas.row(rect, y).as_chunks().0;
        pixels.iter().zip(&pixels[1..]).filter(|(left, right)| left == right).count()
    };
    (usize::from(rect.y)..rect.bottom() as usize).step_by(ROWS_SAMPLED).map(in_row).sum()
}
