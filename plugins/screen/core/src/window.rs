//! How much may be on its way: to a viewer, and from a presenter to its relay.
//!
//! Socket buffers lie, so the window comes from what the viewer says it has painted: the rate at which bytes were acknowledged while there was
//! always more to send, times the shortest round trip, twice, and a little more so that a short round trip does not starve a fast line. Twice, so
//! that the rate of a line that has become faster doubles in each round trip; where acknowledgements tell of a queue in front of the line, it has not, and
//! no more than [`QUEUE_MAX`] stands there.
//! The shortest round trip is measured anew now and then on an empty line, as a line in constant use never shows it.

use std::collections::VecDeque;
use std::time::Duration;

/// Never less: two short pieces, so that the line is not idle while one is acknowledged. At 56 kbit/s they take 0.9 s.
pub(crate) const BYTES_MIN: u64 = 6 * 1024;
/// The smallest room for which a piece is made: a line of text, and the records around it.
const PIECE_BYTES_MIN: u64 = 2 * 1024;
/// The longest piece: something newer may come in between.
const PIECE_BYTES_MAX: u64 = 256 * 1024;
/// Part of the window that is kept free of pixels, one in so many, so that the pointer gets through to a viewer in debt.
const POINTER_SHARE: u64 = 8;
/// And no more than that.
pub(crate) const POINTER_BYTES_MAX: u64 = 2 * 1024;
/// Never more: 100 Mbit/s over 150 ms, twice.
pub(crate) const BYTES_MAX: u64 = 4 * 1024 * 1024;
/// Before anything is known: as much as TCP itself sends at first. At 56 kbit/s it takes 2.4 s.
pub(crate) const BYTES_AT_FIRST: u64 = 16 * 1024;
/// The rate is the best of so many samples: one late acknowledgement must not throttle a viewer.
const RATE_SAMPLES: usize = 8;
/// What may wait in front of the line beside two round trips.
const SLACK: Duration = Duration::from_millis(50);
/// What waits in front of a line that is known to carry no more, or two short pieces: the time until somebody sees what is newest.
const QUEUE_MAX: Duration = Duration::from_millis(90);
/// There is a queue in front of the line once a piece has taken so much longer than the round trip, until one has taken hardly longer.
const QUEUE_SEEN: Duration = Duration::from_millis(50);
const QUEUE_GONE: Duration = Duration::from_millis(20);
/// When a piece is not acknowledged for so long beyond two round trips, the window is wrong.
const STALL: Duration = Duration::from_millis(150);
/// A round trip older than this may no longer be true.
const ROUND_TRIP_AGE_MAX: Duration = Duration::from_secs(10);
/// One that was measured with a long piece, or behind others, has the time in it that they took to pass a slow line: it is soon measured
/// again.
const ROUGH_ROUND_TRIP_AGE_MAX: Duration = Duration::from_secs(1);
/// A viewer that acknowledges so much at once, and faster than was known, has a faster line.
const NEWS_BYTES_MIN: u64 = 32 * 1024;
/// Longer pieces measure the round trip only roughly.
const PROBE_BYTES_MAX: u64 = 2 * 1024;
/// Pieces on their way are remembered one by one up to here; acknowledgements of a viewer in a hurry come in steps anyway.
const PIECES_MAX: usize = 4096;

/// How much may be on its way to one reader.
#[derive(Debug, Default)]
pub struct Window {
    sent: u64,
    acknowledged: u64,
    acknowledged_at: Duration,
    pieces: VecDeque<Piece>,
    /// Bytes a second.
    rates: VecDeque<f64>,
    round_trip: Option<RoundTrip>,
    /// What is sent waits in front of the line.
    is_queueing: bool,
    /// Nothing is sent until the line is empty, to measure the round trip.
    draining: bool,
}

#[derive(Clone, Copy, Debug)]
struct RoundTrip {
    time: Duration,
    measured_at: Duration,
    is_rough: bool,
}

