//! Pictures of few colours, such as text and line work: the form of a `Graphic` record.
//!
//! Each pixel is foretold from those before it, and a range coder is told whether that was right. The same model does it while writing and while
//! reading (`model`), so both always expect the same.

mod colours;
mod model;
mod range;

use bytes::Bytes;

use crate::Rect;
use crate::canvas::PIXEL_BYTES;
use model::Model;

/// Why a graphic was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("these {bytes} bytes are too few or too many for the picture that they begin")]
pub struct GraphicError {
    /// Length of what came.
    pub bytes: usize,
}

/// Encodes `rect` of a BGRx picture with rows of `stride` bytes; `None` as soon as it takes more than `bytes_max`.
///
/// # Panics
/// When the rectangle is empty or not within `pixels`.
pub fn encode(pixels: &[u8], stride: usize, rect: Rect, bytes_max: usize) -> Option<Bytes> {
    encode_by(&mut Model::for_area(rect.area()), pixels, stride, rect, bytes_max)
}

/// Decodes a graphic of just this size to BGRx rows of `stride` bytes, the first at `out[0]`. After an error some of the pixels may have been
/// written.
///
/// # Panics
/// When `out` is too short for the size.
pub fn decode(
    graphic: &[u8],
    (width, height): (u16, u16),
    out: &mut [u8],
    stride: usize,
) -> Result<(), GraphicError> {
    let area = usize::from(width) * usize::from(height);
    decode_by(&mut Model::for_area(area), graphic, (width, height), out, stride)
}

/// Graphics one after another, each coded with what those before it have taught: the form of `Serial` records. Letters that came once take half
/// of the bytes when they come again.
#[derive(Debug)]
pub struct Series(Model);

impl Default for Series {
    fn default() -> Self {
        Self(Model::for_series())
    }
}

impl Series {
    /// As [`encode`]. What takes too much leaves nothing behind: the next one is coded as if it had not been tried.
    ///
    /// # Panics
    /// When the rectangle is empty or not within `pixels`.
    pub fn encode(&mut self, pixels: &[u8], stride: usize, rect: Rect, bytes_max: usize) -> Option<Bytes> {
        let mark = self.0.mark();
        let graphic = encode_by(&mut self.0, pixels, stride, rect, bytes_max);
        match graphic {
            Some(_) => self.0.keep(),
            None => self.0.forget(mark),
        }
        graphic
    }

    /// As [`decode`]. After an error the series is over.
    ///
    /// # Panics
    /// When `out` is too short for the size.
    pub fn decode(
        &mut self,
        graphic: &[u8],
        size: (u16, u16),
        out: &mut [u8],
        stride: usize,
    ) -> Result<(), GraphicError> {
        decode_by(&mut self.0, graphic, size, out, stride)
    }
}

fn encode_by(model: &mut Model, pixels: &[u8], stride: usize, rect: Rect, bytes_max: usize) -> Option<Bytes> {
    let width = usize::from(rect.width);
    let rows = (usize::from(rect.y)..rect.bottom() as usize).map(|y| {
        let start = y * stride + usize::from(rect.x) * PIXEL_BYTES;
        &pixels[start..start + width * PIXEL_BYTES]
    });
    let mut coder = range::Encoder::new();
    model.begin(&mut coder, width, background(rows.clone()));
    let mut row = vec![0; width];
    for pixels in rows {
        for (colour, pixel) in row.iter_mut().zip(pixels.as_chunks().0) {
            *colour = colour_of(*pixel);
        }
        model.row(&mut coder, &mut row);
        if bytes_max < coder.len() {
            return None;
        }
    }
    Some(coder.finish().into()).filter(|graphic: &Bytes| graphic.len() <= bytes_max)
}

fn decode_by(
    model: &mut Model,
    graphic: &[u8],
    (width, height): (u16, u16),
    out: &mut [u8],
    stride: usize,
) -> Result<(), GraphicError> {
    let error = GraphicError { bytes: graphic.len() };
    let mut coder = range::Decoder::new(graphic);
    model.begin(&mut coder, width.into(), 0);
    let mut row = vec![0; width.into()];
    for pixels in out.chunks_mut(stride).take(height.into()) {
        model.row(&mut coder, &mut row);
        if coder.is_exhausted() {
            return Err(error);
        }
        for (pixel, colour) in pixels.as_chunks_mut().0.iter_mut().zip(&row) {
            *pixel = (colour | 0xff00_0000).to_le_bytes();
        }
    }
    if coder.is_at_end() { Ok(()) } else { Err(error) }
}

/// The colour that most pixels have, if there is one; else any that is frequent (Boyer and Moore's vote).
fn background<'a>(rows: impl Iterator<Item = &'a [u8]>) -> u32 {
    let (mut winner, mut votes) = ([0; PIXEL_BYTES], 0_usize);
    for &pixel in rows.flat_map(|row| row.as_chunks().0) {
        match votes {
            0 => (winner, votes) = (pixel, 1),
            _ if winner == pixel => votes += 1,
            _ => votes -= 1,
        }
    }
    colour_of(winner)
}

/// 0xrrggbb.
fn colour_of(pixel: [u8; PIXEL_BYTES]) -> u32 {
    u32::from_le_bytes(pixel) & 0xff_ffff
}
