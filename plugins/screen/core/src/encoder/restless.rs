//! What changes again and again without being a film: a slide that fades in, a map that is dragged, a film before it is found.
//!
//! Nobody reads what is gone a moment later. So such a cell is painted only so often, and roughly; what it shows in between is held back, and
//! when it rests it is painted as everything else is.

use std::collections::BTreeMap;
use std::time::Duration;

use super::coarse::REST;
use crate::cells::Grid;
use crate::{Rect, ScreenSize};

/// A restless cell is painted no more often. A slide that fades in within half a second shows two steps between the old and the new one.
const INTERVAL: Duration = Duration::from_millis(150);

#[derive(Debug)]
pub(super) struct Restless {
    grid: Grid,
    cells: Vec<Cell>,
    /// What the reader does not have of the cells that were held back.
    held_back: BTreeMap<usize, Rect>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Cell {
    is_restless: bool,
    painted_at: Duration,
    changed_at: Duration,
}

impl Restless {
    pub(super) fn none(size: ScreenSize) -> Self {
        let grid = Grid::new(size);
        Self { grid, cells: vec![Cell::default(); grid.len()], held_back: BTreeMap::new() }
    }

    /// What is to be painted now: of `changed`, a rectangle for each cell that changed, all that is not held back, and what was held back
    /// before and is due. In the order of the cells.
    pub(super) fn due(
        &mut self,
        changed: &[Rect],
        is_restless: impl Fn(Rect) -> bool,
        now: Duration,
    ) -> Vec<Rect> {
        let mut due = BTreeMap::new();
        for &rect in changed {
            let index = self.index(rect);
            let cell = &mut self.cells[index];
            (cell.is_restless, cell.changed_at) = (is_restless(rect), now);
            let rect = self.held_back.remove(&index).map_or(rect, |before| before.union(rect));
            if cell.is_restless && now < cell.painted_at + INTERVAL {
                self.held_back.insert(index, rect);
            } else {
                cell.painted_at = now;
                due.insert(index, rect);
            }
        }
        let cells = &mut self.cells;
        self.held_back.retain(|&index, rect| {
            let cell = &mut cells[index];
            let rests = cell.rests_at() <= now;
            if rests {
                (cell.is_restless, cell.painted_at) = (false, now);
                due.insert(index, *rect);
            }
            !rests
        });
        due.into_values().collect()
    }

    /// What is owed of a cell that is held back is held back with it.
    pub(super) fn take_over(&mut self, mut owed: impl FnMut(usize) -> Option<Rect>) {
        for (&cell, rect) in &mut self.held_back {
            *rect = owed(cell).map_or(*rect, |owed| owed.union(*rect));
        }
    }

    /// Whether the cell in which the rectangle lies is to be painted roughly.
    pub(super) fn is_rough(&self, rect: Rect) -> bool {
        self.cells[self.index(rect)].is_restless
    }

    /// When something that was held back is due, if nothing changes until then.
    pub(super) fn due_at(&self) -> Option<Duration> {
        self.held_back.keys().map(|&index| self.cells[index].rests_at()).min()
    }

    fn index(&self, rect: Rect) -> usize {
        let (columns, rows) = self.grid.touched(rect);
        self.grid.index(columns.start, rows.start)
    }
}

impl Cell {
    fn rests_at(&self) -> Duration {
        self.changed_at + REST
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CELL: Rect = Rect::new(64, 0, 64, 64);

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn a_restless_cell_is_painted_only_so_often_and_once_more_when_it_rests() {
        let mut restless = Restless::none(ScreenSize::new(200, 100).unwrap());
        assert_eq!(restless.due(&[CELL], |_| false, ms(200)), [CELL]);
        assert!(!restless.is_rough(CELL));
        assert_eq!(restless.due(&[CELL], |_| true, ms(260)), []);
        let part = Rect { width: 3, ..CELL };
        assert_eq!(restless.due(&[part], |_| true, ms(300)), []);
        assert_eq!(restless.due(&[part], |_| true, ms(350)), [CELL], "all that was held back");
        assert!(restless.is_rough(CELL));
        assert_eq!(restless.due(&[CELL], |_| true, ms(380)), []);
        assert_eq!(restless.due_at(), Some(ms(380) + REST));
        assert_eq!(restless.due(&[], |_| true, ms(379) + REST), []);
        assert_eq!(restless.due(&[], |_| true, ms(380) + REST), [CELL]);
        assert!(!restless.is_rough(CELL), "it rests");
        assert_eq!(restless.due_at(), None);
    }

    #[test]
    fn what_is_not_restless_is_never_held_back() {
        let mut restless = Restless::none(ScreenSize::new(200, 100).unwrap());
        let other = Rect::new(3, 70, 5, 5);
        assert_eq!(restless.due(&[CELL, other], |_| false, ms(0)), [CELL, other]);
        assert_eq!(restless.due(&[CELL, other], |rect| rect == CELL, ms(1)), [other]);
        assert_eq!(restless.due(&[CELL], |_| false, ms(2)), [CELL]);
        assert_eq!(restless.due_at(), None);
    }
}