#[derive(Debug)]
struct Piece {
    /// Bytes sent up to its end.
    end: u64,
    bytes: u64,
    at: Duration,
    acknowledged: u64,
    acknowledged_at: Duration,
    /// Nothing else was on its way.
    alone: bool,
    /// There was as much to send as the window allows, so its acknowledgement tells the line's rate.
    limited: bool,
}

impl Window {
    /// Nothing is known of the line yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Bytes that may be on their way.
    pub fn size(&self) -> u64 {
        let Some(round_trip) = self.round_trip.filter(|_| !self.rates.is_empty()) else {
            return BYTES_AT_FIRST;
        };
        let bytes = |time: Duration| (best(&self.rates) * time.as_secs_f64()) as u64;
        let queue = round_trip.time + SLACK;
        let bytes = if self.is_queueing {
            bytes(round_trip.time) + bytes(queue.min(QUEUE_MAX)).max(BYTES_MIN)
        } else {
            bytes(round_trip.time + queue)
        };
        bytes.clamp(BYTES_MIN, BYTES_MAX)
    }

    /// What the line carries, once there was more to send than it took at once.
    pub fn known_bytes_a_second(&self) -> Option<u64> {
        (!self.rates.is_empty()).then(|| best(&self.rates) as u64)
    }

    /// The same; a guess before anything is known.
    pub(crate) fn bytes_a_second(&self) -> u64 {
        self.known_bytes_a_second().unwrap_or(BYTES_AT_FIRST)
    }

    /// How long a piece, and what was on its way before it, take to pass the line.
    fn passing_time(&self, piece: &Piece) -> Duration {
        let bytes = (piece.end - piece.acknowledged) as f64;
        if self.rates.is_empty() {
            Duration::ZERO
        } else {
            Duration::from_secs_f64(bytes / best(&self.rates).max(1.0))
        }
    }

    /// All bytes that were sent.
    pub fn sent_bytes(&self) -> u64 {
        self.sent
    }

    /// Bytes on their way.
    pub fn in_flight(&self) -> u64 {
        self.sent - self.acknowledged
    }

    /// Bytes that may be sent now.
    pub fn room(&self, now: Duration) -> u64 {
        let in_flight = self.in_flight();
        if self.draining && 0 < in_flight || BYTES_MIN <= in_flight && self.is_stalled(now) {
            return 0;
        }
        self.size().saturating_sub(in_flight)
    }

    /// How long a piece is at most while there is room: several are on their way at once, and something newer may come in between.
    pub fn piece_bytes(&self) -> u64 {
        (self.size() / 4).clamp(BYTES_MIN / 2, PIECE_BYTES_MAX)
    }

    /// What the next piece of pixels may take; `None` when there is no room for one. On an empty line there always is: whatever cannot be made
    /// shorter gets through alone.
    pub(crate) fn piece(&self, now: Duration) -> Option<u64> {
        let size = self.size();
        let room = self.room(now).saturating_sub((size / POINTER_SHARE).min(POINTER_BYTES_MAX));
        (PIECE_BYTES_MIN <= room).then(|| room.min(self.piece_bytes()))
    }

    /// The line has become slower than the window believes.
    fn is_stalled(&self, now: Duration) -> bool {
        let patience = self.round_trip.map(|round_trip| 2 * round_trip.time + STALL);
        let oldest = self.pieces.front().map(|piece| now.saturating_sub(piece.at));
        oldest.zip(patience).is_some_and(|(age, patience)| patience < age)
    }

    /// The line has been emptied to measure the round trip: the next piece is to be a short one.
    pub(crate) fn wants_probe(&self) -> bool {
        self.draining && self.in_flight() == 0
    }

    /// `is_more_waiting`: more would have been sent if there were room.
    pub fn sent(&mut self, bytes: usize, is_more_waiting: bool, now: Duration) {
        let alone = self.in_flight() == 0;
        if alone {
            self.draining = false;
            self.acknowledged_at = now;
        }
        self.sent += bytes as u64;
        let limited = is_more_waiting || self.size() < 2 * self.in_flight();
        if PIECES_MAX <= self.pieces.len() {
            self.pieces.pop_back();
        }
        self.pieces.push_back(Piece {
            end: self.sent,
            bytes: bytes as u64,
            at: now,
            acknowledged: self.acknowledged,
            acknowledged_at: self.acknowledged_at,
            alone,
            limited,
        });
    }

