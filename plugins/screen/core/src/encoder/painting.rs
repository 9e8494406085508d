//! The screen as a reader has it, and how it is brought to the next frame.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::time::Duration;

use bytes::BytesMut;

use super::backlog::{Backlog, Room};
use super::coarse::Coarse;
use super::crew::{Crew, Job};
use super::kept::{self, Kept};
use super::plan::{self, Judge};
use super::projector::{Projector, cells_outside, outside};
use super::restless::Restless;
use super::serial::Serials;
use super::verdicts::{Verdicts, block_of};
use super::{REFINEMENT_BYTES_A_SECOND, choose::Op, compare, moves};
use crate::cells::Grid;
use crate::content::LOSSY_GAIN;
use crate::few::in_few_colours;
use crate::{Canvas, Frame, Record, Rect, ScreenSize};

/// Bytes of one step of refinement, at most and one piece: what is newer waits no longer than these take.
const STEP_BYTES_MAX: usize = 128 * 1024;
/// No step is made for less.
const STEP_BYTES_MIN: usize = 32 * 1024;
/// Pixels that one step refines at most: about 15 ms of one core.
const STEP_AREA_MAX: usize = 10 * 128 * 128;
/// The same beside something that changed, which must not wait: about 2 ms.
const SMALL_STEP_AREA_MAX: usize = 128 * 128;

/// What is owed goes on when no frame has come for so long, which would bring newer content.
const FRAME: Duration = Duration::from_millis(33);

/// A cell is restless only where one part in so many of it changes: a blinking caret is not.
const RESTLESS_SHARE: usize = 8;

/// As [`LOSSY_GAIN`]: rough pictures are less than half as long as those of the trial, and nobody reads what they show.
const RESTLESS_GAIN: f32 = 1.25;

#[derive(Debug)]
pub(super) struct Painting {
    /// What a reader has, once `coarse` is refined.
    reference: Canvas,
    /// What it shall have; where the two differ, it is owed or held back.
    next: Canvas,
    owed: Backlog,
    painted_at: Duration,
    coarse: Coarse,
    /// Of what is soft.
    verdicts: Verdicts,
    restless: Restless,
    /// Of what is restless.
    restless_verdicts: Verdicts,
    projector: Projector,
    /// Nothing was painted yet, so nothing can have moved.
    is_black: bool,
}

/// An update that is being written.
#[derive(Debug)]
pub(super) struct Update<'a> {
    pub(super) time: Duration,
    /// What it may have.
    pub(super) room: Room,
    /// What a reader keeps.
    pub(super) kept: &'a mut Kept,
    /// Of graphics that a reader follows.
    pub(super) serials: &'a mut Serials,
    /// A page was scrolled: what comes into sight will not come back in the same pieces.
    pub(super) scrolls: bool,
    /// Who makes the pictures.
    pub(super) crew: &'a dyn Crew,
    pub(super) out: &'a mut BytesMut,
}

/// How fast refinement goes.
#[derive(Debug)]
pub(super) struct Pace {
    bytes_a_second: u32,
    /// When the last step is paid for.
    paid_at: Duration,
}

impl Painting {
    pub(super) fn black(size: ScreenSize, line: Option<u32>) -> Self {
        let next = Canvas::new(size);
        Self {
            reference: next.clone(),
            next,
            owed: Backlog::none(size),
            painted_at: Duration::ZERO,
            coarse: Coarse::none(size),
            verdicts: Verdicts::none(size, LOSSY_GAIN),
            restless: Restless::none(size),
            restless_verdicts: Verdicts::none(size, RESTLESS_GAIN),
            projector: Projector::new(size, line),
            is_black: true,
        }
    }

    pub(super) fn size(&self) -> ScreenSize {
        self.next.size()
    }

    /// The last frame.
    pub(super) fn into_shown(self) -> Canvas {
        self.next
    }

