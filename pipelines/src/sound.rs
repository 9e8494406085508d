//! The sound of a meeting on its way to a recorder: Opus packets in a row, each with its length in two bytes before it (as RFC 4571 has it
//! for RTP). The way is reliable and in order, so nothing else is needed.

use bytes::{Buf, BufMut, Bytes, BytesMut};

use crate::PipelineError;

/// The largest packet: one Opus frame (RFC 6716, 3.4), and the mixer puts one into a packet.
const PACKET_BYTES_MAX: usize = 1275;

/// A packet with its length.
pub(crate) fn frame(packet: &[u8]) -> Bytes {
    let mut framed = BytesMut::with_capacity(2 + packet.len());
    framed.put_u16(u16::try_from(packet.len()).expect("an Opus packet is shorter than 64 KiB"));
    framed.extend_from_slice(packet);
    framed.freeze()
}

/// Cuts what comes in any pieces into packets again.
#[derive(Debug, Default)]
pub(crate) struct Cutter {
    pending: BytesMut,
}

impl Cutter {
    /// Takes a piece; `next` gives what is whole.
    pub(crate) fn push(&mut self, piece: &[u8]) {
        self.pending.extend_from_slice(piece);
    }

    /// The next packet; `None` until more comes. After an error nothing more can be read.
    pub(crate) fn next(&mut self) -> Result<Option<Bytes>, PipelineError> {
        let Some(&head) = self.pending.first_chunk::<2>() else { return Ok(None) };
        let length = usize::from(u16::from_be_bytes(head));
        if PACKET_BYTES_MAX < length {
            let sentence = format!(
                "The meeting's sound has a packet of {length} bytes; {PACKET_BYTES_MAX} are allowed."
            );
            return Err(PipelineError::Refused(sentence));
        }
        if self.pending.len() < 2 + length {
            return Ok(None);
        }
        self.pending.advance(2);
        Ok(Some(self.pending.split_to(length).freeze()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(pieces: &[&[u8]]) -> Vec<Bytes> {
        let mut cutter = Cutter::default();
        let mut packets = Vec::new();
        for piece in pieces {
            cutter.push(piece);
            while let Some(packet) = cutter.next().unwrap() {
                packets.push(packet);
            }
        }
        packets
    }

    #[test]
    fn packets_come_out_as_they_went_in_however_they_are_cut() {
        let packets = [&[1u8, 2, 3][..], &[], &[7; PACKET_BYTES_MAX]];
        let row: Vec<u8> = packets.iter().flat_map(|packet| frame(packet)).collect();
        assert_eq!(cut(&[&row]), packets);
        for at in 0..row.len() {
            assert_eq!(cut(&[&row[..at], &row[at..]]), packets, "cut at {at}");
        }
        let bytes: Vec<&[u8]> = row.chunks(1).collect();
        assert_eq!(cut(&bytes), packets);
    }

    #[test]
    fn half_a_packet_is_none() {
        let whole = frame(&[1, 2, 3]);
        for length in 0..whole.len() {
            assert!(cut(&[&whole[..length]]).is_empty(), "{length}");
        }
    }

    #[test]
    fn a_packet_that_no_mixer_makes_is_refused() {
        let mut cutter = Cutter::default();
        cutter.push(&1276u16.to_be_bytes());
        assert!(cutter.next().is_err());
    }
}