    /// The reader has painted its stream up to here. What goes back, or beyond what was sent, is no news.
    pub fn painted(&mut self, bytes: u64, now: Duration) {
        let bytes = bytes.min(self.sent);
        if bytes <= self.acknowledged {
            return;
        }
        self.acknowledged = bytes;
        self.acknowledged_at = now;
        let mut last = None;
        while self.pieces.front().is_some_and(|piece| piece.end <= bytes) {
            last = self.pieces.pop_front();
        }
        if let Some(piece) = last {
            self.learn(&piece, now);
        }
    }

    fn learn(&mut self, piece: &Piece, now: Duration) {
        let time = now.saturating_sub(piece.at);
        let is_rough = !piece.alone || PROBE_BYTES_MAX < piece.bytes;
        let measured = RoundTrip { time, measured_at: now, is_rough };
        match self.round_trip {
            Some(known) if known.time < time => {
                let is_old = known.is_old(now);
                // No longer than it takes to pass the line: it has not changed, and need not be emptied.
                if !known.is_rough && time <= known.time * 5 / 4 + self.passing_time(piece) {
                    self.round_trip = Some(RoundTrip { measured_at: now, ..known });
                } else if is_old && piece.alone && !measured.is_rough {
                    self.round_trip = Some(measured);
                } else if is_old && (piece.alone || piece.limited) {
                    self.draining = true;
                }
            }
            _ => self.round_trip = Some(measured),
        }

        if let Some(round_trip) = self.round_trip {
            let excess = time.saturating_sub(round_trip.time);
            let own = Duration::from_secs_f64(piece.bytes as f64 / best(&self.rates).max(1.0));
            let limit = if self.is_queueing { QUEUE_GONE } else { QUEUE_SEEN };
            // What comes back sooner than the line could carry it tells of a faster line.
            self.is_queueing = !self.rates.is_empty() && limit < excess && own * 4 / 5 < excess;
        }

        let bytes = self.acknowledged - piece.acknowledged;
        let seconds = now.saturating_sub(piece.acknowledged_at).as_secs_f64().max(0.001);
        let rate = bytes as f64 / seconds;
        // What a viewer with little to see acknowledges says nothing about its line, unless it is much and faster than was known.
        let is_news = NEWS_BYTES_MIN <= bytes && self.rates.iter().all(|known| *known < rate);
        if piece.limited || is_news {
            self.rates.push_back(rate);
            if RATE_SAMPLES < self.rates.len() {
                self.rates.pop_front();
            }
        }
    }
}

/// The best of what was measured.
fn best(rates: &VecDeque<f64>) -> f64 {
    rates.iter().copied().fold(0.0, f64::max)
}

