//! A screen stream in pieces of any size, cut into messages of whole records.

use bytes::{Bytes, BytesMut};
use convene_screen::{Reader, Record, StreamError};

/// A message is sent when it has this many bytes: small enough that several are under way at once, and that a record of the largest size
/// still fits behind it.
const PIECE_BYTES: usize = 256 * 1024;

/// Takes bytes, gives messages.
#[derive(Debug, Default)]
pub struct Pieces {
    reader: Reader,
    begun: bool,
}

impl Pieces {
    /// Some bytes of the stream have been taken in.
    pub fn has_begun(&self) -> bool {
        self.begun
    }

    /// Takes the stream's next bytes and gives all whole records so far, as messages.
    pub fn cut(&mut self, bytes: &[u8]) -> Result<Vec<Bytes>, StreamError> {
        self.begun = true;
        self.reader.push(bytes);

        let mut pieces = Vec::new();
        let mut piece = BytesMut::new();
        while let Some(record) = self.reader.next_record()? {
            record.write(&mut piece);
            if PIECE_BYTES <= piece.len() || matches!(record, Record::Update { .. }) {
                pieces.push(piece.split().freeze());
            }
        }
        if !piece.is_empty() {
            pieces.push(piece.freeze());
        }
        Ok(pieces)
    }

    /// At the stream's end: an error if it ends inside a record.
    pub fn finish(&self) -> Result<(), StreamError> {
        self.reader.finish()
    }
}

#[cfg(test)]
mod tests {
    use convene_screen::{Colour, Picture, RECORD_BODY_BYTES_MAX, Rect, ScreenSize};

    use super::*;
    use convene_meeting_line::MESSAGE_BYTES_MAX;

    fn stream_of(pictures: usize, picture_bytes: usize) -> Vec<u8> {
        let rect = Rect::new(0, 0, 8, 8);
        let mut out = BytesMut::new();
        Record::Start.write(&mut out);
        Record::Size(ScreenSize::new(8, 8).expect("a small screen")).write(&mut out);
        for _ in 0..pictures {
            Record::Picture { rect, picture: Picture::WebP(vec![7; picture_bytes].into()) }.write(&mut out);
        }
        Record::Fill { rect, colour: Colour::default() }.write(&mut out);
        Record::Update { time_us: 1 }.write(&mut out);
        out.to_vec()
    }

    #[test]
    fn messages_hold_whole_records_whatever_the_input_looks_like() {
        let stream = stream_of(3, 100_000);
        for step in [1, 7, 4096, stream.len()] {
            let mut pieces = Pieces::default();
            let mut sent = Vec::new();
            for bytes in stream.chunks(step) {
                for piece in pieces.cut(bytes).expect("a good stream") {
                    assert!(piece.len() <= MESSAGE_BYTES_MAX);
                    let mut reader = Reader::new();
                    reader.push(&sent);
                    reader.push(&piece);
                    while reader.next_record().expect("a good stream").is_some() {}
                    assert_eq!(reader.finish(), Ok(()), "a message ends inside a record");
                    sent.extend_from_slice(&piece);
                }
            }
            assert_eq!(sent, stream);
            assert_eq!(pieces.finish(), Ok(()));
        }
    }

    #[test]
    fn the_largest_records_fit_into_messages() {
        // The body has the rectangle's eight bytes, too.
        let stream = stream_of(4, RECORD_BODY_BYTES_MAX - 8);
        let pieces = Pieces::default().cut(&stream).expect("a good stream");
        assert!(pieces.iter().all(|piece| piece.len() <= MESSAGE_BYTES_MAX));
        assert_eq!(pieces.concat(), stream);
    }

    #[test]
    fn the_end_inside_a_record_is_noticed() {
        let stream = stream_of(1, 1000);
        let mut pieces = Pieces::default();
        pieces.cut(&stream[..stream.len() - 3]).expect("a good stream so far");
        assert_eq!(pieces.finish(), Err(StreamError::Truncated { missing: 3 }));
    }
}
