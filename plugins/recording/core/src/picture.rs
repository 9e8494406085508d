//! Pictures in I420, painted into a part of another one: scaled, filled, and written on.

use crate::{BLOCK_PIXELS, Damage, Placement};

/// What a filter's weights add up to, so that one colour stays what it is.
const ONE: u32 = 256;
/// What is written, and what the ground below it is darkened to of 256.
const INK: u8 = 235;
const SHADE: u32 = 96;
/// No colour.
const GREY: u8 = 128;

/// A picture to read: each plane and how far its rows are apart. Chroma has half the sides, rounded up.
#[derive(Clone, Copy, Debug)]
pub struct Planes<'a> {
    /// Pixels a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Luma and both planes of chroma.
    pub planes: [&'a [u8]; 3],
    /// Bytes from a row to the next.
    pub strides: [usize; 3],
}

/// A picture to paint on.
#[derive(Debug)]
pub struct PlanesMut<'a> {
    /// Luma and both planes of chroma.
    pub planes: [&'a mut [u8]; 3],
    /// Bytes from a row to the next.
    pub strides: [usize; 3],
}

/// How much of each pixel is covered by something that is written, 0 to 255.
#[derive(Debug, Clone, Default)]
pub struct Coverage {
    /// Pixels a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Row by row.
    pub bytes: Vec<u8>,
}

/// The part of a plane that belongs to a placement.
struct Part {
    x: usize,
    y: usize,
    width: usize,
    height: usize,
}

impl Part {
    fn of(at: &Placement, plane: usize) -> Self {
        let [x, y, width, height] = [at.x, at.y, at.width, at.height].map(|side| side as usize);
        if plane == 0 {
            return Self { x, y, width, height };
        }
        let (right, bottom) = ((x + width).div_ceil(2), (y + height).div_ceil(2));
        Self { x: x / 2, y: y / 2, width: right - x / 2, height: bottom - y / 2 }
    }
}

impl PlanesMut<'_> {
    /// Fills a part with one colour.
    ///
    /// # Panics
    /// When the part is not within the picture, as with everything that is painted.
    pub fn fill(&mut self, at: &Placement, colour: [u8; 3]) {
        for (plane, value) in (0..).zip(colour) {
            let part = Part::of(at, plane);
            (0..part.height).for_each(|y| self.row(plane, &part, y).fill(value));
        }
    }

    /// Copies a picture of the part's size there, and tells which blocks have other pixels than before.
    pub fn copy(&mut self, at: &Placement, picture: &Planes<'_>, damage: &mut Damage) {
        for plane in 0..3 {
            let part = Part::of(at, plane);
            let block = if plane == 0 { BLOCK_PIXELS as usize } else { BLOCK_PIXELS as usize / 2 };
            let scale = BLOCK_PIXELS as usize / block;
            for y in 0..part.height {
                let from = &picture.planes[plane][y * picture.strides[plane]..][..part.width];
                let row = self.row(plane, &part, y);
                if row == from {
                    continue;
                }
                let mut x = 0;
                while x < part.width {
                    let end = ((part.x + x) / block * block + block - part.x).min(part.width);
                    if row[x..end] != from[x..end] {
                        row[x..end].copy_from_slice(&from[x..end]);
                        let [x, y] = [part.x + x, part.y + y].map(|pixel| (pixel * scale) as u32);
                        damage.add(&Placement { x, y, width: 1, height: 1 });
                    }
                    x = end;
                }
            }
        }
    }

    /// Writes over what is there, at the top left of `at` and as far as that goes, on a darkened ground of the coverage's size.
    pub fn write(&mut self, at: &Placement, text: &Coverage) {
        let at = Placement {
            width: at.width.min(text.width as u32) / 2 * 2,
            height: at.height.min(text.height as u32) / 2 * 2,
            ..*at
        };
        for plane in 0..3 {
            let (part, ink) = (Part::of(&at, plane), if plane == 0 { INK } else { GREY });
            let (step, ground) = if plane == 0 { (1, 16) } else { (2, i32::from(GREY)) };
            for y in 0..part.height {
                let row = self.row(plane, &part, y);
                for (pixel, covered) in row.iter_mut().zip(text.row(y * step).iter().step_by(step)) {
                    let shaded = ground + (i32::from(*pixel) - ground) * SHADE as i32 / ONE as i32;
                    let covered = i32::from(*covered);
                    *pixel = ((shaded * (255 - covered) + i32::from(ink) * covered) / 255) as u8;
                }
            }
        }
    }

    fn row(&mut self, plane: usize, part: &Part, y: usize) -> &mut [u8] {
        let from = (part.y + y) * self.strides[plane] + part.x;
        &mut self.planes[plane][from..][..part.width]
    }
}

