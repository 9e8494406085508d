//! The screen as a grid of cells, and sets of them.

use crate::{Rect, ScreenSize};

/// Side of a cell in pixels: fine enough for a word, coarse enough that a set of an 8K screen has 1 KiB.
pub(crate) const CELL_SIDE: u16 = 64;

/// How a screen is cut into cells; those at the right and at the bottom may be smaller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Grid {
    size: ScreenSize,
    columns: usize,
    rows: usize,
}

impl Grid {
    pub(crate) fn new(size: ScreenSize) -> Self {
        let cells = |side: u16| usize::from(side.div_ceil(CELL_SIDE));
        Self { size, columns: cells(size.width()), rows: cells(size.height()) }
    }

    pub(crate) fn columns(&self) -> usize {
        self.columns
    }

    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    pub(crate) fn len(&self) -> usize {
        self.columns * self.rows
    }

    pub(crate) fn index(&self, column: usize, row: usize) -> usize {
        row * self.columns + column
    }

    /// The rows of pixels of a row of cells.
    pub(crate) fn rows_of(&self, row: usize) -> std::ops::Range<usize> {
        let side = usize::from(CELL_SIDE);
        row * side..((row + 1) * side).min(self.size.height().into())
    }

    /// The pixels of the cells from column and row `first` on, `columns` x `rows` of them, cut at the screen's edge.
    pub(crate) fn rect(&self, first: (usize, usize), columns: usize, rows: usize) -> Rect {
        let side = usize::from(CELL_SIDE);
        let (x, y) = (first.0 * side, first.1 * side);
        let width = (columns * side).min(usize::from(self.size.width()) - x);
        let height = (rows * side).min(usize::from(self.size.height()) - y);
        Rect::new(x as u16, y as u16, width as u16, height as u16)
    }

    /// The pixels of one cell.
    pub(crate) fn cell(&self, index: usize) -> Rect {
        self.rect((index % self.columns, index / self.columns), 1, 1)
    }

    /// The pixels of the cell in which a rectangle begins.
    pub(crate) fn cell_of(&self, rect: Rect) -> Rect {
        self.rect((usize::from(rect.x / CELL_SIDE), usize::from(rect.y / CELL_SIDE)), 1, 1)
    }

    /// The columns and the rows that a rectangle touches.
    pub(crate) fn touched(&self, rect: Rect) -> (std::ops::Range<usize>, std::ops::Range<usize>) {
        let range =
            |from: u16, to: u32| usize::from(from / CELL_SIDE)..to.div_ceil(u32::from(CELL_SIDE)) as usize;
        (range(rect.x, rect.right()), range(rect.y, rect.bottom()))
    }

    /// The indices of all cells that a rectangle touches, row by row.
    pub(crate) fn touched_cells(self, rect: Rect) -> impl Iterator<Item = usize> {
        let (columns, rows) = self.touched(rect);
        rows.flat_map(move |row| columns.clone().map(move |column| self.index(column, row)))
    }
}

/// A set of cells.
#[derive(Clone, Debug)]
pub(crate) struct Cells {
    grid: Grid,
    marked: Vec<bool>,
}

impl Cells {
    pub(crate) fn none(grid: Grid) -> Self {
        Self { grid, marked: vec![false; grid.len()] }
    }

    /// Adds every cell that the rectangle touches.
    pub(crate) fn mark(&mut self, rect: Rect) {
        let (columns, rows) = self.grid.touched(rect);
        for row in rows {
            let first = self.grid.index(0, row);
            self.marked[first + columns.start..first + columns.end].fill(true);
        }
    }

    /// The set as rectangles that do not overlap: each run of a row of cells is one.
    pub(crate) fn rects(&self) -> Vec<Rect> {
        let mut rects = Vec::new();
        for (row, cells) in self.marked.chunks(self.grid.columns).enumerate() {
            let mut column = 0;
            for run in cells.chunk_by(|a, b| a == b) {
                if run[0] {
                    rects.push(self.grid.rect((column, row), run.len(), 1));
                }
                column += run.len();
            }
        }
        rects
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_cells_are_cut_at_the_edge() {
        let grid = Grid::new(ScreenSize::new(130, 65).unwrap());
        assert_eq!((grid.columns(), grid.rows()), (3, 2));
        let mut cells = Cells::none(grid);
        cells.mark(Rect::new(63, 64, 67, 1));
        assert_eq!(cells.rects(), [Rect::new(0, 64, 130, 1)]);
        assert_eq!(grid.touched_cells(Rect::new(63, 64, 67, 1)).collect::<Vec<_>>(), [3, 4, 5]);
    }
}
