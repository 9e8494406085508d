//! ITU-T G.711: a sample of a telephone in eight bits, by the μ-law of America and Japan or the A-law of the others.

use crate::Level;

/// How eight bits stand for a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Law {
    Mu,
    A,
}

/// What μ-law adds to a magnitude, so that each segment is twice as wide as the one before.
const MU_BIAS: i32 = 132;
/// The loudest that μ-law can say.
const MU_MAX: i32 = 32_635;
/// On the wire, all bits of μ-law are inverted, and every other one of A-law.
const A_INVERTED: u8 = 0x55;

static MU: [i16; 256] = table(Law::Mu);
static A: [i16; 256] = table(Law::A);

impl Law {
    pub fn decode(self, code: u8) -> i16 {
        self.samples()[usize::from(code)]
    }

    pub fn encode(self, sample: i16) -> u8 {
        match self {
            Law::Mu => encode_mu(sample),
            Law::A => encode_a(sample),
        }
    }

    /// How loud a packet is, without decoding it.
    pub fn level(self, packet: &[u8]) -> Level {
        let samples = self.samples();
        let power = packet.iter().map(|code| i64::from(samples[usize::from(*code)]).pow(2)).sum::<i64>();
        Level::of_power(power as f64 / packet.len().max(1) as f64)
    }

    fn samples(self) -> &'static [i16; 256] {
        match self {
            Law::Mu => &MU,
            Law::A => &A,
        }
    }
}

const fn table(law: Law) -> [i16; 256] {
    let mut samples = [0; 256];
    let mut code = 0;
    while code < 256 {
        samples[code] = match law {
            Law::Mu => decode_mu(code as u8),
            Law::A => decode_a(code as u8),
        };
        code += 1;
    }
    samples
}

/// A sign, three bits of segment, four of step.
const fn decode_mu(code: u8) -> i16 {
    let code = !code;
    let (segment, step) = (code >> 4 & 7, code as i32 & 0x0f);
    let magnitude = (((step << 3) + MU_BIAS) << segment) - MU_BIAS;
    (if code & 0x80 == 0 { magnitude } else { -magnitude }) as i16
}

/// The same, but the first two segments are equally wide.
const fn decode_a(code: u8) -> i16 {
    let code = code ^ A_INVERTED;
    let (segment, step) = (code >> 4 & 7, code as i32 & 0x0f);
    let magnitude = match segment {
        0 => (step << 4) + 8,
        _ => ((step << 4) + 0x108) << (segment - 1),
    };
    (if code & 0x80 == 0 { -magnitude } else { magnitude }) as i16
}

fn encode_mu(sample: i16) -> u8 {
    let magnitude = i32::from(sample).abs().min(MU_MAX) + MU_BIAS;
    // The bias makes 7 the lowest of the highest bits.
    let segment = magnitude.ilog2() - 7;
    let step = magnitude >> (segment + 3) & 0x0f;
    let sign = if sample < 0 { 0x80 } else { 0 };
    !(sign | (segment as u8) << 4 | step as u8)
}

fn encode_a(sample: i16) -> u8 {
    let (sign, magnitude) = if sample < 0 { (0, !sample) } else { (0x80, sample) };
    let segment = (magnitude >> 8).checked_ilog2().map_or(0, |bit| bit + 1);
    let step = magnitude >> (segment.max(1) + 3) & 0x0f;
    (sign | (segment as u8) << 4 | step as u8) ^ A_INVERTED
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAWS: [Law; 2] = [Law::Mu, Law::A];

    /// Tables 5 and 6 of the Recommendation: a tone of 1 kHz at 0 dBm0, over and over.
    const MILLIWATT: [[u8; 8]; 2] =
        [[0x1e, 0x0b, 0x0b, 0x1e, 0x9e, 0x8b, 0x8b, 0x9e], [0x34, 0x21, 0x21, 0x34, 0xb4, 0xa1, 0xa1, 0xb4]];

    #[test]
    fn every_code_is_itself_again() {
        for law in LAWS {
            for code in 0..=255 {
                // μ-law has two codes for nothing.
                let expected = if law == Law::Mu && code == 0x7f { 0xff } else { code };
                assert_eq!(law.encode(law.decode(code)), expected, "{law:?} {code:#x}");
            }
        }
    }

    #[test]
    fn every_sample_is_off_by_half_a_step_at_most() {
        for law in LAWS {
            for sample in i16::MIN..=i16::MAX {
                let off = (i32::from(law.decode(law.encode(sample))) - i32::from(sample)).abs();
                // Sixteen steps a segment, each segment as wide as all before it.
                let half_step = (i32::from(sample).abs() + 264) / 32;
                assert!(off <= half_step, "{law:?} {sample}: off by {off}");
            }
        }
    }

    #[test]
    fn the_milliwatt_is_as_loud_as_the_recommendation_says() {
        for (law, codes) in LAWS.into_iter().zip(MILLIWATT) {
            // A sine at the limit is 3.17 or 3.14 dBm0, and 3 dB below full scale.
            assert_eq!(law.level(&codes.repeat(20)).dbov(), -6, "{law:?}");
            let tone = |at: usize| ((at as f64 + 0.5) / 8.0 * std::f64::consts::TAU).sin() * 22_500.0;
            for (at, code) in codes.iter().enumerate() {
                let off = f64::from(law.decode(*code)).abs() - tone(at).abs();
                assert!(off.abs() < 600.0, "{law:?} {at}: {off}");
            }
        }
    }

    #[test]
    fn silence_is_silent() {
        assert_eq!(Law::Mu.encode(0), 0xff);
        assert_eq!(Law::A.encode(0), 0xd5);
        assert_eq!(Law::Mu.level(&[0xff; 160]), Level::SILENCE);
        assert!(Law::A.level(&[0xd5; 160]).dbov() < -70);
        assert_eq!(Law::Mu.level(&[]), Level::SILENCE);
    }
}
