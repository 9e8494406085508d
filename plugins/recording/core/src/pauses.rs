//! What a recording leaves out.

use std::time::Duration;

/// A pause lasts a whole number of these, so that the packets of sound before and after it follow each other without a gap: 20 ms are
/// what Opus is encoded in (RFC 6716, section 2.1.4).
pub const PAUSE_STEP: Duration = Duration::from_millis(20);

/// The pauses of a recording, in the time of the clock. Frames come later than what they show happened, so each is judged by its own time.
#[derive(Debug, Clone, Default)]
pub struct Pauses {
    /// From, to, in order.
    over: Vec<(Duration, Duration)>,
    since: Option<Duration>,
}

impl Pauses {
    /// Nothing from here on is recorded. In a pause, it stays as it is.
    pub fn pause(&mut self, now: Duration) {
        let earliest = self.over.last().map_or(Duration::ZERO, |(_, to)| *to);
        self.since.get_or_insert(now.max(earliest));
    }

    /// It goes on: at the time that is given back, up to a step later. `None` when there is no pause.
    pub fn resume(&mut self, now: Duration) -> Option<Duration> {
        let since = self.since.take()?;
        let steps = now.saturating_sub(since).as_nanos().div_ceil(PAUSE_STEP.as_nanos());
        let to = since + PAUSE_STEP * u32::try_from(steps).unwrap_or(u32::MAX);
        self.over.push((since, to));
        Some(to)
    }

    /// Since when there is a pause now.
    pub fn since(&self) -> Option<Duration> {
        self.since
    }

    /// Where a moment is in the recording; `None` when it is left out.
    pub fn place(&self, time: Duration) -> Option<Duration> {
        let left_out = |(from, to): &(Duration, Duration)| *from <= time && time < *to;
        let is_out = self.since.is_some_and(|since| since <= time) || self.over.iter().any(left_out);
        (!is_out).then(|| self.until(time))
    }

    /// How much of the recording there is until a moment; in a pause, as much as at its beginning.
    pub fn until(&self, time: Duration) -> Duration {
        let time = self.since.map_or(time, |since| time.min(since));
        let out = |(from, to): &(Duration, Duration)| (*to).min(time).saturating_sub(*from);
        time - self.over.iter().map(out).sum::<Duration>()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn what_is_between_is_left_out() {
        let mut pauses = Pauses::default();
        assert_eq!(pauses.resume(at(10)), None);
        pauses.pause(at(1000));
        pauses.pause(at(1500));
        assert_eq!((pauses.place(at(999)), pauses.place(at(1000))), (Some(at(999)), None));
        assert_eq!((pauses.place(at(9000)), pauses.until(at(9000))), (None, at(1000)));

        assert_eq!(pauses.resume(at(3001)), Some(at(3020)));
        assert_eq!((pauses.place(at(3019)), pauses.place(at(3020))), (None, Some(at(1000))));
        assert_eq!(pauses.place(at(500)), Some(at(500)), "what comes late has its place");
        pauses.pause(at(3030));
        assert_eq!(pauses.resume(at(3030)), Some(at(3030)), "a pause of no time");
        assert_eq!(pauses.place(at(4020)), Some(at(2000)));
    }

    proptest! {
        #[test]
        fn places_follow_each_other(times in proptest::collection::vec(0..60_000_u64, 0..8), step in 1..100_u64) {
            let mut times = times;
            times.sort_unstable();
            let mut pauses = Pauses::default();
            for (number, time) in times.into_iter().enumerate() {
                if number % 2 == 0 { pauses.pause(at(time)) } else { pauses.resume(at(time)); }
            }
            let places: Vec<_> = (0..1000).filter_map(|number| pauses.place(at(number * step))).collect();
            prop_assert!(places.windows(2).all(|pair| pair[0] < pair[1] && pair[1] < pair[0] + at(2 * step)));
        }

        #[test]
        fn packets_of_sound_follow_each_other_without_a_gap(pause in 0..5_000_u64, length in 0..5_000_u64, first in 0..20_u64) {
            let mut pauses = Pauses::default();
            pauses.pause(at(pause));
            pauses.resume(at(pause + length));
            let packets: Vec<_> = (0..1000).filter_map(|number| pauses.place(at(first + number * 20))).collect();
            prop_assert!(packets.windows(2).all(|pair| pair[1] - pair[0] == PAUSE_STEP));
        }
    }
}
