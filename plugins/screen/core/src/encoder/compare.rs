//! Finds what changed, at memory speed.

use std::ops::Range;

use crate::canvas::PIXEL_BYTES;
use crate::cells::{CELL_SIDE, Grid};
use crate::{Canvas, Frame, PixelOrder, Rect};

const CELL_BYTES: usize = CELL_SIDE as usize * PIXEL_BYTES;

type Pixel = [u8; PIXEL_BYTES];

/// Makes `canvas` show the frame. Returns a tight rectangle for every cell that changed, in the order of the cells.
pub(super) fn take_in(frame: Frame<'_>, canvas: &mut Canvas) -> Vec<Rect> {
    // One copy of the loop for each order: only so does the compiler vectorise it.
    match frame.order {
        PixelOrder::Bgrx => take_in_as(frame, canvas, |pixel| pixel | 0xff00_0000),
        PixelOrder::Rgbx => take_in_as(frame, canvas, |pixel| pixel.swap_bytes() >> 8 | 0xff00_0000),
        PixelOrder::Xrgb => take_in_as(frame, canvas, |pixel| pixel.swap_bytes() | 0xff00_0000),
        PixelOrder::Xbgr => take_in_as(frame, canvas, |pixel| pixel >> 8 | 0xff00_0000),
    }
}

/// `to_bgrx` works on little-endian words and sets the x byte.
fn take_in_as(frame: Frame<'_>, canvas: &mut Canvas, to_bgrx: impl Fn(u32) -> u32 + Copy) -> Vec<Rect> {
    let grid = Grid::new(frame.size);
    let screen = frame.size.rect();
    let row_bytes = usize::from(frame.size.width()) * PIXEL_BYTES;
    let mut dirty = Vec::new();
    let mut extents = vec![Extent::NONE; grid.columns()];
    for row in 0..grid.rows() {
        for y in grid.rows_of(row) {
            let new = &frame.pixels[y * frame.stride..][..row_bytes];
            let old = canvas.row_mut(screen, y);
            for ((new, old), extent) in
                new.chunks(CELL_BYTES).zip(old.chunks_mut(CELL_BYTES)).zip(&mut extents)
            {
                let (new, old) = (new.as_chunks().0, old.as_chunks_mut().0);
                if differs(new, old, to_bgrx) {
                    extent.include(y, changed_columns(new, old, to_bgrx));
                    convert(new, old, to_bgrx);
                }
            }
        }
        collect(&mut extents, &mut dirty);
    }
    dirty
}

/// The tight rectangles within `rects` (of one cell each) in which two canvases differ.
pub(super) fn still_dirty(next: &Canvas, reference: &Canvas, rects: &[Rect]) -> Vec<Rect> {
    let mut dirty = Vec::new();
    for &rect in rects {
        let mut extent = Extent::NONE;
        for y in usize::from(rect.y)..rect.bottom() as usize {
            let (new, old) = (next.row(rect, y), reference.row(rect, y));
            if new != old {
                let columns = changed_columns(new.as_chunks().0, old.as_chunks().0, |pixel| pixel);
                extent.include(y, columns);
            }
        }
        dirty.extend(extent.rect(usize::from(rect.x)));
    }
    dirty
}

/// Where a cell has changed so far; columns are counted from the cell's left edge, the end is one past the last.
#[derive(Clone)]
struct Extent {
    left: usize,
    right: usize,
    top: usize,
    bottom: usize,
}

impl Extent {
    const NONE: Self = Self { left: usize::MAX, right: 0, top: usize::MAX, bottom: 0 };

    fn include(&mut self, y: usize, columns: Range<usize>) {
        self.left = self.left.min(columns.start);
        self.right = self.right.max(columns.end);
        self.top = self.top.min(y);
        self.bottom = y + 1;
    }

    /// `None` when nothing changed.
    fn rect(&self, cell_left: usize) -> Option<Rect> {
        let rect = |(x, y, width, height)| Rect::new(x as u16, y as u16, width as u16, height as u16);
        (self.top < self.bottom)
            .then(|| rect((cell_left + self.left, self.top, self.right - self.left, self.bottom - self.top)))
    }
}

fn collect(extents: &mut [Extent], dirty: &mut Vec<Rect>) {
    for (column, extent) in extents.iter_mut().enumerate() {
        dirty.extend(extent.rect(column * usize::from(CELL_SIDE)));
        *extent = Extent::NONE;
    }
}

#[inline]
fn differs(new: &[Pixel], old: &[Pixel], to_bgrx: impl Fn(u32) -> u32) -> bool {
    let difference =
        |(new, old): (&Pixel, &Pixel)| to_bgrx(u32::from_le_bytes(*new)) ^ u32::from_le_bytes(*old);
    new.iter().zip(old).map(difference).fold(0, |all, one| all | one) != 0
}

/// From the first to the last pixel that differs; there is one.
fn changed_columns(new: &[Pixel], old: &[Pixel], to_bgrx: impl Fn(u32) -> u32) -> Range<usize> {
    let differs =
        |(new, old): (&Pixel, &Pixel)| to_bgrx(u32::from_le_bytes(*new)) != u32::from_le_bytes(*old);
    let first = new.iter().zip(old).position(differs).unwrap_or(0);
    let last = new.iter().zip(old).rposition(differs).unwrap_or(0);
    first..last + 1
}

fn convert(new: &[Pixel], old: &mut [Pixel], to_bgrx: impl Fn(u32) -> u32) {
    for (new, old) in new.iter().zip(old) {
        *old = to_bgrx(u32::from_le_bytes(*new)).to_le_bytes();
    }
}
