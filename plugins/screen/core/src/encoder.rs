//! Pixels in, stream out.
//!
//! The encoder keeps two canvases: `reference` is what a reader has or will have once it is refined, `next` what it shall have. A frame is
//! compared with `next` at memory speed; what differs is copied there. Then moves are found, checked and applied to the reference, and only
//! what still differs is painted. So whatever the search for moves does or misses, the reader ends with the frame's pixels: at once where it
//! is painted exactly, and where a photograph was painted lossy as soon as it has rested and was refined. Which pixels those are, `coarse`
//! knows.

mod backlog;
mod choose;
mod coarse;
mod compare;
mod crew;
mod kept;
mod merge;
mod moves;
mod painting;
mod plan;
mod pointer;
mod projector;
mod restless;
mod serial;
mod verdicts;

use std::time::Duration;

use bytes::{Bytes, BytesMut};

use crate::{Frame, Point, Record};
use backlog::Room;
use crew::Alone;
use kept::Kept;
use painting::{Pace, Painting, Update};
use pointer::Pointer;
use serial::Serials;

pub(crate) use choose::{Op, choose};
pub use crew::{Crew, Job};
pub use pointer::CursorError;

/// Refinement goes along with a frame of which no more than one part in so many changed.
const LITTLE_CHANGE: usize = 8;
/// What refinement may cost on average, where nothing is known of the line: a 1080p photograph is exact in about a second.
const REFINEMENT_BYTES_A_SECOND: u32 = 2 * 1024 * 1024;
/// Refinement is never slower: a part of a photograph is exact at once on any line.
const REFINEMENT_BYTES_A_SECOND_MIN: u32 = 8 * 1024;
/// Of what the line carries, refinement takes at most this part; it is the first to wait for room anyway.
const REFINEMENT_SHARE: u32 = 2;

/// Compares each frame with what a reader has, and writes what the reader needs.
#[derive(Debug)]
pub struct Encoder {
    crew: Box<dyn Crew>,
    painting: Option<Painting>,
    kept: Kept,
    serials: Serials,
    refinement: Pace,
    /// What the line carries, in bits a second.
    line: Option<u32>,
    room: Room,
    pointer: Pointer,
    /// `Start` was sent, and nothing asked for another one.
    started: bool,
}

impl Default for Encoder {
    fn default() -> Self {
        Self::new()
    }
}

impl Encoder {
    /// An encoder whose first frame begins a stream; it does everything on its caller's thread.
    pub fn new() -> Self {
        Self::with_crew(Box::new(Alone))
    }

    /// The same, with others' hands for large updates; who does the work changes no byte.
    pub fn with_crew(crew: Box<dyn Crew>) -> Self {
        Self {
            crew,
            painting: None,
            kept: Kept::default(),
            serials: Serials::default(),
            refinement: Pace::default(),
            line: None,
            room: Room::Endless,
            pointer: Pointer::default(),
            started: false,
        }
    }

    /// One whole update that shows this frame and the newest cursor (`Start` and `Size` in front the first time, `Size` when it
    /// changed); `None` when nothing changed, or all that did is held back: [`Encoder::next_refinement_at`] says until when.
    ///
    /// # Panics
    /// When `frame.pixels` is too short for its size and stride.
    pub fn frame(&mut self, frame: Frame<'_>, time: Duration) -> Option<Bytes> {
        let mut out = BytesMut::new();
        if !self.started {
            Record::Start.write(&mut out);
            self.started = true;
            self.painting = None;
            self.kept.clear();
        }
        let painting = match &mut self.painting {
            Some(painting) if painting.size() == frame.size => painting,
            painting => {
                Record::Size(frame.size).write(&mut out);
                self.serials.end();
                painting.insert(Painting::black(frame.size, self.line))
            }
        };
        let mut update = Update {
            time,
            room: self.room,
            kept: &mut self.kept,
            serials: &mut self.serials,
            scrolls: false,
            crew: &*self.crew,
            out: &mut out,
        };
        let changed = painting.advance(frame, &mut update);
        if changed <= frame.size.area() / LITTLE_CHANGE {
            painting.refine(&mut self.refinement, &mut update);
        }
        self.pointer.write_changes(&mut out);
        end_update(out, time)
    }

