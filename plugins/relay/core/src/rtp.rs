//! RTP packets as GStreamer's pads carry them (RFC 3550), with the voice's level (RFC 6464) where there is one.

use thiserror::Error;

/// The number under which a packet that we write carries its level.
pub const LEVEL_EXTENSION_ID: u8 = 1;
const HEADER_BYTES: usize = 12;
/// The profile of one-byte extensions (RFC 8285, section 4.2).
const ONE_BYTE_EXTENSIONS: [u8; 2] = [0xbe, 0xde];

/// Why some bytes are no RTP packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum RtpError {
    /// They end too early.
    #[error("the RTP packet ends early: {bytes} bytes are too few")]
    Short {
        /// What there was.
        bytes: usize,
    },
    /// Not version 2.
    #[error("RTP has version 2, not {version}")]
    Version {
        /// What it says.
        version: u8,
    },
}

/// An RTP packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rtp<'a> {
    /// The payload type.
    pub payload_type: u8,
    /// The marker bit.
    pub marker: bool,
    /// The sequence number.
    pub sequence: u16,
    /// The timestamp.
    pub timestamp: u32,
    /// The source.
    pub ssrc: u32,
    /// The level in decibels below full scale, 0 to 127, when it is to be written; other extensions are skipped when read.
    pub level: Option<u8>,
    /// What is carried.
    pub payload: &'a [u8],
}

impl<'a> Rtp<'a> {
    /// Reads a packet.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, RtpError> {
        let short = RtpError::Short { bytes: bytes.len() };
        let (header, rest) = bytes.split_first_chunk::<HEADER_BYTES>().ok_or(short)?;
        let &[first, second, s0, s1, t0, t1, t2, t3, c0, c1, c2, c3] = header;
        if first >> 6 != 2 {
            return Err(RtpError::Version { version: first >> 6 });
        }
        let mut payload = rest.get(usize::from(first & 0x0f) * 4..).ok_or(short)?;
        let mut level = None;
        if first & 0x10 != 0 {
            let (&[p0, p1, l0, l1], rest) = payload.split_first_chunk::<4>().ok_or(short)?;
            let bytes = usize::from(u16::from_be_bytes([l0, l1])) * 4;
            let (extensions, rest) = rest.split_at_checked(bytes).ok_or(short)?;
            if [p0, p1] == ONE_BYTE_EXTENSIONS {
                level = find_level(extensions);
            }
            payload = rest;
        }
        if first & 0x20 != 0 {
            let padding = usize::from(*payload.last().ok_or(short)?);
            let kept = payload.len().checked_sub(padding.max(1)).ok_or(short)?;
            payload = payload.get(..kept).ok_or(short)?;
        }
        Ok(Self {
            payload_type: second & 0x7f,
            marker: second & 0x80 != 0,
            sequence: u16::from_be_bytes([s0, s1]),
            timestamp: u32::from_be_bytes([t0, t1, t2, t3]),
            ssrc: u32::from_be_bytes([c0, c1, c2, c3]),
            level,
            payload,
        })
    }

    /// Writes the packet.
    pub fn write(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEADER_BYTES + 8 + self.payload.len());
        bytes.push(0x80 | if self.level.is_some() { 0x10 } else { 0 });
        bytes.push(self.payload_type & 0x7f | if self.marker { 0x80 } else { 0 });
        bytes.extend_from_slice(&self.sequence.to_be_bytes());
        bytes.extend_from_slice(&self.timestamp.to_be_bytes());
        bytes.extend_from_slice(&self.ssrc.to_be_bytes());
        if let Some(level) = self.level {
            bytes.extend_from_slice(&ONE_BYTE_EXTENSIONS);
            // One word follows: the id with a length of one byte, the level, and two of padding.
            bytes.extend_from_slice(&[0, 1, LEVEL_EXTENSION_ID << 4, level & 0x7f, 0, 0]);
        }
        bytes.extend_from_slice(self.payload);
        bytes
    }
}

/// The level among one-byte extensions; what is malformed has none.
fn find_level(mut extensions: &[u8]) -> Option<u8> {
    while let Some((first, rest)) = extensions.split_first() {
        match first >> 4 {
            0 => extensions = rest,
            15 => return None,
            id => {
                let (value, rest) = rest.split_at_checked(usize::from(first & 0x0f) + 1)?;
                if id == LEVEL_EXTENSION_ID {
                    return value.first().map(|level| level & 0x7f);
                }
                extensions = rest;
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn packet(level: Option<u8>) -> Rtp<'static> {
        Rtp {
            payload_type: 111,
            marker: true,
            sequence: 65_535,
            timestamp: 7,
            ssrc: 9,
            level,
            payload: b"voice",
        }
    }

    #[test]
    fn a_packet_is_read_as_it_was_written() {
        for level in [None, Some(0), Some(127)] {
            assert_eq!(Rtp::parse(&packet(level).write()), Ok(packet(level)));
        }
    }

    #[test]
    fn every_truncated_length_is_shorter_or_refused() {
        let bytes = packet(Some(30)).write();
        for length in 0..bytes.len() {
            match Rtp::parse(&bytes[..length]) {
                Ok(read) => assert!(read.payload.len() < 5),
                Err(error) => assert_eq!(error, RtpError::Short { bytes: length }),
            }
        }
    }

    #[test]
    fn padding_is_no_payload() {
        let mut bytes = packet(None).write();
        bytes[0] |= 0x20;
        bytes.extend_from_slice(&[0, 0, 3]);
        assert_eq!(Rtp::parse(&bytes), Ok(packet(None)));
    }

    #[test]
    fn another_version_is_refused() {
        assert_eq!(Rtp::parse(&[0x40; 20]), Err(RtpError::Version { version: 1 }));
    }

    proptest! {
        #[test]
        fn whatever_comes_is_read_or_refused(mut bytes in proptest::collection::vec(any::<u8>(), 0..60), is_rtp: bool) {
            if let (true, Some(first)) = (is_rtp, bytes.first_mut()) {
                *first = *first & 0x3f | 0x80;
            }
            if let Ok(packet) = Rtp::parse(&bytes) {
                let written = packet.write();
                prop_assert_eq!(Rtp::parse(&written), Ok(packet));
            }
        }
    }
}
