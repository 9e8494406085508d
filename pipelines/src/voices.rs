//! The voices of a meeting on their way to a recorder that keeps a track for each: records in a row, each with its length in four bytes before it. The way is
//! reliable and in order. PROTOCOL.md of `services/web` has the format.

use std::time::Duration;

use bytes::{Buf, BufMut, Bytes, BytesMut};

use crate::PipelineError;
use crate::cutter::Form;

/// The largest record: the names of a thousand people have a quarter of it.
const RECORD_BYTES_MAX: usize = 1 << 20;
/// What a recorder gets.
pub(crate) const VOICES: Form = Form { name: "voices", length_bytes: 4, bytes_max: RECORD_BYTES_MAX };
/// What a record is, in its first byte.
const PRESENT: u8 = 0;
const PACKET: u8 = 1;
/// A packet's flag: nothing is missing between the one before and this.
const FOLLOWS: u8 = 1;

/// What a recorder is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Record {
    /// Who may speak from now on: a number that each has as long as they are there, and a name.
    Present(Vec<(u32, String)>),
    /// The next packet of a voice.
    Packet {
        /// Whose.
        voice: u32,
        /// Where it stands in the mix, by the clock that sound is mixed by.
        mixed: Duration,
        /// Nothing is missing between the one before and this.
        follows: bool,
        /// Opus.
        data: Bytes,
    },
}

/// Who may speak, as a record.
pub(crate) fn present<'a>(voices: impl IntoIterator<Item = (u32, &'a str)>) -> Bytes {
    let mut body = BytesMut::new();
    body.put_u8(PRESENT);
    for (number, name) in voices {
        // A name has 64 letters at most; what is cut is no character in two.
        let mut length = name.len().min(usize::from(u8::MAX));
        while !name.is_char_boundary(length) {
            length -= 1;
        }
        body.put_u32(number);
        body.put_u8(length as u8);
        body.extend_from_slice(&name.as_bytes()[..length]);
    }
    framed(&body)
}

/// A packet as a record.
pub(crate) fn packet(voice: u32, mixed: Duration, follows: bool, data: &[u8]) -> Bytes {
    let mut body = BytesMut::new();
    body.put_u8(PACKET);
    body.put_u32(voice);
    body.put_u64(u64::try_from(mixed.as_micros()).unwrap_or(u64::MAX));
    body.put_u8(if follows { FOLLOWS } else { 0 });
    body.extend_from_slice(data);
    framed(&body)
}

fn framed(body: &[u8]) -> Bytes {
    let mut framed = BytesMut::with_capacity(4 + body.len());
    framed.put_u32(body.len() as u32);
    framed.extend_from_slice(body);
    framed.freeze()
}

impl Record {
    /// Reads what stands behind a length.
    pub(crate) fn parse(body: Bytes) -> Result<Self, PipelineError> {
        let unknown =
            || PipelineError::Refused("The meeting's voices have a record that is not known.".into());
        parse(body).ok_or_else(unknown)
    }
}

fn parse(mut body: Bytes) -> Option<Record> {
    match body.try_get_u8().ok()? {
        PACKET => Some(Record::Packet {
            voice: body.try_get_u32().ok()?,
            mixed: Duration::from_micros(body.try_get_u64().ok()?),
            follows: body.try_get_u8().ok()? & FOLLOWS != 0,
            data: body,
        }),
        PRESENT => {
            let mut voices = Vec::new();
            while body.has_remaining() {
                let (number, length) = (body.try_get_u32().ok()?, usize::from(body.try_get_u8().ok()?));
                if body.remaining() < length {
                    return None;
                }
                voices.push((number, String::from_utf8(body.split_to(length).into()).ok()?));
            }
            Some(Record::Present(voices))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cutter::Cutter;

    fn read(row: &[u8]) -> Result<Vec<Record>, PipelineError> {
        let mut cutter = Cutter::new(VOICES);
        cutter.push(row);
        let mut records = Vec::new();
        while let Some(record) = cutter.next()? {
            records.push(Record::parse(record)?);
        }
        Ok(records)
    }

    #[test]
    fn records_come_out_as_they_went_in() {
        let mixed = Duration::from_micros(123_456_789);
        let row = [
            present([(7, "Ann"), (u32::MAX, "山田"), (0, "")]),
            packet(7, mixed, true, b"opus"),
            packet(0, Duration::ZERO, false, b""),
            present([]),
        ]
        .concat();
        let voices = vec![(7, "Ann".into()), (u32::MAX, "山田".into()), (0, String::new())];
        assert_eq!(
            read(&row).unwrap(),
            [
                Record::Present(voices),
                Record::Packet { voice: 7, mixed, follows: true, data: Bytes::from_static(b"opus") },
                Record::Packet { voice: 0, mixed: Duration::ZERO, follows: false, data: Bytes::new() },
                Record::Present(Vec::new()),
            ]
        );
    }

    #[test]
    fn a_long_name_is_cut_between_two_characters() {
        let records = read(&present([(1, "é".repeat(200).as_str())])).unwrap();
        assert_eq!(records, [Record::Present(vec![(1, "é".repeat(127))])]);
    }

    #[test]
    fn what_is_no_record_is_refused() {
        let whole = packet(7, Duration::from_secs(1), true, b"");
        for length in 0..whole.len() - 4 {
            assert!(read(&framed(&whole[4..4 + length])).is_err(), "{length}");
        }
        for body in [&[2, 0][..], &[0, 0], &[0, 0, 0, 0, 7, 3, 65], &[0, 0, 0, 0, 7, 1, 0xff]] {
            assert!(read(&framed(body)).is_err(), "{body:?}");
        }
        assert!(read(&(RECORD_BYTES_MAX as u32 + 1).to_be_bytes()).is_err());
    }
}
