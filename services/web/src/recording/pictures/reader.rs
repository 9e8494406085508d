//! A recording in its regions as a file that is read from one place to the next.

use std::io::{self, Read, Seek, SeekFrom};

use bytes::Bytes;
use convene_recordings_store::MediaReader;
use tokio::runtime::Handle;

/// So much is read at once: a key frame, mostly.
const PIECE_BYTES: u64 = 256 * 1024;

/// Reads where blocking is allowed.
pub(super) struct BlockingReader {
    reader: MediaReader,
    runtime: Handle,
    at: u64,
    /// What was read last, and where it begins.
    piece: (u64, Bytes),
}

impl BlockingReader {
    pub(super) fn new(reader: MediaReader, runtime: Handle) -> Self {
        Self { reader, runtime, at: 0, piece: (0, Bytes::new()) }
    }

    /// What there is from here on.
    fn rest(&mut self) -> io::Result<&[u8]> {
        let size = self.reader.size();
        let (start, piece) = &self.piece;
        let is_there = (*start..*start + piece.len() as u64).contains(&self.at);
        if !is_there && self.at < size {
            let range = self.at..size.min(self.at + PIECE_BYTES);
            let piece = self.runtime.block_on(self.reader.read_range(range)).map_err(io::Error::other)?;
            self.piece = (self.at, piece);
        }
        let (start, piece) = &self.piece;
        let from = self.at.checked_sub(*start).and_then(|from| usize::try_from(from).ok());
        Ok(from.and_then(|from| piece.get(from..)).unwrap_or_default())
    }
}

impl Read for BlockingReader {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.rest()?.read(into)?;
        self.at += count as u64;
        Ok(count)
    }
}

impl Seek for BlockingReader {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
            SeekFrom::End(by) => self.reader.size().checked_add_signed(by),
        };
        self.at = at.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}
