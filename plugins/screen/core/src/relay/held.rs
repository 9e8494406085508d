//! The screen that a relay holds: the newest whole one, which update changed each cell last, and pictures of it for all viewers.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::{Bytes, BytesMut};

use super::effort::Effort;
use super::lessons::{Learned, Lessons};
use super::pictures::Pictures;
use crate::cells::Grid;
use crate::look::{Look, Quality};
use crate::news::News;
use crate::screen::Screen;
use crate::{Point, Record, Rect, ScreenSize, StreamError};

/// The pictures of a film, for who does not play it, are ten a second, and five of a 1080p one: what a part of one core can encode.
const FILM_PICTURES_US: u64 = 90_000;
const FILM_PICTURES_PIXELS_A_US: u64 = 20;

/// What it takes to encode a pixel with loss, or a photograph without.
const LOSSY_PIXEL: Duration = Duration::from_nanos(25);
const PHOTOGRAPH_PIXEL: Duration = Duration::from_nanos(50);
/// And text: a pixel, and one that differs from its neighbour.
const TEXT_PIXEL: Duration = Duration::from_nanos(4);
const TEXT_EDGE: Duration = Duration::from_nanos(100);
/// Pictures that were made last, which a viewer may have instead of one of its own.
const FRESH_MAX: usize = 32;

#[derive(Debug, Default)]
pub(super) struct Held {
    screen: Screen,
    /// The `CursorShape` record that is shown, and the one that the next `Update` brings.
    shape: Option<Bytes>,
    next_shape: Option<Bytes>,
    /// `Start` is among the records since the last `Update`.
    starts: bool,
    /// Where a film plays that nothing has painted over: what is there is inexact.
    film: Option<Rect>,
    /// Counts what is encoded of it as pictures: the version of the update with which the last ones became old, and its time.
    film_version: u64,
    film_at_us: u64,
    cells: Option<HeldCells>,
    /// What the records since the last `Update` did, and the length of the picture that is the last of them.
    steps: Vec<Step>,
    picture_bytes: usize,
    /// Counts the updates.
    version: u64,
    time_us: u64,
    pictures: Pictures,
    pub(super) lessons: Lessons,
    fresh: VecDeque<(Rect, Quality)>,
    pub(super) effort: Effort,
}

#[derive(Debug)]
struct HeldCells {
    grid: Grid,
    /// The update that changed a cell last.
    news: News,
    /// What a cell showed at some version; 0 is none.
    looks: Vec<(u64, Look)>,
}

/// What an update did.
#[derive(Clone, Debug)]
pub(super) struct Change {
    /// It began with `Start`: a viewer needs nothing that was before.
    pub(super) starts: bool,
    /// `Start` or `Size` was in it: all cells are new.
    pub(super) resized: bool,
    pub(super) damage: Vec<Rect>,
    pub(super) cursor: bool,
    pub(super) shape: bool,
    /// Where a film plays after it.
    pub(super) film: Option<Rect>,
    /// Changes when the film's pictures have become old.
    pub(super) film_version: u64,
    /// Since the last `Start` in it; not more than the records that an update may have.
    pub(super) steps: Vec<Step>,
}

impl Change {
    /// A frame of a film was in it.
    pub(super) fn plays(&self) -> bool {
        self.steps.iter().any(|step| matches!(step, Step::Play { .. }))
    }

    /// Nothing else that paints was in it.
    pub(super) fn only_plays(&self) -> bool {
        !self.steps.is_empty() && self.steps.iter().all(|step| matches!(step, Step::Play { .. }))
    }
}

/// What a record does to what a viewer has.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    Paint(Rect),
    Move {
        rect: Rect,
        from: Point,
    },
    Play {
        rect: Rect,
        is_key: bool,
    },
    Keep {
        key: u64,
        bytes: usize,
    },
    /// Who follows the series has learned so much of it then.
    Learn(Learned),
    Recall {
        rect: Rect,
        key: u64,
    },
}

impl Held {
    pub(super) fn size(&self) -> Option<ScreenSize> {
        self.screen.canvas().map(|canvas| canvas.size())
    }

    pub(super) fn grid(&self) -> Option<Grid> {
        self.cells.as_ref().map(|cells| cells.grid)
    }

    /// Where a film plays.
    pub(super) fn film(&self) -> Option<Rect> {
        self.film
    }

    /// The number of the last update.
    pub(super) fn version(&self) -> u64 {
        self.version
    }

