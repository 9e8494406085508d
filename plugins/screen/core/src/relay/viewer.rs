//! One viewer: what it has, what it still has to see, and what its line can take.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::{Bytes, BytesMut};

use super::debt::Debt;
use super::held::{Change, Held, Step};
use super::pictures::Quality;
use super::presenter::Update;
use super::seat::Seat;
use crate::ages::Block;
use crate::cache::Cache;
use crate::window::{POINTER_BYTES_MAX, Window};
use crate::{HEADER_BYTES, Record, Rect};

/// An `Update` with its header.
const UPDATE_BYTES: usize = HEADER_BYTES + 8;
/// A piece is closed when so little is left of its room.
const PIECE_REST: usize = 1024;
/// Pixels that one piece encodes at most: what one poll may cost, where pictures are small but large areas.
const PIECE_AREA_MAX: usize = 4 * 512 * 512;
/// The first guess at how many cells fit: a quiet one takes at least this much.
const CELL_BYTES_MIN: usize = 256;
/// What a cell of a photograph takes exactly, about: two bytes a pixel.
const PHOTOGRAPH_CELL_BYTES: usize = 2 * 64 * 64;
/// A line is idle when no more than one part in so many of its window is on its way.
const IDLE_SHARE: u64 = 4;

#[derive(Debug)]
pub(super) struct Viewer {
    window: Window,
    /// Pieces of the presenter's own updates; they fit into the window and are followed by nothing before they end with `Update`.
    ready: VecDeque<Bytes>,
    ready_bytes: u64,
    debt: Debt,
    /// Cells that show a photograph only about right.
    coarse: Debt,
    seat: Seat,
    /// The last piece of pixels was of the film: debt goes first.
    was_film: bool,
    /// What it keeps, by key.
    kept: Cache<()>,
    /// What it has does not count: `Start` and `Size` are to come first.
    start_due: bool,
    shape_due: bool,
    cursor_due: bool,
}

impl Viewer {
    pub(super) fn new(held: &Held) -> Self {
        let mut debt = Debt::whole(held.grid(), held.version());
        held.film().into_iter().for_each(|film| debt.remove_inside(film));
        Self {
            window: Window::new(),
            ready: VecDeque::new(),
            ready_bytes: 0,
            debt,
            coarse: Debt::none(held.grid()),
            seat: Seat::new(held.film()),
            was_film: false,
            kept: Cache::default(),
            start_due: true,
            shape_due: true,
            cursor_due: true,
        }
    }

    pub(super) fn set_plays(&mut self, plays: bool) {
        self.seat.set_plays(plays);
    }

    pub(super) fn painted(&mut self, bytes: u64, now: Duration) {
        self.window.painted(bytes, now);
    }

    /// The presenter's next update, which the held screen already shows: handed on as it is, or added to the debt.
    pub(super) fn offer(&mut self, update: &Update, held: &Held, now: Duration) {
        let change = &update.change;
        // What was a film's and is owed still is not what it was when the film has ended or moved.
        for rect in self.seat.follow(change.film) {
            self.debt.add(rect, held.version());
        }
        let bytes: u64 = update.pieces.iter().map(|piece| piece.len() as u64).sum();
        let has_room = bytes + POINTER_BYTES_MAX + self.ready_bytes <= self.window.room(now);
        // With `Start` all is new; with `Size` all pixels are. A film needs nothing but its frames.
        let needs_nothing_else = change.starts
            || !self.start_due && (change.resized || self.debt.is_empty() || change.only_plays());
        if has_room
            && needs_nothing_else
            && let Some(film) = self.seat.film_after(change, now)
            && self.keep_as(change)
        {
            self.hand_on(update, held);
            self.seat.has(film);
        } else {
            self.owe(change, held);
            if change.plays() {
                self.seat.missed(has_room, change.film_version, now);
            }
        }
        if self.seat.is_owed() {
            // Its tiles are all of it.
            change.film.into_iter().for_each(|film| self.debt.remove_inside(film));
        }
    }

    fn hand_on(&mut self, update: &Update, held: &Held) {
        let change = &update.change;
        self.ready.extend(update.pieces.iter().cloned());
        self.ready_bytes += update.pieces.iter().map(|piece| piece.len() as u64).sum::<u64>();
        if change.resized {
            self.debt = Debt::none(held.grid());
            self.coarse = Debt::none(held.grid());
        } else if !self.coarse.is_empty() {
            change.steps.iter().for_each(|step| self.follow(*step, held.version()));
        }
        if change.starts {
            (self.start_due, self.shape_due, self.cursor_due) = (false, false, false);
        }
    }

