//! The identification header of Opus (RFC 7845, 5.1), which a WebM keeps as the track's `CodecPrivate`.

use std::time::Duration;

use bytes::Bytes;

use crate::RecordingError;

/// The header of channel mapping family 0.
const HEAD_BYTES: usize = 19;
/// A mapping table adds two bytes and one a channel; there are at most 255.
const HEAD_BYTES_MAX: usize = HEAD_BYTES + 2 + 255;
/// Pre-skip counts samples at this rate, whatever the input had (RFC 7845, 4.2).
const SAMPLES_PER_SECOND: u64 = 48_000;

/// What an Opus encoder says of its stream before the first packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpusHead {
    bytes: Bytes,
    channels: u8,
    pre_skip: u16,
    input_rate: u32,
}

impl OpusHead {
    /// The header of a stream that has no other: mono or stereo, channel mapping family 0.
    pub fn plain(channels: u8, pre_skip: u16, input_rate: u32) -> Result<Self, RecordingError> {
        let mut bytes = b"OpusHead\x01".to_vec();
        bytes.push(channels);
        bytes.extend_from_slice(&pre_skip.to_le_bytes());
        bytes.extend_from_slice(&input_rate.to_le_bytes());
        bytes.extend_from_slice(&[0, 0, 0]);
        Self::parse(Bytes::from(bytes))
    }

    /// Takes the header as an encoder gives it.
    pub fn parse(bytes: Bytes) -> Result<Self, RecordingError> {
        let refuse = |reason| Err(RecordingError::OpusHead { reason });
        let Some(fixed) = bytes.first_chunk::<HEAD_BYTES>() else {
            return refuse("it is shorter than 19 bytes");
        };
        let &[magic @ .., version, channels, s0, s1, r0, r1, r2, r3, _, _, family] = fixed;
        if magic != *b"OpusHead" {
            return refuse("it does not begin with OpusHead");
        }
        if version >> 4 != 0 {
            return refuse("its version is not 0 to 15");
        }
        if channels == 0 {
            return refuse("it has no channels");
        }
        if family == 0 && (2 < channels || bytes.len() != HEAD_BYTES) {
            return refuse("mapping family 0 has one or two channels and no table");
        }
        if family != 0 && bytes.len() < HEAD_BYTES + 2 + usize::from(channels) {
            return refuse("its channel mapping table is cut off");
        }
        if HEAD_BYTES_MAX < bytes.len() {
            return refuse("it is longer than 276 bytes");
        }
        let pre_skip = u16::from_le_bytes([s0, s1]);
        let input_rate = u32::from_le_bytes([r0, r1, r2, r3]);
        Ok(Self { channels, pre_skip, input_rate, bytes })
    }

    /// The header itself.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// How many channels play.
    pub fn channels(&self) -> u8 {
        self.channels
    }

    /// The rate of what was encoded, in hertz, for information; 48,000 where it is not known.
    pub fn input_rate(&self) -> u32 {
        if self.input_rate == 0 { SAMPLES_PER_SECOND as u32 } else { self.input_rate }
    }

    /// How much at the beginning is the encoder's own delay, and is not played.
    pub fn delay(&self) -> Duration {
        Duration::from_nanos(u64::from(self.pre_skip) * 1_000_000_000 / SAMPLES_PER_SECOND)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_stereo_header_says_its_delay() {
        let head = OpusHead::plain(2, 312, 48_000).expect("a header");
        assert_eq!(head.delay(), Duration::from_micros(6500));
        assert_eq!((head.channels(), head.input_rate()), (2, 48_000));
        assert_eq!(OpusHead::parse(head.bytes().clone()), Ok(head));
    }

    #[test]
    fn every_truncated_header_is_refused() {
        let whole = OpusHead::plain(1, 312, 48_000).expect("a header");
        for length in 0..HEAD_BYTES {
            assert!(OpusHead::parse(whole.bytes().slice(..length)).is_err(), "{length}");
        }
    }

    #[test]
    fn three_channels_need_a_table() {
        assert!(OpusHead::plain(3, 0, 48_000).is_err());
        assert!(OpusHead::plain(0, 0, 48_000).is_err());
        let mut surround = b"OpusHead\x01\x03\0\0\x80\xbb\0\0\0\0\x01\x02\x01\0\x02\x01".to_vec();
        assert!(OpusHead::parse(Bytes::from(surround.clone())).is_ok());
        surround.pop();
        assert!(OpusHead::parse(Bytes::from(surround)).is_err());
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300), named: bool) {
            let mut bytes = bytes;
            if named && 8 <= bytes.len() { bytes[..8].copy_from_slice(b"OpusHead"); }
            let _ = OpusHead::parse(Bytes::from(bytes)).map(|head| head.delay());
        }
    }
}
