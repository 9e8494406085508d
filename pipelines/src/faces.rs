//! The faces of a meeting on their way to a recorder: records in a row, each with its length in four bytes before it. The way is reliable and
//! in order. PROTOCOL.md of `services/web` has the format.

use std::time::Duration;

use bytes::{Buf, BufMut, Bytes, BytesMut};

use crate::PipelineError;
use crate::cutter::Form;

/// The largest record: a key frame of a camera has a tenth of it.
const RECORD_BYTES_MAX: usize = 1 << 20;
/// What a recorder gets.
pub(crate) const FACES: Form = Form { name: "faces", length_bytes: 4, bytes_max: RECORD_BYTES_MAX };
/// What stands before a frame's data.
const FRAME_HEAD_BYTES: usize = 17;
/// What a record is, in its first byte.
const SCENE: u8 = 0;
const FRAME: u8 = 1;
/// A scene's flag: somebody presents a screen.
const HAS_SCREEN: u8 = 1;

/// What a recorder is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Record {
    /// What there is to see from now on.
    Scene {
        /// Somebody presents a screen.
        screen: bool,
        /// All faces: a number that each has as long as it is there, and a name.
        faces: Vec<(u32, String)>,
    },
    /// The next VP8 frame of a face; the first one is a key frame.
    Frame {
        /// Whose.
        face: u32,
        /// When it was sent, by the clock that sound is mixed by.
        sent: Duration,
        /// It belongs beside what is mixed so many nanoseconds later; fewer than none, earlier.
        wait: i64,
        /// RFC 6386.
        data: Bytes,
    },
}

/// What there is to see, as a record; nothing where that is too long, which no meeting is.
pub(crate) fn scene<'a>(screen: bool, faces: impl IntoIterator<Item = (u32, &'a str)>) -> Bytes {
    let mut body = BytesMut::new();
    body.put_u8(SCENE);
    body.put_u8(if screen { HAS_SCREEN } else { 0 });
    for (number, name) in faces {
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

/// A frame as a record, sent at this time, which belongs beside what is mixed so many nanoseconds later; `None` where it is too long to be one.
pub(crate) fn frame(face: u32, (sent, wait): (Duration, i64), data: &[u8]) -> Option<Bytes> {
    let mut body = BytesMut::with_capacity(FRAME_HEAD_BYTES + data.len());
    body.put_u8(FRAME);
    body.put_u32(face);
    body.put_u64(u64::try_from(sent.as_micros()).unwrap_or(u64::MAX));
    body.put_i32(i32::try_from(wait / 1000).unwrap_or(0));
    body.extend_from_slice(data);
    (body.len() <= RECORD_BYTES_MAX).then(|| framed(&body))
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
            || PipelineError::Refused("The meeting's faces have a record that is not known.".into());
        parse(body).ok_or_else(unknown)
    }
}

fn parse(mut body: Bytes) -> Option<Record> {
    match body.try_get_u8().ok()? {
        FRAME => Some(Record::Frame {
            face: body.try_get_u32().ok()?,
            sent: Duration::from_micros(body.try_get_u64().ok()?),
            wait: i64::from(body.try_get_i32().ok()?) * 1000,
            data: body,
        }),
        SCENE => {
            let screen = body.try_get_u8().ok()? & HAS_SCREEN != 0;
            let mut faces = Vec::new();
            while body.has_remaining() {
                let (number, length) = (body.try_get_u32().ok()?, usize::from(body.try_get_u8().ok()?));
                if body.remaining() < length {
                    return None;
                }
                faces.push((number, String::from_utf8(body.split_to(length).into()).ok()?));
            }
            Some(Record::Scene { screen, faces })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cutter::Cutter;

    fn read(row: &[u8]) -> Result<Vec<Record>, PipelineError> {
        let mut cutter = Cutter::new(FACES);
        cutter.push(row);
        let mut records = Vec::new();
        while let Some(record) = cutter.next()? {
            records.push(Record::parse(record)?);
        }
        Ok(records)
    }

    #[test]
    fn records_come_out_as_they_went_in() {
        let records = [
            Record::Scene {
                screen: true,
                faces: vec![(7, "Ann".into()), (u32::MAX, "山田".into()), (0, String::new())],
            },
            Record::Frame {
                face: 7,
                sent: Duration::from_micros(123_456_789),
                wait: -150_000_000,
                data: Bytes::from_static(b"not really VP8"),
            },
            Record::Scene { screen: false, faces: Vec::new() },
            Record::Frame { face: 0, sent: Duration::ZERO, wait: 1_000_000_000, data: Bytes::new() },
        ];
        let row: Vec<u8> = records
            .iter()
            .flat_map(|record| match record {
                Record::Scene { screen, faces } => {
                    scene(*screen, faces.iter().map(|(number, name)| (*number, name.as_str())))
                }
                Record::Frame { face, sent, wait, data } => frame(*face, (*sent, *wait), data).unwrap(),
            })
            .collect();
        assert_eq!(read(&row).unwrap(), records);
    }

    #[test]
    fn a_long_name_is_cut_between_two_characters() {
        let records = read(&scene(true, [(1, "é".repeat(200).as_str())])).unwrap();
        assert_eq!(records, [Record::Scene { screen: true, faces: vec![(1, "é".repeat(127))] }]);
    }

    #[test]
    fn what_is_too_long_is_neither_sent_nor_taken() {
        let of = |bytes| frame(1, (Duration::ZERO, 0), &vec![0; bytes]);
        assert!(of(RECORD_BYTES_MAX - FRAME_HEAD_BYTES).is_some());
        assert!(of(RECORD_BYTES_MAX - FRAME_HEAD_BYTES + 1).is_none());
        assert!(read(&(RECORD_BYTES_MAX as u32 + 1).to_be_bytes()).is_err());
    }

    #[test]
    fn what_is_no_record_is_refused() {
        for body in [
            &[][..],
            &[2, 0],
            &[0],
            &[1, 0, 0, 0],
            &[1, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3],
            &[0, 1, 0, 0],
            &[0, 1, 0, 0, 0, 7, 3, 65],
            &[0, 1, 0, 0, 0, 7, 1, 0xff],
        ] {
            assert!(read(&framed(body)).is_err(), "{body:?}");
        }
    }
}