    fn owe(&mut self, change: &Change, held: &Held) {
        if change.resized {
            self.start_due = true;
            self.debt = Debt::whole(held.grid(), held.version());
            self.coarse = Debt::none(held.grid());
        } else {
            // Also the target of a move: its source may be dirty here, and the move itself is not sent.
            let damage = change.damage.iter().filter(|rect| change.film != Some(**rect));
            damage.for_each(|&rect| self.debt.add(rect, held.version()));
        }
        self.cursor_due |= change.cursor || change.resized;
        self.shape_due |= change.shape || change.resized;
    }

    /// Keeps what an update keeps. `false`, and nothing done, when the viewer would refuse the update for what it has missed.
    fn keep_as(&mut self, change: &Change) -> bool {
        let needs_cache = |step: &Step| matches!(step, Step::Keep { .. } | Step::Recall { .. });
        if !change.starts && !change.steps.iter().any(needs_cache) {
            return true;
        }
        let mut kept = if change.starts { Cache::default() } else { self.kept.clone() };
        let is_allowed = change.steps.iter().all(|step| match *step {
            Step::Keep { key, bytes } => kept.keep(key, bytes, ()),
            Step::Recall { key, .. } => kept.get(key).is_some(),
            Step::Paint(_) | Step::Move { .. } | Step::Play { .. } => true,
        });
        if is_allowed {
            self.kept = kept;
        }
        is_allowed
    }

    /// What a record of the presenter does to what is coarse here.
    fn follow(&mut self, step: Step, version: u64) {
        match step {
            Step::Paint(rect) | Step::Recall { rect, .. } | Step::Play { rect, .. } => {
                self.coarse.remove_inside(rect)
            }
            Step::Move { rect, from } if self.coarse.touches(Rect { x: from.x, y: from.y, ..rect }) => {
                self.coarse.add(rect, version);
            }
            Step::Move { rect, .. } => self.coarse.remove_inside(rect),
            Step::Keep { .. } => {}
        }
    }

    /// What to send next, if there is anything and room for it.
    pub(super) fn next_piece(&mut self, held: &mut Held, now: Duration) -> Option<Bytes> {
        // The pointer, said again, is the shortest of all pieces.
        self.cursor_due |= self.window.wants_probe();
        let piece = self
            .ready_piece()
            .or_else(|| self.cursor_piece(held, now))
            .or_else(|| self.owed_piece(held, now))
            .or_else(|| self.sharpening_piece(held, now))?;
        let is_more_waiting = !self.debt.is_empty() || !self.ready.is_empty() || self.seat.is_owed();
        self.window.sent(piece.len(), is_more_waiting, now);
        Some(piece)
    }

    fn ready_piece(&mut self) -> Option<Bytes> {
        let piece = self.ready.pop_front()?;
        self.ready_bytes -= piece.len() as u64;
        Some(piece)
    }

    /// The newest pointer only, and before any debt.
    fn cursor_piece(&mut self, held: &Held, now: Duration) -> Option<Bytes> {
        if !self.cursor_due || self.start_due {
            return None;
        }
        let mut out = BytesMut::new();
        held.write_cursor(self.shape_due, &mut out);
        held.write_update(&mut out);
        // A shape can be longer than the smallest window: then it travels alone.
        if self.window.room(now) < out.len() as u64 && self.window.in_flight() != 0 {
            return None;
        }
        (self.cursor_due, self.shape_due) = (false, false);
        Some(out.freeze())
    }

    /// Debt and the film's pictures by turns.
    fn owed_piece(&mut self, held: &mut Held, now: Duration) -> Option<Bytes> {
        let debt_first = self.was_film || self.start_due;
        let piece = if debt_first {
            self.debt_piece(held, now).map(|piece| (piece, false))
        } else {
            self.film_piece(held, now).map(|piece| (piece, true))
        };
        let (piece, was_film) = match piece {
            Some(piece) => piece,
            None if debt_first => (self.film_piece(held, now)?, true),
            None => (self.debt_piece(held, now)?, false),
        };
        self.was_film = was_film;
        Some(piece)
    }

