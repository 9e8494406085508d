//! What of a move a viewer in debt can follow: the bands whose source it has.

use std::ops::Range;

use crate::debt::Debt;
use crate::{Point, Rect};

/// A part of a move, across the way that it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Band {
    pub(super) rect: Rect,
    pub(super) from: Point,
    /// The viewer has all of its source.
    pub(super) is_clean: bool,
}

/// Cuts a move where its source is dirty, in the order in which the bands are to be moved: none is painted over before it was read.
pub(super) fn bands(rect: Rect, from: Point, debt: &Debt) -> Vec<Band> {
    let is_level = from.y == rect.y;
    let source = Rect { x: from.x, y: from.y, ..rect };
    let along = |part: Rect| {
        if is_level { u32::from(part.x)..part.right() } else { u32::from(part.y)..part.bottom() }
    };
    let band = |at: Range<u32>, is_clean| {
        let (offset, length) = ((at.start - along(source).start) as u16, (at.end - at.start) as u16);
        let (rect, from) = if is_level {
            (Rect { x: rect.x + offset, width: length, ..rect }, Point { x: from.x + offset, ..from })
        } else {
            (Rect { y: rect.y + offset, height: length, ..rect }, Point { y: from.y + offset, ..from })
        };
        Band { rect, from, is_clean }
    };
    let mut dirty: Vec<Range<u32>> = debt.dirty_in(source).map(along).collect();
    dirty.sort_by_key(|range| range.start);
    let Range { start: mut at, end } = along(source);
    let mut bands = Vec::new();
    for range in dirty {
        if at < range.start {
            bands.push(band(at..range.start, true));
            at = range.start;
        }
        if at < range.end {
            bands.push(band(at..range.end, false));
            at = range.end;
        }
    }
    if at < end {
        bands.push(band(at..end, true));
    }
    if from.y < rect.y || is_level && from.x < rect.x {
        bands.reverse();
    }
    bands
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ScreenSize;
    use crate::cells::Grid;

    fn debt(dirty: &[Rect]) -> Debt {
        let mut debt = Debt::none(Some(Grid::new(ScreenSize::new(640, 640).expect("within the limits"))));
        dirty.iter().for_each(|rect| debt.add(*rect, 1));
        debt
    }

    #[test]
    fn a_page_whose_foot_is_owed_moves_without_it() {
        let (rect, from) = (Rect::new(100, 50, 300, 500), Point { x: 100, y: 70 });
        let bands = bands(rect, from, &debt(&[Rect::new(110, 540, 5, 5)]));
        assert_eq!(
            bands,
            [
                Band { rect: Rect::new(100, 50, 300, 470), from, is_clean: true },
                Band { rect: Rect::new(100, 520, 300, 5), from: Point { x: 100, y: 540 }, is_clean: false },
                Band { rect: Rect::new(100, 525, 300, 25), from: Point { x: 100, y: 545 }, is_clean: true },
            ]
        );
    }

    #[test]
    fn what_goes_down_or_to_the_right_moves_its_far_end_first() {
        let dirty = debt(&[Rect::new(300, 300, 1, 1)]);
        let down = bands(Rect::new(0, 80, 640, 500), Point { x: 0, y: 0 }, &dirty);
        let starts: Vec<_> = down.iter().map(|band| (band.from.y, band.is_clean)).collect();
        assert_eq!(starts, [(301, true), (300, false), (0, true)]);
        let right = bands(Rect::new(40, 200, 600, 200), Point { x: 0, y: 200 }, &dirty);
        let starts: Vec<_> = right.iter().map(|band| (band.from.x, band.is_clean)).collect();
        assert_eq!(starts, [(301, true), (300, false), (0, true)]);
    }

    #[test]
    fn who_has_all_of_it_moves_all_of_it() {
        let rect = Rect::new(3, 5, 600, 601);
        let whole = bands(rect, Point { x: 9, y: 30 }, &debt(&[]));
        assert_eq!(whole, [Band { rect, from: Point { x: 9, y: 30 }, is_clean: true }]);
    }
}
