//! ITU-T G.722 at 64 kbit/s: sound of 16 kHz in two bands, each predicted from its past, and what the prediction misses in six and two bits.
//!
//! The names of blocks are those of the Recommendation's figures, and the numbers are those of its tables.

use crate::Level;

/// The quadrature mirror filters' first half; the second is the same from behind.
const MIRROR: [i32; 12] = [3, -11, 12, 32, -210, 951, 3876, -805, 362, -156, 53, -11];
/// What one byte stands for.
pub(crate) const SAMPLES_PER_BYTE: usize = 2;

/// 2048 times 2 to the power of so many 32nds: block SCALEL's table ILB.
const POWERS: [i32; 32] = [
    2048, 2093, 2139, 2186, 2233, 2282, 2332, 2383, 2435, 2489, 2543, 2599, 2656, 2714, 2774, 2834, 2896,
    2960, 3025, 3091, 3158, 3228, 3298, 3371, 3444, 3520, 3597, 3676, 3756, 3838, 3922, 4008,
];
/// Where each of the lower band's 30 intervals ends (table Q6).
const LOW_LIMITS: [i32; 29] = [
    35, 72, 110, 150, 190, 233, 276, 323, 370, 422, 473, 530, 587, 650, 714, 786, 858, 940, 1023, 1121, 1219,
    1339, 1458, 1612, 1765, 1980, 2195, 2557, 2919,
];
/// Where the higher band's first interval ends.
const HIGH_LIMIT: i32 = 564;
/// The middle of each interval of the lower band, by its code (table QM6).
const LOW_MIDDLES: [i32; 64] = [
    -136, -136, -136, -136, -24808, -21904, -19008, -16704, -14984, -13512, -12280, -11192, -10232, -9360,
    -8576, -7856, -7192, -6576, -6000, -5456, -4944, -4464, -4008, -3576, -3168, -2776, -2400, -2032, -1688,
    -1360, -1040, -728, 24808, 21904, 19008, 16704, 14984, 13512, 12280, 11192, 10232, 9360, 8576, 7856,
    7192, 6576, 6000, 5456, 4944, 4464, 4008, 3576, 3168, 2776, 2400, 2032, 1688, 1360, 1040, 728, 432, 136,
    -432, -136,
];
/// The same for its four highest bits, by which it is predicted (table QM4).
const LOW_COARSE_MIDDLES: [i32; 16] =
    [0, -20456, -12896, -8968, -6288, -4240, -2584, -1200, 20456, 12896, 8968, 6288, 4240, 2584, 1200, 0];
/// ... and how they change the scale (tables WL and RL42).
const LOW_SCALE_STEPS: [i32; 16] =
    [-60, 3042, 1198, 538, 334, 172, 58, -30, 3042, 1198, 538, 334, 172, 58, -30, -60];
/// The same two for the higher band (tables QM2, and WH with RH2).
const HIGH_MIDDLES: [i32; 4] = [-7408, -1616, 7408, 1616];
const HIGH_SCALE_STEPS: [i32; 4] = [798, -214, 798, -214];

/// What the two bands do differently.
#[derive(Clone, Copy, Debug)]
struct Kind {
    scale_max: i32,
    scale_shift: i32,
}

const LOW: Kind = Kind { scale_max: 18_432, scale_shift: 8 };
const HIGH: Kind = Kind { scale_max: 22_528, scale_shift: 10 };

/// One band's memory, the same on both ends of the line.
#[derive(Clone, Debug)]
struct Band {
    kind: Kind,
    /// What the next sample should be.
    predicted: i32,
    /// The part of that which comes from the six last differences.
    from_differences: i32,
    differences: [i32; 6],
    zeros: [i32; 6],
    /// The two last samples, and the same without the part that comes from themselves.
    rebuilt: [i32; 2],
    partly_rebuilt: [i32; 2],
    poles: [i32; 2],
    /// In 2048ths of an octave.
    scale_log: i32,
    scale: i32,
}

impl Band {
    fn new(kind: Kind) -> Self {
        Self {
            kind,
            predicted: 0,
            from_differences: 0,
            differences: [0; 6],
            zeros: [0; 6],
            rebuilt: [0; 2],
            partly_rebuilt: [0; 2],
            poles: [0; 2],
            scale_log: 0,
            scale: scale(0, kind.scale_shift),
        }
    }

    /// Takes in what the code says of the prediction's error: for the next prediction, and the next scale.
    fn adapt(&mut self, middle: i32, scale_step: i32) {
        let difference = (self.scale * middle) >> 15;
        self.scale_log = (((self.scale_log * 127) >> 7) + scale_step).clamp(0, self.kind.scale_max);
        self.scale = scale(self.scale_log, self.kind.scale_shift);
        self.predict(difference);
    }

