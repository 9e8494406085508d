//! Cells to be painted, each with the time or the update since which it waits.

use crate::Rect;
use crate::cells::Grid;

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
        block.indices(self.grid).for_each(|cell| self.remove(cell));
    }

    /// The age of the oldest cell.
    pub(crate) fn oldest_since(&self) -> Option<u64> {
        self.since.iter().copied().filter(|since| *since != 0).min()
    }

    /// The largest block of at most `cells_max` cells, or one, around the oldest cell, all of which are in the set and `join` the oldest one.
    ///
    /// Blocks are squares of one, two, four or eight cells a side that lie at multiples of it, so that whoever wants a part of the screen wants
    /// the same pictures as everybody else.
    pub(crate) fn oldest(
        &self,
        cells_max: usize,
        mut joins: impl FnMut(usize, usize) -> bool,
    ) -> Option<Block> {
        let marked = self.since.iter().enumerate().filter(|(_, since)| **since != 0);
        let (first, _) = marked.min_by_key(|(_, since)| **since)?;
        let mut largest = self.block(first, 1);
        for side in [2, 4, 8] {
            let block = self.block(first, side);
            let mut goes_along = |cell| self.since[cell] != 0 && (cell == first || joins(first, cell));
            if cells_max < block.cells() || !block.indices(self.grid).all(&mut goes_along) {
                break;
            }
            largest = block;
        }
        Some(largest)
    }

    /// The square of `side` cells in which a cell lies, cut at the screen's edge.
    fn block(&self, cell: usize, side: usize) -> Block {
        let start = |at: usize| at / side * side;
        let (column, row) = (start(cell % self.grid.columns()), start(cell / self.grid.columns()));
        let (columns, rows) = (side.min(self.grid.columns() - column), side.min(self.grid.rows() - row));
        Block { column, row, columns, rows }
    }
}

impl Block {
    /// How many.
    pub(crate) fn cells(self) -> usize {
        self.columns * self.rows
    }

    /// Their indices.
    fn indices(self, grid: Grid) -> impl Iterator<Item = usize> {
        let rows = self.row..self.row + self.rows;
        rows.flat_map(move |row| {
            (self.column..self.column + self.columns).map(move |column| grid.index(column, row))
        })
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
    fn blocks_lie_at_multiples_of_their_side_and_stay_within_their_limit() {
        let mut ages = Ages::all(grid(1100, 700), 2);
        ages.set(7 * 18 + 13, 1);
        let rect = |ages: &Ages, cells_max| ages.oldest(cells_max, |_, _| true).unwrap().rect(ages.grid());
        assert_eq!(rect(&ages, 1000), Rect::new(512, 0, 512, 512));
        assert_eq!(rect(&ages, 63), Rect::new(768, 256, 256, 256));
        assert_eq!(rect(&ages, 4), Rect::new(768, 384, 128, 128));
        assert_eq!(rect(&ages, 0), Rect::new(832, 448, 64, 64));
        let joins = |_, cell: usize| cell % 18 != 15;
        assert_eq!(ages.oldest(64, joins).unwrap().rect(ages.grid()), Rect::new(768, 384, 128, 128));
        let mut corner = Ages::all(grid(1100, 700), 2);
        corner.set(10 * 18 + 17, 1);
        assert_eq!(rect(&corner, 64), Rect::new(1024, 512, 76, 188), "cut at the edge");
    }
}
