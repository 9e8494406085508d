//! A meeting under virtual time: one presenter, and viewers behind lines of their own.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use convene_screen::{Decoder, Encoder, Input, Output, PixelOrder, Reader, Record, Rect, Relay, ViewerId};

use crate::desktop::Desktop;

const TICK: Duration = Duration::from_millis(5);

/// How good a viewer's line is.
#[derive(Clone, Copy, Debug)]
pub struct Line {
    pub bytes_a_second: u64,
    pub delay: Duration,
}

impl Line {
    pub fn new(kbit_a_second: u64, delay_ms: u64) -> Self {
        Self { bytes_a_second: kbit_a_second * 125, delay: Duration::from_millis(delay_ms) }
    }
}

pub struct Meeting {
    pub relay: Relay,
    pub encoder: Encoder,
    pub desktop: Desktop,
    pub viewers: BTreeMap<ViewerId, Viewer>,
    pub now: Duration,
    /// The seed of everything that is chance.
    pub chance: u64,
}

/// What a viewer has, and what is on its way.
pub struct Viewer {
    pub line: Line,
    pub decoder: Decoder,
    /// Paints and acknowledges; one that does not is gone without a word.
    pub is_there: bool,
    pub sent_bytes: u64,
    pub acknowledged_bytes: u64,
    pub updates: usize,
    /// Reads along, to see what comes.
    reader: Reader,
    /// Frames of films, and the bytes of their records.
    pub frames: usize,
    pub frame_bytes: u64,
    /// Graphics of series that are shown, and those that only teach.
    pub serials: usize,
    pub hidden: usize,
    /// In front of the line.
    queue: VecDeque<bytes::Bytes>,
    /// Bytes of the queue's front that the line has taken.
    taken: f64,
    on_the_way: VecDeque<(Duration, bytes::Bytes)>,
    acknowledgements: VecDeque<(Duration, u64)>,
}

impl Meeting {
    pub fn new(desktop: Desktop) -> Self {
        Self {
            relay: Relay::new(),
            encoder: Encoder::new(),
            desktop,
            viewers: BTreeMap::new(),
            now: Duration::from_secs(1),
            chance: 1,
        }
    }

    pub fn join(&mut self, id: u32, line: Line) {
        let id = ViewerId(id);
        self.relay.handle(Input::Join(id), self.now).unwrap();
        self.relay.handle(Input::Reads { viewer: id, films: false, series: true }, self.now).unwrap();
        self.viewers.insert(
            id,
            Viewer {
                line,
                decoder: Decoder::new(),
                is_there: true,
                sent_bytes: 0,
                acknowledged_bytes: 0,
                updates: 0,
                reader: Reader::new(),
                frames: 0,
                frame_bytes: 0,
                serials: 0,
                hidden: 0,
                queue: VecDeque::new(),
                taken: 0.0,
                on_the_way: VecDeque::new(),
                acknowledgements: VecDeque::new(),
            },
        );
    }

    /// A viewer that can decode films.
    pub fn join_and_play(&mut self, id: u32, line: Line) {
        self.join(id, line);
        self.relay
            .handle(Input::Reads { viewer: ViewerId(id), films: true, series: true }, self.now)
            .unwrap();
    }

    pub fn leave(&mut self, id: u32) {
        self.relay.handle(Input::Leave(ViewerId(id)), self.now).unwrap();
        self.viewers.remove(&ViewerId(id));
    }

    pub fn viewer(&mut self, id: u32) -> &mut Viewer {
        self.viewers.get_mut(&ViewerId(id)).unwrap()
    }

    /// The desktop as it is now goes to the relay, in pieces of any size.
    pub fn present(&mut self) {
        let stored = self.desktop.stored(PixelOrder::Bgrx, 0);
        if let Some(update) = self.encoder.frame(stored.frame(), self.now) {
            self.stream(&update);
        }
    }

    /// The pointer moves while the screen rests.
    pub fn point(&mut self, x: i16, y: i16) {
        self.encoder.move_cursor(x, y, true);
        if let Some(update) = self.encoder.cursor_update(self.now) {
            self.stream(&update);
        }
    }

