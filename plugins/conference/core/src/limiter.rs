//! A soft limiter: several loud voices at once get quieter together instead of being cut off.

use crate::{opus::Channels, time::FRAME};

/// About -1 dBFS: what goes beyond is turned down.
const CEILING: i32 = 29_000;
/// The gain is decided for pieces of 2.5 ms.
const PIECE: usize = 120;
/// The gain comes back by this factor each piece: 20 dB in a second and a half.
const RELEASE: f32 = 1.004;

/// Remembers how far it is turned down.
#[derive(Clone, Debug)]
pub(crate) struct Limiter {
    gain: f32,
}

impl Default for Limiter {
    fn default() -> Self {
        Self { gain: 1.0 }
    }
}

impl Limiter {
    /// One frame of sums into one of samples. The gain of each piece is reached at its end, and looks one piece ahead.
    pub fn limit(&mut self, sums: &[i32], channels: Channels) -> Vec<i16> {
        let piece = PIECE * channels.count();
        let peaks: Vec<i32> = sums.chunks(piece).map(peak).collect();
        let loudest = peaks.iter().copied().max().unwrap_or(0);
        if loudest <= CEILING && self.gain == 1.0 {
            return sums.iter().map(|sum| *sum as i16).collect();
        }
        let mut limited = Vec::with_capacity(FRAME * channels.count());
        // A peak in the first piece is met by turning down before it begins, a step of gain that is hidden by the peak itself.
        self.gain = self.gain.min(allowed(peaks.first().copied().unwrap_or(0)));
        for (at, sums) in sums.chunks(piece).enumerate() {
            let ahead = peaks.get(at + 1).copied().unwrap_or(0).max(peaks[at]);
            let goal = (self.gain * RELEASE).min(1.0).min(allowed(ahead));
            let step = (goal - self.gain) / sums.len() as f32;
            for (index, sum) in sums.iter().enumerate() {
                let sample = *sum as f32 * (self.gain + step * (index + 1) as f32);
                limited.push(sample.clamp(f32::from(i16::MIN), f32::from(i16::MAX)) as i16);
            }
            self.gain = goal;
        }
        limited
    }
}

fn peak(sums: &[i32]) -> i32 {
    sums.iter().map(|sum| sum.saturating_abs()).max().unwrap_or(0)
}

fn allowed(peak: i32) -> f32 {
    if peak <= CEILING { 1.0 } else { CEILING as f32 / peak as f32 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(tick: usize, amplitude: f64) -> Vec<i32> {
        (tick * FRAME..(tick + 1) * FRAME)
            .map(|at| (at as f64 * 500.0 / 48_000.0 * std::f64::consts::TAU).sin() * amplitude)
            .map(|sample| sample as i32)
            .collect()
    }

    #[test]
    fn what_fits_passes_unchanged() {
        let sums = tone(0, 28_000.0);
        let limited = Limiter::default().limit(&sums, Channels::Mono);
        assert!(limited.iter().zip(&sums).all(|(sample, sum)| i32::from(*sample) == *sum));
    }

    #[test]
    fn what_is_too_loud_keeps_its_shape() {
        let mut limiter = Limiter::default();
        for tick in 0..10 {
            let limited = limiter.limit(&tone(tick, 100_000.0), Channels::Mono);
            let top = limited.iter().map(|sample| i32::from(*sample).abs()).max().unwrap_or(0);
            assert!((CEILING - 600..=CEILING + 10).contains(&top), "{tick}: {top}");
            // A sine that is cut off would stay at its top for a third of the time.
            let at_top = limited.iter().filter(|sample| top * 99 / 100 < i32::from(**sample).abs()).count();
            assert!(at_top < FRAME / 8, "{tick}: {at_top}");
        }
        let mut back = 0;
        for tick in 10..400 {
            back = i32::from(limiter.limit(&tone(tick, 10_000.0), Channels::Mono)[24]);
        }
        assert_eq!(back, tone(0, 10_000.0)[24], "the gain is 1 again");
    }

    #[test]
    fn the_loudest_of_sums_is_no_overflow() {
        let limited = Limiter::default().limit(&[i32::MIN; FRAME], Channels::Mono);
        assert!(limited.iter().all(|sample| *sample < -20_000));
    }
}