    /// Writes what turns the reference into the frame; the number of pixels that changed, but for a film's.
    pub(super) fn advance(&mut self, frame: Frame<'_>, update: &mut Update<'_>) -> usize {
        let time = update.time;
        let mut dirty = compare::take_in(frame, &mut self.next);
        self.owed.note(&dirty, time);
        let around = outside(&dirty, self.projector.film());
        around.iter().for_each(|&rect| self.coarse.disturb(rect, time));
        if !self.is_black && self.move_what_moved(&around, update) {
            dirty = compare::still_dirty(&self.next, &self.reference, &dirty);
        }
        self.is_black = false;
        self.follow_film(&dirty, time);
        self.paint_changed(&dirty, update);
        self.projector.write(&self.next, time, update.out);
        area(&around)
    }

    /// Paints what changed, what was held back before and what is owed, but for what is held back now and what there is no room for.
    fn paint_changed(&mut self, changed: &[Rect], update: &mut Update<'_>) {
        self.settle();
        let restless = self.restless_cells(changed, update.time);
        let due = self.restless.due(changed, |rect| restless.contains(&rect), update.time);
        self.restless.take_over(|cell| self.owed.take(cell));
        let film = self.projector.film();
        let of_film = due.iter().filter_map(|rect| film.and_then(|film| film.intersection(*rect)));
        of_film.for_each(|rect| self.reference.copy_from(&self.next, rect));
        cells_outside(&due, film).into_iter().for_each(|rect| self.owed.add(rect, update.time));

        let start = update.out.len();
        let mut written = 0;
        let presses = matches!(update.room, Room::Bytes(_)) && self.owed.presses(self.projector.line());
        while let Some(turn) = self.owed.next(&self.next, update.room, written) {
            self.paint(&turn.rects, presses && !turn.is_small, update);
            turn.rects.iter().for_each(|&rect| self.owed.paid(rect));
            let before = std::mem::replace(&mut written, update.out.len() - start);
            self.owed.learn(&turn, written - before);
        }
        self.owed.end_update();
        self.painted_at = update.time;
    }

    /// What a reader has by now is no longer owed: it has moved there, has changed back, or is shown by a film.
    fn settle(&mut self) {
        if self.owed.is_empty() {
            return;
        }
        if let Some(film) = self.projector.film() {
            self.reference.copy_from(&self.next, film);
        }
        let (next, reference) = (&self.next, &self.reference);
        self.owed.settle(|rect| compare::still_dirty(next, reference, &[rect]).pop());
    }

    /// Paints rectangles, one a cell, in the order of the cells; in a hurry text about right, too.
    fn paint(&mut self, dirty: &[Rect], is_hurried: bool, update: &mut Update<'_>) {
        let mut judge = Judge {
            kept: update.kept,
            verdicts: &mut self.verdicts,
            is_rough: &|rect| self.restless.is_rough(rect),
            time: update.time,
        };
        let planned = plan::plan(&self.next, dirty, &mut judge);
        let mut parts: Vec<(Rect, Op)> =
            planned.into_iter().flat_map(|(rect, op)| self.outside_film(rect, op, update.kept)).collect();
        if is_hurried {
            for (rect, op) in parts.iter_mut().filter(|(_, op)| matches!(op, Op::Lossless(_))) {
                *op = in_few_colours(&self.next, *rect).map_or_else(|| op.clone(), Op::Few);
            }
        }
        in_turn(&mut parts);
        let records = self.records(&parts, update);
        for ((rect, op), record) in parts.iter().zip(&records) {
            self.write(*rect, op, record, update);
        }
    }