    /// Sharpens some of what was sent lossy and rests since, or shows the last frame again after [`Encoder::restart`]: an update for an idle
    /// moment between two frames. `None` when there is nothing to do yet. [`Encoder::frame`] does the same by itself while little changes.
    pub fn refine(&mut self, time: Duration) -> Option<Bytes> {
        if !self.started {
            let last = self.painting.take()?.into_shown();
            return self.frame(last.as_frame(), time);
        }
        let painting = self.painting.as_mut()?;
        let mut out = BytesMut::new();
        let mut update = Update {
            time,
            room: self.room,
            kept: &mut self.kept,
            serials: &mut self.serials,
            scrolls: false,
            crew: &*self.crew,
            out: &mut out,
        };
        painting.idle(&mut update);
        painting.refine(&mut self.refinement, &mut update);
        end_update(out, time)
    }

    /// Whether a reader has some of the screen only about right.
    pub fn needs_refinement(&self) -> bool {
        self.next_refinement_at().is_some()
    }

    /// When [`Encoder::refine`] has something to send if nothing changes until then; `None` when a reader has everything exactly.
    pub fn next_refinement_at(&self) -> Option<Duration> {
        let painting = self.painting.as_ref()?;
        if !self.started {
            return Some(Duration::ZERO);
        }
        let refined_at = painting.rests_at().map(|rests_at| rests_at.max(self.refinement.next_at()));
        painting.due_at().into_iter().chain(refined_at).min()
    }

    /// What the line to the reader carries, in bits a second, as far as is known: a film takes two thirds of it at most, and refinement a half.
    /// `None`, as in the beginning, lets a film's size say what it takes, and refinement 2 MiB a second.
    pub fn set_line(&mut self, bits_a_second: Option<u32>) {
        self.line = bits_a_second;
        self.refinement.limit(bits_a_second.map_or(REFINEMENT_BYTES_A_SECOND, |bits| {
            (bits / 8 / REFINEMENT_SHARE).clamp(REFINEMENT_BYTES_A_SECOND_MIN, REFINEMENT_BYTES_A_SECOND)
        }));
        if let Some(painting) = &mut self.painting {
            painting.set_line(bits_a_second);
        }
    }

    /// About how many bytes an update may have; `None`, as in the beginning, for all that a frame takes. What there is no room for is owed: the
    /// next updates bring it, as it is by then, what is newest and what has waited longest by turns. What cannot be made shorter goes alone.
    pub fn set_update_bytes(&mut self, bytes: Option<usize>) {
        self.room = bytes.map_or(Room::Endless, Room::Bytes);
    }

    /// Whether the last update had no room for some of the screen: [`Encoder::refine`] brings more of it at any time.
    pub fn owes(&self) -> bool {
        self.painting.as_ref().is_some_and(Painting::owes)
    }

    /// The pointer's hot spot is here; goes out with the next update.
    pub fn move_cursor(&mut self, x: i16, y: i16, visible: bool) {
        self.pointer.place(x, y, visible);
    }

    /// The pointer looks like this from now on: BGRA with straight alpha, tight rows; goes out with the next update.
    pub fn shape_cursor(
        &mut self,
        hot: Point,
        width: u16,
        height: u16,
        bgra: &[u8],
    ) -> Result<(), CursorError> {
        self.pointer.shape(hot, (width, height), bgra)
    }

    /// Cursor changes alone, as an update of its own; `None` when there are none, or while no frame was sent.
    pub fn cursor_update(&mut self, time: Duration) -> Option<Bytes> {
        if !self.started {
            return None;
        }
        let mut out = BytesMut::new();
        self.pointer.write_changes(&mut out);
        end_update(out, time)
    }

    /// The next update begins with `Start` and carries the whole screen: the next frame, or the last one again by [`Encoder::refine`], where
    /// none comes.
    pub fn restart(&mut self) {
        self.started = false;
        self.pointer.forget_sent();
    }

    /// The same, and the last frame is not shown again: what comes now has nothing to do with it.
    pub fn forget(&mut self) {
        self.restart();
        self.painting = None;
    }
}

fn end_update(mut out: BytesMut, time: Duration) -> Option<Bytes> {
    if out.is_empty() {
        return None;
    }
    let time_us = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
    Record::Update { time_us }.write(&mut out);
    Some(out.freeze())
}
