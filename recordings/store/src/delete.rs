//! Deleting a recording in all regions.

use std::sync::Arc;

use convene_recordings::{RecordingId, RegionName};
use tokio::task::JoinSet;

use crate::upload::within;
use crate::{BlobStore, Patience, StoreError, blob_name};

/// Deletes the recording in every region, all at once, and says for each whether nothing is left there. It may be
/// called as often as needed; a region that is away is asked again later. Discard the recording's spool first
/// ([`discard`](crate::discard)), or the next [`resume`](crate::resume) brings the recording back.
pub async fn delete_everywhere(
    id: RecordingId,
    regions: &[Arc<dyn BlobStore>],
) -> Vec<(RegionName, Result<(), StoreError>)> {
    delete_with(id, regions, Patience::UPLOADING).await
}

/// The same with a patience of your own.
pub async fn delete_with(
    id: RecordingId,
    regions: &[Arc<dyn BlobStore>],
    patience: Patience,
) -> Vec<(RegionName, Result<(), StoreError>)> {
    let mut tasks = JoinSet::new();
    for (at, store) in regions.iter().enumerate() {
        let store = Arc::clone(store);
        tasks.spawn(async move {
            let done = within(patience.of(0), store.region(), delete(store.as_ref(), id)).await;
            (at, store.region().clone(), done)
        });
    }
    let mut done = tasks.join_all().await;
    done.sort_unstable_by_key(|(at, ..)| *at);
    done.into_iter().map(|(_, region, result)| (region, result)).collect()
}

/// The store has looked already; this asks it the way a reader would.
async fn delete(store: &dyn BlobStore, id: RecordingId) -> Result<(), StoreError> {
    let blob = blob_name(id);
    store.delete(&blob).await?;
    let left = store.block_list(&blob).await?.len();
    match (left, store.size(&blob).await?) {
        (0, None) => Ok(()),
        (_, size) => Err(StoreError::Refused {
            region: store.region().clone(),
            reason: format!(
                "{blob} was deleted, but {left} blocks, {} bytes, are still there",
                size.unwrap_or(0)
            ),
        }),
    }
}
