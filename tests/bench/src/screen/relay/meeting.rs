//! A relay and its viewers behind lines of their own, under virtual time. What the relay itself does is timed.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use anyhow::{Context, Result};
use bytes::Bytes;
use convene_screen::{Decoder, Input, Output, Rect, Relay, ViewerId};
use convene_test_support::{Line, Link};

use crate::clock::timed;

/// How finely time passes.
pub const TICK: Duration = Duration::from_millis(5);
/// What TCP carries in one packet: how many of them a piece has tells how likely it is that one is lost.
const SEGMENT_BYTES: usize = 1448;
const READ_BYTES: usize = 64 * 1024;

/// A kind of line, and how many viewers have one.
#[derive(Clone, Copy, Debug)]
pub struct Class {
    /// Its name in the output.
    pub name: &'static str,
    /// Of 250.
    pub viewers: usize,
    /// Kilobits a second.
    pub kbps: u64,
    /// There and back.
    pub round_trip: Duration,
    /// Packets lost of a thousand; TCP sends them again, so each holds up what follows by a round trip.
    pub loss_per_mille: u64,
}

/// A relay with its viewers.
#[derive(Debug)]
pub struct Meeting {
    relay: Relay,
    /// By their numbers.
    pub viewers: Vec<Viewer>,
    /// Since the meeting's start.
    pub now: Duration,
    stream: Vec<Bytes>,
    /// Processor time of the relay's calls.
    pub relay_cpu: Duration,
    /// Of each tick in which the relay had something to do.
    pub tick_cpu: Vec<Duration>,
    /// Processor time of writing the same pieces into as many sockets, when that is measured.
    pub copy_cpu: Duration,
    sockets: Vec<(UnixStream, UnixStream)>,
}

/// One who watches.
#[derive(Debug)]
pub struct Viewer {
    /// The line's kind.
    pub class: Class,
    down: Link<Bytes>,
    up: Link<u64>,
    /// Arrived, but held up behind a lost packet.
    held: VecDeque<(Duration, Bytes)>,
    held_until: Duration,
    chance: u64,
    /// The relay has something for it then, whatever happens until then.
    due: Option<Duration>,
    /// Bytes painted so far.
    painted: u64,
    /// Looks at what it gets; the others only say that they have painted it.
    pub decoder: Option<Decoder>,
    /// What was painted since somebody last took it from here.
    pub damage: Vec<Rect>,
}

impl Meeting {
    /// Nobody is there.
    pub fn new() -> Self {
        Self {
            relay: Relay::new(),
            viewers: Vec::new(),
            now: Duration::ZERO,
            stream: Vec::new(),
            relay_cpu: Duration::ZERO,
            tick_cpu: Vec::new(),
            copy_cpu: Duration::ZERO,
            sockets: Vec::new(),
        }
    }

    /// Somebody joins; one that `looks` decodes what it gets.
    pub fn join(&mut self, class: Class, looks: bool) -> Result<()> {
        let number = self.viewers.len() as u64;
        let viewer = viewer_id(self.viewers.len());
        self.relay.handle(Input::Join(viewer), self.now)?;
        self.relay.handle(Input::Reads { viewer, films: false, series: true }, self.now)?;
        let line = Line::kbps(class.kbps, class.round_trip / 2);
        self.viewers.push(Viewer {
            class,
            down: Link::new(line, 2 * number + 1),
            up: Link::new(Line { delay: class.round_trip / 2, ..Line::GOOD }, 2 * number + 2),
            held: VecDeque::new(),
            held_until: Duration::ZERO,
            chance: 0x9e37_79b9_7f4a_7c15 ^ (number + 1),
            due: None,
            painted: 0,
            decoder: looks.then(Decoder::new),
            damage: Vec::new(),
        });
        Ok(())
    }

    /// From now on the pieces are also written into a socket for each viewer.
    pub fn copy_into_sockets(&mut self) -> Result<()> {
        for _ in &self.viewers {
            let pair = UnixStream::pair()?;
            pair.0.set_nonblocking(true)?;
            pair.1.set_nonblocking(true)?;
            self.sockets.push(pair);
        }
        Ok(())
    }

    /// The presenter's next bytes arrive at the next tick.
    pub fn stream(&mut self, bytes: Bytes) {
        self.stream.push(bytes);
    }

