//! Between the 48 kHz of the mix and the 8 or 16 kHz of telephones: a low-pass filter that stands still on what it does not need.

use std::f64::consts::PI;

/// Taps for each sample of the lower rate: flat to 43 percent of it, 60 dB down where it would be heard as something else.
const TAPS: usize = 40;
/// The middle of the filter's slope, as a share of the lower rate.
const CUTOFF: f64 = 0.48;
/// The shape of Kaiser's window, for a stop band of 60 dB.
const KAISER: f64 = 6.0;

/// Raises the rate by a whole factor.
#[derive(Clone, Debug)]
pub(crate) struct Upsampler {
    /// For each sample of the higher rate between two of the lower, the taps that meet it, the oldest sample's first.
    phases: Vec<[f32; TAPS]>,
    /// The last samples, oldest first, and then those that are worked on.
    line: Vec<f32>,
}

impl Upsampler {
    pub fn new(factor: usize) -> Self {
        let taps = low_pass(factor);
        let phase =
            |at| std::array::from_fn(|age| (taps[at + (TAPS - 1 - age) * factor] * factor as f64) as f32);
        Self { phases: (0..factor).map(phase).collect(), line: vec![0.0; TAPS - 1] }
    }

    pub fn run(&mut self, samples: &[i16], out: &mut Vec<i16>) {
        self.line.extend(samples.iter().map(|sample| f32::from(*sample)));
        for window in self.line.windows(TAPS) {
            out.extend(self.phases.iter().map(|phase| whole(dot(phase, window))));
        }
        self.line.drain(..samples.len());
    }
}

/// Lowers the rate by a whole factor.
#[derive(Clone, Debug)]
pub(crate) struct Downsampler {
    factor: usize,
    /// The same from both ends.
    taps: Vec<f32>,
    line: Vec<f32>,
}

impl Downsampler {
    pub fn new(factor: usize) -> Self {
        let taps: Vec<f32> = low_pass(factor).into_iter().map(|tap| tap as f32).collect();
        Self { factor, line: vec![0.0; taps.len() - factor], taps }
    }

    /// The samples are a multiple of the factor.
    pub fn run(&mut self, samples: &[i16]) -> Vec<i16> {
        self.line.extend(samples.iter().map(|sample| f32::from(*sample)));
        let windows = self.line.windows(self.taps.len()).step_by(self.factor);
        let out = windows.map(|window| whole(dot(&self.taps, window))).collect();
        self.line.drain(..samples.len());
        out
    }
}

/// A windowed sinc at the higher rate, whose taps are 1 together.
fn low_pass(factor: usize) -> Vec<f64> {
    let count = TAPS * factor;
    let middle = (count - 1) as f64 / 2.0;
    let mut taps: Vec<f64> = (0..count)
        .map(|at| {
            let off = at as f64 - middle;
            let turn = 2.0 * PI * CUTOFF / factor as f64 * off;
            // An even count has no tap in the middle, where this would be 0 by 0.
            let window = bessel(KAISER * (1.0 - (off / middle).powi(2)).max(0.0).sqrt());
            turn.sin() / turn * window
        })
        .collect();
    let sum: f64 = taps.iter().sum();
    taps.iter_mut().for_each(|tap| *tap /= sum);
    taps
}

/// The modified function of Bessel of order zero, by its series.
fn bessel(x: f64) -> f64 {
    let (mut sum, mut term) = (1.0, 1.0);
    for at in 1..30 {
        term *= (x / 2.0 / f64::from(at)).powi(2);
        sum += term;
    }
    sum
}

/// In lanes that do not wait for each other. Both are multiples of eight long.
fn dot(taps: &[f32], samples: &[f32]) -> f32 {
    let mut lanes = [0.0; 8];
    for (taps, samples) in taps.as_chunks::<8>().0.iter().zip(samples.as_chunks::<8>().0) {
        lanes.iter_mut().zip(taps).zip(samples).for_each(|((lane, tap), sample)| *lane += tap * sample);
    }
    lanes.iter().sum()
}

/// Saturates.
fn whole(sample: f32) -> i16 {
    sample.round() as i16
}

#[cfg(test)]
mod tests {
    use std::f64::consts::TAU;

    use super::*;

    fn tone(hertz: f64, rate: f64, samples: usize) -> Vec<i16> {
        (0..samples).map(|at| ((at as f64 * hertz / rate * TAU).sin() * 10_000.0) as i16).collect()
    }

    /// The amplitude of all that is there, as if it were one tone.
    fn loudness(sound: &[i16]) -> f64 {
        let squares: f64 = sound.iter().map(|sample| f64::from(*sample).powi(2)).sum();
        (squares / sound.len() as f64 * 2.0).sqrt() / 10_000.0
    }

    #[test]
    fn what_a_telephone_can_hear_passes_both_ways() {
        for (factor, rate) in [(6, 8000.0), (3, 16_000.0)] {
            for share in [0.02, 0.1, 0.25, 0.4, 0.42] {
                let hertz = rate * share;
                let mut up = Vec::new();
                // In uneven pieces, as packets come.
                let mut upsampler = Upsampler::new(factor);
                tone(hertz, rate, 2000).chunks(77).for_each(|piece| upsampler.run(piece, &mut up));
                assert_eq!(up.len(), 2000 * factor);
                assert!(
                    (0.97..1.03).contains(&loudness(&up[600..])),
                    "{hertz} Hz up: {}",
                    loudness(&up[600..])
                );
                let delay = (TAPS * factor - 1) as f64 / 2.0;
                let expected = |at: usize| (at as f64 - delay) * hertz / 48_000.0 * TAU;
                let off = (600..6000).map(|at| (f64::from(up[at]) - expected(at).sin() * 10_000.0).abs());
                assert!(
                    off.clone().all(|off| off < 300.0),
                    "{hertz} Hz is off by {:?}",
                    off.reduce(f64::max)
                );
                let mut downsampler = Downsampler::new(factor);
                let down: Vec<i16> = up.chunks(960).flat_map(|frame| downsampler.run(frame)).collect();
                assert_eq!(down.len(), 2000);
                assert!(
                    (0.95..1.05).contains(&loudness(&down[100..])),
                    "{hertz} Hz: {}",
                    loudness(&down[100..])
                );
            }
        }
    }

    #[test]
    fn what_it_cannot_hear_is_not_heard_as_something_else() {
        for (factor, rate) in [(6, 8000.0), (3, 16_000.0)] {
            for share in [0.54, 0.6, 0.75, 1.0, 1.4] {
                let mut downsampler = Downsampler::new(factor);
                let down = downsampler.run(&tone(rate * share, 48_000.0, 9600));
                assert!(loudness(&down[100..]) < 0.003, "{share}: {}", loudness(&down[100..]));
            }
        }
    }

    #[test]
    fn full_scale_stays_full_scale() {
        let mut out = Vec::new();
        Upsampler::new(6).run(&[i16::MAX; 200], &mut out);
        assert!(out[600..].iter().all(|sample| 32_700 < *sample));
        let down = Downsampler::new(3).run(&[i16::MIN; 2400]);
        assert!(down[100..].iter().all(|sample| *sample < -32_700));
    }
}