    /// Block 4.
    fn predict(&mut self, difference: i32) {
        let rebuilt = saturate(self.predicted + difference);
        let partly = saturate(self.from_differences + difference);
        self.move_poles(partly);
        let step = if difference == 0 { 0 } else { 128 };
        for (zero, before) in self.zeros.iter_mut().zip(self.differences) {
            let towards = if is_alike(before, difference) { step } else { -step };
            *zero = saturate(((*zero * 32_640) >> 15) + towards);
        }
        self.differences.rotate_right(1);
        self.differences[0] = difference;
        self.rebuilt = [rebuilt, self.rebuilt[0]];
        self.partly_rebuilt = [partly, self.partly_rebuilt[0]];
        self.from_differences = filter(&self.zeros, &self.differences);
        self.predicted = saturate(filter(&self.poles, &self.rebuilt) + self.from_differences);
    }

    /// Blocks UPPOL2 and UPPOL1.
    fn move_poles(&mut self, partly: i32) {
        let [last, before] = self.partly_rebuilt;
        let first = saturate(self.poles[0] << 2);
        let against = (if is_alike(partly, last) { -first } else { first }).min(32_767);
        let second = (against >> 7)
            + (if is_alike(partly, before) { 128 } else { -128 })
            + ((self.poles[1] * 32_512) >> 15);
        let second = second.clamp(-12_288, 12_288);
        let step = if is_alike(partly, last) { 192 } else { -192 };
        let limit = saturate(15_360 - second);
        let first = saturate(((self.poles[0] * 32_640) >> 15) + step).clamp(-limit, limit);
        self.poles = [first, second];
    }

    /// The prediction's error in 15 bits, as both signs' intervals want it.
    fn error(&self, sample: i32) -> (i32, bool) {
        let error = saturate(sample - self.predicted);
        if error < 0 { (!error, true) } else { (error, false) }
    }
}

fn scale(scale_log: i32, shift: i32) -> i32 {
    let power = POWERS[(scale_log >> 6 & 31) as usize];
    let shift = shift - (scale_log >> 11);
    (if shift < 0 { power << -shift } else { power >> shift }) << 2
}

/// Blocks FILTEP and FILTEZ.
fn filter<const TAPS: usize>(taps: &[i32; TAPS], past: &[i32; TAPS]) -> i32 {
    saturate(taps.iter().zip(past).map(|(tap, sample)| (tap * saturate(sample << 1)) >> 15).sum())
}

fn saturate(value: i32) -> i32 {
    value.clamp(i32::from(i16::MIN), i32::from(i16::MAX))
}

/// Nothing counts as positive.
fn is_alike(one: i32, other: i32) -> bool {
    (one < 0) == (other < 0)
}

/// The lower band alone: enough to say how loud somebody is, for half the work.
#[derive(Clone, Debug)]
pub(crate) struct Meter(Band);

impl Default for Meter {
    fn default() -> Self {
        Self(Band::new(LOW))
    }
}

impl Meter {
    pub fn level(&mut self, packet: &[u8]) -> Level {
        // The band has half the amplitude.
        let power: i64 = packet.iter().map(|code| i64::from(decode_low(&mut self.0, *code)).pow(2) * 4).sum();
        Level::of_power(power as f64 / packet.len().max(1) as f64)
    }
}

fn decode_low(band: &mut Band, code: u8) -> i32 {
    let code = usize::from(code & 0x3f);
    let sample = band.predicted + ((band.scale * LOW_MIDDLES[code]) >> 15);
    band.adapt(LOW_COARSE_MIDDLES[code >> 2], LOW_SCALE_STEPS[code >> 2]);
    sample.clamp(-16_384, 16_383)
}

fn decode_high(band: &mut Band, code: u8) -> i32 {
    let code = usize::from(code >> 6);
    let sample = band.predicted + ((band.scale * HIGH_MIDDLES[code]) >> 15);
    band.adapt(HIGH_MIDDLES[code], HIGH_SCALE_STEPS[code]);
    sample.clamp(-16_384, 16_383)
}

