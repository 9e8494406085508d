//! The sound of a meeting on its way to a recorder: Opus packets in a row, each with a length in two bytes before it (as RFC 4571 has it for RTP)
//! and the time at which it was mixed. The way is reliable and in order, so nothing else is needed.

use std::time::Duration;

use bytes::{Buf, BufMut, Bytes, BytesMut};

use crate::PipelineError;
use crate::cutter::Form;

/// The largest packet: one Opus frame (RFC 6716, 3.4), and the mixer puts one into a packet.
const PACKET_BYTES_MAX: usize = 1275;
/// Microseconds of the clock that faces are sent by, too.
const TIME_BYTES: usize = 8;
/// What a recorder gets.
pub(crate) const SOUND: Form =
    Form { name: "voices", length_bytes: 2, bytes_max: TIME_BYTES + PACKET_BYTES_MAX };

/// A packet that was mixed at this time, with its length.
pub(crate) fn frame(mixed: Duration, packet: &[u8]) -> Bytes {
    let mut framed = BytesMut::with_capacity(2 + TIME_BYTES + packet.len());
    let length = TIME_BYTES + packet.len();
    framed.put_u16(u16::try_from(length).expect("an Opus packet is much shorter than 64 KiB"));
    framed.put_u64(u64::try_from(mixed.as_micros()).unwrap_or(u64::MAX));
    framed.extend_from_slice(packet);
    framed.freeze()
}

/// Reads what stands behind a length: when it was mixed, and the packet.
pub(crate) fn parse(mut body: Bytes) -> Result<(Duration, Bytes), PipelineError> {
    let mixed = body.try_get_u64().map_err(|_| {
        PipelineError::Refused(format!("A packet of the meeting's voices has {} bytes, too few.", body.len()))
    })?;
    Ok((Duration::from_micros(mixed), body))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cutter::Cutter;

    #[test]
    fn the_largest_packet_comes_out_as_it_went_in() {
        let mut cutter = Cutter::new(SOUND);
        for (mixed, packet) in [(0, &[][..]), (20_000, &[1u8, 2, 3][..]), (u64::MAX, &[7; PACKET_BYTES_MAX])]
        {
            let mixed = Duration::from_micros(mixed);
            cutter.push(&frame(mixed, packet));
            let (time, body) = parse(cutter.next().unwrap().unwrap()).unwrap();
            assert_eq!((time, &body[..]), (mixed, packet));
        }
        cutter.push(&frame(Duration::ZERO, &[7; PACKET_BYTES_MAX + 1]));
        assert!(cutter.next().is_err());
    }

    #[test]
    fn what_has_no_time_is_refused() {
        for length in 0..TIME_BYTES {
            assert!(parse(Bytes::from(vec![0; length])).is_err(), "{length}");
        }
    }
}
