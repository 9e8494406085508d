//! The times of a stream's updates, as times of pictures.

/// A century: no presenter is on for longer, and times of this size cannot overflow anything.
const MICROSECONDS_MAX: u64 = 100 * 366 * 24 * 3600 * 1_000_000;

/// Turns the presenter's times into times that never go back, also when another presenter with a clock of its own takes over.
#[derive(Debug, Default)]
pub struct Timeline {
    last: Option<Moment>,
}

#[derive(Clone, Copy, Debug)]
struct Moment {
    theirs: u64,
    ours: u64,
}

impl Timeline {
    /// Microseconds in, microseconds out. The first time stays as it is; a presenter whose clock is behind goes on from the last one.
    pub fn place(&mut self, time_us: u64) -> u64 {
        let theirs = time_us.min(MICROSECONDS_MAX);
        let ours = match self.last {
            None => theirs,
            Some(last) => (last.ours + theirs.saturating_sub(last.theirs)).min(MICROSECONDS_MAX),
        };
        self.last = Some(Moment { theirs, ours });
        ours
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn placed(times: &[u64]) -> Vec<u64> {
        let mut timeline = Timeline::default();
        times.iter().map(|&time| timeline.place(time)).collect()
    }

    #[test]
    fn times_that_grow_stay_as_they_are() {
        assert_eq!(placed(&[40, 40, 90, 1_000]), [40, 40, 90, 1_000]);
    }

    #[test]
    fn another_presenters_clock_goes_on_from_the_last_time() {
        assert_eq!(placed(&[40, 1_000, 7, 10, 2_000]), [40, 1_000, 1_000, 1_003, 2_993]);
    }

    #[test]
    fn absurd_times_stay_within_a_century() {
        assert_eq!(placed(&[u64::MAX, 0, u64::MAX]), [MICROSECONDS_MAX; 3]);
    }
}
