//! How many bits a second a layer has, by temporal layer.

use std::time::{Duration, Instant};

/// VP8 has at most this many temporal layers: two bits count them.
pub const TEMPORAL_LAYERS_MAX: usize = 4;
/// Rates are measured over this long.
const WINDOW: Duration = Duration::from_millis(500);

/// Measures one layer.
#[derive(Debug, Default)]
pub struct Meter {
    since: Option<Instant>,
    bytes: [u64; TEMPORAL_LAYERS_MAX],
    /// Bits a second of each temporal layer alone.
    rates: [u64; TEMPORAL_LAYERS_MAX],
    highest: u8,
    is_measured: bool,
}

impl Meter {
    /// A packet of a temporal layer came.
    pub fn count(&mut self, temporal: u8, bytes: usize, now: Instant) {
        let since = *self.since.get_or_insert(now);
        let passed = now.saturating_duration_since(since);
        if WINDOW <= passed {
            self.close(passed);
            self.since = Some(now);
        }
        if let Some(counted) = self.bytes.get_mut(usize::from(temporal)) {
            *counted += bytes as u64;
            self.highest = self.highest.max(temporal);
        }
    }

    /// Bits a second up to and with a temporal layer.
    pub fn rate(&self, temporal: u8) -> u64 {
        self.rates.iter().take(usize::from(temporal) + 1).sum()
    }

    /// The highest temporal layer seen.
    pub fn highest(&self) -> u8 {
        self.highest
    }

    fn close(&mut self, passed: Duration) {
        for (rate, bytes) in self.rates.iter_mut().zip(&mut self.bytes) {
            let measured = (*bytes as f64 * 8.0 / passed.as_secs_f64()) as u64;
            // A rising rate counts at once, a falling one by and by: a still picture is cheap only until somebody moves.
            *rate = if self.is_measured && measured < *rate { (*rate * 3 + measured) / 4 } else { measured };
            *bytes = 0;
        }
        self.is_measured = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::after;

    #[test]
    fn temporal_layers_add_up() {
        let mut meter = Meter::default();
        for frame in 0..60 {
            meter.count((frame % 2) as u8, 1250, after(frame * 20));
        }
        // 50 frames a second of 10,000 bits, half of them in each layer.
        assert!((240_000..=260_000).contains(&meter.rate(0)), "{}", meter.rate(0));
        assert!((480_000..=520_000).contains(&meter.rate(1)), "{}", meter.rate(1));
        assert_eq!(meter.highest(), 1);
    }

    #[test]
    fn a_layer_that_cannot_be_is_not_counted() {
        let mut meter = Meter::default();
        meter.count(4, 1000, after(0));
        meter.count(4, 1000, after(600));
        assert_eq!((meter.rate(200), meter.highest()), (0, 0));
    }
}
