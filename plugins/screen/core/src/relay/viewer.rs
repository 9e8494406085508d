//! One viewer: what it has, what it still has to see, and what its line can take.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::{Bytes, BytesMut};

use super::bands::bands;
use super::held::{Change, Held, Step};
use super::lessons::Learned;
use super::piece::{Piece, Pressure};
use super::presenter::Update;
use super::seat::Seat;
use crate::cache::Cache;
use crate::debt::{Debt, Order};
use crate::look::Quality;
use crate::window::{POINTER_BYTES_MAX, Window};
use crate::{HEADER_BYTES, Point, Record, Rect};

/// An `Update` with its header.
const UPDATE_BYTES: usize = HEADER_BYTES + 8;
/// What a cell of a page takes exactly, about.
const TEXT_CELL_BYTES: usize = 400;
/// And one of a photograph: two bytes a pixel.
const PHOTOGRAPH_CELL_BYTES: usize = 2 * 64 * 64;
/// A line is idle when no more than one part in so many of its window is on its way.
const IDLE_SHARE: u64 = 4;
/// What was missed of a series is taught where the line could carry it so many times a second.
const LESSONS_A_SECOND: u64 = 4;

#[derive(Debug)]
pub(super) struct Viewer {
    window: Window,
    /// Pieces of the presenter's own updates; they fit into the window and are followed by nothing before they end with `Update`.
    ready: VecDeque<Bytes>,
    ready_bytes: u64,
    debt: Debt,
    /// The most cells that were owed since it had no debt.
    most_owed: usize,
    /// By which the last piece of debt was filled.
    order: Order,
    /// Cells that are shown only about right.
    coarse: Debt,
    seat: Seat,
    /// The last piece of pixels was of the film: debt goes first.
    was_film: bool,
    /// What it keeps, by key.
    kept: Cache<()>,
    /// It can read series, and has so much of the presenter's.
    reads_series: bool,
    learned: Learned,
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
            most_owed: 0,
            order: Order::Oldest,
            coarse: Debt::none(held.grid()),
            seat: Seat::new(held.film()),
            was_film: false,
            kept: Cache::default(),
            reads_series: false,
            learned: Learned::default(),
            start_due: true,
            shape_due: true,
            cursor_due: true,
        }
    }

    pub(super) fn set_reads(&mut self, films: bool, series: bool) {
        self.seat.set_plays(films);
        self.reads_series = series;
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
            && let Some(learned) = self.learned_after(change)
            && self.keep_as(change)
        {
            self.hand_on(update, held);
            self.seat.has(film);
            self.learned = learned;
        } else {
            self.owe(change, held, now);
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

    /// What is not handed on becomes debt, but for what the viewer can move by itself.
    fn owe(&mut self, change: &Change, held: &Held, now: Duration) {
        self.cursor_due |= change.cursor || change.resized;
        self.shape_due |= change.shape || change.resized;
        if change.resized {
            self.start_due = true;
            self.debt = Debt::whole(held.grid(), held.version());
            self.coarse = Debt::none(held.grid());
            return;
        }
        let mut moves = BytesMut::new();
        for step in &change.steps {
            match *step {
                Step::Move { rect, from } => {
                    self.owe_move((rect, from), change.film, held.version(), &mut moves);
                }
                // Its tiles are owed.
                Step::Play { rect, .. } if change.film == Some(rect) => {}
                Step::Paint(rect) | Step::Recall { rect, .. } | Step::Play { rect, .. } => {
                    self.debt.add(rect, held.version());
                }
                Step::Learn(_) | Step::Keep { .. } => {}
            }
        }
        if moves.is_empty() {
            return;
        }
        held.write_update(&mut moves);
        let bytes = moves.len() as u64;
        if self.ready_bytes + bytes <= self.window.room(now) {
            self.ready.push_back(moves.freeze());
            self.ready_bytes += bytes;
        } else {
            // Nothing waits in front of a line that is full, so all that moved is owed.
            change.damage.iter().for_each(|&rect| self.debt.add(rect, held.version()));
        }
    }

    /// Whatever the viewer has of the source moves; the rest is owed at the target.
    fn owe_move(
        &mut self,
        (rect, from): (Rect, Point),
        film: Option<Rect>,
        version: u64,
        out: &mut BytesMut,
    ) {
        let source = Rect { x: from.x, y: from.y, ..rect };
        let is_filmed = |film: Rect| [source, rect].into_iter().any(|part| film.intersection(part).is_some());
        if self.start_due || film.is_some_and(is_filmed) {
            return self.debt.add(rect, version);
        }
        let bands = bands(rect, from, &self.debt);
        for band in bands.iter().filter(|band| band.is_clean) {
            Record::Move { rect: band.rect, from: band.from }.write(out);
            self.follow(Step::Move { rect: band.rect, from: band.from }, version);
            self.debt.remove_inside(band.rect);
        }
        let owed = bands.iter().filter(|band| !band.is_clean);
        owed.for_each(|band| self.debt.add(band.rect, version));
    }

    /// What it has of the series after an update that is handed on; `None` when it would refuse the update for what it has missed.
    fn learned_after(&self, change: &Change) -> Option<Learned> {
        let mut learned = if change.starts { Learned::default() } else { self.learned };
        for step in &change.steps {
            if let Step::Learn(next) = *step {
                if !self.reads_series || !learned.continues_to(next) {
                    return None;
                }
                learned = next;
            }
        }
        Some(learned)
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
            Step::Paint(_) | Step::Move { .. } | Step::Play { .. } | Step::Learn(_) => true,
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
            Step::Keep { .. } | Step::Learn(_) => {}
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
            .or_else(|| if self.is_idle() { self.sharpening_piece(held, now) } else { None })
            .or_else(|| if self.is_idle() { self.lesson_piece(held, now) } else { None })?;
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

    /// Debt and the film's pictures by turns; while a film plays, a line that it fills has no other time to sharpen what is beside it.
    fn owed_piece(&mut self, held: &mut Held, now: Duration) -> Option<Bytes> {
        let debt_first = self.was_film || self.start_due;
        let piece = if debt_first {
            let piece = self.debt_piece(held, now).or_else(|| self.sharpening_piece(held, now));
            piece.map(|piece| (piece, false))
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
            let Some(record) = held.paint_film(rect) else { break };
            let is_too_long = budget < out.len() + record.len();
            if is_too_long && !out.is_empty() {
                break;
            }
            if !is_too_long || !self.seat.halve() {
                out.extend_from_slice(&record);
                self.seat.paid();
            }
        }
        finish(held, out)
    }

    /// The newest content of dirty cells, as much as fits: what is newest and what has waited longest by turns.
    fn debt_piece(&mut self, held: &mut Held, now: Duration) -> Option<Bytes> {
        let size = held.size()?;
        if self.debt.is_empty() && !self.start_due {
            return None;
        }
        let budget = self.budget(now)?;
        let mut out = BytesMut::new();
        if self.start_due {
            Record::Start.write(&mut out);
            Record::Size(size).write(&mut out);
        }
        let is_paid = self.pay(held, budget, &mut out);
        // Nobody is shown an empty screen while the pictures of it are made.
        if !is_paid && !self.debt.is_empty() {
            return None;
        }
        if std::mem::take(&mut self.start_due) {
            self.kept.clear();
            self.learned = Learned::default();
        }
        self.order = self.order.other();
        finish(held, out)
    }

    /// Nothing newer would have to wait.
    fn is_idle(&self) -> bool {
        self.debt.is_empty()
            && !self.seat.is_owed()
            && self.window.in_flight() <= self.window.size() / IDLE_SHARE
    }

    /// What is coarse, exactly: the oldest first.
    fn sharpening_piece(&mut self, held: &mut Held, now: Duration) -> Option<Bytes> {
        if self.coarse.is_empty() || !self.debt.is_empty() || !held.effort.is_idle() {
            return None;
        }
        let budget = self.budget(now)?;
        let mut out = BytesMut::new();
        let mut piece = Piece::new(budget, Order::Oldest, Pressure::NONE);
        while let Some(next) = piece.next(&self.coarse, held, out.len()) {
            out.extend_from_slice(&next.record);
            self.coarse.remove_inside(next.rect);
        }
        finish(held, out)
    }

    /// What it has missed of the series, unless that takes the line long: then the next series may come sooner.
    fn lesson_piece(&mut self, held: &Held, now: Duration) -> Option<Bytes> {
        let missed = held.lessons.missed(self.learned).filter(|_| self.reads_series && !self.start_due)?;
        let bytes: usize = missed.iter().map(|lesson| lesson.record.len()).sum();
        if self.window.bytes_a_second() < LESSONS_A_SECOND * bytes as u64 {
            return None;
        }
        let budget = self.budget(now)?;
        let (mut out, mut area, mut count) = (BytesMut::new(), held.size()?.area(), 0);
        for lesson in missed {
            if count != 0 && (budget < out.len() + lesson.record.len() || area < lesson.area) {
                break;
            }
            out.extend_from_slice(&lesson.record);
            area = area.saturating_sub(lesson.area);
            count += 1;
        }
        self.learned = held.lessons.after(self.learned, count);
        finish(held, out)
    }

    /// What one piece may take, if there is room for one.
    fn budget(&self, now: Duration) -> Option<usize> {
        Some(self.window.piece(now)? as usize - UPDATE_BYTES)
    }

    /// Whether anything was written.
    fn pay(&mut self, held: &mut Held, budget: usize, out: &mut BytesMut) -> bool {
        let before = out.len();
        self.most_owed = self.most_owed.max(self.debt.len());
        let mut piece = Piece::new(budget, self.order, self.pressure());
        while let Some(next) = piece.next(&self.debt, held, out.len()) {
            out.extend_from_slice(&next.record);
            self.debt.remove_inside(next.rect);
            match next.quality {
                Quality::Coarse | Quality::Few => self.coarse.add(next.rect, held.version()),
                Quality::Exact => self.coarse.remove_inside(next.rect),
            }
        }
        if self.debt.is_empty() {
            self.most_owed = 0;
        }
        before < out.len()
    }

    /// What is owed against what the line carries. All of a debt goes about right before any of it is sharpened.
    fn pressure(&self) -> Pressure {
        let owed = |cell_bytes: usize| (self.most_owed * cell_bytes) as u64;
        Pressure {
            on_text: self.window.bytes_a_second() < owed(TEXT_CELL_BYTES),
            on_photographs: self.window.size() < owed(PHOTOGRAPH_CELL_BYTES),
        }
    }
}

/// A piece ends with `Update`; `None` when nothing else is in it.
fn finish(held: &Held, mut out: BytesMut) -> Option<Bytes> {
    if out.is_empty() {
        return None;
    }
    held.write_update(&mut out);
    Some(out.freeze())
}
