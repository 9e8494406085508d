//! BGRx to the planes of a film and back: BT.601, limited range, 4:2:0.

use crate::canvas::PIXEL_BYTES;
use crate::{Canvas, Rect};

type Pixel = [u8; PIXEL_BYTES];

/// A picture as VP8 has it: each plane with tight rows. Chroma has half the sides, rounded up.
#[derive(Debug)]
pub(super) struct Planes {
    width: usize,
    height: usize,
    bytes: Vec<u8>,
}

/// A plane that somebody else owns.
#[derive(Clone, Copy, Debug)]
pub struct Plane<'a> {
    /// From the first row's first pixel to the last row's last one.
    pub bytes: &'a [u8],
    /// Bytes from a row to the next.
    pub stride: usize,
}

impl Planes {
    pub(super) fn new(width: u16, height: u16) -> Self {
        let (width, height) = (usize::from(width), usize::from(height));
        let chroma = width.div_ceil(2) * height.div_ceil(2);
        Self { width, height, bytes: vec![0; width * height + 2 * chroma] }
    }

    /// Luma, then both planes of chroma, one behind the other.
    pub(super) fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.bytes
    }

    /// Takes in the pixels of `rect`, which has the size of these planes.
    pub(super) fn take_in(&mut self, canvas: &Canvas, rect: Rect) {
        let (width, chroma_width) = (self.width, self.width.div_ceil(2));
        let (luma, chroma) = self.bytes.split_at_mut(width * self.height);
        let (blues, reds) = chroma.split_at_mut(chroma_width * self.height.div_ceil(2));
        let row = |y: usize| canvas.row(rect, usize::from(rect.y) + y).as_chunks::<PIXEL_BYTES>().0;
        let chroma_rows = blues.chunks_exact_mut(chroma_width).zip(reds.chunks_exact_mut(chroma_width));
        for ((pair, luma), (blues, reds)) in (0..).zip(luma.chunks_mut(2 * width)).zip(chroma_rows) {
            let upper = row(2 * pair);
            // The last row of an odd height stands for two.
            let lower = if 2 * pair + 1 < self.height { row(2 * pair + 1) } else { upper };
            let mut luma = luma.chunks_exact_mut(width);
            luma.next().into_iter().for_each(|luma| write_luma(upper, luma));
            luma.next().into_iter().for_each(|luma| write_luma(lower, luma));
            write_chroma(upper, lower, blues, reds);
        }
    }
}

