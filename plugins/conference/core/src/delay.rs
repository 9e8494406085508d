//! How long a source's packets have to wait so that nearly all have come when they are due.

use std::collections::VecDeque;

use crate::time::{FRAME, MS};

/// The latest arrival of each such stretch of time is remembered.
const WINDOW: i64 = 500 * MS;
/// Eight seconds: a line that was bad a moment ago is bad again soon.
const WINDOWS_MAX: usize = 16;
/// A second and more: what came sooner than anything in so many stretches came by another line, or from a sender whose clock has stood since.
const RECENT_WINDOWS: usize = 3;
/// By so much the delay may be shorter than it should be before anything is done about it.
pub(crate) const SHORT_BY: i64 = 5 * MS;
/// A packet may be due anywhere inside a tick, and has to be there at its beginning.
pub(crate) const MARGIN: i64 = FRAME as i64 + SHORT_BY;
/// Beyond this, waiting is worse than losing: people begin to speak at the same time (ITU-T G.114 advises against 400 ms in all).
pub(crate) const DELAY_MAX: i64 = 480 * MS;

/// Two losses so close to each other make a line that loses.
const LOSSES_WITHIN: i64 = 5000 * MS;
/// Packets that are too late for so long are no hiccup, which brings many at once.
const LATE_MAX: i64 = 200 * MS;
/// So long after that, the latest packet alone says how long all have to wait.
const HURRY_FOR: i64 = 10_000 * MS;
/// For so long after that, packets wait one tick more: the one after a loss holds a copy, and has to be there.
const SPARE_FOR: i64 = 10_000 * MS;

/// What is known of a line, all in samples. An *offset* is a packet's arrival less its timestamp: the same for all on a perfect line.
#[derive(Debug, Default)]
pub(crate) struct Delay {
    windows: VecDeque<Window>,
    lost_at: Option<i64>,
    spare_until: Option<i64>,
    spare: i64,
    late_since: Option<i64>,
    hurries_until: Option<i64>,
    /// The sender or the line becomes slower all the time.
    hurries: bool,
}

#[derive(Debug)]
struct Window {
    ends: i64,
    latest: i64,
    earliest: i64,
}

impl Delay {
    /// A packet came, in time or not.
    pub fn arrived(&mut self, offset: i64, now: i64, is_late: bool) {
        self.hurries = self.hurries_until.is_some_and(|until| now < until);
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
        self.judge(offset, now, is_late);
    }

    /// A packet was missing when it was due.
    pub fn lost(&mut self, now: i64) {
        if self.lost_at.is_some_and(|before| now - before < LOSSES_WITHIN) {
            self.spare_until = Some(now + SPARE_FOR);
        }
        self.lost_at = Some(now);
    }

    /// When packets are too late for longer than any hiccup, or would be if we did not hurry, the line or the sender's clock is slower by the second.
    fn judge(&mut self, offset: i64, now: i64, is_late: bool) {
        let would_be_late = || {
            let (second, latest) = self.latest();
            second.or(latest).is_some_and(|calm| calm + MARGIN < offset)
        };
        let is_behind = is_late || (self.hurries && would_be_late());
        let since = is_behind.then(|| self.late_since.unwrap_or(now));
        if since.is_some_and(|since| LATE_MAX <= now - since) {
            self.hurries_until = Some(now + HURRY_FOR);
        }
        self.late_since = since;
    }

    /// When a sample should be played: its timestamp and this much. One window in eight seconds may have been worse, for a single hiccup
    /// should not delay everything said afterwards.
    pub fn target(&self) -> Option<i64> {
        let earliest = self.earliest()?;
        let (second, latest) = self.latest();
        let latest = second.filter(|_| !self.hurries).or(latest)?;
        Some((latest + MARGIN + self.spare).min(earliest + DELAY_MAX))
    }

    /// The latest of all windows but one, and of all.
    fn latest(&self) -> (Option<i64>, Option<i64>) {
        let (mut latest, mut second) = (None, None);
        for window in &self.windows {
            if latest < Some(window.latest) {
                second = latest;
                latest = Some(window.latest);
            } else if second < Some(window.latest) {
                second = Some(window.latest);
            }
        }
        (second, latest)
    }

    /// How much later than the earliest packet everything is played.
    pub fn waiting(&self) -> i64 {
        self.target().zip(self.earliest()).map_or(0, |(target, earliest)| target - earliest)
    }

    /// The earliest that packets come of late.
    fn earliest(&self) -> Option<i64> {
        self.windows.iter().rev().take(RECENT_WINDOWS).map(|window| window.earliest).min()
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
            delay.arrived(1000 + late(packet), timestamp + 1000 + late(packet), false);
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
    fn what_is_late_for_long_is_followed_at_once_and_what_is_late_together_is_not() {
        let mut delay = Delay::default();
        line(&mut delay, 0..1, |_| 0);
        for packet in 50..65 {
            delay.arrived(1000 + (65 - packet) * FRAME as i64, 65 * FRAME as i64, true);
        }
        line(&mut delay, 2..4, |_| 0);
        assert_eq!(delay.target(), Some(1000 + MARGIN));

        let mut delay = Delay::default();
        line(&mut delay, 0..4, |_| 0);
        for packet in 200..215 {
            let late = packet * MS;
            delay.arrived(1000 + late, packet * FRAME as i64 + late, true);
        }
        assert_eq!(delay.target(), Some(1000 + 214 * MS + MARGIN));
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