fn encode_low(band: &mut Band, sample: i32) -> u8 {
    let (error, is_negative) = band.error(sample);
    let limits = LOW_LIMITS.iter();
    let interval = limits.take_while(|limit| (*limit * band.scale) >> 12 <= error).count() as u8;
    // Codes count down from the smallest error; those of the two smallest negative ones are at the end.
    let code = match (is_negative, interval) {
        (true, 0 | 1) => 63 - interval,
        (true, _) => 33 - interval,
        (false, _) => 61 - interval,
    };
    let coarse = usize::from(code >> 2);
    band.adapt(LOW_COARSE_MIDDLES[coarse], LOW_SCALE_STEPS[coarse]);
    code
}

fn encode_high(band: &mut Band, sample: i32) -> u8 {
    let (error, is_negative) = band.error(sample);
    let is_large = (HIGH_LIMIT * band.scale) >> 12 <= error;
    let code = if is_negative { 0 } else { 2 } + u8::from(!is_large);
    band.adapt(HIGH_MIDDLES[usize::from(code)], HIGH_SCALE_STEPS[usize::from(code)]);
    code
}

/// Both bands and the mirror filter's memory, whose newest pair is last.
#[derive(Clone, Debug)]
struct Bands {
    low: Band,
    high: Band,
    pairs: [[i32; 2]; 12],
}

impl Default for Bands {
    fn default() -> Self {
        Self { low: Band::new(LOW), high: Band::new(HIGH), pairs: [[0; 2]; 12] }
    }
}

impl Bands {
    /// What each half of the filter makes of its half of the memory with one pair more.
    fn mirror(&mut self, pair: [i32; 2]) -> [i32; 2] {
        self.pairs.rotate_left(1);
        self.pairs[11] = pair;
        let mut sums = [0; 2];
        for (at, pair) in self.pairs.iter().enumerate() {
            sums[0] += pair[0] * MIRROR[at];
            sums[1] += pair[1] * MIRROR[11 - at];
        }
        sums
    }
}

/// Sound of 16 kHz into bytes. A clone goes on as this one would.
#[derive(Clone, Debug, Default)]
pub(crate) struct Encoder(Bands);

impl Encoder {
    /// The samples are an even number.
    pub fn encode(&mut self, samples: &[i16]) -> Vec<u8> {
        let pairs = samples.as_chunks::<SAMPLES_PER_BYTE>().0.iter();
        pairs.map(|pair| self.code(pair.map(i32::from))).collect()
    }

    fn code(&mut self, pair: [i32; 2]) -> u8 {
        let [odd, even] = self.0.mirror(pair);
        let low = encode_low(&mut self.0.low, (even + odd) >> 14);
        let high = encode_high(&mut self.0.high, (even - odd) >> 14);
        high << 6 | low
    }
}

/// Bytes into sound of 16 kHz.
#[derive(Clone, Debug, Default)]
pub(crate) struct Decoder(Bands);

impl Decoder {
    pub fn decode(&mut self, packet: &[u8], out: &mut Vec<i16>) {
        out.extend(packet.iter().flat_map(|code| self.pair(*code)));
    }

    fn pair(&mut self, code: u8) -> [i16; 2] {
        let low = decode_low(&mut self.0.low, code);
        let high = decode_high(&mut self.0.high, code);
        let [second, first] = self.0.mirror([low + high, low - high]);
        [first, second].map(|sum| saturate(sum >> 11) as i16)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two seconds: hiss that swells from nothing to full scale and back, with a rising sawtooth in it, and edges between them.
    fn sound() -> Vec<i16> {
        let mut chance = 1u32;
        let sample = |at: i32| {
            chance = chance.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let hiss = (chance >> 16) as i16 as i32;
            let swell = (at % 8000 - 4000).abs();
            let saw = (at * (20 + at / 500)) % 16_000 - 8000;
            let mixed = hiss * (4000 - swell) / 4000 + if at / 1600 % 2 == 0 { saw } else { 0 };
            saturate(mixed) as i16
        };
        (0..32_000).map(sample).collect()
    }

    /// FNV-1a.
    fn digest(bytes: impl IntoIterator<Item = u8>) -> u64 {
        let mix = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
        bytes.into_iter().fold(0xcbf2_9ce4_8422_2325, mix)
    }

    /// The digests are of what FFmpeg 5.1 makes of the same sound: `ffmpeg -f s16le -ar 16000 -ac 1 -i sound -f g722 codes`, and back.
    #[test]
    fn bits_are_those_of_another_implementation() {
        let codes = Encoder::default().encode(&sound());
        let mut decoded = Vec::new();
        Decoder::default().decode(&codes, &mut decoded);
        assert_eq!(digest(codes), 0xbdfa_4d88_121a_4ee0);
        assert_eq!(digest(decoded.iter().flat_map(|sample| sample.to_le_bytes())), 0x71f6_f5f0_676a_1d6d);
    }
}
