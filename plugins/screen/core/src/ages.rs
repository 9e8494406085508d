//! Cells to be painted, each with the time or the update since which it waits.

use crate::Rect;
use crate::cells::{CELL_SIDE, Grid};

/// Cells a side of a block of the picture grid.
const BLOCK_CELLS: usize = (crate::PICTURE_SIDE_MAX / CELL_SIDE) as usize;

/// A set of cells with ages.
#[derive(Clone, Debug)]
pub(crate) struct Ages {
    grid: Grid,
    /// 0 where the cell is not in the set.
    since: Vec<u64>,
    marked: usize,
}

/// A rectangle of cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Block {
    pub(crate) column: usize,
    pub(crate) row: usize,
    pub(crate) columns: usize,
    pub(crate) rows: usize,
}

impl Ages {
    pub(crate) fn none(grid: Grid) -> Self {
        Self { grid, since: vec![0; grid.len()], marked: 0 }
    }

    /// Every cell; `since` is not 0.
    pub(crate) fn all(grid: Grid, since: u64) -> Self {
        Self { grid, since: vec![since; grid.len()], marked: grid.len() }
    }

    pub(crate) fn grid(&self) -> Grid {
        self.grid
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.marked == 0
    }

    /// Cells in the set.
    pub(crate) fn len(&self) -> usize {
        self.marked
    }

    /// Since when the cell is in the set; 0 when it is not.
    pub(crate) fn since(&self, cell: usize) -> u64 {
        self.since[cell]
    }

    /// Adds a cell, or makes it younger; `since` is not 0.
    pub(crate) fn set(&mut self, cell: usize, since: u64) {
        self.marked += usize::from(self.since[cell] == 0);
        self.since[cell] = since;
    }

    /// Adds a cell; one that is there stays as old as it is.
    pub(crate) fn add(&mut self, cell: usize, since: u64) {
        if self.since[cell] == 0 {
            self.set(cell, since);
        }
    }

    pub(crate) fn remove(&mut self, cell: usize) {
        self.marked -= usize::from(self.since[cell] != 0);
        self.since[cell] = 0;
    }

    pub(crate) fn remove_block(&mut self, block: Block) {
        for row in block.row..block.row + block.rows {
            for column in block.column..block.column + block.columns {
                self.remove(self.grid.index(column, row));
            }
        }
    }

    /// The age of the oldest cell.
    pub(crate) fn oldest_since(&self) -> Option<u64> {
        self.since.iter().copied().filter(|since| *since != 0).min()
    }

    /// The oldest cell, and as many to its right and below as make a rectangle of at most `cells_max` that stays within one picture;
    /// `joins` says whether a cell may go with the first one.
    pub(crate) fn oldest(
        &self,
        cells_max: usize,
        mut joins: impl FnMut(usize, usize) -> bool,
    ) -> Option<Block> {
        let marked = self.since.iter().enumerate().filter(|(_, since)| **since != 0);
        let (first, _) = marked.min_by_key(|(_, since)| **since)?;
        let (column, row) = (first % self.grid.columns(), first / self.grid.columns());
        let mut goes_along = |column: usize, row: usize| {
            let cell = self.grid.index(column, row);
            self.since[cell] != 0 && (cell == first || joins(first, cell))
        };
        let block_end = |cell: usize, end: usize| ((cell / BLOCK_CELLS + 1) * BLOCK_CELLS).min(end);

        let right = block_end(column, self.grid.columns()).min(column + cells_max);
        let columns = (column..right).take_while(|&column| goes_along(column, row)).count();
        let bottom = block_end(row, self.grid.rows()).min(row + (cells_max / columns).max(1));
        let mut row_goes_along =
            |row: &usize| (column..column + columns).all(|column| goes_along(column, *row));
        let rows = (row..bottom).take_while(&mut row_goes_along).count();
        Some(Block { column, row, columns, rows })
    }
}

impl Block {
    /// The upper or left half; `None` of a single cell.
    pub(crate) fn half(self) -> Option<Self> {
        match (self.columns, self.rows) {
            (1, 1) => None,
            (columns, rows) if columns <= rows => Some(Self { rows: rows.div_ceil(2), ..self }),
            (columns, _) => Some(Self { columns: columns.div_ceil(2), ..self }),
        }
    }

    /// Its pixels.
    pub(crate) fn rect(self, grid: Grid) -> Rect {
        grid.rect((self.column, self.row), self.columns, self.rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ScreenSize;

    fn grid(width: u32, height: u32) -> Grid {
        Grid::new(ScreenSize::new(width, height).unwrap())
    }

    #[test]
    fn the_oldest_cell_goes_first_and_stays_as_old_as_it_is() {
        let mut ages = Ages::none(grid(1920, 1080));
        let (one, other) = (10 * 30 + 10, 0);
        ages.add(one, 5);
        ages.add(other, 6);
        ages.add(one, 7);
        let oldest = ages.oldest(64, |_, _| true).unwrap();
        assert_eq!(oldest.rect(ages.grid()), Rect::new(640, 640, 64, 64));
        ages.remove_block(oldest);
        let next = ages.oldest(64, |_, _| true).unwrap();
        assert_eq!(next.rect(ages.grid()), Rect::new(0, 0, 64, 64));
        ages.set(other, 9);
        assert_eq!((ages.oldest_since(), ages.len()), (Some(9), 1));
        ages.remove_block(next);
        assert!(ages.is_empty());
    }

    #[test]
    fn a_block_stays_within_one_picture_and_its_limit() {
        let whole = Ages::all(grid(1100, 700), 1);
        let rect = |cells_max| whole.oldest(cells_max, |_, _| true).unwrap().rect(whole.grid());
        assert_eq!(rect(1000), Rect::new(0, 0, 512, 512));
        assert_eq!(rect(20), Rect::new(0, 0, 512, 128));
        assert_eq!(rect(3), Rect::new(0, 0, 192, 64));
        let joins = |_, cell: usize| cell % 18 < 5 && cell / 18 != 3;
        assert_eq!(whole.oldest(64, joins).unwrap().rect(whole.grid()), Rect::new(0, 0, 320, 192));
    }

    #[test]
    fn halves_end_with_one_cell() {
        let block = Block { column: 0, row: 0, columns: 8, rows: 5 };
        let halves = std::iter::successors(Some(block), |block| block.half());
        assert_eq!(
            halves.map(|half| (half.columns, half.rows)).collect::<Vec<_>>(),
            [(8, 5), (4, 5), (4, 3), (2, 3), (2, 2), (2, 1), (1, 1)]
        );
    }
}