    /// Lets a little time pass.
    pub fn tick(&mut self) -> Result<()> {
        self.now += TICK;
        let now = self.now;
        let mut acknowledged = Vec::new();
        for (number, viewer) in self.viewers.iter_mut().enumerate() {
            viewer.receive(now)?;
            while let Some(bytes) = viewer.up.receive(now) {
                acknowledged.push((viewer_id(number), bytes));
            }
        }
        let is_due = self.viewers.iter().any(|viewer| viewer.is_due(now));
        if acknowledged.is_empty() && self.stream.is_empty() && !is_due {
            return Ok(());
        }
        let (pieces, time) = timed(|| self.relay_turn(&acknowledged));
        self.relay_cpu += time;
        self.tick_cpu.push(time);
        let pieces = pieces?;
        if !self.sockets.is_empty() {
            self.copy(&pieces)?;
        }
        for (number, piece) in pieces {
            let bytes = piece.len();
            self.viewers[number].down.send(piece, bytes, now);
        }
        Ok(())
    }

    fn relay_turn(&mut self, acknowledged: &[(ViewerId, u64)]) -> Result<Vec<(usize, Bytes)>> {
        for &(viewer, bytes) in acknowledged {
            self.relay.handle(Input::Painted { viewer, bytes }, self.now)?;
        }
        let has_news = !self.stream.is_empty();
        for bytes in self.stream.drain(..) {
            self.relay.handle(Input::Stream(&bytes), self.now)?;
        }
        let mut pieces = Vec::new();
        for (number, viewer) in self.viewers.iter_mut().enumerate() {
            let id = viewer_id(number);
            if !has_news && !viewer.is_due(self.now) && acknowledged.iter().all(|(who, _)| *who != id) {
                continue;
            }
            viewer.due = loop {
                match self.relay.poll(id, self.now) {
                    Output::Send(piece) => pieces.push((number, piece)),
                    Output::Wait { until } => break until,
                }
            };
        }
        Ok(pieces)
    }

    /// Writes are timed, reads are not: they are the viewers'.
    fn copy(&mut self, pieces: &[(usize, Bytes)]) -> Result<()> {
        let mut room = vec![0; READ_BYTES];
        for (number, piece) in pieces {
            let (near, far) = &mut self.sockets[*number];
            let mut rest: &[u8] = piece;
            while !rest.is_empty() {
                let (written, time) = timed(|| near.write(rest));
                self.copy_cpu += time;
                match written {
                    Ok(bytes) => rest = &rest[bytes..],
                    Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                    Err(error) => return Err(error).context("a socket pair takes what is written"),
                }
                while far.read(&mut room).is_ok_and(|bytes| 0 < bytes) {}
            }
        }
        Ok(())
    }
}

impl Viewer {
    fn receive(&mut self, now: Duration) -> Result<()> {
        while let Some(piece) = self.down.receive(now) {
            let packets = piece.len().div_ceil(SEGMENT_BYTES) as u64;
            let lost = (0..packets).filter(|_| self.roll(1000) < self.class.loss_per_mille).count();
            // Packets lost together are sent again together.
            let late = if lost == 0 { Duration::ZERO } else { self.class.round_trip };
            self.held_until = self.held_until.max(now + late);
            self.held.push_back((self.held_until, piece));
        }
        while let Some((at, piece)) = self.held.pop_front() {
            if now < at {
                self.held.push_front((at, piece));
                break;
            }
            if let Some(decoder) = &mut self.decoder {
                decoder.push(&piece);
                while let Some(shown) = decoder.next_update()? {
                    self.damage.extend(shown.damage);
                }
            }
            self.painted += piece.len() as u64;
            self.up.send(self.painted, 0, now);
        }
        Ok(())
    }

    fn is_due(&self, now: Duration) -> bool {
        self.due.is_some_and(|due| due <= now)
    }

    /// Bytes painted so far.
    pub fn painted(&self) -> u64 {
        self.painted
    }

    /// A number below `limit` (xorshift64).
    fn roll(&mut self, limit: u64) -> u64 {
        self.chance ^= self.chance << 13;
        self.chance ^= self.chance >> 7;
        self.chance ^= self.chance << 17;
        self.chance % limit
    }
}

fn viewer_id(number: usize) -> ViewerId {
    ViewerId(u32::try_from(number).expect("a meeting has few viewers"))
}
