//! The sound of a meeting on its way to a recorder: Opus packets in a row, each with its length in two bytes before it (as RFC 4571 has it
//! for RTP). The way is reliable and in order, so nothing else is needed.

use bytes::{BufMut, Bytes, BytesMut};

use crate::cutter::Form;

/// The largest packet: one Opus frame (RFC 6716, 3.4), and the mixer puts one into a packet.
const PACKET_BYTES_MAX: usize = 1275;
/// What a recorder gets.
pub(crate) const SOUND: Form = Form { name: "voices", length_bytes: 2, bytes_max: PACKET_BYTES_MAX };

/// A packet with its length.
pub(crate) fn frame(packet: &[u8]) -> Bytes {
    let mut framed = BytesMut::with_capacity(2 + packet.len());
    framed.put_u16(u16::try_from(packet.len()).expect("an Opus packet is shorter than 64 KiB"));
    framed.extend_from_slice(packet);
    framed.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cutter::Cutter;

    #[test]
    fn the_largest_packet_comes_out_as_it_went_in() {
        let mut cutter = Cutter::new(SOUND);
        for packet in [&[1u8, 2, 3][..], &[7; PACKET_BYTES_MAX]] {
            cutter.push(&frame(packet));
            assert_eq!(cutter.next().unwrap().unwrap(), packet);
        }
        cutter.push(&frame(&[7; PACKET_BYTES_MAX + 1]));
        assert!(cutter.next().is_err());
    }
}
