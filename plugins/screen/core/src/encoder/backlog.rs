//! What a reader is owed, because an update had no room for it: the presenter's side of what the relay does for each of its viewers.
//!
//! It is no queue: owed is whatever differs, and what goes out is what it shows by then.

use std::cmp::Reverse;
use std::time::Duration;

use crate::cells::Grid;
use crate::content::Kind;
use crate::debt::{Debt, Order};
use crate::look::{Look, Quality};
use crate::news::News;
use crate::{Canvas, Rect, ScreenSize};

/// Cells that are painted together: a block of the picture grid.
const CELLS_MAX: usize = 64;
/// What a cell of a page takes exactly, about.
const TEXT_CELL_BYTES: usize = 400;
/// An update is closed when so little is left of its room.
const REST: usize = 512;
/// What a record takes beside its picture.
const RECORD_BYTES: usize = 48;
/// What is guessed is off by no more than this, either way.
const SCALE_MAX: f64 = 4.0;

#[derive(Debug)]
pub(super) struct Backlog {
    grid: Grid,
    debt: Debt,
    news: News,
    order: Order,
    /// The most cells that were owed since none were.
    most_owed: usize,
    /// What pictures took, to what was guessed, lately.
    scale: f64,
}

/// How much an update may still have.
#[derive(Clone, Copy, Debug)]
pub(super) enum Room {
    /// All that is owed goes.
    Endless,
    /// About so many bytes.
    Bytes(usize),
}

/// What is painted next.
#[derive(Debug)]
pub(super) struct Turn {
    /// A rectangle for each cell, in the order of the cells.
    pub(super) rects: Vec<Rect>,
    /// Somebody is at work there.
    pub(super) is_small: bool,
    /// What it will take, about; unknown where it does not matter.
    bytes: Option<usize>,
}

impl Backlog {
    pub(super) fn none(size: ScreenSize) -> Self {
        let grid = Grid::new(size);
        Self {
            grid,
            debt: Debt::none(Some(grid)),
            news: News::whole(grid, 0),
            order: Order::Newest,
            most_owed: 0,
            scale: 1.0,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.debt.is_empty()
    }

    /// These rectangles, one a cell, have just changed.
    pub(super) fn note(&mut self, changed: &[Rect], time: Duration) {
        self.news.note(changed, stamp(time));
    }

    /// The rectangle, within a cell, is owed. One that was is as old as it was.
    pub(super) fn add(&mut self, rect: Rect, time: Duration) {
        self.debt.add(rect, stamp(time));
    }

    /// The rectangle has been painted.
    pub(super) fn paid(&mut self, rect: Rect) {
        self.debt.remove_inside(rect);
    }

    /// Takes out what is owed of a cell.
    pub(super) fn take(&mut self, cell: usize) -> Option<Rect> {
        let rect = self.debt.dirty_in(self.grid.cell(cell)).next()?;
        self.debt.remove_inside(self.grid.cell(cell));
        Some(rect)
    }

    /// `owed` says what of a rectangle is owed indeed.
    pub(super) fn settle(&mut self, owed: impl FnMut(Rect) -> Option<Rect>) {
        self.debt.shrink(owed);
    }

    /// What goes next: what is newest and what has waited longest by turns of updates. `None` when nothing is owed, or the update, which has
    /// so many bytes of it already, is full.
    pub(super) fn next(&mut self, canvas: &Canvas, room: Room, bytes: usize) -> Option<Turn> {
        let (order, news) = (self.order, &self.news);
        let first = self.debt.first(|cell, since| (Reverse(order.news(news.of(cell))), since))?;
        let Room::Bytes(room) = room else {
            let rects = self.debt.dirty_in(canvas.size().rect()).collect();
            return Some(Turn { rects, is_small: false, bytes: None });
        };
        if 0 < bytes && room < bytes + REST {
            return None;
        }
        let rest = (room.saturating_sub(bytes) as f64 / self.scale) as usize;
        let guess = |cell: usize| self.guess(canvas, cell);
        // What is small does not wait for what lies beside it.
        let joins = |cell: usize, since: u64| {
            since == 0 || order.news(news.of(cell)).0 == order.news(news.of(first)).0
        };
        let cost = |cell, since| joins(cell, since).then(|| guess(cell));
        let (block, _) = self.debt.block_around(first, CELLS_MAX, rest, cost)?;
        let rects: Vec<Rect> = self.debt.dirty_in(block).collect();
        let guessed = self.grid.touched_cells(block).map(guess).sum();
        Some(Turn { rects, is_small: news.of(first).0, bytes: Some(guessed) })
    }

    /// What a turn took.
    pub(super) fn learn(&mut self, turn: &Turn, bytes: usize) {
        if let Some(guessed) = turn.bytes.filter(|guessed| 0 < *guessed) {
            let seen = (bytes as f64 / guessed as f64).clamp(1.0 / SCALE_MAX, SCALE_MAX);
            self.scale = (3.0 * self.scale + seen) / 4.0;
        }
    }

    /// Whether more is owed than a line of so many bits a second carries soon: then it goes about right at first, all of it.
    pub(super) fn presses(&mut self, line: Option<u32>) -> bool {
        self.most_owed = self.most_owed.max(self.debt.len());
        line.is_some_and(|bits| (bits / 8) as usize <= self.most_owed * TEXT_CELL_BYTES)
    }

    /// The update ends.
    pub(super) fn end_update(&mut self) {
        if self.debt.is_empty() {
            self.most_owed = 0;
        }
        self.order = if self.debt.is_empty() { Order::Newest } else { self.order.other() };
    }

    /// About how many bytes what is owed of a cell takes.
    fn guess(&self, canvas: &Canvas, cell: usize) -> usize {
        let whole = self.grid.cell(cell);
        let Some(owed) = self.debt.dirty_in(whole).next() else { return 0 };
        let look = Look::of(canvas, whole);
        let bytes = match look.kind {
            Kind::Lines => look.bytes(Quality::Exact),
            // The photograph in it goes lossy.
            Kind::Mixed => look.edges,
            Kind::Soft | Kind::Photograph => look.bytes(Quality::Coarse),
        };
        RECORD_BYTES + bytes * owed.area() / whole.area()
    }
}

/// As an age, which is never 0.
fn stamp(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX - 1) + 1
}
