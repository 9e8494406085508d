//! How often each cell changes, where its changes end, and whether it looks like a photograph.

use std::ops::Range;
use std::time::Duration;

use crate::cells::{CELL_SIDE, Grid};
use crate::content::{self, Kind};
use crate::{Canvas, Rect};

/// Changes are counted over about so long: each one counts less the older it is.
const MEMORY: Duration = Duration::from_millis(350);
/// A cell that changes at least so often a second is hot. At eight changes a second the count never falls below 6.6.
const HOT: f32 = 6.0;
/// A cell that changed twice within a tenth of a second has at least this, one that changes at most four times a second never.
const RESTLESS: f32 = 5.0;
/// A cell of a film that runs may rest for a while.
const WARM: f32 = 2.5;
/// A change after which nothing remains of what was before.
const COLD: f32 = 0.5;
/// The last changes of a cell that say where they end.
const EXTENTS: usize = 8;
/// A photograph stays one for so long.
const JUDGEMENT_AGE_MAX: Duration = Duration::from_millis(200);
/// A cell of which fewer pixels than one in so many repeat their left neighbour is a photograph.
const PHOTOGRAPH_REPEATS: usize = 3;
/// Only every so many rows are looked at for that.
const ROWS_STEP: usize = 4;

#[derive(Debug)]
pub(super) struct Heat {
    grid: Grid,
    cells: Vec<Cell>,
}

#[derive(Clone, Debug)]
struct Cell {
    /// Changes a second, as of `at`.
    rate: f32,
    at: Duration,
    is_photograph: bool,
    judged_at: Option<Duration>,
    /// The last changes; `next` is to be overwritten next.
    extents: [Option<Rect>; EXTENTS],
    next: usize,
}

impl Heat {
    pub(super) fn new(grid: Grid) -> Self {
        let cell = Cell {
            rate: 0.0,
            at: Duration::ZERO,
            is_photograph: false,
            judged_at: None,
            extents: [None; EXTENTS],
            next: 0,
        };
        Self { grid, cells: vec![cell; grid.len()] }
    }

    /// `changed` has a tight rectangle for each cell that changed.
    pub(super) fn note(&mut self, changed: &[Rect], canvas: &Canvas, now: Duration) {
        for &rect in changed {
            let index = self.grid.index((rect.x / CELL_SIDE).into(), (rect.y / CELL_SIDE).into());
            self.cells[index].change(rect, canvas, now);
        }
    }

    /// Nothing is known any more of the cells that the rectangle touches; it may extend beyond the screen.
    pub(super) fn forget(&mut self, rect: Rect) {
        let (columns, rows) = self.grid.touched(rect);
        for row in rows.start..rows.end.min(self.grid.rows()) {
            for column in columns.start..columns.end.min(self.grid.columns()) {
                self.cells[self.grid.index(column, row)].rate = 0.0;
            }
        }
    }

    /// Whether the cell in which the rectangle lies changes again and again.
    pub(super) fn is_restless(&self, rect: Rect, now: Duration) -> bool {
        let index = self.grid.index((rect.x / CELL_SIDE).into(), (rect.y / CELL_SIDE).into());
        RESTLESS <= self.cells[index].rate_at(now)
    }

    /// Enough of the rectangle changes and looks like photographs for a film that runs.
    pub(super) fn is_alive(&self, rect: Rect, now: Duration) -> bool {
        let is_warm = |cell: &usize| {
            let cell = &self.cells[*cell];
            WARM <= cell.rate_at(now) && cell.is_photograph
        };
        let warm = self.grid.touched_cells(rect).filter(is_warm).count();
        self.grid.touched_cells(rect).count() <= 4 * warm
    }

    /// The tight rectangle around the largest group of hot cells that look like photographs, if they fill it.
    pub(super) fn hottest(&self, now: Duration) -> Option<Rect> {
        let mut hot: Vec<bool> = self.cells.iter().map(|cell| cell.is_film(now)).collect();
        let mut largest: Option<Group> = None;
        for cell in 0..hot.len() {
            if hot[cell] {
                let group = self.take_group(&mut hot, cell);
                let is_larger = largest.as_ref().is_none_or(|largest| largest.cells < group.cells);
                largest = if is_larger { Some(group) } else { largest };
            }
        }
        let group = self.trimmed(largest?, now);
        let is_filled = group.columns.len() * group.rows.len() <= 2 * group.cells;
        is_filled.then(|| self.tight(&group, now)).flatten()
    }

    /// Takes out the cells that hang together with `first`; a gap of one cell holds them together.
    fn take_group(&self, hot: &mut [bool], first: usize) -> Group {
        let (columns, rows) = (self.grid.columns(), self.grid.rows());
        let mut group = Group { columns: columns..0, rows: rows..0, cells: 0 };
        let mut open = vec![first];
        hot[first] = false;
        while let Some(cell) = open.pop() {
            let (column, row) = (cell % columns, cell / columns);
            group.include(column, row);
            for row in row.saturating_sub(2)..(row + 3).min(rows) {
                for column in column.saturating_sub(2)..(column + 3).min(columns) {
                    let near = self.grid.index(column, row);
                    if std::mem::take(&mut hot[near]) {
                        open.push(near);
                    }
                }
            }
        }
        group
    }

