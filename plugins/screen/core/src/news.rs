//! What changed in each cell last, and whether that is somebody at work: typing, for instance, also beside a page that changes as a whole.

use std::collections::BTreeMap;

use crate::Rect;
use crate::cells::Grid;

/// Changed cells that touch one another are somebody at work if no more of their pixels changed: eight cells.
const SMALL_AREA_MAX: usize = 8 * 64 * 64;

/// Of each cell, when it changed last, by any count that grows.
#[derive(Debug)]
pub(crate) struct News {
    grid: Grid,
    cells: Vec<(bool, u64)>,
}

impl News {
    /// All of the screen changed at once.
    pub(crate) fn whole(grid: Grid, at: u64) -> Self {
        Self { grid, cells: vec![(false, at); grid.len()] }
    }

    /// Whether somebody is at work in a cell, and when it changed last.
    pub(crate) fn of(&self, cell: usize) -> (bool, u64) {
        self.cells[cell]
    }

    /// These rectangles have just changed.
    pub(crate) fn note(&mut self, changed: &[Rect], at: u64) {
        let mut areas = BTreeMap::new();
        for &rect in changed {
            for cell in self.grid.touched_cells(rect) {
                let part = self.grid.cell(cell).intersection(rect).map_or(0, Rect::area);
                *areas.entry(cell).or_insert(0) += part;
            }
        }
        while let Some((cell, area)) = areas.pop_first() {
            let group = self.group(cell, area, &mut areas);
            let is_small = group.iter().map(|(_, area)| area).sum::<usize>() <= SMALL_AREA_MAX;
            group.iter().for_each(|(cell, _)| self.cells[*cell] = (is_small, at));
        }
    }

    /// Takes out all cells that hang together with one.
    fn group(&self, cell: usize, area: usize, areas: &mut BTreeMap<usize, usize>) -> Vec<(usize, usize)> {
        let mut group = vec![(cell, area)];
        let mut seen = 0;
        while let Some(&(cell, _)) = group.get(seen) {
            seen += 1;
            group.extend(self.around(cell).filter_map(|other| areas.remove_entry(&other)));
        }
        group
    }

    /// The cells that touch one, and itself.
    fn around(&self, cell: usize) -> impl Iterator<Item = usize> {
        let near = |at: usize, end: usize| at.saturating_sub(1)..(at + 2).min(end);
        let (columns, rows) = (self.grid.columns(), self.grid.rows());
        near(cell / columns, rows)
            .flat_map(move |row| near(cell % columns, columns).map(move |column| row * columns + column))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ScreenSize;

    #[test]
    fn what_is_small_is_small_beside_what_is_not() {
        let grid = Grid::new(ScreenSize::new(1280, 720).unwrap());
        let mut news = News::whole(grid, 1);
        news.note(&[Rect::new(0, 0, 1280, 300), Rect::new(500, 400, 9, 14), Rect::new(640, 460, 70, 5)], 2);
        let small: Vec<usize> = (0..grid.len()).filter(|cell| news.of(*cell) == (true, 2)).collect();
        assert_eq!(small, [6 * 20 + 7, 7 * 20 + 10, 7 * 20 + 11]);
        assert_eq!((news.of(0), news.of(4 * 20 + 19), news.of(5 * 20)), ((false, 2), (false, 2), (false, 1)));
    }

    #[test]
    fn what_touches_what_is_large_is_a_part_of_it() {
        let grid = Grid::new(ScreenSize::new(1280, 720).unwrap());
        let mut news = News::whole(grid, 1);
        news.note(&[Rect::new(0, 0, 1280, 300), Rect::new(500, 330, 9, 14)], 2);
        assert_eq!(news.of(5 * 20 + 7), (false, 2));
    }
}
