//! Time stretching: takes one period of the sound away, or plays one twice, so that nobody hears that the clock was wrong.
//!
//! The period is the lag at which the sound resembles itself most (as in WSOLA); the cut is blended over 5 ms.

use crate::time::MS;

/// 2.5 ms: a high voice's period, 400 Hz.
const LAG_MIN: usize = 120;
/// 15 ms: a low voice's period, 67 Hz.
const LAG_MAX: usize = 720;
/// What is compared and blended: 5 ms.
const BLEND: usize = 240;
/// Coarse steps of the search; every lag around the best is tried afterwards.
const STEP: usize = 4;
/// Samples that must be there.
pub(crate) const STRETCH_SAMPLES: usize = LAG_MAX + BLEND;
/// From here on two stretches of sound pass for the same (1 is equal, 0 is nothing in common).
const LIKENESS_MIN: f64 = 0.8;
/// The mean square of what nobody misses: about -60 dBov.
const QUIET_POWER_MAX: f64 = 33.0 * 33.0;

/// Where the sound repeats.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Period {
    samples: usize,
    likeness: f64,
    is_quiet: bool,
}

impl Period {
    /// Looks for it in the first `STRETCH_SAMPLES` of the interleaved `sound`; `None` when there are fewer.
    pub fn find(sound: &[i16], channels: usize) -> Option<Self> {
        let mono: Vec<f64> = sound
            .get(..STRETCH_SAMPLES * channels)?
            .chunks_exact(channels)
            .map(|frame| frame.iter().map(|sample| f64::from(*sample)).sum())
            .collect();
        let coarse = (LAG_MIN..=LAG_MAX).step_by(STEP).map(|lag| (lag, likeness(&mono, lag, STEP)));
        let (near, _) = coarse.max_by(|a, b| a.1.total_cmp(&b.1))?;
        let around = near.saturating_sub(STEP).max(LAG_MIN)..=(near + STEP).min(LAG_MAX);
        let fine = around.map(|lag| (lag, likeness(&mono, lag, 1)));
        let (samples, likeness) = fine.max_by(|a, b| a.1.total_cmp(&b.1))?;
        let power = mono.iter().map(|sample| sample * sample).sum::<f64>() / mono.len() as f64;
        Some(Self { samples, likeness, is_quiet: power < QUIET_POWER_MAX * (channels * channels) as f64 })
    }

    /// Taking it away or repeating it will hardly be heard.
    pub fn is_good(&self) -> bool {
        self.is_quiet || LIKENESS_MIN <= self.likeness
    }

    /// Takes one period out of the beginning of `sound`. Returns how many samples of each channel that were.
    pub fn remove(&self, sound: &mut Vec<i16>, channels: usize) -> usize {
        let blended = blend(sound, 0, self.samples, channels);
        sound.drain(..self.samples * channels);
        sound[..blended.len()].copy_from_slice(&blended);
        self.samples
    }

    /// Plays the first period of `sound` twice. Returns how many samples of each channel were added.
    pub fn repeat(&self, sound: &mut Vec<i16>, channels: usize) -> usize {
        let mut start = sound[..self.samples * channels].to_vec();
        let blended = blend(sound, self.samples, 0, channels);
        sound[..blended.len()].copy_from_slice(&blended);
        start.append(sound);
        *sound = start;
        self.samples
    }
}

/// Fades from the sound at `from` to that at `to`.
fn blend(sound: &[i16], from: usize, to: usize, channels: usize) -> Vec<i16> {
    (0..BLEND * channels)
        .map(|at| {
            let weight = (at / channels) as i32;
            let old = i32::from(sound[from * channels + at]) * (BLEND as i32 - weight);
            let new = i32::from(sound[to * channels + at]) * weight;
            ((old + new) / BLEND as i32) as i16
        })
        .collect()
}

/// The normalised correlation of the first `BLEND` samples with those `lag` later, every `step`-th of them.
fn likeness(mono: &[f64], lag: usize, step: usize) -> f64 {
    let (mut both, mut first, mut second) = (0.0, 1e-9, 1e-9);
    for (a, b) in mono[..BLEND].iter().zip(&mono[lag..lag + BLEND]).step_by(step) {
        both += a * b;
        first += a * a;
        second += b * b;
    }
    both / (first * second).sqrt()
}

/// Lets the first 5 ms of `sound` come up from nothing.
pub(crate) fn fade_in(sound: &mut [i16], channels: usize) {
    let samples = 5 * MS as usize;
    for (at, frame) in sound.chunks_exact_mut(channels).take(samples).enumerate() {
        frame
            .iter_mut()
            .for_each(|sample| *sample = (i32::from(*sample) * at as i32 / samples as i32) as i16);
    }
}

/// Lets all of `sound` go down to nothing.
pub(crate) fn fade_out(sound: &mut [i16], channels: usize) {
    let samples = (sound.len() / channels) as i32;
    for (at, frame) in sound.chunks_exact_mut(channels).enumerate() {
        let left = samples - at as i32;
        frame.iter_mut().for_each(|sample| *sample = (i32::from(*sample) * left / samples) as i16);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(hertz: f64, samples: usize) -> Vec<i16> {
        (0..samples)
            .map(|at| ((at as f64 * hertz / 48_000.0 * std::f64::consts::TAU).sin() * 10_000.0) as i16)
            .collect()
    }

    /// The largest step from one sample to the next.
    fn step_max(sound: &[i16]) -> i32 {
        sound.windows(2).map(|pair| (i32::from(pair[1]) - i32::from(pair[0])).abs()).max().unwrap_or(0)
    }

    #[test]
    fn a_period_comes_and_goes_without_a_click() {
        for hertz in [100.0, 233.0, 440.0, 1000.0, 3100.0] {
            let whole = tone(hertz, 1920);
            let period = Period::find(&whole, 1).expect("there is enough");
            assert!(period.is_good(), "{hertz}: {period:?}");
            let mut shorter = whole.clone();
            let removed = period.remove(&mut shorter, 1);
            assert_eq!(shorter.len() + removed, whole.len());
            let mut longer = whole.clone();
            let added = period.repeat(&mut longer, 1);
            assert_eq!(longer.len(), whole.len() + added);
            for sound in [shorter, longer] {
                assert!(step_max(&sound) <= step_max(&whole) * 11 / 10 + 1, "{hertz}: {}", step_max(&sound));
                assert_eq!(sound[0], whole[0]);
                assert_eq!(sound.last(), whole.last());
            }
        }
    }

    #[test]
    fn two_channels_stay_together() {
        let both: Vec<i16> = tone(300.0, 1920).into_iter().flat_map(|sample| [sample, sample / 2]).collect();
        let period = Period::find(&both, 2).expect("there is enough");
        let mut sound = both.clone();
        let removed = period.remove(&mut sound, 2);
        assert_eq!(sound.len(), both.len() - removed * 2);
        assert!(sound.chunks_exact(2).all(|frame| (frame[0] / 2 - frame[1]).abs() <= 1));
    }

    #[test]
    fn too_little_sound_stays_as_it_is_and_silence_is_easy() {
        assert_eq!(Period::find(&tone(300.0, STRETCH_SAMPLES - 1), 1), None);
        let period = Period::find(&[0; STRETCH_SAMPLES], 1).expect("there is enough");
        assert!(period.is_good());
    }
}