/// Paints `rect` with planes of its size.
pub(super) fn paint([luma, blues, reds]: [Plane<'_>; 3], canvas: &mut Canvas, rect: Rect) {
    let (width, chroma_width) = (usize::from(rect.width), usize::from(rect.width).div_ceil(2));
    for y in 0..usize::from(rect.height) {
        let luma = &luma.bytes[y * luma.stride..][..width];
        let blues = &blues.bytes[y / 2 * blues.stride..][..chroma_width];
        let reds = &reds.bytes[y / 2 * reds.stride..][..chroma_width];
        paint_row(luma, blues, reds, canvas.row_mut(rect, usize::from(rect.y) + y).as_chunks_mut().0);
    }
}

fn write_luma(pixels: &[Pixel], luma: &mut [u8]) {
    for (pixel, luma) in pixels.iter().zip(luma) {
        let [blue, green, red, _] = pixel.map(u32::from);
        *luma = ((66 * red + 129 * green + 25 * blue + 128 + (16 << 8)) >> 8) as u8;
    }
}

/// A sample of chroma is the mean of 2 x 2 pixels; the last column of an odd width stands for two.
fn write_chroma(upper: &[Pixel], lower: &[Pixel], blues: &mut [u8], reds: &mut [u8]) {
    let (upper_pairs, upper_last) = upper.as_chunks::<2>();
    let (lower_pairs, lower_last) = lower.as_chunks::<2>();
    let pairs = upper_pairs.iter().zip(lower_pairs);
    for (((above, below), blue), red) in pairs.zip(blues.iter_mut()).zip(reds.iter_mut()) {
        (*blue, *red) = chroma([above[0], above[1], below[0], below[1]]);
    }
    if let ([above], [below]) = (upper_last, lower_last) {
        let last = blues.len() - 1;
        (blues[last], reds[last]) = chroma([*above, *above, *below, *below]);
    }
}

#[inline]
fn chroma(pixels: [Pixel; 4]) -> (u8, u8) {
    let sum = |channel: usize| pixels.iter().map(|pixel| i32::from(pixel[channel])).sum::<i32>();
    let (blue, green, red) = (sum(0), sum(1), sum(2));
    // Ten bits of fraction: eight of the coefficients, two of the sum of four.
    let rounded = (128 << 10) + 512;
    let u = (112 * blue - 74 * green - 38 * red + rounded) >> 10;
    let v = (112 * red - 94 * green - 18 * blue + rounded) >> 10;
    (u as u8, v as u8)
}

fn paint_row(luma: &[u8], blues: &[u8], reds: &[u8], out: &mut [Pixel]) {
    let chroma = blues.iter().zip(reds);
    for ((luma, (&blue, &red)), out) in luma.chunks(2).zip(chroma).zip(out.chunks_mut(2)) {
        let (u, v) = (i32::from(blue) - 128, i32::from(red) - 128);
        let (to_blue, to_green, to_red) = (516 * u + 128, 128 - 100 * u - 208 * v, 409 * v + 128);
        for (&luma, out) in luma.iter().zip(out) {
            let y = 298 * (i32::from(luma) - 16);
            let channel = |difference: i32| ((y + difference) >> 8).clamp(0, 255) as u8;
            *out = [channel(to_blue), channel(to_green), channel(to_red), 0xff];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use crate::{Colour, Record, ScreenSize};

    fn canvas_of((width, height): (u16, u16), rect: Rect, [blue, green, red]: [u8; 3]) -> Canvas {
        let mut canvas = Canvas::new(ScreenSize::new(width.into(), height.into()).unwrap());
        canvas.apply(&Record::Fill { rect, colour: Colour { red, green, blue } }).unwrap();
        canvas
    }

    /// There and back: what is left of pixels whose neighbours have the same colour.
    fn there_and_back(colour: [u8; 3], (width, height): (u16, u16)) -> Canvas {
        let rect = Rect::new(0, 0, width, height);
        let mut planes = Planes::new(width, height);
        planes.take_in(&canvas_of((width, height), rect, colour), rect);
        let mut out = canvas_of((width, height), rect, [1, 2, 3]);
        let (width, height) = (usize::from(width), usize::from(height));
        let half = width.div_ceil(2);
        let (luma, chroma) = planes.bytes.split_at(width * height);
        let (blues, reds) = chroma.split_at(chroma.len() / 2);
        let plane = |bytes, stride| Plane { bytes, stride };
        paint([plane(luma, width), plane(blues, half), plane(reds, half)], &mut out, rect);
        out
    }

    #[test]
    fn colours_come_back_nearly_in_odd_and_even_sizes() {
        for size in [(1, 1), (2, 2), (5, 3), (4, 7), (33, 1)] {
            for colour in
                [[0, 0, 0], [255; 3], [255, 0, 0], [0, 255, 0], [0, 0, 255], [13, 200, 99], [128; 3]]
            {
                let out = there_and_back(colour, size);
                for pixel in out.pixels().as_chunks::<4>().0 {
                    let off = (0..3).map(|i| pixel[i].abs_diff(colour[i])).max();
                    assert!(off <= Some(4) && pixel[3] == 0xff, "{colour:?} in {size:?} became {pixel:?}");
                }
            }
        }
    }

    #[test]
    fn black_and_white_have_the_limits_of_the_range() {
        let mut planes = Planes::new(2, 2);
        let rect = Rect::new(0, 0, 2, 2);
        planes.take_in(&canvas_of((2, 2), rect, [0; 3]), rect);
        assert_eq!(planes.bytes, [16, 16, 16, 16, 128, 128]);
        planes.take_in(&canvas_of((2, 2), rect, [0xff; 3]), rect);
        assert_eq!(planes.bytes, [235, 235, 235, 235, 128, 128]);
    }

    #[test]
    fn a_rectangle_is_taken_from_where_it_lies() {
        let rect = Rect::new(3, 2, 3, 3);
        let mut planes = Planes::new(3, 3);
        planes.take_in(&canvas_of((8, 6), rect, [0xff; 3]), rect);
        assert_eq!(planes.bytes[..9], [235; 9]);
        assert_eq!(planes.bytes[9..], [128; 8]);
    }
}
