//! Tones, and how much of each is in a sound.

use std::f64::consts::TAU;

/// How loud everybody's tone is; about -18 dBov.
pub const AMPLITUDE: f64 = 6000.0;

/// A tone at 48 kHz that never breaks, in pieces.
#[derive(Clone, Debug)]
pub struct Tone {
    hertz: f64,
    at: f64,
}

impl Tone {
    /// Begins at zero.
    pub fn new(hertz: f64) -> Self {
        Self { hertz, at: 0.0 }
    }

    /// The next `samples`; with an amplitude of 0 as much silence.
    pub fn next(&mut self, samples: usize, amplitude: f64) -> Vec<i16> {
        (0..samples)
            .map(|_| {
                self.at += self.hertz / 48_000.0;
                ((self.at * TAU).sin() * amplitude) as i16
            })
            .collect()
    }
}

/// The amplitude of a tone in the sound, by Goertzel's algorithm.
pub fn amplitude(sound: &[i16], hertz: f64) -> f64 {
    if sound.is_empty() {
        return 0.0;
    }
    let turn = 2.0 * (TAU * hertz / 48_000.0).cos();
    let (mut last, mut before) = (0.0, 0.0);
    for (at, sample) in sound.iter().enumerate() {
        // A window of Hann, so that a loud tone does not leak into its neighbours.
        let window = 0.5 - 0.5 * (TAU * at as f64 / sound.len() as f64).cos();
        let next = f64::from(*sample) * window + turn * last - before;
        before = last;
        last = next;
    }
    let power = last * last + before * before - turn * last * before;
    power.max(0.0).sqrt() * 4.0 / sound.len() as f64
}

#[test]
fn a_tone_is_found_and_others_are_not() {
    let sound = Tone::new(440.0).next(48_000, AMPLITUDE);
    assert!((amplitude(&sound, 440.0) - AMPLITUDE).abs() < 60.0, "{}", amplitude(&sound, 440.0));
    assert!(amplitude(&sound, 550.0) < 5.0);
}