    /// What paints the parts: those of the series one after another, the others by the crew.
    fn records(&self, parts: &[(Rect, Op)], update: &mut Update<'_>) -> Vec<Record> {
        let mut serial = |(rect, op): &(Rect, Op)| {
            // What may be recalled stands alone.
            let is_serial = matches!(op, Op::Lossless(_)) && (update.scrolls || !kept::may_be_kept(*rect));
            is_serial.then(|| update.serials.record(&self.next, *rect)).flatten()
        };
        let serials: Vec<Option<Record>> = parts.iter().map(&mut serial).collect();
        let job = |(rect, op): &(Rect, Op)| Job { canvas: &self.next, rect: *rect, op: op.clone() };
        let others = parts.iter().zip(&serials).filter(|(_, serial)| serial.is_none());
        let jobs: Vec<Job<'_>> = others.map(|(part, _)| job(part)).collect();
        let mut others = update.crew.paint(&jobs).into_iter();
        let record = |serial: Option<Record>| serial.or_else(|| others.next()).expect("a crew does all jobs");
        serials.into_iter().map(record).collect()
    }

    /// Which of the changed rectangles, one a cell, change again and again and cost much when painted exactly.
    fn restless_cells(&mut self, changed: &[Rect], time: Duration) -> BTreeSet<Rect> {
        let grid = Grid::new(self.next.size());
        let film = self.projector.film();
        let is_restless = |rect: &Rect| {
            grid.cell_of(*rect).area() <= RESTLESS_SHARE * rect.area()
                && !film.is_some_and(|film| rect.is_within(film))
                && self.projector.is_restless(*rect, time)
        };
        let mut restless: Vec<Rect> = changed.iter().copied().filter(is_restless).collect();
        restless.sort_by_key(|rect| (block_of(rect), Reverse(rect.area())));
        let blocks = restless.chunk_by(|a, b| block_of(a) == block_of(b));
        blocks
            .filter(|block| self.restless_verdicts.decide(&self.next, block[0], time))
            .flatten()
            .copied()
            .collect()
    }

    /// What the line carries, in bits a second.
    pub(super) fn set_line(&mut self, line: Option<u32>) {
        self.projector.set_line(line);
    }

    /// Whether anything has moved.
    fn move_what_moved(&mut self, dirty: &[Rect], update: &mut Update<'_>) -> bool {
        let moves = moves::find_and_apply(&self.next, &mut self.reference, dirty, self.projector.film());
        let (mut scrolled, mut moved) = (Vec::new(), 0);
        for record in &moves {
            record.write(update.out);
            if let Record::Move { rect, from } = *record {
                self.coarse.shift(rect, from, update.time);
                // What has come into sight lies where something has gone away from.
                scrolled.push(rect.union(Rect { x: from.x, y: from.y, ..rect }));
                moved += rect.area();
            }
        }
        // A page was scrolled, if that is most of what happened; a picture that pans may have moved in places too.
        if !moves.is_empty() && area(dirty) <= 2 * moved {
            update.scrolls = true;
            scrolled.iter().for_each(|&rect| self.projector.scrolled(rect, update.time));
        }
        !moves.is_empty()
    }

    /// A film that runs is never refined; one that has just ended is inexact.
    fn follow_film(&mut self, dirty: &[Rect], time: Duration) {
        if let Some(ended) = self.projector.look(dirty, &self.next, time) {
            self.coarse.mark(ended, time);
        }
        if let Some(film) = self.projector.film() {
            self.coarse.clear(film);
        }
    }

    /// Writes a step of refinement, if anything rests; a small one where something is in the update already.
    pub(super) fn refine(&mut self, pace: &mut Pace, update: &mut Update<'_>) {
        if self.coarse.is_empty() || self.owes() {
            return;
        }
        let budget = pace.budget(update.time);
        let start = update.out.len();
        let area_max = if start == 0 { STEP_AREA_MAX } else { SMALL_STEP_AREA_MAX };
        let mut area = 0;
        while update.out.len() - start < budget && area < area_max {
            let Some(rect) = self.coarse.resting_piece(update.time) else { break };
            let op = plan::choose_exact(&self.next, rect, update.kept);
            area += rect.area();
            let mut parts = self.outside_film(rect, op, update.kept);
            in_turn(&mut parts);
            for (part, op) in parts {
                let record = op.record(&self.next, part);
                self.write(part, &op, &record, update);
            }
        }
        pace.spent(update.out.len() - start, update.time);
    }

