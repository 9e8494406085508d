//! Voices as loud as each other, and as loud as asked for (EBU R 128, measured as ITU-R BS.1770 has it), while they are spoken.
//!
//! Nobody knows how loud a meeting will have been on the whole before it is over. So the gain follows who speaks: what was loud in the last three seconds of
//! speech is brought to the target, pauses change nothing, and whatever would still stand out is held down.

use std::collections::VecDeque;

use ebur128::{EbuR128, Mode};

/// Samples a second of each channel.
const RATE: u32 = 48_000;
/// Left and right.
const CHANNELS: usize = 2;
/// The gain is decided on in steps of 5 ms, and a step waits for the next one's peaks.
const STEP_FRAMES: usize = 240;
const STEPS_A_SECOND: f64 = RATE as f64 / STEP_FRAMES as f64;
/// Sound comes out so much later, in frames: 10 ms.
pub const LOUDNESS_DELAY_FRAMES: usize = 2 * STEP_FRAMES;

/// How loud speech is, is looked at so often: 100 ms, as the blocks of BS.1770 follow each other.
const STEPS_A_LOOK: u32 = 20;
/// Whether it stands out, so often: 20 ms.
const STEPS_A_GUARD: u32 = 4;
/// In LUFS: what is quieter is a room, and no speech.
const SILENCE: f64 = -50.0;
/// Looks at speech that count: three seconds, the short term of R 128.
const LOOKS: usize = 30;
/// Of these, those that are quieter than their mean by so many LU do not count, as in BS.1770.
const RELATIVE_GATE: f64 = -10.0;
/// Decibels: more would bring up the room with the voice, and less be deaf to a shout.
const GAIN_MAX: f64 = 20.0;
/// Decibels a second: up, up as long as nobody has spoken for three seconds, and down.
const RISE: f64 = 6.0;
const FIRST_RISE: f64 = 24.0;
const FALL: f64 = 40.0;
/// A tenth of a second may be so many LU louder than the target, as syllables are; more is held down at once.
const GUARD_MS: u32 = 100;
const GUARD: f64 = 8.0;
/// The highest true peak: -2 dBTP. R 128 wants -1, and noise comes out of Opus by up to a decibel higher than it went in.
const PEAK_MAX: f64 = 0.794_33;
/// What the limiter has taken comes back by so much a step: 50 decibels a second.
const RELEASE: f64 = 1.029;

/// Brings 16-bit stereo at 48 kHz to one loudness.
#[derive(Debug)]
pub struct Loudness {
    /// In LUFS.
    target: f64,
    /// How loud it is as it comes.
    heard: EbuR128,
    /// The peaks of what the gain has made of it.
    peaks: EbuR128,
    /// The energy of the last looks at speech.
    speech: VecDeque<f64>,
    /// In decibels: what the gain is, and what it is to become.
    gain: f64,
    wanted: f64,
    steps: u32,
    /// What does not fill a step yet.
    input: Vec<f32>,
    /// The step that waits for the next one's peaks, what it may be multiplied by at most, and what it is at its beginning.
    waiting: Vec<f32>,
    waiting_limit: f64,
    limit: f64,
    ready: VecDeque<f32>,
}

impl Loudness {
    /// `target` is in LUFS: -23 as R 128 has it for broadcasts, -16 to -18 as is usual for speech that is heard on telephones and laptops.
    #[must_use]
    pub fn new(target: f64) -> Self {
        let meter =
            |mode| EbuR128::new(CHANNELS as u32, RATE, mode).expect("stereo at 48 kHz can be measured");
        Self {
            target,
            heard: meter(Mode::M),
            peaks: meter(Mode::TRUE_PEAK),
            speech: VecDeque::with_capacity(LOOKS),
            gain: 0.0,
            wanted: 0.0,
            steps: 0,
            input: Vec::with_capacity(STEP_FRAMES * CHANNELS),
            waiting: vec![0.0; STEP_FRAMES * CHANNELS],
            waiting_limit: 1.0,
            limit: 1.0,
            ready: VecDeque::from(vec![0.0; LOUDNESS_DELAY_FRAMES * CHANNELS]),
        }
    }

