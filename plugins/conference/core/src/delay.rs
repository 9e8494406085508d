//! How long a source's packets have to wait so that nearly all have come when they are due.

use std::collections::VecDeque;

use crate::time::{FRAME, MS};

/// The latest arrival of each such stretch of time is remembered.
const WINDOW: i64 = 500 * MS;
/// Eight seconds: a line that was bad a moment ago is bad again soon.
const WINDOWS_MAX: usize = 16;
/// By so much the delay may be shorter than it should be before anything is done about it.
pub(crate) const SHORT_BY: i64 = 5 * MS;
/// A packet may be due anywhere inside a tick, and has to be there at its beginning.
pub(crate) const MARGIN: i64 = FRAME as i64 + SHORT_BY;
/// Beyond this, waiting is worse than losing: people begin to speak at the same time (ITU-T G.114 advises against 400 ms in all).
pub(crate) const DELAY_MAX: i64 = 480 * MS;

/// Two losses so close to each other make a line that loses.
const LOSSES_WITHIN: i64 = 5000 * MS;
/// For so long after that, packets wait one tick more: the one after a loss holds a copy, and has to be there.
const SPARE_FOR: i64 = 10_000 * MS;

/// What is known of a line, all in samples. An *offset* is a packet's arrival less its timestamp: the same for all on a perfect line.
#[derive(Debug, Default)]
pub(crate) struct Delay {
    windows: VecDeque<Window>,
    lost_at: Option<i64>,
    spare_until: Option<i64>,
    spare: i64,
}

#[derive(Debug)]
struct Window {
    ends: i64,
    latest: i64,
    earliest: i64,
}

impl Delay {
    /// A packet came.
    pub fn arrived(&mut self, offset: i64, now: i64) {
        self.spare = if self.spare_until.is_some_and(|until| now < until) { FRAME as i64 } else { 0 };
        match self.windows.back_mut() {
            Some(window) if now < window.ends => {
                window.latest = window.latest.max(offset);
                window.earliest = window.earliest.min(offset);
            }
            _ => {
                self.windows.push_back(Window { ends: now + WINDOW, latest: offset, earliest: offset });
                if WINDOWS_MAX < self.windows.len() {
                    self.windows.pop_front();
                }
            }
        }
    }

    /// A packet was missing when it was due.
    pub fn lost(&mut self, now: i64) {
        if self.lost_at.is_some_and(|before| now - before < LOSSES_WITHIN) {
            self.spare_until = Some(now + SPARE_FOR);
        }
        self.lost_at = Some(now);
    }

    /// When a sample should be played: its timestamp and this much. One window in eight seconds may have been worse, for a single hiccup
    /// should not delay everything said afterwards.
    pub fn target(&self) -> Option<i64> {
        let (mut latest, mut second) = (None, None);
        for window in &self.windows {
            if latest < Some(window.latest) {
                second = latest;
                latest = Some(window.latest);
            } else if second < Some(window.latest) {
                second = Some(window.latest);
            }
        }
        let earliest = self.windows.iter().map(|window| window.earliest).min()?;
        Some((second.or(latest)? + MARGIN + self.spare).min(earliest + DELAY_MAX))
    }

    /// How much later than the earliest packet everything is played.
    pub fn waiting(&self) -> i64 {
        let earliest = self.windows.iter().map(|window| window.earliest).min();
        self.target().zip(earliest).map_or(0, |(target, earliest)| target - earliest)
    }

    pub fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A packet each 20 ms for so many seconds, each later by what `late` says.
    fn line(delay: &mut Delay, seconds: std::ops::Range<i64>, late: impl Fn(i64) -> i64) {
        for packet in seconds.start * 50..seconds.end * 50 {
            let timestamp = packet * FRAME as i64;
            delay.arrived(1000 + late(packet), timestamp + 1000 + late(packet));
        }
    }

    #[test]
    fn a_perfect_line_costs_a_tick() {
        let mut delay = Delay::default();
        assert_eq!(delay.target(), None);
        line(&mut delay, 0..3, |_| 0);
        assert_eq!(delay.target(), Some(1000 + MARGIN));
        assert_eq!(delay.waiting(), MARGIN);
    }

    #[test]
    fn jitter_is_waited_for_and_forgotten() {
        let mut delay = Delay::default();
        line(&mut delay, 0..3, |packet| packet * 37 % 100 * MS);
        let target = delay.target().expect("packets came");
        assert!((1000 + 98 * MS + MARGIN..=1000 + 99 * MS + MARGIN).contains(&target), "{target}");
        line(&mut delay, 3..15, |_| 0);
        assert_eq!(delay.target(), Some(1000 + MARGIN));
    }

    #[test]
    fn a_line_that_loses_costs_a_tick_more() {
        let mut delay = Delay::default();
        line(&mut delay, 0..1, |_| 0);
        delay.lost(1000 * MS);
        delay.lost(3000 * MS);
        line(&mut delay, 3..4, |_| 0);
        assert_eq!(delay.target(), Some(1000 + MARGIN + FRAME as i64));
        line(&mut delay, 4..20, |_| 0);
        assert_eq!(delay.target(), Some(1000 + MARGIN));
    }

    #[test]
    fn one_hiccup_delays_nobody_and_waiting_has_an_end() {
        let mut delay = Delay::default();
        line(&mut delay, 0..6, |packet| if packet == 150 { 300 * MS } else { 0 });
        assert_eq!(delay.target(), Some(1000 + MARGIN));
        line(&mut delay, 6..9, |packet| packet % 50 * 40 * MS);
        assert_eq!(delay.target(), Some(1000 + DELAY_MAX));
    }
}
