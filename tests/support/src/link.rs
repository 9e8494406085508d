//! One direction of a poor line, under virtual time.

use std::{collections::VecDeque, time::Duration};

/// What a line is like.
#[derive(Clone, Copy, Debug)]
pub struct Line {
    /// Bytes a second that pass; 0 for no limit.
    pub bytes_per_second: u64,
    /// From entering the line to leaving it, besides waiting for the rate.
    pub delay: Duration,
    /// At most this much is added to the delay, by chance; order is kept.
    pub jitter: Duration,
    /// Of a thousand messages, so many are lost.
    pub loss_per_mille: u32,
    /// What may wait for the rate; more is dropped at the tail.
    pub buffer_bytes_max: usize,
}

impl Line {
    /// Nothing waits, nothing is lost.
    pub const GOOD: Line = Line {
        bytes_per_second: 0,
        delay: Duration::from_millis(1),
        jitter: Duration::ZERO,
        loss_per_mille: 0,
        buffer_bytes_max: usize::MAX,
    };

    /// A reliable line (TCP above it) of so many kilobits a second behind a deep buffer.
    pub const fn kbps(kbps: u64, delay: Duration) -> Line {
        Line { bytes_per_second: kbps * 1000 / 8, delay, ..Line::GOOD }
    }
}

/// One direction of a line: messages go in at one time and come out at a later one, or never.
#[derive(Debug)]
pub struct Link<T> {
    line: Line,
    chance: u64,
    /// When the last byte that entered has passed the rate.
    free_at: Duration,
    last_out: Duration,
    under_way: VecDeque<(Duration, T)>,
}

impl<T> Link<T> {
    /// A line whose losses and jitter follow from `seed`.
    pub fn new(line: Line, seed: u64) -> Self {
        Self {
            line,
            chance: seed | 1,
            free_at: Duration::ZERO,
            last_out: Duration::ZERO,
            under_way: VecDeque::new(),
        }
    }

    /// Changes what the line is like, from the next message on.
    pub fn set_line(&mut self, line: Line) {
        self.line = line;
    }

    /// A message of `bytes` enters at `now`. Returns whether it will arrive.
    pub fn send(&mut self, message: T, bytes: usize, now: Duration) -> bool {
        let waits = self.free_at.saturating_sub(now);
        let waiting_bytes = waits.as_secs_f64() * self.line.bytes_per_second as f64;
        let overflows = (self.line.buffer_bytes_max as f64) < waiting_bytes;
        if overflows || self.roll(1000) < u64::from(self.line.loss_per_mille) {
            return false;
        }
        let passing = match self.line.bytes_per_second {
            0 => Duration::ZERO,
            rate => Duration::from_secs_f64(bytes as f64 / rate as f64),
        };
        self.free_at = now.max(self.free_at) + passing;
        let jitter = Duration::from_nanos(self.roll(self.line.jitter.as_nanos() as u64 + 1));
        self.last_out = self.last_out.max(self.free_at + self.line.delay + jitter);
        self.under_way.push_back((self.last_out, message));
        true
    }

    /// The next message that has arrived by `now`.
    pub fn receive(&mut self, now: Duration) -> Option<T> {
        let (arrives, _) = self.under_way.front()?;
        (*arrives <= now).then(|| self.under_way.pop_front().map(|(_, message)| message)).flatten()
    }

    /// When the next message arrives.
    pub fn next_arrival(&self) -> Option<Duration> {
        self.under_way.front().map(|(arrives, _)| *arrives)
    }

    /// A number below `limit`, from the seed (xorshift64).
    fn roll(&mut self, limit: u64) -> u64 {
        self.chance ^= self.chance << 13;
        self.chance ^= self.chance >> 7;
        self.chance ^= self.chance << 17;
        self.chance % limit.max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_takes_its_bytes_time_and_the_delay() {
        let mut link = Link::new(Line::kbps(80, Duration::from_millis(50)), 1);
        assert!(link.send("hello", 1000, Duration::ZERO));
        assert_eq!(link.receive(Duration::from_millis(149)), None);
        assert_eq!(link.receive(Duration::from_millis(150)), Some("hello"));
    }

    #[test]
    fn a_full_buffer_drops_at_the_tail() {
        let line = Line { buffer_bytes_max: 1500, ..Line::kbps(8, Duration::ZERO) };
        let mut link = Link::new(line, 1);
        let arrive: Vec<bool> = (0..4).map(|number| link.send(number, 1000, Duration::ZERO)).collect();
        assert_eq!(arrive, [true, true, false, false]);
    }

    #[test]
    fn the_same_seed_loses_the_same_messages() {
        let line = Line { loss_per_mille: 100, ..Line::GOOD };
        let lost = |seed| {
            let mut link = Link::new(line, seed);
            (0..1000).filter(|number| !link.send(*number, 100, Duration::ZERO)).collect::<Vec<_>>()
        };
        assert_eq!(lost(7), lost(7));
        assert!((50..200).contains(&lost(7).len()), "about a tenth is lost, not {}", lost(7).len());
    }
}
