//! What a viewer still has to see: cells, each with the update since which it is dirty.

use crate::Rect;
use crate::cells::{CELL_SIDE, Grid};

/// Cells a side of a block of the picture grid.
const BLOCK_CELLS: usize = (crate::PICTURE_SIDE_MAX / CELL_SIDE) as usize;

/// Empty while there is no screen.
#[derive(Debug, Default)]
pub(super) struct Debt {
    cells: Option<DirtyCells>,
}

#[derive(Debug)]
struct DirtyCells {
    grid: Grid,
    /// The version at which the cell became dirty; 0 where it is clean.
    since: Vec<u64>,
    dirty: usize,
}

/// A rectangle of dirty cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Block {
    column: usize,
    row: usize,
    columns: usize,
    rows: usize,
}

impl Debt {
    /// All of a screen.
    pub(super) fn whole(grid: Option<Grid>, version: u64) -> Self {
        Self {
            cells: grid.map(|grid| DirtyCells { grid, since: vec![version; grid.len()], dirty: grid.len() }),
        }
    }

    pub(super) fn none(grid: Option<Grid>) -> Self {
        Self { cells: grid.map(|grid| DirtyCells { grid, since: vec![0; grid.len()], dirty: 0 }) }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.cells.as_ref().is_none_or(|cells| cells.dirty == 0)
    }

    /// Adds every cell that the rectangle touches. One that was dirty stays as old as it was.
    pub(super) fn add(&mut self, rect: Rect, version: u64) {
        let Some(cells) = &mut self.cells else { return };
        for cell in cells.grid.touched_cells(rect) {
            if cells.since[cell] == 0 {
                cells.since[cell] = version;
                cells.dirty += 1;
            }
        }
    }

    /// The oldest dirty cell, and as many dirty ones to its right and below as make a rectangle of at most `cells_max` that stays within
    /// one picture.
    pub(super) fn oldest(&self, cells_max: usize) -> Option<Block> {
        let cells = self.cells.as_ref()?;
        let dirty = cells.since.iter().enumerate().filter(|(_, since)| **since != 0);
        let (first, _) = dirty.min_by_key(|(_, since)| **since)?;
        let (column, row) = (first % cells.grid.columns(), first / cells.grid.columns());
        let is_dirty = |column: usize, row: usize| cells.since[cells.grid.index(column, row)] != 0;
        let block_end = |cell: usize, end: usize| ((cell / BLOCK_CELLS + 1) * BLOCK_CELLS).min(end);

        let right = block_end(column, cells.grid.columns()).min(column + cells_max);
        let columns = (column..right).take_while(|&column| is_dirty(column, row)).count();
        let bottom = block_end(row, cells.grid.rows()).min(row + (cells_max / columns).max(1));
        let is_row_dirty = |row: &usize| (column..column + columns).all(|column| is_dirty(column, *row));
        let rows = (row..bottom).take_while(is_row_dirty).count();
        Some(Block { column, row, columns, rows })
    }

    /// The pixels of a block.
    pub(super) fn rect(&self, block: Block) -> Rect {
        let cells = self.cells.as_ref().expect("a block comes from the cells of a screen");
        cells.grid.rect((block.column, block.row), block.columns, block.rows)
    }

    pub(super) fn pay(&mut self, block: Block) {
        let Some(cells) = &mut self.cells else { return };
        for row in block.row..block.row + block.rows {
            let first = cells.grid.index(block.column, row);
            for since in &mut cells.since[first..first + block.columns] {
                cells.dirty -= usize::from(*since != 0);
                *since = 0;
            }
        }
    }
}

impl Block {
    /// The upper or left half; `None` of a single cell.
    pub(super) fn half(self) -> Option<Self> {
        match (self.columns, self.rows) {
            (1, 1) => None,
            (columns, rows) if columns <= rows => Some(Self { rows: rows.div_ceil(2), ..self }),
            (columns, _) => Some(Self { columns: columns.div_ceil(2), ..self }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ScreenSize;

    fn debt(width: u32, height: u32) -> Debt {
        Debt::none(ScreenSize::new(width, height).map(Grid::new))
    }

    #[test]
    fn the_oldest_cell_goes_first_and_stays_as_old_as_it_is() {
        let mut debt = debt(1920, 1080);
        debt.add(Rect::new(650, 650, 10, 10), 5);
        debt.add(Rect::new(0, 0, 10, 10), 6);
        debt.add(Rect::new(650, 650, 10, 10), 7);
        let oldest = debt.oldest(64).unwrap();
        assert_eq!(debt.rect(oldest), Rect::new(640, 640, 64, 64));
        debt.pay(oldest);
        let next = debt.oldest(64).unwrap();
        assert_eq!(debt.rect(next), Rect::new(0, 0, 64, 64));
        debt.pay(next);
        assert!(debt.is_empty());
    }

    #[test]
    fn a_block_stays_within_one_picture_and_its_limit() {
        let whole = Debt::whole(ScreenSize::new(1100, 700).map(Grid::new), 1);
        let rect = |cells_max| whole.oldest(cells_max).map(|block| whole.rect(block));
        assert_eq!(rect(1000), Some(Rect::new(0, 0, 512, 512)));
        assert_eq!(rect(20), Some(Rect::new(0, 0, 512, 128)));
        assert_eq!(rect(3), Some(Rect::new(0, 0, 192, 64)));
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