    /// Takes in a record, whose bytes are `bytes`; an `Update` says what has changed.
    pub(super) fn apply(&mut self, record: &Record, bytes: Bytes) -> Result<Option<Change>, StreamError> {
        let shown = self.screen.apply(record)?;
        self.note_film(record);
        match record {
            Record::Size(_) => self.lessons.forget(),
            Record::Start => {
                self.lessons.forget();
                self.starts = true;
                self.next_shape = None;
                self.steps.clear();
            }
            Record::Fill { rect, .. } => self.steps.push(Step::Paint(*rect)),
            Record::Video { rect, is_key, .. } => {
                self.steps.push(Step::Play { rect: *rect, is_key: *is_key })
            }
            Record::Move { rect, from } => self.steps.push(Step::Move { rect: *rect, from: *from }),
            Record::Picture { rect, picture } => {
                self.steps.push(Step::Paint(*rect));
                self.picture_bytes = picture.bytes().len();
            }
            Record::Serial { rect, begins, is_shown, graphic } => {
                self.steps.push(Step::Learn(self.lessons.note(*rect, *begins, graphic)));
                self.steps.extend(is_shown.then_some(Step::Paint(*rect)));
            }
            Record::Keep { key } => self.steps.push(Step::Keep { key: *key, bytes: self.picture_bytes }),
            Record::Recall { rect, key, .. } => self.steps.push(Step::Recall { rect: *rect, key: *key }),
            // A copy of its own: the reader's buffer, of which this is a part, is not kept for it.
            Record::CursorShape(_) => self.next_shape = Some(Bytes::copy_from_slice(&bytes)),
            _ => {}
        }
        let Some(shown) = shown else { return Ok(None) };
        self.version += 1;
        self.time_us = shown.time_us;
        self.note_damage(shown.resized, &shown.damage);
        self.note_film_age();
        let change = Change {
            starts: std::mem::take(&mut self.starts),
            resized: shown.resized,
            damage: shown.damage,
            cursor: shown.cursor_changed,
            shape: self.shape != self.next_shape,
            steps: std::mem::take(&mut self.steps),
            film: self.film,
            film_version: self.film_version,
        };
        self.shape.clone_from(&self.next_shape);
        Ok(Some(change))
    }

    /// Forgets the records since the last `Update`.
    pub(super) fn undo(&mut self) {
        self.screen.undo();
        self.lessons.forget();
        (self.starts, self.film) = (false, None);
        self.steps.clear();
        self.next_shape.clone_from(&self.shape);
    }

    /// Writes what the pointer is: its shape where asked for, and its place.
    pub(super) fn write_cursor(&self, with_shape: bool, out: &mut BytesMut) {
        if let Some(shape) = self.shape.as_ref().filter(|_| with_shape) {
            out.extend_from_slice(shape);
        }
        let cursor = self.screen.cursor();
        Record::Cursor { x: cursor.x, y: cursor.y, visible: cursor.visible }.write(out);
    }

    pub(super) fn write_update(&self, out: &mut BytesMut) {
        Record::Update { time_us: self.time_us }.write(out);
    }

    /// The record that paints the newest content of a rectangle; encoded once for all viewers. `None` when that has to wait.
    ///
    /// # Panics
    /// When there is no screen, or the rectangle is not on it.
    pub(super) fn paint(&mut self, rect: Rect, quality: Quality) -> Option<Bytes> {
        let version = self.version_of(rect);
        if let Some(record) = self.pictures.kept(rect, quality, version) {
            return Some(record);
        }
        let cost = self.cost(rect, quality);
        let record = self.make(rect, quality, version, cost)?;
        if self.fresh.len() == FRESH_MAX {
            self.fresh.pop_front();
        }
        self.fresh.push_back((rect, quality));
        Some(record)
    }

    /// The record that paints a part of the film, for who does not play it; not encoded anew for every frame. `None` when that has to wait.
    ///
    /// # Panics
    /// When there is no screen, or the rectangle is not on it.
    pub(super) fn paint_film(&mut self, rect: Rect) -> Option<Bytes> {
        let kept = self.pictures.kept(rect, Quality::Coarse, self.film_version);
        kept.or_else(|| self.make(rect, Quality::Coarse, self.film_version, LOSSY_PIXEL * rect.area() as u32))
    }

