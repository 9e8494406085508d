//! RTP packets (RFC 3550, section 5.1) with the audio level of RFC 6464: read from the wire, and written.

use crate::Level;

/// RTP over UDP fits into a datagram of Ethernet; Opus at its highest rate and 20 ms needs 1,275 bytes (RFC 6716, section 3.4).
pub const PACKET_BYTES_MAX: usize = 4096;
/// What `write` puts in front of the payload.
const HEADER_BYTES: usize = 12;
/// RFC 8285, section 4.2: elements with a header of one byte.
const ONE_BYTE_PROFILE: u16 = 0xbede;
/// RFC 8285, section 4.3: of two bytes; the lowest four bits are the application's.
const TWO_BYTE_PROFILE: u16 = 0x1000;

/// What is wrong with a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RtpError {
    /// It ends inside its header.
    #[error("an RTP packet of {got} bytes ends before its payload, which begins at {wanted}")]
    Short {
        /// Its length.
        got: usize,
        /// Where the payload would begin.
        wanted: usize,
    },
    /// More than anybody needs.
    #[error("an RTP packet of {0} bytes is longer than {PACKET_BYTES_MAX}")]
    Long(usize),
    /// Only version 2 is RTP.
    #[error("an RTP packet says that it is of version {0}")]
    Version(u8),
    /// The padding count is 0, or reaches into the header.
    #[error("an RTP packet with {payload} bytes of payload says that {padding} of them are padding")]
    Padding {
        /// Bytes after the header.
        payload: usize,
        /// What the last byte says.
        padding: u8,
    },
}

/// A packet, parsed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet<'a> {
    /// The codec, by the session's agreement.
    pub payload_type: u8,
    /// The first of a talk spurt (RFC 3551, section 4.1).
    pub marker: bool,
    /// One more with each packet.
    pub sequence: u16,
    /// In samples.
    pub timestamp: u32,
    /// Whose stream it is.
    pub ssrc: u32,
    /// One Opus packet.
    pub payload: &'a [u8],
    extension: Option<(u16, &'a [u8])>,
}

impl<'a> Packet<'a> {
    /// Reads what came over the wire.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, RtpError> {
        let got = bytes.len();
        if PACKET_BYTES_MAX < got {
            return Err(RtpError::Long(got));
        }
        let short = |wanted| RtpError::Short { got, wanted };
        let (&[first, second, s0, s1, t0, t1, t2, t3, i0, i1, i2, i3], rest) =
            bytes.split_first_chunk::<HEADER_BYTES>().ok_or(short(HEADER_BYTES))?;
        if first >> 6 != 2 {
            return Err(RtpError::Version(first >> 6));
        }
        let csrc_bytes = usize::from(first & 0x0f) * 4;
        let mut rest = rest.get(csrc_bytes..).ok_or(short(HEADER_BYTES + csrc_bytes))?;
        let mut extension = None;
        if first & 0x10 != 0 {
            let at = got - rest.len();
            let (&[p0, p1, w0, w1], after) = rest.split_first_chunk::<4>().ok_or(short(at + 4))?;
            let bytes = usize::from(u16::from_be_bytes([w0, w1])) * 4;
            let (elements, after) = after.split_at_checked(bytes).ok_or(short(at + 4 + bytes))?;
            extension = Some((u16::from_be_bytes([p0, p1]), elements));
            rest = after;
        }
        if first & 0x20 != 0 {
            let padding = rest.last().copied().unwrap_or(0);
            let payload = rest.len();
            let kept = payload.checked_sub(usize::from(padding)).filter(|_| padding != 0);
            rest = &rest[..kept.ok_or(RtpError::Padding { payload, padding })?];
        }
        Ok(Self {
            payload_type: second & 0x7f,
            marker: second & 0x80 != 0,
            sequence: u16::from_be_bytes([s0, s1]),
            timestamp: u32::from_be_bytes([t0, t1, t2, t3]),
            ssrc: u32::from_be_bytes([i0, i1, i2, i3]),
            payload: rest,
            extension,
        })
    }

    /// The level in the header extension that the session has given this `id`, if it is there.
    pub fn level(&self, id: u8) -> Option<Level> {
        let (profile, elements) = self.extension?;
        let value = match profile {
            ONE_BYTE_PROFILE => one_byte_element(elements, id),
            _ if profile & 0xfff0 == TWO_BYTE_PROFILE => two_byte_element(elements, id),
            _ => None,
        };
        value?.first().map(|byte| Level::from_rfc6464(*byte))
    }
}

/// RFC 8285, section 4.2: four bits of id, four of length less one; id 0 is padding, id 15 ends the list.
fn one_byte_element(mut elements: &[u8], id: u8) -> Option<&[u8]> {
    while let Some((&head, rest)) = elements.split_first() {
        if head == 0 {
            elements = rest;
            continue;
        }
        if head >> 4 == 15 {
            return None;
        }
        let (value, after) = rest.split_at_checked(usize::from(head & 0x0f) + 1)?;
        if head >> 4 == id {
            return Some(value);
        }
        elements = after;
    }
    None
}

/// RFC 8285, section 4.3: a byte of id, one of length; id 0 is padding.
fn two_byte_element(mut elements: &[u8], id: u8) -> Option<&[u8]> {
    while let Some((&head, rest)) = elements.split_first() {
        if head == 0 {
            elements = rest;
            continue;
        }
        let (&length, rest) = rest.split_first()?;
        let (value, after) = rest.split_at_checked(usize::from(length))?;
        if head == id {
            return Some(value);
        }
        elements = after;
    }
    None
}