impl Coverage {
    fn row(&self, y: usize) -> &[u8] {
        &self.bytes[y * self.width..][..self.width]
    }
}

/// Paints pictures of one size into parts of one size. Each pixel is a weighted mean of those that it stands for, so that nothing
/// flickers where a picture becomes smaller and nothing is jagged where it grows.
#[derive(Debug)]
pub struct Scaler {
    from: (usize, usize),
    to: (usize, usize),
    /// For luma and for chroma.
    rows: [Filter; 2],
    columns: [Filter; 2],
    sums: Vec<u16>,
}

impl Scaler {
    /// From this size, in pixels, to the size of that part.
    ///
    /// # Panics
    /// When a side is 0.
    pub fn new((width, height): (usize, usize), to: &Placement) -> Self {
        let filters =
            |from: usize, to: usize| [Filter::new(from, to), Filter::new(from.div_ceil(2), to.div_ceil(2))];
        let target = (to.width as usize, to.height as usize);
        Self {
            from: (width, height),
            to: target,
            rows: filters(height, target.1),
            columns: filters(width, target.0),
            sums: vec![0; width],
        }
    }

    /// Whether it is for these sizes.
    pub fn fits(&self, from: (usize, usize), to: &Placement) -> bool {
        self.from == from && self.to == (to.width as usize, to.height as usize)
    }

    /// Paints the picture there. Where the part begins at an odd pixel, its colours are half a pixel off.
    ///
    /// # Panics
    /// When a size is another one.
    pub fn paint(&mut self, picture: &Planes<'_>, target: &mut PlanesMut<'_>, at: &Placement) {
        assert!(self.fits((picture.width, picture.height), at), "a scaler is for one size");
        for plane in 0..3 {
            let part = Part::of(at, plane);
            let kind = plane.min(1);
            let (rows, columns) = (&self.rows[kind], &self.columns[kind]);
            let (source, stride) = (picture.planes[plane], picture.strides[plane]);
            let sums = &mut self.sums[..if plane == 0 { picture.width } else { picture.width.div_ceil(2) }];
            for y in 0..part.height.min(rows.taps.len()) {
                sums.fill(0);
                let (first, weights) = rows.at(y);
                for (row, weight) in (first..).zip(weights) {
                    let row = &source[row * stride..][..sums.len()];
                    sums.iter_mut().zip(row).for_each(|(sum, pixel)| *sum += u16::from(*pixel) * weight);
                }
                columns.reduce(sums, target.row(plane, &part, y));
            }
        }
    }
}

/// For each pixel that comes out: the first one that goes in, and where its weights are.
#[derive(Debug)]
struct Filter {
    taps: Vec<(usize, std::ops::Range<usize>)>,
    weights: Vec<u16>,
}

impl Filter {
    /// A tent as wide as the pixels that one stands for, and at least as wide as reaches the next one.
    fn new(from: usize, to: usize) -> Self {
        assert!(0 < from && 0 < to, "a picture has pixels");
        let scale = from as f64 / to as f64;
        let reach = scale.max(1.0);
        let mut filter = Self { taps: Vec::with_capacity(to), weights: Vec::new() };
        for out in 0..to {
            let centre = (out as f64 + 0.5) * scale - 0.5;
            let first = (centre - reach).ceil().max(0.0) as usize;
            let last = ((centre + reach).floor().max(0.0) as usize).min(from - 1);
            let heights: Vec<f64> =
                (first..=last).map(|at| (1.0 - (at as f64 - centre).abs() / reach).max(0.0)).collect();
            filter.add(first, &heights);
        }
        filter
    }

