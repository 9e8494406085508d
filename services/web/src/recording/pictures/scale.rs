//! Making pictures smaller.

/// The bytes of a pixel: blue, green, red, one that is not looked at.
pub(super) const PIXEL_BYTES: usize = 4;

/// The size of a picture in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Size {
    pub(super) width: usize,
    pub(super) height: usize,
}

impl Size {
    /// As wide as this at most, in the same shape; never larger than it was, and never empty.
    pub(super) fn within(self, width_max: usize) -> Self {
        let width = self.width.min(width_max).max(1);
        let height = (self.height * width).div_ceil(self.width.max(1)).max(1);
        Self { width, height }
    }
}

/// Paints a picture, row by row without gaps, onto another one of `stride` bytes a row; each pixel is the mean of those that lie under it.
pub(super) fn shrink(from: &[u8], size: Size, onto: &mut [u8], stride: usize, to: Size) {
    for (row, onto) in onto.chunks_mut(stride).take(to.height).enumerate() {
        let rows = span(row, size.height, to.height);
        for (column, pixel) in onto.as_chunks_mut::<PIXEL_BYTES>().0.iter_mut().take(to.width).enumerate() {
            let columns = span(column, size.width, to.width);
            let mut sums = [0_u32; 3];
            for y in rows.clone() {
                let row = &from[y * size.width * PIXEL_BYTES..][..size.width * PIXEL_BYTES];
                for source in &row.as_chunks::<PIXEL_BYTES>().0[columns.clone()] {
                    for (sum, value) in sums.iter_mut().zip(source) {
                        *sum += u32::from(*value);
                    }
                }
            }
            let count = u32::try_from(rows.len() * columns.len()).unwrap_or(u32::MAX);
            let mean = |sum: u32| u8::try_from((sum + count / 2) / count).unwrap_or(u8::MAX);
            *pixel = [mean(sums[0]), mean(sums[1]), mean(sums[2]), u8::MAX];
        }
    }
}

/// The source's lines under one of the smaller picture; at least one.
fn span(at: usize, from: usize, to: usize) -> std::ops::Range<usize> {
    let start = at * from / to;
    start..((at + 1) * from / to).max(start + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_are_kept() {
        let size = |width, height| Size { width, height };
        assert_eq!(size(1920, 1080).within(160), size(160, 90));
        assert_eq!(size(1024, 768).within(160), size(160, 120));
        assert_eq!(size(100, 50).within(160), size(100, 50));
        assert_eq!(size(16_000, 1).within(160), size(160, 1));
    }

    #[test]
    fn a_pixel_is_the_mean_of_those_under_it() {
        // Four by two: the left half black and white, the right half red.
        let (black, white, red) = ([0, 0, 0, 9], [255, 255, 255, 9], [0, 0, 255, 9]);
        let from = [black, white, red, red, white, black, red, red].concat();
        let mut onto = [7; 3 * PIXEL_BYTES];
        shrink(&from, Size { width: 4, height: 2 }, &mut onto, 12, Size { width: 2, height: 1 });
        assert_eq!(onto, [128, 128, 128, 255, 0, 0, 255, 255, 7, 7, 7, 7]);
    }
}
