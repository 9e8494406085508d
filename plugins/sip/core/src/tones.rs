//! Digits of the dial-pad as tones inside the voice (ITU-T Q.23), for telephones that have no other way. What is one is told by ITU-T Q.24: for how long it sounds
//! and rests, how far its two tones may be from their frequencies and from each other's loudness, and that speech is none.
//!
//! A window of 25.6 ms moves on by 4 ms. In each, Goertzel's algorithm looks for the strongest of the four low tones and of the four high ones; only where the two might be
//! most of what there is, their frequencies are looked at closely. A digit is the same in seven windows that are about as loud.

/// What is heard at 48 kHz is looked at in this rate, which has all tones below a quarter of it.
const RATE: f32 = 8000.0;
const FACTOR: usize = 6;

/// At 8 kHz: two tones that are next to each other are three widths apart.
const WINDOW: usize = 205;
const HOP: usize = 32;

const LOW: [f32; 4] = [697.0, 770.0, 852.0, 941.0];
const HIGH: [f32; 4] = [1209.0, 1336.0, 1477.0, 1633.0];
const KEYS: [[char; 4]; 4] =
    [['1', '2', '3', 'A'], ['4', '5', '6', 'B'], ['7', '8', '9', 'C'], ['*', '0', '#', 'D']];

/// A tone may be off by 1.5 % and 2 Hz; one that is off by 3.5 % is none. What is strongest at the outer ones is none.
const NEAR: [f32; 5] = [-0.0175, -0.009, 0.0, 0.009, 0.0175];
const FAR: [f32; 2] = [-0.035, 0.035];

/// Each tone is at least so loud, in mean squares of full scale: -38 dBov, some dB below the -25 dBm of Q.24.
const POWER_MIN: f32 = 1.6e-4;
/// The two are so much of all there is in the window: noise may be 10 dB below them, and voices are much richer.
const SHARE_MIN: f32 = 0.7;
/// Of all there is, for a closer look: the highest tones that are off by as much as they may lose 8 dB at the first.
const GLANCE_MIN: f32 = 0.12;
/// The high one may be louder by 4 dB, the low one by 8; and 2 dB more, as codecs and windows are not exact.
const HIGH_OVER_LOW_MAX: f32 = 4.0;
const LOW_OVER_HIGH_MAX: f32 = 10.0;
/// Others of the same four are quieter by 6 dB.
const RIVAL_MAX: f32 = 0.25;
/// A voice that hits both tones has overtones; those of a tone are quieter by 10 dB.
const OVERTONE_MAX: f32 = 0.1;
/// Hertz between an overtone of the low tone and the high tone, for the two to be told apart.
const OVERTONE_APART: f32 = 100.0;

/// Windows that are about as loud as the loudest: a digit of 40 ms has eight, one of 20 ms six at most.
const HITS_MIN: usize = 7;
/// About as loud: by 4 dB.
const ABOUT: f32 = 0.4;
/// Windows of something else, after which it is over: a pause of 40 ms has eleven, a gap of 15 ms five.
const PAUSE_WINDOWS: u32 = 9;
/// Windows after which it is likely enough a digit, so that others need not hear it.
const LIKELY_HITS: usize = 4;
/// Of a digit that goes on, no more are remembered.
const POWERS_MAX: usize = 64;

/// Finds digits in one voice.
#[derive(Debug, Default)]
pub struct ToneDetector {
    /// Samples at 48 kHz that are no whole one at 8 kHz yet, added up.
    sum: (f32, usize),
    /// At 8 kHz.
    sound: Vec<f32>,
    run: Option<Run>,
}

/// Windows in which the same digit was heard.
#[derive(Debug)]
struct Run {
    key: char,
    powers: Vec<f32>,
    others: u32,
    is_told: bool,
}

impl Run {
    fn hits(&self) -> usize {
        let loudest = self.loudest();
        self.powers.iter().filter(|power| loudest * ABOUT <= **power).count()
    }