    /// Rounds the weights so that they add up.
    fn add(&mut self, first: usize, heights: &[f64]) {
        let begin = self.weights.len();
        let total: f64 = heights.iter().sum();
        let (mut given, mut wanted) = (0_u32, 0.0);
        for height in heights {
            wanted += height / total * f64::from(ONE);
            let weight = (wanted.round() as u32).min(ONE) - given;
            given += weight;
            self.weights.push(weight as u16);
        }
        *self.weights.last_mut().expect("a pixel stands for one at least") += (ONE - given) as u16;
        self.taps.push((first, begin..self.weights.len()));
    }

    fn at(&self, out: usize) -> (usize, &[u16]) {
        let (first, range) = &self.taps[out];
        (*first, &self.weights[range.clone()])
    }

    fn reduce(&self, sums: &[u16], row: &mut [u8]) {
        for (pixel, (first, range)) in row.iter_mut().zip(&self.taps) {
            let weights = &self.weights[range.clone()];
            let taps = sums[*first..].iter().zip(weights);
            let sum: u32 = taps.map(|(sum, weight)| u32::from(*sum) * u32::from(*weight)).sum();
            *pixel = ((sum + ONE * ONE / 2) / (ONE * ONE)) as u8;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::VideoSize;

    struct Owned {
        width: usize,
        height: usize,
        planes: [Vec<u8>; 3],
    }

    impl Owned {
        fn of(width: usize, height: usize, pixel: impl Fn(usize, usize, usize) -> u8) -> Self {
            let plane = |plane: usize| {
                let (width, height) =
                    if plane == 0 { (width, height) } else { (width.div_ceil(2), height.div_ceil(2)) };
                (0..width * height).map(|at| pixel(plane, at % width, at / width)).collect()
            };
            Self { width, height, planes: [plane(0), plane(1), plane(2)] }
        }

        fn colour(width: usize, height: usize, colour: [u8; 3]) -> Self {
            Self::of(width, height, |plane, _, _| colour[plane])
        }

        fn strides(&self) -> [usize; 3] {
            [self.width, self.width.div_ceil(2), self.width.div_ceil(2)]
        }

        fn view(&self) -> Planes<'_> {
            let planes = self.planes.each_ref().map(Vec::as_slice);
            Planes { width: self.width, height: self.height, planes, strides: self.strides() }
        }

        fn on(&mut self) -> PlanesMut<'_> {
            let strides = self.strides();
            PlanesMut { planes: self.planes.each_mut().map(Vec::as_mut_slice), strides }
        }

        fn luma(&self, x: usize, y: usize) -> u8 {
            self.planes[0][y * self.width + x]
        }
    }

    fn place(x: u32, y: u32, width: u32, height: u32) -> Placement {
        Placement { x, y, width, height }
    }

    fn scaled(picture: &Owned, width: usize, height: usize) -> Owned {
        let mut target = Owned::colour(width, height, [0; 3]);
        let all = place(0, 0, width as u32, height as u32);
        let mut scaler = Scaler::new((picture.width, picture.height), &all);
        scaler.paint(&picture.view(), &mut target.on(), &all);
        target
    }

    #[test]
    fn the_same_size_gives_the_same_pixels() {
        let picture = Owned::of(33, 17, |plane, x, y| (plane * 71 + x * 13 + y * 29) as u8);
        assert_eq!(scaled(&picture, 33, 17).planes, picture.planes);
    }

    #[test]
    fn half_the_size_is_the_mean_of_what_was_there() {
        let stripes = Owned::of(64, 64, |_, x, _| if x % 2 == 0 { 40 } else { 60 });
        let small = scaled(&stripes, 32, 32);
        assert!(small.planes[0].iter().all(|pixel| pixel.abs_diff(50) <= 3), "{:?}", &small.planes[0][..32]);
        let ramp = Owned::of(64, 64, |_, x, _| 4 * x as u8);
        let small = scaled(&ramp, 16, 64);
        assert!((1..15).all(|x| i32::from(small.luma(x, 9)).abs_diff(16 * x as i32 + 6) <= 2));
    }