    /// Takes interleaved frames, and puts those in their place that came [`LOUDNESS_DELAY_FRAMES`] before.
    pub fn process(&mut self, samples: &mut [i16]) {
        for sample in &*samples {
            self.input.push(f32::from(*sample) / 32_768.0);
            if self.input.len() == STEP_FRAMES * CHANNELS {
                let step = std::mem::replace(&mut self.input, Vec::with_capacity(STEP_FRAMES * CHANNELS));
                self.step(step);
            }
        }
        for sample in samples {
            let value = self.ready.pop_front().expect("as much comes out as goes in");
            *sample = (value * 32_768.0).round().clamp(-32_768.0, 32_767.0) as i16;
        }
    }

    fn step(&mut self, mut step: Vec<f32>) {
        self.heard.add_frames_f32(&step).expect("a step has whole frames");
        self.steps = self.steps.wrapping_add(1);
        if self.steps.is_multiple_of(STEPS_A_LOOK) {
            self.look();
        }
        let before = ratio(self.gain);
        self.follow();
        ramp(&mut step, before, ratio(self.gain));

        self.peaks.add_frames_f32(&step).expect("a step has whole frames");
        let peak = (0..CHANNELS as u32).map(|channel| self.peaks.prev_true_peak(channel).unwrap_or(1.0));
        let peak = peak.fold(0.0, f64::max);
        let step_limit = if PEAK_MAX < peak { PEAK_MAX / peak } else { 1.0 };
        let end = self.waiting_limit.min(step_limit).min(self.limit * RELEASE);
        ramp(&mut self.waiting, self.limit, end);
        self.limit = end;
        self.waiting_limit = step_limit;
        self.ready.extend(std::mem::replace(&mut self.waiting, step));
    }

    /// Decides on the gain, if somebody speaks.
    fn look(&mut self) {
        let loudness = self.heard.loudness_momentary().unwrap_or(f64::NEG_INFINITY);
        if loudness < SILENCE {
            return;
        }
        if self.speech.len() == LOOKS {
            self.speech.pop_front();
        }
        self.speech.push_back(10_f64.powf(loudness / 10.0));
        let gate = mean(self.speech.iter().copied()) * 10_f64.powf(RELATIVE_GATE / 10.0);
        let speech = mean(self.speech.iter().copied().filter(|energy| gate <= *energy));
        self.wanted = (self.target - 10.0 * speech.log10()).clamp(-GAIN_MAX, GAIN_MAX);
    }

    /// The gain gets on by one step.
    fn follow(&mut self) {
        let rise = if self.speech.len() < LOOKS { FIRST_RISE } else { RISE };
        self.gain += (self.wanted - self.gain).clamp(-FALL / STEPS_A_SECOND, rise / STEPS_A_SECOND);
        if self.steps.is_multiple_of(STEPS_A_GUARD) {
            let now = self.heard.loudness_window(GUARD_MS).unwrap_or(f64::NEG_INFINITY);
            self.gain = self.gain.min(self.target + GUARD - now).max(-GAIN_MAX);
        }
    }
}

fn mean(energies: impl Iterator<Item = f64>) -> f64 {
    let (count, sum) = energies.fold((0.0, 0.0), |(count, sum), energy| (count + 1.0, sum + energy));
    sum / f64::max(count, 1.0)
}

fn ratio(decibels: f64) -> f64 {
    10_f64.powf(decibels / 20.0)
}

