//! The presenter's stream: bytes in, whole updates out.

use bytes::{Bytes, BytesMut};

use super::held::{Change, Held};
use crate::{HEADER_BYTES, Reader, Record, StreamError};

/// Updates are handed on in pieces of this size, so that no message of a carrier grows without bound.
const PIECE_BYTES_MAX: usize = 1024 * 1024;
/// A `Start` as this version writes it: what a fresh stream begins with.
const START: [u8; HEADER_BYTES + 6] = *b"\x01\x00\x00\x00\x06CNVS\x01\x00";

#[derive(Debug, Default)]
pub(super) struct Presenter {
    reader: Reader,
    /// The update that is on its way: bounded by what a reader lets pass between two `Update`s.
    pieces: Pieces,
    refused: bool,
    taken_bytes: u64,
}

/// A whole update of the presenter.
#[derive(Debug)]
pub(super) struct Update {
    /// Its bytes, cut between records.
    pub(super) pieces: Vec<Bytes>,
    pub(super) change: Change,
}

impl Presenter {
    pub(super) fn taken_bytes(&self) -> u64 {
        self.taken_bytes
    }

    /// What is to be read of the presenter's next bytes, in pieces that keep the reader's buffer small. Nothing while the stream is
    /// refused, unless a fresh one begins here.
    pub(super) fn accept<'a>(&mut self, bytes: &'a [u8]) -> std::slice::Chunks<'a, u8> {
        self.taken_bytes += bytes.len() as u64;
        if self.refused && bytes.starts_with(&START) {
            *self = Self { taken_bytes: self.taken_bytes, ..Self::default() };
        }
        let read = if self.refused { &[] } else { bytes };
        read.chunks(PIECE_BYTES_MAX)
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.reader.push(bytes);
    }

    /// The next whole update, which the held screen then shows. After an error the stream is refused, and the screen is as the last
    /// update left it.
    pub(super) fn next_update(&mut self, held: &mut Held) -> Result<Option<Update>, StreamError> {
        let result = self.advance(held);
        if result.is_err() {
            self.refused = true;
            self.pieces = Pieces::default();
            held.undo();
        }
        result
    }

    fn advance(&mut self, held: &mut Held) -> Result<Option<Update>, StreamError> {
        while let Some((record, bytes)) = self.reader.next_with_bytes()? {
            if record == Record::Start {
                // What came before it in this update is forgotten anyway, and a reader no longer counts it.
                self.pieces = Pieces::default();
            }
            self.pieces.add(&bytes);
            if let Some(change) = held.apply(&record, bytes)? {
                return Ok(Some(Update { pieces: std::mem::take(&mut self.pieces).finish(), change }));
            }
        }
        Ok(None)
    }
}

#[derive(Debug, Default)]
struct Pieces {
    whole: Vec<Bytes>,
    last: BytesMut,
}

impl Pieces {
    fn add(&mut self, record: &[u8]) {
        if !self.last.is_empty() && PIECE_BYTES_MAX < self.last.len() + record.len() {
            self.whole.push(self.last.split().freeze());
        }
        self.last.extend_from_slice(record);
    }

    fn finish(mut self) -> Vec<Bytes> {
        self.whole.push(self.last.freeze());
        self.whole
    }
}