    #[test]
    fn only_the_part_is_painted() {
        let mut target = Owned::colour(64, 48, [16, 128, 128]);
        let at = place(10, 20, 20, 10);
        Scaler::new((40, 30), &at).paint(&Owned::colour(40, 30, [200, 90, 60]).view(), &mut target.on(), &at);
        for y in 0..48 {
            for x in 0..64 {
                let inside = (10..30).contains(&x) && (20..30).contains(&y);
                assert_eq!(target.luma(x, y), if inside { 200 } else { 16 }, "{x} {y}");
                let chroma = target.planes[1][y / 2 * 32 + x / 2];
                assert_eq!(chroma, if inside { 90 } else { 128 }, "{x} {y}");
            }
        }
    }

    #[test]
    fn a_copy_stands_where_it_belongs() {
        let picture = Owned::of(9, 5, |plane, x, y| (plane * 70 + y * 9 + x) as u8);
        let mut target = Owned::colour(20, 12, [1, 2, 3]);
        let mut damage = Damage::none(VideoSize::new(20, 12).unwrap());
        target.on().copy(&place(4, 2, 9, 5), &picture.view(), &mut damage);
        assert_eq!(
            (target.luma(3, 2), target.luma(4, 2), target.luma(12, 6), target.luma(13, 6)),
            (1, 0, 44, 1)
        );
        assert_eq!((target.planes[1][10 + 2], target.planes[1][10 + 7]), (70, 2));
        assert_eq!(damage.blocks(), [1, 0]);
    }

    /// Pixels here and there in any plane: the blocks that hold them are told, and no others.
    #[test]
    fn a_copy_tells_what_has_changed() {
        let at = place(10, 6, 50, 34);
        let size = VideoSize::new(64, 48).unwrap();
        for (plane, x, y, block) in
            [(0, 0, 0, 0), (0, 6, 9, 1), (0, 49, 33, 11), (1, 3, 5, 5), (2, 24, 16, 11)]
        {
            let mut target = Owned::colour(64, 48, [40, 50, 60]);
            let mut picture = Owned::colour(50, 34, [40, 50, 60]);
            let mut damage = Damage::none(size);
            target.on().copy(&at, &picture.view(), &mut damage);
            assert_eq!(damage.count(), 0);
            let stride = picture.strides()[plane];
            picture.planes[plane][y * stride + x] = 99;
            target.on().copy(&at, &picture.view(), &mut damage);
            let changed: Vec<usize> = (0..12).filter(|at| damage.blocks()[*at] == 1).collect();
            assert_eq!(changed, [block], "{plane} {x} {y}");
        }
    }

    #[test]
    fn what_is_written_stands_out_on_a_darker_ground() {
        let mut target = Owned::colour(40, 20, [150, 60, 200]);
        let text = Coverage {
            width: 8,
            height: 4,
            bytes: (0..32).map(|at| if at % 8 == 3 { 255 } else { 0 }).collect(),
        };
        target.on().write(&place(4, 6, 100, 100), &text);
        assert_eq!((target.luma(7, 7), target.luma(5, 7), target.luma(3, 7)), (235, 66, 150));
        assert_eq!(target.planes[1][3 * 20 + 2], 103, "half of the colour is gone");
        assert_eq!(target.planes[1][3 * 20 + 6], 60);
        // What goes beyond the part is left out.
        target.on().write(&place(38, 18, 2, 2), &text);
    }

    proptest! {
        #[test]
        fn one_colour_stays_what_it_is(w in 1_usize..90, h in 1_usize..90, tw in 1_usize..90, th in 1_usize..90, colour: [u8; 3]) {
            let target = scaled(&Owned::colour(w, h, colour), tw, th);
            for (plane, value) in target.planes.iter().zip(colour) {
                prop_assert!(plane.iter().all(|pixel| *pixel == value));
            }
        }

        #[test]
        fn nothing_becomes_brighter_or_darker_than_it_was(w in 1_usize..40, h in 1_usize..40, tw in 1_usize..60, th in 1_usize..60, seed: u32) {
            let picture = Owned::of(w, h, |_, x, y| 30 + ((x * 7 + y * 13) as u32 ^ seed) as u8 % 100);
            let target = scaled(&picture, tw, th);
            prop_assert!(target.planes[0].iter().all(|pixel| (30..130).contains(pixel)));
        }
    }
}
