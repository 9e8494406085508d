//! A blob as bytes with positions, from whichever region has them. Nothing here knows GStreamer.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use convene_recordings::BlobName;
use convene_recordings_store::{BlobStore, MediaReader, Patience, READ_BYTES_MAX, ReadError};
use parking_lot::Mutex;

use crate::gate::{Gate, Unlocked};

/// A region is asked for so many bytes at once: demuxers read a few bytes here and there, and each request costs a round trip.
const WINDOW_BYTES: u64 = 1024 * 1024;
const _: () = assert!(WINDOW_BYTES <= READ_BYTES_MAX, "a window is one read");

/// Demuxers go back and forth between the index, the pictures and the sound.
const WINDOWS_MAX: usize = 4;

/// Which blob, and where.
#[derive(Clone)]
pub struct Source {
    /// What it is called.
    pub blob: BlobName,
    /// The regions, nearest first.
    pub stores: Vec<Arc<dyn BlobStore>>,
    /// How long a region may take before the other one is asked.
    pub patience: Patience,
}

/// Why bytes cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The streaming thread is wanted back.
    #[error("the reading was interrupted")]
    Unlocked,
    /// The regions do not give them.
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// An open blob.
pub struct Reading {
    source: Source,
    gate: Arc<Gate>,
    state: Mutex<State>,
}

struct State {
    reader: Arc<MediaReader>,
    windows: VecDeque<(u64, Bytes)>,
    /// Everything that is known of has been read, and nobody has asked since whether there is more.
    at_end: bool,
}

impl Reading {
    /// Asks the regions what they have.
    pub fn open(source: Source, gate: &Arc<Gate>) -> Result<Self, Failure> {
        let reader = open(&source, gate)?;
        let state = State { reader: Arc::new(reader), windows: VecDeque::new(), at_end: false };
        Ok(Self { source, gate: Arc::clone(gate), state: Mutex::new(state) })
    }

    /// The length. It is asked for anew when all of it was read and the blob was not finished yet: what has grown meanwhile is read, too.
    pub fn size(&self) -> u64 {
        let grown = {
            let mut state = self.state.lock();
            std::mem::take(&mut state.at_end) && !state.reader.is_whole()
        };
        if grown {
            // What a region cannot say now is no reason to fail: everything that was there has been read.
            let _ = self.look_again();
        }
        self.state.lock().reader.size()
    }

    /// The bytes from there on: as many as wanted, or as there are.
    pub fn read(&self, offset: u64, length: u64) -> Result<Bytes, Failure> {
        let mut all = BytesMut::new();
        loop {
            let at = offset + all.len() as u64;
            let left = length - all.len() as u64;
            let part = self.part(at)?;
            let part = part.slice(..part.len().min(usize::try_from(left).unwrap_or(usize::MAX)));
            if all.is_empty() && (part.len() as u64 == left || part.is_empty()) {
                self.note_end(at + part.len() as u64);
                return Ok(part);
            }
            all.extend_from_slice(&part);
            if all.len() as u64 == length || part.is_empty() {
                self.note_end(offset + all.len() as u64);
                return Ok(all.freeze());
            }
        }
    }

    fn note_end(&self, end: u64) {
        let mut state = self.state.lock();
        state.at_end = end == state.reader.size();
    }

    /// Some bytes from there on; none at the end.
    fn part(&self, at: u64) -> Result<Bytes, Failure> {
        match self.window(at) {
            // Finished since: if its bytes have not moved, nothing is lost.
            Err(Failure::Read(ReadError::Changed)) => {
                self.look_again()?;
                self.window(at)
            }
            other => other,
        }
    }

    fn window(&self, at: u64) -> Result<Bytes, Failure> {
        let start = at / WINDOW_BYTES * WINDOW_BYTES;
        let (reader, held) = {
            let state = self.state.lock();
            let held = state.windows.iter().find(|(of, _)| *of == start).map(|(_, bytes)| bytes.clone());
            (Arc::clone(&state.reader), held)
        };
        let skip = usize::try_from(at - start).unwrap_or(usize::MAX);
        if let Some(held) = held {
            return Ok(held.slice(skip.min(held.len())..));
        }
        let range = Range { start, end: reader.size().min(start + WINDOW_BYTES) };
        if range.end <= at {
            return Ok(Bytes::new());
        }
        let bytes = self.gate.wait(async move { reader.read_range(range).await })??;
        let mut state = self.state.lock();
        if state.windows.len() == WINDOWS_MAX {
            state.windows.pop_front();
        }
        state.windows.push_back((start, bytes.clone()));
        Ok(bytes.slice(skip.min(bytes.len())..))
    }

    /// Takes the blob as it is now, if that goes on from what it was.
    fn look_again(&self) -> Result<(), Failure> {
        let reader = open(&self.source, &self.gate)?;
        let mut state = self.state.lock();
        if !reader.goes_on_from(&state.reader) {
            return Err(ReadError::Changed.into());
        }
        state.reader = Arc::new(reader);
        state.windows.clear();
        Ok(())
    }
}

fn open(source: &Source, gate: &Arc<Gate>) -> Result<MediaReader, Failure> {
    let source = source.clone();
    let opened = gate
        .wait(async move { MediaReader::open_named(&source.blob, &source.stores, source.patience).await });
    Ok(opened??)
}

impl From<Unlocked> for Failure {
    fn from(_: Unlocked) -> Self {
        Self::Unlocked
    }
}