    /// Time has passed and nothing has changed: a film may be over, and what was held back be due.
    pub(super) fn idle(&mut self, update: &mut Update<'_>) {
        self.follow_film(&[], update.time);
        self.paint_changed(&[], update);
    }

    /// When something inexact has rested long enough, a film that stops included.
    pub(super) fn rests_at(&self) -> Option<Duration> {
        let coarse = self.coarse.rests_at().filter(|_| !self.owes());
        coarse.into_iter().chain(self.projector.ends_at()).min()
    }

    /// There was no room for something.
    pub(super) fn owes(&self) -> bool {
        !self.owed.is_empty()
    }

    /// When something that was held back is due, or something owed that no frame has come for.
    pub(super) fn due_at(&self) -> Option<Duration> {
        let owed = self.owes().then_some(self.painted_at + FRAME);
        self.restless.due_at().into_iter().chain(owed).min()
    }

    /// What of the rectangle lies outside of the film, and how it is painted.
    fn outside_film(&self, rect: Rect, op: Op, kept: &mut Kept) -> Vec<(Rect, Op)> {
        let film = self.projector.film().filter(|film| film.intersection(rect).is_some());
        if film.is_none() {
            return vec![(rect, op)];
        }
        let choose = |part| match op {
            Op::Lossy(grade) => Op::Lossy(grade),
            _ => plan::choose_exact(&self.next, part, kept),
        };
        let parts = outside(&[rect], film);
        let ops: Vec<Op> = parts.iter().copied().map(choose).collect();
        parts.into_iter().zip(ops).collect()
    }

    /// Writes what paints the rectangle, and notes what a reader has then.
    fn write(&mut self, rect: Rect, op: &Op, record: &Record, update: &mut Update<'_>) {
        self.reference.copy_from(&self.next, rect);
        if op.is_exact() {
            self.coarse.clear(rect);
        } else {
            self.coarse.mark(rect, update.time);
        }
        record.write(update.out);
        if let (Op::Lossless(_), Record::Picture { picture, .. }) = (op, record)
            && let Some(key) = update.kept.keep(&self.next, rect, picture)
        {
            Record::Keep { key }.write(update.out);
        }
    }
}

/// Lossy pictures go first, as what is exact may cover some of them. What is recalled comes before anything that is kept, which could push it out
/// of the reader's cache.
fn in_turn(parts: &mut [(Rect, Op)]) {
    parts.sort_by_key(|(_, op)| match op {
        Op::Lossy(_) => 0,
        Op::Recall { .. } => 1,
        Op::Fill(_) | Op::Lossless(_) | Op::Few(_) => 2,
    });
}

fn area(rects: &[Rect]) -> usize {
    rects.iter().map(|rect| rect.area()).sum()
}

impl Default for Pace {
    fn default() -> Self {
        Self { bytes_a_second: REFINEMENT_BYTES_A_SECOND, paid_at: Duration::ZERO }
    }
}

impl Pace {
    pub(super) fn limit(&mut self, bytes_a_second: u32) {
        self.bytes_a_second = bytes_a_second;
    }

    /// From when on a step may be made.
    pub(super) fn next_at(&self) -> Duration {
        self.paid_at + self.time_of(STEP_BYTES_MIN)
    }

    fn budget(&self, time: Duration) -> usize {
        let earned = time.saturating_sub(self.paid_at).as_secs_f64() * f64::from(self.bytes_a_second);
        if time < self.next_at() { 0 } else { (earned as usize).clamp(STEP_BYTES_MIN, STEP_BYTES_MAX) }
    }

    /// What a quiet time has earned beyond one step is gone.
    fn spent(&mut self, bytes: usize, time: Duration) {
        if 0 < bytes {
            let earned_since = time.saturating_sub(self.time_of(STEP_BYTES_MAX));
            self.paid_at = self.paid_at.max(earned_since) + self.time_of(bytes);
        }
    }

    fn time_of(&self, bytes: usize) -> Duration {
        Duration::from_secs_f64(bytes as f64 / f64::from(self.bytes_a_second))
    }
}
