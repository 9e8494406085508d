//! What a viewer still has to see: cells, each with the update since which it is dirty, and the part of it that is.

use std::collections::BTreeMap;

use crate::Rect;
use crate::ages::Ages;
use crate::cells::Grid;

/// What goes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// What somebody is at work on, then what has changed last; of that, what has waited longest.
    Newest,
    /// What has waited longest, whatever happens elsewhere.
    Oldest,
}

impl Order {
    pub(crate) fn other(self) -> Self {
        match self {
            Self::Newest => Self::Oldest,
            Self::Oldest => Self::Newest,
        }
    }

    /// What counts of a cell's news: whether somebody is at work there, and when it changed last.
    pub(crate) fn news(self, news: (bool, u64)) -> (bool, u64) {
        match self {
            Self::Newest => news,
            Self::Oldest => (false, 0),
        }
    }
}

/// Empty while there is no screen.
#[derive(Debug, Default)]
pub(crate) struct Debt {
    cells: Option<Ages>,
    /// Of the dirty cells that are not all dirty, a rectangle around what is.
    parts: BTreeMap<usize, Rect>,
}

impl Debt {
    /// All of a screen.
    pub(crate) fn whole(grid: Option<Grid>, version: u64) -> Self {
        Self { cells: grid.map(|grid| Ages::all(grid, version)), parts: BTreeMap::new() }
    }

    pub(crate) fn none(grid: Option<Grid>) -> Self {
        Self { cells: grid.map(Ages::none), parts: BTreeMap::new() }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.cells.as_ref().is_none_or(Ages::is_empty)
    }

    /// Cells that are dirty.
    pub(crate) fn len(&self) -> usize {
        self.cells.as_ref().map_or(0, Ages::len)
    }

    /// Adds what the rectangle has of every cell that it touches. One that was dirty stays as old as it was.
    pub(crate) fn add(&mut self, rect: Rect, version: u64) {
        let Some(cells) = &mut self.cells else { return };
        let grid = cells.grid();
        for cell in grid.touched_cells(rect) {
            let part = grid.cell(cell).intersection(rect).expect("it is touched");
            let part = match (cells.since(cell) != 0, self.parts.get(&cell)) {
                (false, _) => part,
                (true, Some(before)) => before.union(part),
                (true, None) => grid.cell(cell),
            };
            if part == grid.cell(cell) {
                self.parts.remove(&cell);
            } else {
                self.parts.insert(cell, part);
            }
            cells.add(cell, version);
        }
    }

    /// Takes out every cell whose dirty part lies inside the rectangle.
    pub(crate) fn remove_inside(&mut self, rect: Rect) {
        let Some(cells) = &mut self.cells else { return };
        let grid = cells.grid();
        for cell in grid.touched_cells(rect) {
            let dirty = self.parts.get(&cell).copied().unwrap_or(grid.cell(cell));
            if dirty.is_within(rect) {
                self.parts.remove(&cell);
                cells.remove(cell);
            }
        }
    }

    /// Each dirty part becomes what `dirty` makes of it, a rectangle within it or nothing.
    pub(crate) fn shrink(&mut self, mut dirty: impl FnMut(Rect) -> Option<Rect>) {
        let Some(cells) = &mut self.cells else { return };
        let grid = cells.grid();
        for cell in (0..grid.len()).filter(|cell| cells.since(*cell) != 0).collect::<Vec<_>>() {
            let before = self.parts.remove(&cell).unwrap_or(grid.cell(cell));
            match dirty(before) {
                Some(part) if part == grid.cell(cell) => {}
                Some(part) => drop(self.parts.insert(cell, part)),
                None => cells.remove(cell),
            }
        }
    }

    /// What of the rectangle is dirty, a rectangle for each cell.
    pub(crate) fn dirty_in(&self, rect: Rect) -> impl Iterator<Item = Rect> {
        let dirty = move |cells: &Ages| {
            let (grid, parts) = (cells.grid(), &self.parts);
            let dirty: Vec<Rect> = grid
                .touched_cells(rect)
                .filter(|cell| cells.since(*cell) != 0)
                .filter_map(|cell| parts.get(&cell).copied().unwrap_or(grid.cell(cell)).intersection(rect))
                .collect();
            dirty
        };
        self.cells.as_ref().map(dirty).unwrap_or_default().into_iter()
    }

    /// Whether something in the rectangle is dirty.
    pub(crate) fn touches(&self, rect: Rect) -> bool {
        self.dirty_in(rect).next().is_some()
    }

    /// As [`Ages::first`].
    pub(crate) fn first<K: Ord>(&self, key: impl FnMut(usize, u64) -> K) -> Option<usize> {
        self.cells.as_ref()?.first(key)
    }

    /// As [`Ages::block_around`]; also the number of cells.
    pub(crate) fn block_around(
        &self,
        cell: usize,
        cells_max: usize,
        bytes_max: usize,
        bytes: impl FnMut(usize, u64) -> Option<usize>,
    ) -> Option<(Rect, usize)> {
        let cells = self.cells.as_ref()?;
        let block = cells.block_around(cell, cells_max, bytes_max, bytes);
        Some((block.rect(cells.grid()), block.cells()))
    }

    /// Whether a rectangle has some dirty cell, and no other but those that are `free`.
    pub(crate) fn holds(&self, rect: Rect, mut free: impl FnMut(usize) -> bool) -> bool {
        let Some(cells) = &self.cells else { return false };
        let is_dirty = |cell: &usize| cells.since(*cell) != 0;
        let touched = || cells.grid().touched_cells(rect);
        touched().any(|cell| is_dirty(&cell)) && touched().all(|cell| is_dirty(&cell) || free(cell))
    }
}