    /// Pictures that were made last and show what is newest still, in the order in which they were made.
    pub(super) fn fresh(&self) -> impl Iterator<Item = (Rect, Quality, Bytes)> {
        self.fresh.iter().filter_map(|&(rect, quality)| {
            let record = self.pictures.kept(rect, quality, self.version_of(rect))?;
            Some((rect, quality, record))
        })
    }

    /// What a cell shows; found out once for all viewers.
    ///
    /// # Panics
    /// When there is no screen.
    pub(super) fn look(&mut self, cell: usize) -> Look {
        let (Some(cells), Some(canvas)) = (&mut self.cells, self.screen.canvas()) else {
            panic!("only cells of a screen are looked at");
        };
        let (_, version) = cells.news.of(cell);
        if cells.looks[cell].0 != version {
            let rect = cells.grid.cell(cell);
            cells.looks[cell] = (version, Look::of(canvas, rect));
        }
        cells.looks[cell].1
    }

    /// Whether somebody is at work in a cell, and the update that changed it last.
    pub(super) fn news(&self, cell: usize) -> (bool, u64) {
        let cells = self.cells.as_ref().expect("only a screen has cells");
        cells.news.of(cell)
    }

    /// The index of the cell in which a rectangle begins.
    pub(super) fn cell_of(&self, rect: Rect) -> usize {
        let grid = self.cells.as_ref().expect("only a screen has cells").grid;
        grid.touched_cells(Rect { width: 1, height: 1, ..rect }).next().expect("a pixel lies in a cell")
    }

    fn version_of(&self, rect: Rect) -> u64 {
        let cells = self.cells.as_ref().expect("only a screen has cells");
        let versions = cells.grid.touched_cells(rect).map(|cell| cells.news.of(cell).1);
        versions.max().expect("a rectangle touches a cell")
    }

    /// About how long it takes to encode a rectangle of one kind of cells.
    fn cost(&mut self, rect: Rect, quality: Quality) -> Duration {
        let area = rect.area() as u32;
        let is_lines = self.look(self.cell_of(rect)).is_lines();
        match quality {
            Quality::Coarse => LOSSY_PIXEL * area,
            Quality::Exact if !is_lines => PHOTOGRAPH_PIXEL * area,
            Quality::Few | Quality::Exact => {
                let grid = self.cells.as_ref().expect("only a screen has cells").grid;
                let edges: usize = grid.touched_cells(rect).map(|cell| self.look(cell).edges).sum();
                TEXT_PIXEL * area + TEXT_EDGE * edges as u32
            }
        }
    }

    fn make(&mut self, rect: Rect, quality: Quality, version: u64, cost: Duration) -> Option<Bytes> {
        if !self.effort.allows() {
            return None;
        }
        self.effort.spend(cost);
        let canvas = self.screen.canvas().expect("only a screen is painted");
        Some(self.pictures.paint(canvas, rect, quality, version))
    }

    fn note_film(&mut self, record: &Record) {
        match record {
            Record::Video { rect, .. } => self.film = Some(*rect),
            Record::Start | Record::Size(_) => self.film = None,
            Record::Fill { rect, .. }
            | Record::Move { rect, .. }
            | Record::Picture { rect, .. }
            | Record::Serial { rect, is_shown: true, .. }
            | Record::Recall { rect, .. } => {
                self.film = self.film.filter(|film| film.intersection(*rect).is_none());
            }
            Record::Serial { .. }
            | Record::Keep { .. }
            | Record::Cursor { .. }
            | Record::CursorShape(_)
            | Record::Update { .. } => {}
        }
    }

    /// By the presenter's clock, which may say anything.
    fn note_film_age(&mut self) {
        let Some(film) = self.film else { return };
        let age_us = self.time_us.abs_diff(self.film_at_us);
        if FILM_PICTURES_US + film.area() as u64 / FILM_PICTURES_PIXELS_A_US <= age_us {
            (self.film_version, self.film_at_us) = (self.version, self.time_us);
        }
    }

    fn note_damage(&mut self, resized: bool, damage: &[Rect]) {
        if resized {
            self.pictures.clear();
            self.fresh.clear();
            self.cells = self.screen.canvas().map(|canvas| {
                let grid = Grid::new(canvas.size());
                HeldCells {
                    grid,
                    news: News::whole(grid, self.version),
                    looks: vec![(0, Look::BLACK); grid.len()],
                }
            });
        } else if let Some(cells) = &mut self.cells {
            cells.news.note(damage, self.version);
        }
    }
}
