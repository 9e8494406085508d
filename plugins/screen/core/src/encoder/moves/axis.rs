//! The two directions of a search: strips stand beside each other across it, lines follow each other along it.

use std::ops::Range;

use crate::cells::CELL_SIDE;
use crate::{Canvas, Point, Rect, ScreenSize};

/// A strip with less dirt is not searched.
const STRIP_DIRT_MIN: usize = 64 * 64;
/// How far an edge grows: what is beyond would have been found in the strip there.
const GROWTH_MAX: usize = CELL_SIDE as usize - 1;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Axis {
    /// Content moves up or down; strips are columns of 64 pixels, lines are pieces of rows.
    Vertical,
    /// Content moves left or right; strips are 64 rows, lines are pieces of columns.
    Horizontal,
}

impl Axis {
    /// The strips that have much dirt, in order.
    pub(super) fn dirty_strips(self, size: ScreenSize, dirty: &[Rect]) -> Vec<usize> {
        let strip_of = |rect: &Rect| usize::from(self.pick(rect.x, rect.y) / CELL_SIDE);
        let mut area = vec![0; usize::from(self.pick(size.width(), size.height()).div_ceil(CELL_SIDE))];
        dirty.iter().for_each(|rect| area[strip_of(rect)] += rect.area());
        (0..area.len()).filter(|&strip| STRIP_DIRT_MIN <= area[strip]).collect()
    }

    /// The hashes of all lines of some strips.
    pub(super) fn hashes(self, canvas: &Canvas, strips: &[usize]) -> Vec<Vec<u64>> {
        let lines = 0..usize::from(self.pick(canvas.size().height(), canvas.size().width()));
        let rects: Vec<Rect> =
            strips.iter().map(|&strip| self.rect(canvas.size(), &(strip..strip + 1), &lines)).collect();
        match self {
            Self::Vertical => {
                let mut hashes = vec![vec![0; lines.len()]; strips.len()];
                // Row by row through all strips: in the order of memory.
                for y in lines {
                    for (rect, hashes) in rects.iter().zip(&mut hashes) {
                        hashes[y] = hash(canvas.row(*rect, y));
                    }
                }
                hashes
            }
            Self::Horizontal => rects.iter().map(|&rect| hash_columns(canvas, rect)).collect(),
        }
    }

    /// Some lines of some strips.
    pub(super) fn rect(self, size: ScreenSize, strips: &Range<usize>, lines: &Range<usize>) -> Rect {
        let across = usize::from(self.pick(size.width(), size.height()));
        let start = strips.start * usize::from(CELL_SIDE);
        let width = (strips.end * usize::from(CELL_SIDE)).min(across) - start;
        let (start, width, first, count) =
            (start as u16, width as u16, lines.start as u16, lines.len() as u16);
        match self {
            Self::Vertical => Rect::new(start, first, width, count),
            Self::Horizontal => Rect::new(first, start, count, width),
        }
    }

    /// Where a rectangle has come from.
    pub(super) fn source(self, rect: Rect, offset: isize) -> Point {
        let moved = |place: u16| (place as isize + offset) as u16;
        match self {
            Self::Vertical => Point { x: rect.x, y: moved(rect.y) },
            Self::Horizontal => Point { x: moved(rect.x), y: rect.y },
        }
    }

    /// Moves the two edges across outwards, pixel by pixel, while `fits` says yes to the pixels that come in.
    pub(super) fn grow(self, size: ScreenSize, core: Rect, fits: impl Fn(Rect) -> bool) -> Rect {
        let mut rect = core;
        for _ in 0..GROWTH_MAX {
            let edge = match self {
                Self::Vertical if 0 < rect.x => Rect { x: rect.x - 1, width: 1, ..rect },
                Self::Horizontal if 0 < rect.y => Rect { y: rect.y - 1, height: 1, ..rect },
                _ => break,
            };
            if !fits(edge) {
                break;
            }
            rect = rect.union(edge);
        }
        for _ in 0..GROWTH_MAX {
            let edge = match self {
                Self::Vertical if rect.right() < size.width().into() => {
                    Rect { x: rect.right() as u16, width: 1, ..rect }
                }
                Self::Horizontal if rect.bottom() < size.height().into() => {
                    Rect { y: rect.bottom() as u16, height: 1, ..rect }
                }
                _ => break,
            };
            if !fits(edge) {
                break;
            }
            rect = rect.union(edge);
        }
        rect
    }

    /// The first for what is across a vertical move, the second for what is across a horizontal one.
    fn pick<T>(self, vertical: T, horizontal: T) -> T {
        match self {
            Self::Vertical => vertical,
            Self::Horizontal => horizontal,
        }
    }
}

fn hash_columns(canvas: &Canvas, rect: Rect) -> Vec<u64> {
    let mut columns = vec![0_u32; usize::from(rect.width)];
    for y in usize::from(rect.y)..rect.bottom() as usize {
        for (column, pixel) in columns.iter_mut().zip(canvas.row(rect, y).as_chunks().0) {
            *column = (*column ^ u32::from_le_bytes(*pixel)).wrapping_mul(0x9e37_79b1).rotate_left(13);
        }
    }
    columns.into_iter().map(u64::from).collect()
}

/// Four lanes, so that the multiplications overlap.
fn hash(bytes: &[u8]) -> u64 {
    const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
    let mix = |lane: u64, word: u64| (lane ^ word).wrapping_mul(FACTOR).rotate_left(29);
    let mut lanes = [1, 2, 3, 4];
    let (blocks, rest) = bytes.as_chunks::<32>();
    for block in blocks {
        for (lane, word) in lanes.iter_mut().zip(block.as_chunks().0) {
            *lane = mix(*lane, u64::from_le_bytes(*word));
        }
    }
    for pixel in rest.as_chunks().0 {
        lanes[0] = mix(lanes[0], u32::from_le_bytes(*pixel).into());
    }
    lanes.into_iter().fold(0, mix)
}
