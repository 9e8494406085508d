//! Where in the recording things belong that were sent at a time of the meeting's clock: beside what was sent at the same time, however long
//! each was under way.

use std::time::Duration;

/// Everything in a recording comes so much later than it could, so that what comes late still gets to its place: a picture whose voice was
/// there first, and what a line or a busy machine held up.
pub(super) const WAIT: Duration = Duration::from_millis(400);
/// Nothing is put further ahead of that. More would only be said by a broken clock.
const AHEAD_MAX: Duration = Duration::from_secs(1);
/// How far the clocks are apart is the least of what was seen in two such windows. Two clocks drift by a millisecond in one at most.
const WINDOW: Duration = Duration::from_secs(10);
/// What comes later than this by the known distance comes by another clock: the meeting goes on elsewhere.
const JUMP: Duration = Duration::from_secs(5);

/// Two clocks, and how far they are apart: the meeting's and the recording's, each from a beginning of its own.
#[derive(Debug, Default)]
pub(super) struct Timeline {
    /// The least distance in this window and in the one before, in nanoseconds, and when this one began.
    least: Option<(i64, i64, Duration)>,
}

impl Timeline {
    /// The recording's time of something that came `now`, was sent at `sent` by the meeting's clock, and belongs beside what is sent `wait` later,
    /// in nanoseconds; a negative wait has passed already.
    pub(super) fn place(&mut self, sent: Duration, wait: i64, now: Duration) -> Duration {
        let distance = self.distance(sent, now);
        let place =
            nanoseconds(sent).saturating_add(distance).saturating_add(wait).saturating_add(nanoseconds(WAIT));
        let place = Duration::from_nanos(u64::try_from(place).unwrap_or(0));
        place.min(now + WAIT + AHEAD_MAX)
    }

    /// The same for what belongs beside other things that come: how long it was under way tells nothing.
    pub(super) fn beside(&mut self, sent: Duration, now: Duration) -> Duration {
        let Some((this, before, _)) = self.least else { return self.place(sent, 0, now) };
        let place = nanoseconds(sent).saturating_add(this.min(before)).saturating_add(nanoseconds(WAIT));
        let place = Duration::from_nanos(u64::try_from(place).unwrap_or(0));
        place.min(now + WAIT + AHEAD_MAX)
    }

    /// What the recording's clock is ahead of the meeting's. Whatever was under way the shortest knows best.
    fn distance(&mut self, sent: Duration, now: Duration) -> i64 {
        let seen = nanoseconds(now).saturating_sub(nanoseconds(sent));
        let known =
            self.least.filter(|(this, before, _)| seen.saturating_sub(*this.min(before)) < nanoseconds(JUMP));
        let (this, before, began) = match known {
            None => (seen, seen, now),
            Some((this, before, began)) if now < began + WINDOW => (this.min(seen), before, began),
            Some((this, ..)) => (seen, this, now),
        };
        self.least = Some((this, before, began));
        this.min(before)
    }
}

/// Longer than anything lasts is as long as can be said.
pub(super) fn clock_time(time: Duration) -> gst::ClockTime {
    gst::ClockTime::try_from(time).unwrap_or(gst::ClockTime::MAX)
}

fn nanoseconds(time: Duration) -> i64 {
    i64::try_from(time.as_nanos()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: i64 = 1_000_000;

    fn at(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    /// The meeting's clock began an hour before the recording's.
    fn sent(milliseconds: u64) -> Duration {
        Duration::from_secs(3600) + at(milliseconds)
    }

    #[test]
    fn what_is_sent_together_is_put_together_however_late_it_comes() {
        let mut timeline = Timeline::default();
        assert_eq!(timeline.place(sent(1000), 0, at(1005)), at(1005) + WAIT);
        assert_eq!(timeline.place(sent(1020), 0, at(1022)), at(1022) + WAIT);
        for late in [0, 7, 80, 300] {
            assert_eq!(timeline.place(sent(1040), 0, at(1042 + late)), at(1042) + WAIT);
        }
        assert_eq!(timeline.place(sent(1060), 150 * MS, at(1062)), at(1212) + WAIT);
        assert_eq!(timeline.place(sent(1060), -100 * MS, at(1062)), at(962) + WAIT);
    }

    /// A piece that stands further ahead in the mix than it was under way does not put the mix elsewhere.
    #[test]
    fn what_comes_beside_others_moves_nothing() {
        let mut timeline = Timeline::default();
        assert_eq!(timeline.place(sent(1000), 0, at(1005)), at(1005) + WAIT);
        assert_eq!(timeline.beside(sent(1040), at(1006)), at(1045) + WAIT);
        assert_eq!(timeline.beside(sent(1000), at(1500)), at(1005) + WAIT);
        assert_eq!(timeline.place(sent(1020), 0, at(1025)), at(1025) + WAIT);
        assert!(timeline.beside(Duration::MAX, at(1000)) <= at(1000) + WAIT + AHEAD_MAX);
        assert_eq!(Timeline::default().beside(sent(1000), at(1005)), at(1005) + WAIT);
    }

    #[test]
    fn clocks_that_drift_are_followed() {
        let mut timeline = Timeline::default();
        // The recording's clock is faster by a thousandth.
        for second in 0..100 {
            timeline.place(sent(second * 1000), 0, at(second * 1001 + 2));
        }
        let place = timeline.place(sent(100_000), 0, at(100_102));
        assert!(place.abs_diff(at(100_102) + WAIT) <= at(21), "{place:?}");
    }

    #[test]
    fn another_clock_is_another_beginning() {
        let mut timeline = Timeline::default();
        timeline.place(sent(1000), 0, at(1000));
        assert_eq!(timeline.place(at(7), 0, at(2000)), at(2000) + WAIT);
        assert_eq!(timeline.place(sent(90_000_000), 0, at(3000)), at(3000) + WAIT);
    }

    #[test]
    fn no_number_is_too_strange_and_nothing_is_put_far_ahead() {
        for sent in [Duration::ZERO, at(5), Duration::MAX] {
            for wait in [i64::MIN, -1, 0, 3000 * MS, i64::MAX] {
                let place = Timeline::default().place(sent, wait, at(100));
                assert!(place <= at(100) + WAIT + AHEAD_MAX, "{place:?}");
            }
        }
    }
}
