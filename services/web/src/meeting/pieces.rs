//! Cuts a piece of the screen stream into messages, so that a chat line never waits behind a megabyte.

use bytes::Bytes;
use convene_screen::HEADER_BYTES;

/// A message is closed as soon as it has so many bytes; a single larger record is a message of its own.
const MESSAGE_BYTES: usize = 64 * 1024;

/// Messages of whole records. Bytes that are no whole record at the end go along with the last message.
pub(crate) fn messages(mut piece: Bytes) -> impl Iterator<Item = Bytes> {
    std::iter::from_fn(move || {
        let mut length = 0;
        while length < piece.len() && length < MESSAGE_BYTES {
            match record_bytes(&piece[length..]) {
                Some(record) if length == 0 || length + record <= MESSAGE_BYTES => length += record,
                Some(_) => break,
                None => length = piece.len(),
            }
        }
        (0 < length).then(|| piece.split_to(length))
    })
}

/// The whole length of the record that begins here; `None` when it is not all here.
fn record_bytes(bytes: &[u8]) -> Option<usize> {
    let [_, b0, b1, b2, b3] = *bytes.first_chunk::<HEADER_BYTES>()?;
    let body = usize::try_from(u32::from_be_bytes([b0, b1, b2, b3])).ok()?;
    body.checked_add(HEADER_BYTES).filter(|length| *length <= bytes.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A record of so many bytes in all.
    fn record(kind: u8, bytes: usize) -> Vec<u8> {
        let body = bytes - HEADER_BYTES;
        let mut record = vec![kind; bytes];
        record[1..HEADER_BYTES].copy_from_slice(&(body as u32).to_be_bytes());
        record
    }

    fn lengths(piece: &[u8]) -> Vec<usize> {
        let cut: Vec<_> = messages(Bytes::copy_from_slice(piece)).collect();
        assert_eq!(cut.concat(), piece, "nothing is lost");
        cut.iter().map(Bytes::len).collect()
    }

    #[test]
    fn a_small_piece_is_one_message() {
        assert_eq!(lengths(&[record(3, 16), record(9, 13)].concat()), [29]);
        assert_eq!(lengths(&[]), [0; 0]);
    }

    #[test]
    fn a_large_piece_is_cut_between_records() {
        let piece = [record(5, 40_000), record(5, 30_000), record(5, 200_000), record(9, 13)].concat();
        assert_eq!(lengths(&piece), [40_000, 30_000, 200_000, 13]);
        assert_eq!(lengths(&[record(5, 65_536), record(9, 13)].concat()), [65_536, 13]);
        assert_eq!(lengths(&[record(5, 65_523), record(9, 13)].concat()), [65_536]);
    }

    #[test]
    fn what_is_no_whole_record_goes_along() {
        assert_eq!(lengths(&[record(5, 100), vec![9, 0, 0]].concat()), [103]);
        assert_eq!(lengths(&[9, 255, 255, 255, 255, 1]), [6]);
    }
}