    /// What of the film is owed, as lossy pictures of its newest frame.
    fn film_piece(&mut self, held: &mut Held, now: Duration) -> Option<Bytes> {
        if self.start_due || !self.seat.is_owed() {
            return None;
        }
        let budget = self.budget(now)?;
        let mut out = BytesMut::new();
        while let Some(rect) = self.seat.next_owed() {
            let record = held.paint_film(rect);
            let is_too_long = budget < out.len() + record.len();
            if is_too_long && !out.is_empty() {
                break;
            }
            if !is_too_long || !self.seat.halve() {
                out.extend_from_slice(&record);
                self.seat.paid();
            }
        }
        held.write_update(&mut out);
        Some(out.freeze())
    }

    /// The newest content of the oldest dirty cells, as much as fits.
    fn debt_piece(&mut self, held: &mut Held, now: Duration) -> Option<Bytes> {
        let size = held.size()?;
        if self.debt.is_empty() && !self.start_due {
            return None;
        }
        let budget = self.budget(now)?;
        let mut out = BytesMut::new();
        if std::mem::take(&mut self.start_due) {
            self.kept.clear();
            Record::Start.write(&mut out);
            Record::Size(size).write(&mut out);
        }
        self.pay(held, budget, &mut out);
        held.write_update(&mut out);
        Some(out.freeze())
    }

    /// What is coarse, exactly, while the line is idle: the oldest first, and not so much that newer content would wait for it.
    fn sharpening_piece(&mut self, held: &mut Held, now: Duration) -> Option<Bytes> {
        let is_idle = self.debt.is_empty()
            && !self.seat.is_owed()
            && self.window.in_flight() <= self.window.size() / IDLE_SHARE;
        if self.coarse.is_empty() || !is_idle {
            return None;
        }
        let budget = self.budget(now)?;
        let mut out = BytesMut::new();
        let mut area = 0;
        while area < PIECE_AREA_MAX && out.len() + PIECE_REST < budget {
            let rest = budget - out.len();
            let Some(next) = Next::of(&self.coarse, held, false, rest) else { break };
            if rest < next.record.len() && area != 0 {
                break;
            }
            out.extend_from_slice(&next.record);
            area += self.coarse.rect(next.block).area();
            self.coarse.pay(next.block);
        }
        held.write_update(&mut out);
        Some(out.freeze())
    }

    /// What one piece may take, if there is room for one.
    fn budget(&self, now: Duration) -> Option<usize> {
        Some(self.window.piece(now)? as usize - UPDATE_BYTES)
    }

    fn pay(&mut self, held: &mut Held, budget: usize, out: &mut BytesMut) {
        // What is owed does not fit into the window: photographs go about right at first.
        let coarse_first = self.window.size() < (self.debt.len() * PHOTOGRAPH_CELL_BYTES) as u64;
        let mut area = 0;
        while area < PIECE_AREA_MAX && out.len() + PIECE_REST < budget {
            let rest = budget - out.len();
            let Some(next) = Next::of(&self.debt, held, coarse_first, rest) else { break };
            // A whole piece has room for a cell of anything; the rest of one may not.
            if rest < next.record.len() && area != 0 {
                break;
            }
            out.extend_from_slice(&next.record);
            let rect = self.debt.rect(next.block);
            area += rect.area();
            self.debt.pay(next.block);
            match next.quality {
                Quality::Coarse => self.coarse.add(rect, held.version()),
                Quality::Exact => self.coarse.pay(next.block),
            }
        }
    }
}

/// What goes next of what a viewer is owed.
struct Next {
    block: Block,
    quality: Quality,
    record: Bytes,
}

impl Next {
    /// The oldest cells, as many as fit into `rest` bytes, or one.
    fn of(owed: &Debt, held: &mut Held, coarse_first: bool, rest: usize) -> Option<Self> {
        let first = owed.oldest(1, |_, _| false)?;
        let is_photograph = held.is_photograph(owed.cell(first));
        let (quality, cell_bytes) = match (is_photograph, coarse_first) {
            (true, true) => (Quality::Coarse, CELL_BYTES_MIN),
            (true, false) => (Quality::Exact, PHOTOGRAPH_CELL_BYTES / 2),
            (false, _) => (Quality::Exact, CELL_BYTES_MIN),
        };
        let mut cells_max = rest / cell_bytes;
        loop {
            let joins = |_, cell| held.is_photograph(cell) == is_photograph;
            let block = owed.oldest(cells_max, joins)?;
            let record = held.paint(owed.rect(block), quality);
            if record.len() <= rest || block.cells() == 1 {
                return Some(Self { block, quality, record });
            }
            cells_max = block.cells() / 2;
        }
    }
}
