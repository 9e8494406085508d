//! Writing a recording.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use convene_recordings::{Copy, RecordingId};

use crate::{BlobStore, Patience, SpoolError};

/// What can be set about a [`RecordingWriter`].
#[derive(Debug, Clone, Copy)]
pub struct WriterOptions {
    /// How much of the local disk the recording may take while regions are behind.
    pub spool_bytes_max: u64,
    /// How long a region may take.
    pub patience: Patience,
}

/// Writes one recording to all regions at once, through the spool.
pub struct RecordingWriter {}

impl RecordingWriter {
    /// Begins a recording with the usual limits.
    ///
    /// # Errors
    /// When the spool cannot be written or the recording is in it already.
    pub async fn create(spool: &Path, id: RecordingId, regions: Vec<Arc<dyn BlobStore>>) -> Result<Self, SpoolError> {
        let _ = (spool, id, regions);
        todo!()
    }

    /// Puts the next block. It is on the disk when this returns; the regions follow in their own time.
    ///
    /// # Errors
    /// When the disk or the spool's limit is full, or the number is not the next one. Nothing that was put before is
    /// lost, and the same block can be put again.
    pub async fn put(&mut self, number: u32, bytes: Bytes) -> Result<(), SpoolError> {
        let _ = (number, bytes);
        todo!()
    }

    /// The copies by now.
    #[must_use]
    pub fn copies(&self) -> Vec<Copy> {
        todo!()
    }

    /// Ends the recording: block 0 comes again, with duration and index. Waits for the regions, at most for
    /// `patience`; what they do not have then stays in the spool, for [`resume`](crate::resume).
    ///
    /// # Errors
    /// When the last block cannot be written to the spool; the recording can still be resumed without it.
    pub async fn finish(self, first: Bytes, patience: Duration) -> Result<Vec<Copy>, SpoolError> {
        let _ = (first, patience);
        todo!()
    }

    /// Ends the recording without putting block 0 again, when whoever made the blocks has failed.
    ///
    /// # Errors
    /// When the spool cannot be written.
    pub async fn stop(self, patience: Duration) -> Result<Vec<Copy>, SpoolError> {
        let _ = patience;
        todo!()
    }
}
