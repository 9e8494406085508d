//! Cells to be painted, each with the time or the update since which it waits.

use crate::Rect;
use crate::cells::Grid;

/// Cells a side of the largest block: a picture has at most 512 pixels.
const SIDE_MAX: usize = 8;

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

    /// The age of the oldest cell.
    pub(crate) fn oldest_since(&self) -> Option<u64> {
        self.since.iter().copied().filter(|since| *since != 0).min()
    }

    /// The oldest cell.
    pub(crate) fn oldest(&self) -> Option<usize> {
        self.first(|_, since| since)
    }

    /// The cell with the least key, made of its index and of its age.
    pub(crate) fn first<K: Ord>(&self, mut key: impl FnMut(usize, u64) -> K) -> Option<usize> {
        let marked = self.since.iter().enumerate().filter(|(_, since)| **since != 0);
        marked.min_by_key(|(cell, since)| key(*cell, **since)).map(|(cell, _)| cell)
    }

    /// The largest block around a cell that has at most `cells_max` cells, which `cost` no more than `cost_max` together; or the cell alone.
    /// The cost is made of a cell's index and its age; what has none does not join.
    ///
    /// Blocks are one, two, four or eight cells wide and high, no higher than wide, and lie at multiples of that, so that whoever wants a part of the screen wants
    /// the same pictures as everybody else. They grow in width first, as lines of text do.
    pub(crate) fn block_around(
        &self,
        cell: usize,
        cells_max: usize,
        cost_max: usize,
        mut cost: impl FnMut(usize, u64) -> Option<usize>,
    ) -> Block {
        let mut largest = self.block(cell, (1, 1));
        let mut spent = cost(cell, self.since[cell]).unwrap_or_default();
        let (mut width, mut height) = (1, 1);
        loop {
            let wider = (width < SIDE_MAX).then_some((2 * width, height));
            let higher = (height < width).then_some((width, 2 * height));
            let tries = wider.into_iter().chain(higher).filter(|(width, height)| width * height <= cells_max);
            let grown = tries.into_iter().find_map(|sides| {
                let block = self.block(cell, sides);
                let mut new = block.indices(self.grid).filter(|cell| !largest.has(*cell, self.grid));
                let more = new.try_fold(0, |sum, cell| {
                    let sum = sum + cost(cell, self.since[cell])?;
                    (spent + sum <= cost_max).then_some(sum)
                })?;
                Some((sides, block, more))
            });
            let Some((sides, block, more)) = grown else { return largest };
            ((width, height), largest) = (sides, block);
            spent += more;
        }
    }

    /// The block of so many cells a side in which a cell lies, cut at the screen's edge.
    fn block(&self, cell: usize, (width, height): (usize, usize)) -> Block {
        let (column, row) = (cell % self.grid.columns(), cell / self.grid.columns());
        let (column, row) = (column / width * width, row / height * height);
        let (columns, rows) = (width.min(self.grid.columns() - column), height.min(self.grid.rows() - row));
        Block { column, row, columns, rows }
    }
}

impl Block {
    /// How many.
    pub(crate) fn cells(self) -> usize {
        self.columns * self.rows
    }

    fn has(self, cell: usize, grid: Grid) -> bool {
        let (column, row) = (cell % grid.columns(), cell / grid.columns());
        (self.column..self.column + self.columns).contains(&column)
            && (self.row..self.row + self.rows).contains(&row)
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
        assert_eq!(ages.oldest(), Some(one));
        assert_eq!(ages.first(|_, since| std::cmp::Reverse(since)), Some(other));
        ages.remove(one);
        assert_eq!(ages.oldest(), Some(other));
        ages.set(other, 9);
        assert_eq!((ages.oldest_since(), ages.len()), (Some(9), 1));
        ages.remove(other);
        assert!(ages.is_empty());
    }

    #[test]
    fn blocks_lie_at_multiples_of_their_sides_and_stay_within_their_limits() {
        let ages = Ages::all(grid(1100, 700), 2);
        let cell = 7 * 18 + 13;
        let rect = |cells_max, cost_max| {
            ages.block_around(cell, cells_max, cost_max, |_, _| Some(10)).rect(ages.grid())
        };
        assert_eq!(rect(64, 1000), Rect::new(512, 0, 512, 512));
        assert_eq!(rect(63, 1000), Rect::new(512, 256, 512, 256));
        assert_eq!(rect(64, 319), Rect::new(512, 384, 512, 128));
        assert_eq!(rect(64, 80), Rect::new(512, 448, 512, 64));
        assert_eq!(rect(2, 1000), Rect::new(768, 448, 128, 64));
        assert_eq!(rect(64, 0), Rect::new(832, 448, 64, 64));
        let cost = |cell: usize, _| (cell % 18 != 15).then_some(10);
        let joined = ages.block_around(cell, 64, 1000, cost);
        assert_eq!(joined.rect(ages.grid()), Rect::new(768, 384, 128, 128));
        let corner = ages.block_around(10 * 18 + 17, 64, 1000, |_, _| Some(0));
        assert_eq!(corner.rect(ages.grid()), Rect::new(1024, 512, 76, 188), "cut at the edge");
    }
}
