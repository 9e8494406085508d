//! Which pixels a reader has only about right, and since when they rest.
//!
//! The mask is exact to the pixel and moves with what a `Move` moves. What the pixels of a lossy picture look like at the reader is not held:
//! decoders need not agree on it, so nothing is made of a pixel that happens to be right.

use std::ops::Range;
use std::time::Duration;

use crate::ages::Ages;
use crate::cells::Grid;
use crate::{Point, Rect, ScreenSize};

/// What has not changed for so long rests: longer than it takes to the next picture of what changes 15 times a second.
pub(super) const REST: Duration = Duration::from_millis(80);
/// Side of a piece that is refined, on a grid of this side: lossless photographs of this size cost no more bytes a pixel than larger ones,
/// and a piece of the worst noise has 48 KiB.
pub(super) const PIECE_SIDE: u16 = 128;

#[derive(Debug)]
pub(super) struct Coarse {
    size: ScreenSize,
    /// One byte a pixel, 1 where the reader's is inexact; empty until there is a lossy picture.
    mask: Vec<u8>,
    /// The cells with such pixels, since the microsecond of their last change, and one.
    cells: Ages,
}

impl Coarse {
    pub(super) fn none(size: ScreenSize) -> Self {
        Self { size, mask: Vec::new(), cells: Ages::none(Grid::new(size)) }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    /// When the oldest of it has rested long enough.
    pub(super) fn rests_at(&self) -> Option<Duration> {
        self.cells.oldest_since().map(|since| Duration::from_micros(since - 1) + REST)
    }

    /// The rectangle was painted with a lossy picture.
    pub(super) fn mark(&mut self, rect: Rect, time: Duration) {
        if self.mask.is_empty() {
            self.mask = vec![0; self.size.area()];
        }
        self.rows(rect).for_each(|row| self.mask[row].fill(1));
        let since = stamp(time);
        self.cells.grid().touched_cells(rect).for_each(|cell| self.cells.set(cell, since));
    }

    /// The rectangle was painted exactly.
    pub(super) fn clear(&mut self, rect: Rect) {
        if self.is_empty() {
            return;
        }
        self.rows(rect).for_each(|row| self.mask[row].fill(0));
        let grid = self.cells.grid();
        for cell in grid.touched_cells(rect) {
            if self.cells.since(cell) != 0 && self.tight(grid.cell(cell)).is_none() {
                self.cells.remove(cell);
            }
        }
    }

    /// Something changed in the rectangle: what is inexact near it no longer rests.
    pub(super) fn disturb(&mut self, rect: Rect, time: Duration) {
        if self.is_empty() {
            return;
        }
        let since = stamp(time);
        for cell in self.cells.grid().touched_cells(rect) {
            if self.cells.since(cell) != 0 {
                self.cells.set(cell, since);
            }
        }
    }

    /// The rectangle shows what was at `from`.
    pub(super) fn shift(&mut self, rect: Rect, from: Point, time: Duration) {
        let source = Rect { x: from.x, y: from.y, ..rect };
        let grid = self.cells.grid();
        if self.is_empty() || ![source, rect].into_iter().any(|rect| self.touches(rect)) {
            return;
        }
        let rows = self.rows(source).zip(self.rows(rect));
        let mut copy = |(source, target): (Range<usize>, Range<usize>)| {
            self.mask.copy_within(source, target.start);
        };
        // A row must be read before it is painted over.
        if from.y < rect.y {
            rows.rev().for_each(&mut copy)
        } else {
            rows.for_each(&mut copy)
        }
        let since = stamp(time);
        for cell in grid.touched_cells(rect) {
            match self.tight(grid.cell(cell)) {
                Some(_) => self.cells.set(cell, since),
                None => self.cells.remove(cell),
            }
        }
    }

    /// A piece to be refined next: the oldest that rests at `time`, as a rectangle that holds all its inexact pixels.
    pub(super) fn resting_piece(&self, time: Duration) -> Option<Rect> {
        let grid = self.cells.grid();
        let rests = |since: u64| since != 0 && Duration::from_micros(since - 1) + REST <= time;
        let cell = self.cells.oldest()?;
        if !rests(self.cells.since(cell)) {
            return None;
        }
        let piece = piece_of(grid.cell(cell), self.size);
        let whole_rests = grid.touched_cells(piece).all(|cell| {
            let since = self.cells.since(cell);
            since == 0 || rests(since)
        });
        let tight = self.tight(if whole_rests { piece } else { grid.cell(cell) })?;
        Some(if whole_rests { refined(piece, tight) } else { tight })
    }

    fn touches(&self, rect: Rect) -> bool {
        self.cells.grid().touched_cells(rect).any(|cell| self.cells.since(cell) != 0)
    }

    /// The smallest rectangle around the inexact pixels within `rect`.
    fn tight(&self, rect: Rect) -> Option<Rect> {
        let mut tight: Option<Rect> = None;
        for (y, row) in (rect.y..).zip(self.rows(rect)) {
            let row = &self.mask[row];
            let ends = row.iter().position(|&mask| mask != 0).zip(row.iter().rposition(|&mask| mask != 0));
            if let Some((first, last)) = ends {
                let line = Rect::new(rect.x + first as u16, y, (last + 1 - first) as u16, 1);
                tight = Some(tight.map_or(line, |tight| tight.union(line)));
            }
        }
        tight
    }

    /// Where the rows of a rectangle stand in the mask.
    fn rows(&self, rect: Rect) -> impl DoubleEndedIterator<Item = Range<usize>> + ExactSizeIterator + use<> {
        let width = usize::from(self.size.width());
        (0..usize::from(rect.height)).map(move |row| {
            let start = (usize::from(rect.y) + row) * width + usize::from(rect.x);
            start..start + usize::from(rect.width)
        })
    }
}

/// The parts of a rectangle in the pieces of the grid, and for each how it is refined when all of the rectangle is.
pub(super) fn pieces_of(rect: Rect, size: ScreenSize) -> impl Iterator<Item = (Rect, Rect)> {
    let starts =
        |from: u16, end: u32| (from / PIECE_SIDE * PIECE_SIDE..end as u16).step_by(PIECE_SIDE.into());
    let corners = starts(rect.y, rect.bottom())
        .flat_map(move |y| starts(rect.x, rect.right()).map(move |x| Rect::new(x, y, 1, 1)));
    let pieces = corners.map(move |corner| piece_of(corner, size));
    pieces.filter_map(move |piece| piece.intersection(rect).map(|part| (part, refined(piece, part))))
}

/// A piece that is inexact for the most part is cut by the grid, so that a reader may keep it and show it again.
fn refined(piece: Rect, tight: Rect) -> Rect {
    if piece.area() <= 2 * tight.area() { piece } else { tight }
}

/// The piece of the grid in which a rectangle begins.
fn piece_of(rect: Rect, size: ScreenSize) -> Rect {
    let start = |at: u16| at / PIECE_SIDE * PIECE_SIDE;
    let piece = Rect::new(start(rect.x), start(rect.y), PIECE_SIDE, PIECE_SIDE);
    piece.intersection(size.rect()).expect("it lies on the screen")
}

fn stamp(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX - 1).saturating_add(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn what_moves_stays_inexact_to_the_pixel() {
        let mut coarse = Coarse::none(ScreenSize::new(300, 300).unwrap());
        coarse.mark(Rect::new(10, 10, 20, 20), ms(0));
        coarse.shift(Rect::new(5, 13, 40, 60), Point { x: 5, y: 0 }, ms(10));
        coarse.clear(Rect::new(0, 0, 300, 13));
        assert_eq!(coarse.tight(Rect::new(0, 0, 300, 300)), Some(Rect::new(10, 23, 20, 20)));
        assert_eq!(coarse.rests_at(), Some(ms(10) + REST));
        assert_eq!(coarse.resting_piece(ms(9) + REST), None);
        assert_eq!(coarse.resting_piece(ms(10) + REST), Some(Rect::new(10, 23, 20, 20)));
        coarse.disturb(Rect::new(40, 40, 1, 1), ms(95));
        assert_eq!(coarse.resting_piece(ms(94) + REST), None);
        coarse.clear(Rect::new(10, 23, 20, 20));
        assert!(coarse.is_empty());
    }

    #[test]
    fn a_piece_that_is_mostly_inexact_is_cut_by_the_grid() {
        let mut coarse = Coarse::none(ScreenSize::new(300, 300).unwrap());
        coarse.mark(Rect::new(130, 3, 100, 120), ms(0));
        assert_eq!(coarse.resting_piece(REST), Some(Rect::new(128, 0, 128, 128)));
        coarse.mark(Rect::new(200, 70, 9, 9), ms(30));
        assert_eq!(coarse.resting_piece(REST), Some(Rect::new(130, 3, 62, 61)), "a quarter of it rests");
    }
}