impl RoundTrip {
    fn is_old(self, now: Duration) -> bool {
        let age_max = if self.is_rough { ROUGH_ROUND_TRIP_AGE_MAX } else { ROUND_TRIP_AGE_MAX };
        age_max < now.saturating_sub(self.measured_at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PIECE: usize = 16 * 1024;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    /// A line with a buffer without an end in front of it.
    #[derive(Default)]
    struct Line {
        now: u64,
        free_at: u64,
        arrivals: VecDeque<(u64, u64)>,
    }

    impl Line {
        /// Sends as much as there is room for until then. For how long something waited in front of the line at most, in the last second.
        fn run(&mut self, window: &mut Window, (bytes_a_ms, delay_ms): (u64, u64), until: u64) -> u64 {
            let mut longest = 0;
            for now in self.now..until {
                while let Some((at, end)) = self.arrivals.front().copied()
                    && at <= now
                {
                    self.arrivals.pop_front();
                    window.painted(end, ms(now));
                }
                loop {
                    let piece = if window.wants_probe() { Some(23) } else { window.piece(ms(now)) };
                    let Some(bytes) = piece.map(|bytes| bytes.min(PIECE as u64) as usize) else { break };
                    window.sent(bytes, true, ms(now));
                    self.free_at = self.free_at.max(now) + bytes as u64 / bytes_a_ms;
                    self.arrivals.push_back((self.free_at + 2 * delay_ms, window.sent));
                }
                if until <= now + 1_000 {
                    longest = longest.max(self.free_at.saturating_sub(now));
                }
            }
            self.now = until;
            longest
        }
    }

    /// From 400 kbit/s to 20 Mbit/s, from 20 to 300 ms there and back, in front of a buffer without an end.
    #[test]
    fn hardly_anything_stands_in_front_of_a_line_that_is_full() {
        for bytes_a_ms in [50, 125, 500, 2_500] {
            for delay_ms in [10, 40, 75, 150] {
                let mut window = Window::new();
                let mut line = Line::default();
                let longest = line.run(&mut window, (bytes_a_ms, delay_ms), 15_000);
                // The smallest window takes longer to pass the slowest of these lines.
                let most = 100.max(BYTES_MIN / bytes_a_ms);
                assert!(longest <= most, "{bytes_a_ms} bytes a ms, {delay_ms} ms: {longest} ms");
                let before = window.acknowledged;
                line.run(&mut window, (bytes_a_ms, delay_ms), 18_000);
                let carried = window.acknowledged - before;
                assert!(80 * 3_000 * bytes_a_ms / 100 < carried, "{bytes_a_ms}, {delay_ms}: {carried}");
            }
        }
    }

    /// A line that was slow for a while carries all that it can a second later.
    #[test]
    fn a_line_that_recovers_is_full_within_a_second() {
        for delay_ms in [10, 40] {
            let mut window = Window::new();
            let mut line = Line::default();
            line.run(&mut window, (2_500, delay_ms), 5_000);
            line.run(&mut window, (50, delay_ms), 15_000);
            line.run(&mut window, (2_500, delay_ms), 16_000);
            let before = window.acknowledged;
            line.run(&mut window, (2_500, delay_ms), 17_000);
            let carried = window.acknowledged - before;
            assert!(2_250_000 - 2 * 2_500 * delay_ms < carried, "{delay_ms} ms: {carried}");
        }
    }

    #[test]
    fn a_fast_line_with_a_long_way_gets_what_it_can_carry() {
        let mut window = Window::new();
        Line::default().run(&mut window, (12_500, 50), 3_000);
        let on_the_way = 12_500 * 100;
        assert!((on_the_way..4 * on_the_way).contains(&window.size()), "{}", window.size());
    }

    #[test]
    fn a_slow_line_gets_the_smallest_window_once_it_is_known() {
        let mut window = Window::new();
        Line::default().run(&mut window, (12, 50), 60_000);
        // And what is on its way.
        assert!(window.size() <= BYTES_MIN + 12 * 110, "{}", window.size());
    }

    #[test]
    fn the_window_never_leaves_its_limits() {
        for line in [(1_000_000, 1_000), (1, 0), (100, 0)] {
            let mut window = Window::new();
            Line::default().run(&mut window, line, 30_000);
            assert!((BYTES_MIN..=BYTES_MAX).contains(&window.size()), "{line:?}: {}", window.size());
            assert!(window.in_flight() <= BYTES_MAX, "{line:?}");
        }
    }

    #[test]
    fn a_line_that_falls_silent_gets_no_more_than_the_smallest_window() {
        let mut window = Window::new();
        Line::default().run(&mut window, (12_500, 5), 1_000);
        (0..3).for_each(|_| window.sent(PIECE, true, ms(1_000)));
        window.painted(window.sent - 2 * PIECE as u64, ms(1_010));
        assert!(0 < window.room(ms(1_020)));
        assert_eq!(window.room(ms(2_000)), 0);
    }

    #[test]
    fn what_was_never_sent_cannot_be_painted() {
        let mut window = Window::new();
        window.sent(100, false, ms(0));
        window.painted(u64::MAX, ms(1));
        assert_eq!(window.in_flight(), 0);
        window.painted(5, ms(2));
        assert_eq!(window.in_flight(), 0);
    }
}
