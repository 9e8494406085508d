//! What a viewer still has to see: cells, each with the update since which it is dirty.

use crate::Rect;
use crate::ages::{Ages, Block};
use crate::cells::Grid;

/// Empty while there is no screen.
#[derive(Debug, Default)]
pub(super) struct Debt {
    cells: Option<Ages>,
}

impl Debt {
    /// All of a screen.
    pub(super) fn whole(grid: Option<Grid>, version: u64) -> Self {
        Self { cells: grid.map(|grid| Ages::all(grid, version)) }
    }

    pub(super) fn none(grid: Option<Grid>) -> Self {
        Self { cells: grid.map(Ages::none) }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.cells.as_ref().is_none_or(Ages::is_empty)
    }

    /// Cells that are dirty.
    pub(super) fn len(&self) -> usize {
        self.cells.as_ref().map_or(0, Ages::len)
    }

    /// Adds every cell that the rectangle touches. One that was dirty stays as old as it was.
    pub(super) fn add(&mut self, rect: Rect, version: u64) {
        let Some(cells) = &mut self.cells else { return };
        cells.grid().touched_cells(rect).for_each(|cell| cells.add(cell, version));
    }

    /// Takes out every cell that lies wholly inside the rectangle.
    pub(super) fn remove_inside(&mut self, rect: Rect) {
        let Some(cells) = &mut self.cells else { return };
        let grid = cells.grid();
        for cell in grid.touched_cells(rect).filter(|&cell| grid.cell(cell).is_within(rect)) {
            cells.remove(cell);
        }
    }

    /// Whether a cell that the rectangle touches is dirty.
    pub(super) fn touches(&self, rect: Rect) -> bool {
        let touches = |cells: &Ages| cells.grid().touched_cells(rect).any(|cell| cells.since(cell) != 0);
        self.cells.as_ref().is_some_and(touches)
    }

    /// The oldest dirty cell and its neighbours, as [`Ages::oldest`].
    pub(super) fn oldest(&self, cells_max: usize, joins: impl FnMut(usize, usize) -> bool) -> Option<Block> {
        self.cells.as_ref()?.oldest(cells_max, joins)
    }

    /// The pixels of a block.
    pub(super) fn rect(&self, block: Block) -> Rect {
        block.rect(self.cells.as_ref().expect("a block comes from the cells of a screen").grid())
    }

    /// The index of a block's first cell.
    pub(super) fn cell(&self, block: Block) -> usize {
        let cells = self.cells.as_ref().expect("a block comes from the cells of a screen");
        cells.grid().index(block.column, block.row)
    }

    pub(super) fn pay(&mut self, block: Block) {
        if let Some(cells) = &mut self.cells {
            cells.remove_block(block);
        }
    }
}
