//! Reading a recording from whichever region has it.

use std::{ops::Range, sync::Arc};

use bytes::Bytes;
use convene_recordings::RecordingId;

use crate::{BlobStore, StoreError};

/// One read brings at most so many bytes, so that a whole recording is never in memory.
pub const READ_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// Reads one recording as it was when the reader was opened.
pub struct MediaReader {
    _regions: Vec<Arc<dyn BlobStore>>,
}

impl MediaReader {
    /// Asks the regions (nearest first) what they have and settles for the one that has most.
    ///
    /// # Errors
    /// When no region has it, or none can say.
    pub async fn open(id: RecordingId, regions: &[Arc<dyn BlobStore>]) -> Result<Self, ReadError> {
        let _ = (id, regions);
        todo!()
    }

    /// The length of the recording; it does not grow while this reader is open.
    #[must_use]
    pub fn size(&self) -> u64 {
        todo!()
    }

    /// Changes whenever the bytes do; the same in all regions that have the same bytes. Without quotes.
    #[must_use]
    pub fn etag(&self) -> &str {
        todo!()
    }

    /// The bytes of this range, or as many of its first ones as one read brings ([`READ_BYTES_MAX`]); never none unless the range is empty. When a region fails, the next one that has the
    /// same bytes answers.
    ///
    /// # Errors
    /// When the range is past the end, or no region can answer.
    pub async fn read_range(&self, range: Range<u64>) -> Result<Bytes, ReadError> {
        let _ = range;
        todo!()
    }
}

/// Why a recording cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// Every region answered, and none has it.
    #[error("no region has the recording {id}")]
    NotFound {
        /// Which.
        id: RecordingId,
    },
    /// A range past the end.
    #[error("the recording has {size} bytes; {start} to {end} are not all among them")]
    OutOfRange {
        /// Where the range begins.
        start: u64,
        /// Where the range ends.
        end: u64,
        /// How long the recording is.
        size: u64,
    },
    /// No region can answer.
    #[error("the recording cannot be read just now: {last}")]
    NoRegion {
        /// What the last region said.
        last: StoreError,
    },
}