    fn loudest(&self) -> f32 {
        self.powers.iter().copied().fold(0.0, f32::max)
    }
}

impl ToneDetector {
    /// More of the voice, in one channel at 48 kHz. Returns the digits that are known to be some by now.
    pub fn hear(&mut self, sound: &[i16]) -> Vec<char> {
        for sample in sound {
            self.sum.0 += f32::from(*sample);
            self.sum.1 += 1;
            if self.sum.1 == FACTOR {
                self.sound.push(self.sum.0 / (FACTOR as f32 * 32_768.0));
                self.sum = (0.0, 0);
            }
        }
        let mut keys = Vec::new();
        let mut start = 0;
        while let Some(window) = self.sound.get(start..start + WINDOW) {
            keys.extend(step(&mut self.run, look(window)));
            start += HOP;
        }
        self.sound.drain(..start);
        keys
    }

    /// One sounds just now, or it is likely.
    pub fn is_sounding(&self) -> bool {
        self.run.as_ref().is_some_and(|run| run.others < 2 && LIKELY_HITS <= run.hits())
    }
}

/// One window more. Returns the digit when it becomes one.
fn step(run: &mut Option<Run>, seen: Option<(char, f32)>) -> Option<char> {
    let (key, power) = match (seen, &mut *run) {
        (Some((key, power)), Some(run)) if run.key == key && run.loudest() * ABOUT <= power => (key, power),
        // Another digit, or much quieter: the edge of one that ends.
        (_, Some(current)) => {
            current.others += 1;
            let is_other = seen.is_some_and(|(key, _)| key != current.key);
            if current.others < PAUSE_WINDOWS && !(is_other && current.is_told) {
                return None;
            }
            *run = None;
            seen?
        }
        (None, None) => return None,
        (Some(seen), None) => seen,
    };
    let run = run.get_or_insert(Run { key, powers: Vec::new(), others: 0, is_told: false });
    run.others = 0;
    if run.powers.len() < POWERS_MAX {
        run.powers.push(power);
    }
    let is_digit = !run.is_told && HITS_MIN <= run.hits();
    run.is_told |= is_digit;
    is_digit.then_some(key)
}

/// The digit in a window, if there is one, and how loud it is.
fn look(window: &[f32]) -> Option<(char, f32)> {
    let total = window.iter().map(|sample| sample * sample).sum::<f32>() / window.len() as f32;
    if total < 2.0 * POWER_MIN {
        return None;
    }
    let low = LOW.map(|hertz| power(window, hertz));
    let high = HIGH.map(|hertz| power(window, hertz));
    let (row, column) = (strongest(&low), strongest(&high));
    if low[row] + high[column] < GLANCE_MIN * total {
        return None;
    }
    let low_power = closely(window, LOW[row], &low, row)?;
    let high_power = closely(window, HIGH[column], &high, column)?;
    let is_loud = POWER_MIN <= low_power.min(high_power) && SHARE_MIN * total <= low_power + high_power;
    let is_twisted = HIGH_OVER_LOW_MAX * low_power < high_power || LOW_OVER_HIGH_MAX * high_power < low_power;
    let has_overtone = |hertz: f32, of: f32| {
        // Next to the high tone there would be that one.
        let is_apart = OVERTONE_APART < (2.0 * hertz - HIGH[column]).abs();
        is_apart && OVERTONE_MAX * of < power(window, 2.0 * hertz)
    };
    if !is_loud || is_twisted || has_overtone(LOW[row], low_power) || has_overtone(HIGH[column], high_power) {
        return None;
    }
    Some((KEYS[row][column], low_power + high_power))
}

