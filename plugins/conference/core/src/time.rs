//! Time in samples, as the mix counts it.

use std::time::Duration;

/// All sound inside is 48 kHz, the rate of Opus and of its RTP clock (RFC 7587, section 4.1).
pub const RATE: u32 = 48_000;
/// One tick of the mix, in samples of one channel: 20 ms.
pub const FRAME: usize = 960;
/// The same as time.
pub const TICK: Duration = Duration::from_millis(20);

/// Samples of one channel in a millisecond.
pub(crate) const MS: i64 = RATE as i64 / 1000;

/// A point in time, or a length of it, in samples.
pub(crate) fn samples(time: Duration) -> i64 {
    (time.as_nanos() * u128::from(RATE) / 1_000_000_000) as i64
}

/// Samples as time; nothing for less than none.
pub(crate) fn duration(samples: i64) -> Duration {
    Duration::from_nanos(samples.max(0) as u64 * 1_000_000_000 / u64::from(RATE))
}

/// Samples as nanoseconds, which may be fewer than none.
pub(crate) fn nanoseconds(samples: i64) -> i64 {
    // 62,500 / 3 is a thousand million divided by the rate.
    samples * 62_500 / 3
}

/// The first tick at or after `now`: ticks lie on a grid, so that timestamps go on evenly after a pause.
pub(crate) fn tick_from(now: Duration) -> Duration {
    let tick = TICK.as_nanos();
    Duration::from_nanos((now.as_nanos().div_ceil(tick) * tick) as u64)
}

/// Samples from here to the next tick.
pub(crate) fn until_tick(now: i64) -> i64 {
    (-now).rem_euclid(FRAME as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_lie_on_a_grid() {
        assert_eq!(tick_from(Duration::ZERO), Duration::ZERO);
        assert_eq!(tick_from(Duration::from_millis(1)), TICK);
        assert_eq!(tick_from(Duration::from_millis(40)), Duration::from_millis(40));
        assert_eq!(samples(TICK), FRAME as i64);
        assert_eq!(duration(samples(TICK)), TICK);
    }
}
