//! Finishing what the spool still holds.

use std::{path::Path, sync::Arc};

use convene_recordings::{Copy, RecordingId};

use crate::{BlobStore, SpoolError};

/// What became of one recording in the spool.
#[derive(Debug)]
pub struct Resumed {
    /// Which.
    pub id: RecordingId,
    /// Whether it had been finished in order; a recording that was cut off has no duration or index in it, but plays.
    pub finished: bool,
    /// The length of the whole file, as far as the spool had it. 0 when nothing was recorded.
    pub bytes: u64,
    /// The copies by now. A region that is still behind keeps the recording in the spool.
    pub copies: Vec<Copy>,
    /// What went wrong with the spool itself, if anything.
    pub problem: Option<SpoolError>,
}

/// Brings what the spool still holds to the regions: at the service's start, and now and then.
pub async fn resume(spool: &Path, regions: &[Arc<dyn BlobStore>]) -> Vec<Resumed> {
    let _ = (spool, regions);
    todo!()
}

/// Takes a recording out of the spool for good, because it is to be deleted.
///
/// # Errors
/// When it is being recorded or resumed just now, or its files cannot be removed.
pub async fn discard(spool: &Path, id: RecordingId) -> Result<(), SpoolError> {
    let _ = (spool, id);
    todo!()
}
