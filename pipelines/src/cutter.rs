//! Records that come in pieces which are cut anywhere, each behind its length, made whole again.

use bytes::{Buf, Bytes, BytesMut};

use crate::PipelineError;

/// What the records are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Form {
    /// Whose they are: "The meeting's …".
    pub(crate) name: &'static str,
    /// The length before each is a big-endian number of so many bytes.
    pub(crate) length_bytes: usize,
    /// The longest.
    pub(crate) bytes_max: usize,
}

/// One connection's records.
#[derive(Debug)]
pub(crate) struct Cutter {
    form: Form,
    pending: BytesMut,
}

impl Cutter {
    /// Before anything has come.
    pub(crate) fn new(form: Form) -> Self {
        Self { form, pending: BytesMut::new() }
    }

    /// Takes a piece; `next` gives what is whole.
    pub(crate) fn push(&mut self, piece: &[u8]) {
        self.pending.extend_from_slice(piece);
    }

    /// The next record; `None` until more comes. After an error nothing more can be read.
    pub(crate) fn next(&mut self) -> Result<Option<Bytes>, PipelineError> {
        let Form { name, length_bytes, bytes_max } = self.form;
        let Some(mut head) = self.pending.get(..length_bytes) else { return Ok(None) };
        let length = head.get_uint(length_bytes) as usize;
        if bytes_max < length {
            let sentence =
                format!("The meeting's {name} have a record of {length} bytes; {bytes_max} are allowed.");
            return Err(PipelineError::Refused(sentence));
        }
        if self.pending.len() < length_bytes + length {
            return Ok(None);
        }
        self.pending.advance(length_bytes);
        Ok(Some(self.pending.split_to(length).freeze()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORM: Form = Form { name: "voices", length_bytes: 2, bytes_max: 700 };

    fn framed(records: &[&[u8]]) -> Vec<u8> {
        let frame = |record: &&[u8]| [&(record.len() as u16).to_be_bytes()[..], record].concat();
        records.iter().flat_map(frame).collect()
    }

    fn cut(pieces: &[&[u8]]) -> Vec<Bytes> {
        let mut cutter = Cutter::new(FORM);
        let mut records = Vec::new();
        for piece in pieces {
            cutter.push(piece);
            while let Some(record) = cutter.next().unwrap() {
                records.push(record);
            }
        }
        records
    }

    #[test]
    fn records_come_out_as_they_went_in_however_they_are_cut() {
        let records = [&[1u8, 2, 3][..], &[], &[7; FORM.bytes_max]];
        let row = framed(&records);
        for at in 0..=row.len() {
            assert_eq!(cut(&[&row[..at], &row[at..]]), records, "cut at {at}");
        }
        let bytes: Vec<&[u8]> = row.chunks(1).collect();
        assert_eq!(cut(&bytes), records);
    }

    #[test]
    fn half_a_record_is_none() {
        let whole = framed(&[&[1, 2, 3]]);
        for length in 0..whole.len() {
            assert!(cut(&[&whole[..length]]).is_empty(), "{length}");
        }
    }

    #[test]
    fn one_that_is_too_long_is_refused_by_its_length_alone() {
        let mut cutter = Cutter::new(FORM);
        cutter.push(&701_u16.to_be_bytes());
        let sentence = cutter.next().unwrap_err().to_string();
        assert!(
            sentence.contains("The meeting's voices have a record of 701 bytes; 700 are allowed."),
            "{sentence}"
        );
    }
}