    /// Without the columns and rows at its sides in which little changes: a line of text that runs beside a film.
    fn trimmed(&self, mut group: Group, now: Duration) -> Group {
        let covered = |columns: Range<usize>, rows: Range<usize>, length: fn(Rect) -> u16| {
            let hot = self.film_cells(columns, rows, now);
            hot.filter_map(Cell::last_extent).map(|rect| usize::from(length(rect))).sum::<usize>()
        };
        let column = |at: usize, rows: &Range<usize>| covered(at..at + 1, rows.clone(), |rect| rect.height);
        let row = |at: usize, columns: &Range<usize>| covered(columns.clone(), at..at + 1, |rect| rect.width);
        let highest = group.columns.clone().map(|at| column(at, &group.rows)).max().unwrap_or(0);
        group.columns = trim(group.columns, |at| highest <= 2 * column(at, &group.rows));
        let widest = group.rows.clone().map(|at| row(at, &group.columns)).max().unwrap_or(0);
        group.rows = trim(group.rows, |at| widest <= 2 * row(at, &group.columns));
        group.cells = self.film_cells(group.columns.clone(), group.rows.clone(), now).count();
        group
    }

    fn film_cells(
        &self,
        columns: Range<usize>,
        rows: Range<usize>,
        now: Duration,
    ) -> impl Iterator<Item = &Cell> {
        let cells = rows.flat_map(move |row| columns.clone().map(move |column| self.grid.index(column, row)));
        cells.map(|cell| &self.cells[cell]).filter(move |cell| cell.is_film(now))
    }

    /// Where most changes of the outermost cells end: beside a film somebody may type.
    fn tight(&self, group: &Group, now: Duration) -> Option<Rect> {
        let Group { columns, rows, .. } = group;
        let side = |columns: Range<usize>, rows: Range<usize>, edge: fn(Rect) -> u32| {
            let extents = self.film_cells(columns, rows, now).flat_map(|cell| cell.extents.iter().flatten());
            let mut edges: Vec<u32> = extents.map(|&rect| edge(rect)).collect();
            edges.sort_unstable();
            edges
        };
        // Of two in the middle the inner one.
        let low = |edges: Vec<u32>| edges.get(edges.len() / 2).copied();
        let high = |edges: Vec<u32>| edges.get(edges.len().checked_sub(1)? / 2).copied();
        let (last_column, last_row) = (columns.end - 1..columns.end, rows.end - 1..rows.end);
        let left = low(side(columns.start..columns.start + 1, rows.clone(), |rect| rect.x.into()))?;
        let top = low(side(columns.clone(), rows.start..rows.start + 1, |rect| rect.y.into()))?;
        let right = high(side(last_column, rows.clone(), Rect::right))?;
        let bottom = high(side(columns.clone(), last_row, Rect::bottom))?;
        (left < right && top < bottom)
            .then(|| Rect::new(left as u16, top as u16, (right - left) as u16, (bottom - top) as u16))
    }
}

/// Cells that hang together, and the columns and rows that they span.
#[derive(Debug)]
struct Group {
    columns: Range<usize>,
    rows: Range<usize>,
    cells: usize,
}

impl Group {
    fn include(&mut self, column: usize, row: usize) {
        self.columns = self.columns.start.min(column)..self.columns.end.max(column + 1);
        self.rows = self.rows.start.min(row)..self.rows.end.max(row + 1);
        self.cells += 1;
    }
}

/// Without what is at the ends and not to be kept.
fn trim(range: Range<usize>, is_kept: impl Fn(usize) -> bool) -> Range<usize> {
    let start = range.clone().find(|&at| is_kept(at)).unwrap_or(range.start);
    let end = range.clone().rfind(|&at| is_kept(at)).map_or(range.end, |last| last + 1);
    start..end
}

impl Cell {
    fn is_film(&self, now: Duration) -> bool {
        self.is_photograph && HOT <= self.rate_at(now)
    }

    fn last_extent(&self) -> Option<Rect> {
        self.extents[(self.next + EXTENTS - 1) % EXTENTS]
    }

    fn rate_at(&self, now: Duration) -> f32 {
        let age = now.saturating_sub(self.at).as_secs_f32() / MEMORY.as_secs_f32();
        self.rate * (-age).exp()
    }

    fn change(&mut self, rect: Rect, canvas: &Canvas, now: Duration) {
        if self.rate_at(now) < COLD {
            // What changed here before was something else.
            self.extents = [None; EXTENTS];
        }
        self.rate = self.rate_at(now) + 1.0 / MEMORY.as_secs_f32();
        self.at = now;
        self.extents[self.next] = Some(rect);
        self.next = (self.next + 1) % EXTENTS;
        let is_recent =
            self.judged_at.is_some_and(|judged_at| now.saturating_sub(judged_at) < JUDGEMENT_AGE_MAX);
        if HOT <= self.rate && !is_recent {
            self.is_photograph = is_photograph(canvas, rect) || content::kind(canvas, rect) != Kind::Lines;
            self.judged_at = Some(now);
        }
    }
}

fn is_photograph(canvas: &Canvas, rect: Rect) -> bool {
    let (mut repeats, mut pairs) = (0, 0);
    for y in (usize::from(rect.y)..rect.bottom() as usize).step_by(ROWS_STEP) {
        let pixels: &[[u8; 4]] = canvas.row(rect, y).as_chunks().0;
        repeats += pixels.iter().zip(&pixels[1..]).filter(|(left, right)| left == right).count();
        pairs += pixels.len() - 1;
    }
    // A single column may be the edge of anything.
    repeats * PHOTOGRAPH_REPEATS <= pairs
}