    pub fn stream(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let length = (1 + self.random(40_000) as usize).min(bytes.len());
            let (piece, rest) = bytes.split_at(length);
            self.relay.handle(Input::Stream(piece), self.now).unwrap();
            bytes = rest;
        }
    }

    /// Lets time pass.
    pub fn wait(&mut self, time: Duration) {
        let end = self.now + time;
        while self.now < end {
            self.carry();
            self.now += TICK;
        }
    }

    /// Waits until nothing is on its way to anybody who is there, at most for `time`; how long it took.
    pub fn rest(&mut self, time: Duration) -> Duration {
        let start = self.now;
        self.wait(TICK);
        while !self.is_at_rest() {
            assert!(self.now - start < time, "there is no rest");
            self.wait(TICK);
        }
        self.now - start
    }

    /// Every viewer who is there sees what the presenter sees.
    pub fn assert_all_equal(&self) {
        for (id, viewer) in self.viewers.iter().filter(|(_, viewer)| viewer.is_there) {
            let canvas = viewer.decoder.canvas().unwrap_or_else(|| panic!("{id:?} has no screen"));
            assert_eq!(canvas.size(), self.desktop.size(), "{id:?}");
            assert!(canvas.pixels() == self.desktop.bgrx(), "{id:?} sees something else");
        }
    }

    /// A viewer sees a part of the screen exactly.
    pub fn shows(&self, id: u32, rect: Rect) -> bool {
        let wanted = self.desktop.bgrx();
        let row_bytes = 4 * usize::from(self.desktop.size().width());
        let columns = 4 * usize::from(rect.x)..4 * rect.right() as usize;
        let rows = usize::from(rect.y)..rect.bottom() as usize;
        self.viewers[&ViewerId(id)].decoder.canvas().is_some_and(|shown| {
            rows.map(|y| y * row_bytes + columns.start..y * row_bytes + columns.end)
                .all(|row| shown.pixels()[row.clone()] == wanted[row])
        })
    }

    pub fn random(&mut self, below: u64) -> u64 {
        self.chance =
            self.chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.chance >> 33) % below
    }

    /// One tick: what is due arrives, what may be sent is sent.
    fn carry(&mut self) {
        let now = self.now;
        if let Some(update) = self.encoder.refine(now) {
            self.stream(&update);
        }
        for (&id, viewer) in &mut self.viewers {
            while let Some(bytes) = due(&mut viewer.acknowledgements, now) {
                viewer.acknowledged_bytes = bytes;
                self.relay.handle(Input::Painted { viewer: id, bytes }, now).unwrap();
            }
            while let Output::Send(bytes) = self.relay.poll(id, now) {
                viewer.sent_bytes += bytes.len() as u64;
                viewer.queue.push_back(bytes);
            }
            viewer.transmit(now);
            viewer.receive(now);
        }
    }

    fn is_at_rest(&self) -> bool {
        if self.encoder.needs_refinement() {
            return false;
        }
        let is_waiting = |viewer: &Viewer| {
            !viewer.queue.is_empty() || !viewer.on_the_way.is_empty() || !viewer.acknowledgements.is_empty()
        };
        !self.viewers.values().any(|viewer| viewer.is_there && is_waiting(viewer))
    }
}

impl Viewer {
    /// Bytes that the relay has sent and that were not acknowledged.
    pub fn in_flight(&self) -> u64 {
        self.sent_bytes - self.acknowledged_bytes
    }

    /// What the line takes in one tick.
    fn transmit(&mut self, now: Duration) {
        self.taken += self.line.bytes_a_second as f64 * TICK.as_secs_f64();
        while self.queue.front().is_some_and(|bytes| bytes.len() as f64 <= self.taken) {
            let Some(bytes) = self.queue.pop_front() else { break };
            self.taken -= bytes.len() as f64;
            self.on_the_way.push_back((now + self.line.delay, bytes));
        }
        if self.queue.is_empty() {
            self.taken = 0.0;
        }
    }

    fn count(&mut self, bytes: &[u8]) {
        self.reader.push(bytes);
        while let Some(record) = self.reader.next_record().expect("what a relay sends is well formed") {
            match record {
                Record::Video { frame, .. } => {
                    self.frames += 1;
                    self.frame_bytes += frame.len() as u64;
                }
                Record::Serial { is_shown: true, .. } => self.serials += 1,
                Record::Serial { is_shown: false, .. } => self.hidden += 1,
                _ => {}
            }
        }
    }

    fn receive(&mut self, now: Duration) {
        while let Some(bytes) = due(&mut self.on_the_way, now) {
            if !self.is_there {
                continue;
            }
            self.decoder.push(&bytes);
            self.count(&bytes);
            while self.decoder.next_update().expect("what a relay sends is well formed").is_some() {
                self.updates += 1;
                self.acknowledgements.push_back((now + self.line.delay, self.decoder.painted_bytes()));
            }
        }
    }
}

fn due<T>(queue: &mut VecDeque<(Duration, T)>, now: Duration) -> Option<T> {
    let is_due = queue.front().is_some_and(|(at, _)| *at <= now);
    is_due.then(|| queue.pop_front()).flatten().map(|(_, what)| what)
}
