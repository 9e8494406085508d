//! How long to wait after a failure.

use std::time::Duration;

/// After the first failure.
pub const BACKOFF_MIN: Duration = Duration::from_millis(500);

/// However often it failed: a region that is back is used again within this time.
pub const BACKOFF_MAX: Duration = Duration::from_secs(30);

/// How long to wait after so many `failures` in a row. `jitter`, from 0 to 1, is the caller's chance; it moves the wait
/// between half and the whole of its step, so that many recorders do not come back to a healed region all at once.
#[must_use]
pub fn backoff(failures: u32, jitter: f64) -> Duration {
    if failures == 0 {
        return Duration::ZERO;
    }
    let doublings = (failures - 1).min(16);
    let step = BACKOFF_MIN.saturating_mul(1 << doublings).min(BACKOFF_MAX);
    let jitter = if jitter.is_finite() { jitter.clamp(0.0, 1.0) } else { 1.0 };
    step.mul_f64(0.5 + jitter / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_limit() {
        assert_eq!(backoff(0, 1.0), Duration::ZERO);
        assert_eq!(backoff(1, 1.0), BACKOFF_MIN);
        assert_eq!(backoff(1, 0.0), BACKOFF_MIN / 2);
        assert_eq!(backoff(3, 1.0), BACKOFF_MIN * 4);
        assert_eq!(backoff(7, 1.0), BACKOFF_MAX);
        assert_eq!(backoff(u32::MAX, 0.0), BACKOFF_MAX / 2);
    }

    #[test]
    fn odd_jitter_does_no_harm() {
        for jitter in [f64::NAN, f64::INFINITY, -3.0, 7.0] {
            assert!((BACKOFF_MIN / 2..=BACKOFF_MIN).contains(&backoff(1, jitter)), "{jitter}");
        }
    }
}
