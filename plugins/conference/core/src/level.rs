//! How loud a frame is.

/// Negative dBov as in RFC 6464: 0 is as loud as can be, 127 is silence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Level(u8);

impl Level {
    /// Nothing at all.
    pub const SILENCE: Level = Level(127);
    /// What is quieter is a room, not a voice. Speech lies at 15 to 40, a room behind noise suppression at 60 and beyond.
    pub const SPEECH_MIN: Level = Level(55);

    /// From the extension's byte, whose first bit is the voice flag.
    pub const fn from_rfc6464(byte: u8) -> Self {
        Level(byte & 0x7f)
    }

    /// The root mean square of `samples` against full scale.
    pub fn of(samples: &[i16]) -> Self {
        let squares: u64 = samples.iter().map(|sample| u64::from(sample.unsigned_abs()).pow(2)).sum();
        Self::of_power(squares as f64 / samples.len().max(1) as f64)
    }

    /// The same of the mean of the samples' squares.
    pub(crate) fn of_power(mean: f64) -> Self {
        // The logarithm of nothing is beyond the clamp.
        let dbov = 10.0 * (mean / (32_768.0 * 32_768.0)).log10();
        Level((-dbov).round().clamp(0.0, 127.0) as u8)
    }

    /// 0 for full scale, -127 for silence.
    pub const fn dbov(self) -> i32 {
        -(self.0 as i32)
    }

    /// Loud enough to be somebody speaking.
    pub const fn is_speech(self) -> bool {
        self.0 <= Self::SPEECH_MIN.0
    }

    /// The louder of two.
    pub fn louder(self, other: Level) -> Level {
        Level(self.0.min(other.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_decibels_below_full_scale() {
        assert_eq!(Level::of(&[i16::MIN; 10]).dbov(), 0);
        assert_eq!(Level::of(&[3277, -3277]).dbov(), -20);
        assert_eq!(Level::of(&[0; 10]), Level::SILENCE);
        assert_eq!(Level::of(&[]), Level::SILENCE);
        assert_eq!(Level::from_rfc6464(0x80 | 30).dbov(), -30);
    }

    #[test]
    fn the_edge_of_speech() {
        assert!(Level::from_rfc6464(55).is_speech());
        assert!(!Level::from_rfc6464(56).is_speech());
    }
}