/// What stands before the payload of a packet that we send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The codec, by the session's agreement.
    pub payload_type: u8,
    /// The first of a talk spurt.
    pub marker: bool,
    /// One more with each packet.
    pub sequence: u16,
    /// In samples.
    pub timestamp: u32,
    /// Whose stream it is.
    pub ssrc: u32,
}

impl Header {
    /// The whole packet.
    pub fn write(&self, payload: &[u8]) -> Vec<u8> {
        let mut packet = Vec::with_capacity(HEADER_BYTES + payload.len());
        packet.push(0x80);
        packet.push(self.payload_type & 0x7f | if self.marker { 0x80 } else { 0 });
        packet.extend_from_slice(&self.sequence.to_be_bytes());
        packet.extend_from_slice(&self.timestamp.to_be_bytes());
        packet.extend_from_slice(&self.ssrc.to_be_bytes());
        packet.extend_from_slice(payload);
        packet
    }
}

/// A number of 16 bits that wraps, as one that does not: the one nearest to `last`.
pub(crate) fn unwrap_sequence(last: Option<i64>, sequence: u16) -> i64 {
    let last = last.unwrap_or(i64::from(sequence));
    last + i64::from(sequence.wrapping_sub(last as u16) as i16)
}

/// The same for 32 bits.
pub(crate) fn unwrap_timestamp(last: Option<i64>, timestamp: u32) -> i64 {
    let last = last.unwrap_or(i64::from(timestamp));
    last + i64::from(timestamp.wrapping_sub(last as u32) as i32)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: Header =
        Header { payload_type: 111, marker: true, sequence: 65_535, timestamp: 7, ssrc: 0xdead_beef };

    /// With two contributors, an extension of each kind, and padding.
    fn rich(profile: [u8; 2], elements: &[u8]) -> Vec<u8> {
        let mut packet = HEADER.write(&[]);
        packet[0] = 0x80 | 0x20 | 0x10 | 2;
        packet.extend_from_slice(&[1; 8]);
        packet.extend_from_slice(&profile);
        packet.extend_from_slice(&(elements.len() as u16 / 4).to_be_bytes());
        packet.extend_from_slice(elements);
        packet.extend_from_slice(b"voice\0\0\x03");
        packet
    }

    #[test]
    fn what_is_written_is_read() {
        let bytes = HEADER.write(b"voice");
        let packet = Packet::parse(&bytes).expect("a good packet");
        assert_eq!((packet.payload_type, packet.marker, packet.sequence), (111, true, 65_535));
        assert_eq!((packet.timestamp, packet.ssrc, packet.payload), (7, 0xdead_beef, &b"voice"[..]));
        assert_eq!(packet.level(1), None);
    }

    #[test]
    fn levels_are_found_among_other_extensions() {
        for (profile, elements) in [
            ([0xbe, 0xde], &[0x32, 9, 9, 9, 0, 0x10, 0x80 | 42, 0][..]),
            ([0x10, 0x00], &[3, 2, 9, 9, 0, 1, 1, 42]),
        ] {
            let bytes = rich(profile, elements);
            let packet = Packet::parse(&bytes).expect("a good packet");
            assert_eq!(packet.payload, b"voice");
            assert_eq!(packet.level(1), Some(Level::from_rfc6464(42)));
            assert_eq!(packet.level(2), None);
        }
    }

    #[test]
    fn every_truncated_length_is_refused_or_read() {
        let whole = rich([0xbe, 0xde], &[0x32, 9, 9, 9, 0, 0x10, 42, 0]);
        for length in 0..whole.len() {
            match Packet::parse(&whole[..length]) {
                Ok(packet) => assert!(packet.payload.len() < 8, "{length}"),
                Err(RtpError::Short { got, wanted }) => assert!(got == length && got < wanted),
                Err(error) => assert!(matches!(error, RtpError::Padding { .. }), "{length}: {error}"),
            }
        }
        // A list of elements that ends inside one of them.
        for elements in [&[0x1f, 0, 0, 0][..], &[0, 0, 0, 0x10]] {
            let bytes = rich([0xbe, 0xde], elements);
            assert_eq!(Packet::parse(&bytes).expect("a good packet").level(1), None);
            let bytes = rich([0x10, 0], elements);
            assert_eq!(Packet::parse(&bytes).expect("a good packet").level(1), None);
        }
    }

    #[test]
    fn the_longest_packet_and_one_byte_more() {
        assert!(Packet::parse(&HEADER.write(&[0; PACKET_BYTES_MAX - 12])).is_ok());
        let long = HEADER.write(&[0; PACKET_BYTES_MAX - 11]);
        assert_eq!(Packet::parse(&long), Err(RtpError::Long(PACKET_BYTES_MAX + 1)));
        assert_eq!(Packet::parse(&[0x40; 12]), Err(RtpError::Version(1)));
    }

    #[test]
    fn numbers_go_on_after_they_wrap() {
        assert_eq!(unwrap_sequence(None, 65_535), 65_535);
        assert_eq!(unwrap_sequence(Some(65_535), 1), 65_537);
        assert_eq!(unwrap_sequence(Some(65_537), 65_534), 65_534);
        assert_eq!(unwrap_timestamp(Some(0xffff_fff0), 16), 0x1_0000_0010);
        assert_eq!(unwrap_timestamp(Some(5), u32::MAX), -1);
    }
}
