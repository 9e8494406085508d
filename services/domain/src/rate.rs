//! How often somebody may do something.

use std::time::Duration;

/// So many at once, and then one each so often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// How many may come at once.
    pub burst: u32,
    /// How long it takes until one more may come.
    pub every: Duration,
}

/// What is left of a [`Rate`] for one participant or address.
#[derive(Debug, Clone)]
pub struct Allowance {
    rate: Rate,
    /// When the whole burst is there again; the further it lies ahead, the less is left.
    whole_at: Duration,
}

impl Allowance {
    /// Nothing used yet.
    pub fn new(rate: Rate) -> Self {
        Self { rate, whole_at: Duration::ZERO }
    }

    /// Uses one; when there is none left, nothing is used and the answer is how long to wait for one.
    pub fn take(&mut self, now: Duration) -> Result<(), Duration> {
        self.wait(now)?;
        self.whole_at = self.whole_at.max(now) + self.rate.every;
        Ok(())
    }

    /// Whether one is left, without using it.
    pub fn wait(&self, now: Duration) -> Result<(), Duration> {
        let after = self.whole_at.max(now) + self.rate.every;
        let limit = now + self.rate.every * self.rate.burst;
        if after <= limit { Ok(()) } else { Err(after - limit) }
    }

    /// Whether nothing is used any more, so that it can be forgotten.
    pub fn is_whole(&self, now: Duration) -> bool {
        self.whole_at <= now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate { burst: 3, every: Duration::from_millis(100) };

    #[test]
    fn a_burst_passes_and_one_more_waits() {
        let now = Duration::from_secs(5);
        let mut allowance = Allowance::new(RATE);
        for _ in 0..3 {
            assert_eq!(allowance.take(now), Ok(()));
        }
        assert_eq!(allowance.take(now), Err(Duration::from_millis(100)));
        assert_eq!(allowance.take(now + Duration::from_millis(99)), Err(Duration::from_millis(1)));
        assert_eq!(allowance.take(now + Duration::from_millis(100)), Ok(()));
        assert_eq!(allowance.take(now + Duration::from_millis(100)), Err(Duration::from_millis(100)));
    }

    #[test]
    fn rest_brings_the_burst_back_but_never_more() {
        let mut allowance = Allowance::new(RATE);
        assert_eq!(allowance.take(Duration::ZERO), Ok(()));
        let later = Duration::from_secs(60);
        assert!(allowance.is_whole(later));
        for _ in 0..3 {
            assert_eq!(allowance.take(later), Ok(()));
        }
        assert!(allowance.take(later).is_err());
    }
}
