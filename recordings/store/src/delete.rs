//! Deleting a recording in all regions.

use std::sync::Arc;

use convene_recordings::{RecordingId, RegionName};

use crate::{BlobStore, StoreError, blob_name};

/// Deletes the recording in every region, all at once, and says for each whether nothing is left there. It may be
/// called as often as needed; a region that is away is asked again later. Discard the recording's spool first
/// ([`discard`](crate::discard)), or the next [`resume`](crate::resume) brings the recording back.
pub async fn delete_everywhere(
    id: RecordingId,
    regions: &[Arc<dyn BlobStore>],
) -> Vec<(RegionName, Result<(), StoreError>)> {
    let _ = (blob_name(id), regions);
    todo!()
}