/// The power of a tone near this frequency, if that is where it is, and it is alone among its four.
fn closely(window: &[f32], hertz: f32, all: &[f32; 4], which: usize) -> Option<f32> {
    let at = |off: &f32| power(window, hertz * (1.0 + off));
    let near = NEAR.iter().map(at).fold(0.0, f32::max);
    let far = FAR.iter().map(at).fold(0.0, f32::max);
    let rivals = all.iter().enumerate().filter(|(other, _)| *other != which);
    let rival = rivals.map(|(_, power)| *power).fold(0.0, f32::max);
    (far <= near && rival <= RIVAL_MAX * near).then_some(near)
}

fn strongest(powers: &[f32; 4]) -> usize {
    (1..4).fold(0, |best, other| if powers[best] < powers[other] { other } else { best })
}

/// The mean square of a tone of this frequency, by Goertzel's algorithm.
fn power(window: &[f32], hertz: f32) -> f32 {
    let turn = 2.0 * (std::f32::consts::TAU * hertz / RATE).cos();
    let (last, before) = window
        .iter()
        .fold((0.0_f32, 0.0_f32), |(last, before), sample| (sample + turn * last - before, last));
    let square = last * last + before * before - turn * last * before;
    let count = window.len() as f32;
    2.0 * square / (count * count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Two tones and their loudness, at full scale 1.
    #[derive(Clone, Copy)]
    struct Pair {
        hertz: [f32; 2],
        loud: [f32; 2],
    }

    /// As quiet as a telephone may be, and a bit more: -20 dBov each.
    fn pair(key: char) -> Pair {
        let row = KEYS.iter().position(|row| row.contains(&key)).expect("a digit");
        let column = KEYS[row].iter().position(|other| *other == key).expect("a digit");
        Pair { hertz: [LOW[row], HIGH[column]], loud: [0.1, 0.1] }
    }

    struct Line {
        sound: Vec<i16>,
        noise: f32,
        seed: u32,
    }

    impl Line {
        fn new(noise: f32) -> Self {
            Self { sound: Vec::new(), noise, seed: 1 }
        }

        fn say(&mut self, pair: Option<Pair>, millis: usize) {
            for at in 0..millis * 48 {
                let time = at as f64 / 48_000.0;
                let tone = |of: usize, pair: Pair| {
                    let turns = time * f64::from(pair.hertz[of]) * std::f64::consts::TAU;
                    (turns.sin() as f32) * pair.loud[of] * std::f32::consts::SQRT_2
                };
                let tones = pair.map_or(0.0, |pair| tone(0, pair) + tone(1, pair));
                // Even noise between -1 and 1 has a mean square of a third.
                self.seed = self.seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let noise = (self.seed >> 8) as f32 / 8_388_608.0 - 1.0;
                let sample = tones + noise * self.noise * 3.0_f32.sqrt();
                self.sound.push((sample * 32_768.0) as i16);
            }
        }

        fn digits(&self) -> String {
            let mut detector = ToneDetector::default();
            self.sound.chunks(960).flat_map(|packet| detector.hear(packet)).collect()
        }
    }

    /// Digits of this length, with this pause after each.
    fn dialled(pairs: &[Pair], millis: usize, pause: usize, noise: f32) -> String {
        let mut line = Line::new(noise);
        line.say(None, 33);
        for pair in pairs {
            line.say(Some(*pair), millis);
            line.say(None, pause);
        }
        line.digits()
    }

    fn all() -> Vec<char> {
        KEYS.iter().flatten().copied().collect()
    }

    #[test]
    fn all_sixteen_are_known_at_their_shortest() {
        let pairs: Vec<Pair> = all().into_iter().map(pair).collect();
        let digits: String = all().into_iter().collect();
        for (millis, pause) in [(40, 40), (65, 45), (100, 100), (500, 60)] {
            assert_eq!(dialled(&pairs, millis, pause, 0.0), digits, "{millis} ms, {pause} ms between");
        }
        assert_eq!(dialled(&[pair('5'); 4], 40, 40, 0.0), "5555", "the same again is another");
        assert_eq!(dialled(&pairs, 20, 60, 0.0), "", "half as long is none");
    }

    #[test]
    fn a_gap_does_not_make_two_of_one() {
        let mut line = Line::new(0.0);
        line.say(Some(pair('7')), 60);
        line.say(None, 10);
        line.say(Some(pair('7')), 60);
        line.say(None, 60);
        assert_eq!(line.digits(), "7");
    }

    /// Q.24: 15 dB is what the worst lines have.
    #[test]
    fn noise_neither_hides_nor_makes_any() {
        let digits: String = all().into_iter().collect();
        let pairs: Vec<Pair> = all().into_iter().map(pair).collect();
        // The two tones together have 0.02.
        let noise = (0.02_f32 / 10.0_f32.powf(1.5)).sqrt();
        assert_eq!(dialled(&pairs, 50, 50, noise), digits);
        let mut line = Line::new(0.1);
        line.say(None, 60_000);
        assert_eq!(line.digits(), "");
    }

    #[test]
    fn loudness_may_be_from_the_loudest_to_25_db_less_and_uneven() {
        let loud = |key, low: f32, high: f32| {
            let decibels = |decibels: f32| 10.0_f32.powf(decibels / 20.0);
            Pair { loud: [decibels(low), decibels(high)], ..pair(key) }
        };
        for key in all() {
            // Full scale is 3.14 dBm (ITU-T G.711), so 0 dBm of both together is about -9 dBov each.
            for (low, high) in [(-9.5, -9.5), (-34.0, -34.0), (-20.0, -16.0), (-20.0, -28.0)] {
                assert_eq!(
                    dialled(&[loud(key, low, high)], 40, 40, 0.0),
                    key.to_string(),
                    "{key}: {low}, {high}"
                );
            }
            for (low, high) in
                [(-20.0, -12.0), (-20.0, -32.0), (-50.0, -50.0), (-20.0, -90.0), (-90.0, -20.0)]
            {
                assert_eq!(dialled(&[loud(key, low, high)], 60, 40, 0.0), "", "{key}: {low}, {high}");
            }
        }
    }

    #[test]
    fn frequencies_may_be_off_a_little_and_not_more() {
        for key in all() {
            for sign in [-1.0, 1.0] {
                let off = |share: f32, hertz: f32| {
                    let of = pair(key);
                    Pair { hertz: of.hertz.map(|tone| tone * (1.0 + sign * share) + sign * hertz), ..of }
                };
                assert_eq!(dialled(&[off(0.015, 2.0)], 45, 40, 0.0), key.to_string(), "{key} {sign}");
                assert_eq!(dialled(&[off(0.035, 0.0)], 100, 40, 0.0), "", "{key} {sign}");
            }
        }
    }

    #[test]
    fn others_hear_but_the_beginning_of_one() {
        let mut line = Line::new(0.0);
        line.say(None, 100);
        line.say(Some(pair('3')), 200);
        line.say(None, 100);
        let mut detector = ToneDetector::default();
        let sounding: Vec<bool> = line
            .sound
            .chunks(960)
            .map(|packet| {
                detector.hear(packet);
                detector.is_sounding()
            })
            .collect();
        assert!(sounding[..5].iter().all(|is_sounding| !is_sounding), "{sounding:?}");
        assert!(sounding[7..15].iter().all(|is_sounding| *is_sounding), "{sounding:?}");
        assert!(sounding[17..].iter().all(|is_sounding| !is_sounding), "{sounding:?}");
    }

    proptest! {
        /// Whatever comes in whatever pieces, it neither panics nor remembers more than a window.
        #[test]
        fn anything_may_come(sound in prop::collection::vec(any::<i16>(), 0..5000), piece in 1_usize..2000) {
            let mut detector = ToneDetector::default();
            for piece in sound.chunks(piece) {
                detector.hear(piece);
                prop_assert!(detector.sound.len() < WINDOW);
            }
        }
    }
}