/// Multiplies frames by what goes from one number to another.
fn ramp(samples: &mut [f32], from: f64, to: f64) {
    let frames = samples.len() / CHANNELS;
    for (number, frame) in samples.chunks_exact_mut(CHANNELS).enumerate() {
        let factor = from + (to - from) * number as f64 / frames as f64;
        frame.iter_mut().for_each(|sample| *sample *= factor as f32);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Interleaved stereo of somebody who says syllables at this level, in decibels below full scale, for so many seconds.
    fn speaks(decibels: f64, seconds: usize) -> Vec<i16> {
        // A buzz that comes and goes four times a second, with a breath every three seconds. It is the same in each second.
        let buzz = |frame: usize| -> f64 {
            let time = frame as f64 / f64::from(RATE);
            (1..20)
                .map(|part| (std::f64::consts::TAU * 140.0 * f64::from(part) * time).sin() / f64::from(part))
                .sum()
        };
        let second: Vec<f64> = (0..RATE as usize).map(buzz).collect();
        let sample = |frame: usize| {
            let time = frame as f64 / f64::from(RATE);
            let buzz = second[frame % second.len()];
            let syllable = (std::f64::consts::TAU * 2.0 * time).sin().powi(2);
            let breath = if time % 3.0 < 2.6 { 1.0 } else { 0.0 };
            (buzz * syllable * breath * 0.5 * ratio(decibels) * 32_767.0) as i16
        };
        (0..seconds * RATE as usize).flat_map(|frame| [sample(frame); CHANNELS]).collect()
    }

    /// All of it as it goes out, in buffers of 20 ms.
    fn even(target: f64, parts: &[Vec<i16>]) -> Vec<i16> {
        let mut all = parts.concat();
        let mut loudness = Loudness::new(target);
        all.chunks_mut(960 * CHANNELS).for_each(|buffer| loudness.process(buffer));
        all
    }

    /// Integrated loudness in LUFS, and the true peak in dBTP.
    fn measured(samples: &[i16]) -> (f64, f64) {
        let mut meter = EbuR128::new(2, RATE, Mode::I | Mode::TRUE_PEAK).expect("a meter");
        meter.add_frames_i16(samples).expect("whole frames");
        let peak = (0..2).map(|channel| meter.true_peak(channel).expect("a channel")).fold(0.0, f64::max);
        (meter.loudness_global().expect("measured"), 20.0 * peak.log10())
    }

    fn from_second(samples: &[i16], second: usize) -> &[i16] {
        &samples[second * RATE as usize * CHANNELS..]
    }

    #[test]
    fn a_quiet_and_a_loud_speaker_become_one_loudness() {
        for target in [-23.0, -16.0] {
            let turns: Vec<_> = (0..4).flat_map(|_| [speaks(-26.0, 12), speaks(-8.0, 12)]).collect();
            let spoken = turns.concat();
            let (quiet, loud) = (measured(&turns[0]).0, measured(&turns[1]).0);
            assert!(15.0 < loud - quiet, "{quiet} and {loud} LUFS");
            let out = even(target, &turns);
            let (whole, peak) = measured(from_second(&out, 10));
            assert!((whole - target).abs() < 1.5, "{whole} LUFS, not {target}");
            assert!(peak < -1.9, "{peak} dBTP");
            // Each of them, once the gain has followed.
            for turn in 1..8 {
                let (alone, _) = measured(&from_second(&out, turn * 12 + 8)[..4 * RATE as usize * CHANNELS]);
                assert!((alone - target).abs() < 1.0, "turn {turn}: {alone} LUFS, not {target}");
            }
            assert_eq!(out.len(), spoken.len());
        }
    }

    #[test]
    fn silence_stays_silent_and_changes_no_gain() {
        let quiet_room = speaks(-54.0, 10);
        let out = even(-16.0, &[speaks(-30.0, 10), quiet_room.clone()]);
        let (before, _) = measured(&quiet_room);
        let (after, _) = measured(from_second(&out, 12));
        assert!(after - before < GAIN_MAX + 0.5, "{before} became {after} LUFS");
        assert_eq!(even(-16.0, &[vec![0; 96_000]]), vec![0; 96_000]);
    }

    #[test]
    fn no_peak_is_too_high_whatever_comes() {
        // Silence, then all at once as loud as it can be, and a click.
        let mut wild = speaks(-40.0, 4);
        wild.extend((0..RATE as usize * 2).flat_map(|frame| {
            let value = if frame / 40 % 2 == 0 { i16::MAX } else { i16::MIN };
            [value, -(value.max(-i16::MAX))]
        }));
        wild.extend(speaks(-40.0, 4));
        let middle = wild.len() - 2 * RATE as usize * CHANNELS;
        wild[middle] = i16::MAX;
        let (_, peak) = measured(&even(-16.0, &[wild]));
        assert!(peak < -1.8, "{peak} dBTP");
    }

    #[test]
    fn as_much_comes_out_as_goes_in_however_it_is_cut() {
        let spoken = speaks(-20.0, 2);
        let whole = even(-23.0, std::slice::from_ref(&spoken));
        for length in [2, 14, 480, 962, 5_000] {
            let mut cut = spoken.clone();
            let mut loudness = Loudness::new(-23.0);
            cut.chunks_mut(length).for_each(|buffer| loudness.process(buffer));
            assert_eq!(cut, whole, "{length}");
        }
        assert!(whole[..LOUDNESS_DELAY_FRAMES * CHANNELS].iter().all(|sample| *sample == 0));
    }
}
