//! The one narrow trait that every store is behind.

use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use convene_recordings::{BlobName, BlockId, BlockInfo, RecordingId, RegionName, StoreConfig};

use crate::{AzureStore, FolderStore, MemoryStore};

/// One region. What each call means is held by one suite of tests for all stores; [`MemoryStore`] is the definition.
///
/// A blob is a list of blocks. A block that was put is not part of the blob before a commit names it, and may be lost
/// until then: if the store restarts, or if a commit leaves it out. No call waits forever, but callers bound the time
/// themselves; a call that was given up may still take effect.
#[async_trait]
pub trait BlobStore: Send + Sync {
    /// Which region this is.
    fn region(&self) -> &RegionName;

    /// Whether the region can be reached and written to, for those who want to know before they need it.
    async fn check(&self) -> Result<(), StoreError>;

    /// Puts a block beside the blob. The same id again replaces what was put before.
    async fn put_block(&self, blob: &str, id: &BlockId, bytes: Bytes) -> Result<(), StoreError>;

    /// Makes the blob exactly these blocks, in one step: a reader sees the former blob or the new one. Of a block that
    /// was put again since the last commit, the newer one is taken. Blocks that were put and are not named are dropped.
    async fn commit(&self, blob: &str, ids: &[BlockId]) -> Result<(), StoreError>;

    /// The blocks of the blob in their order, then the ones that are put and not committed. Empty when there is nothing.
    async fn block_list(&self, blob: &str) -> Result<Vec<BlockInfo>, StoreError>;

    /// Exactly these bytes of the blob as it was last committed.
    async fn read_range(&self, blob: &str, range: Range<u64>) -> Result<Bytes, StoreError>;

    /// The length of the blob as it was last committed; `None` when there is none.
    async fn size(&self, blob: &str) -> Result<Option<u64>, StoreError>;

    /// Deletes the blob and what was put beside it, and looks that it is gone. Deleting what is not there is no error.
    async fn delete(&self, blob: &str) -> Result<(), StoreError>;
}

/// What a recording's file is called in every region.
#[must_use]
pub fn blob_name(id: RecordingId) -> String {
    id.blob_name()
}

/// The store of this configuration. Nothing is asked of the region yet; see [`BlobStore::check`].
///
/// # Errors
/// When the configuration cannot be used: a key that is missing or no key, an endpoint that is no address.
pub fn open(config: &StoreConfig) -> Result<Arc<dyn BlobStore>, StoreError> {
    Ok(match config {
        StoreConfig::Memory(memory) => Arc::new(MemoryStore::new(memory.region.clone())),
        StoreConfig::Folder(folder) => Arc::new(FolderStore::new(folder.region.clone(), folder.path.clone())),
        StoreConfig::Azure(azure) => Arc::new(AzureStore::new(azure)?),
    })
}

/// What a store says when it does not do what it was asked. All of them name the region.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// It cannot be reached, or does not work just now.
    #[error("region {region} is away: {reason}")]
    Away {
        /// Where.
        region: RegionName,
        /// What was seen.
        reason: String,
    },
    /// It did not answer in time.
    #[error("region {region} did not answer within {seconds} s")]
    Slow {
        /// Where.
        region: RegionName,
        /// How long it was given.
        seconds: u64,
    },
    /// It can be reached, and does not want to.
    #[error("region {region} refused: {reason}")]
    Refused {
        /// Where.
        region: RegionName,
        /// What it said.
        reason: String,
    },
    /// It has no room left.
    #[error("region {region} is full: {reason}; free some room there")]
    Full {
        /// Where.
        region: RegionName,
        /// What it said.
        reason: String,
    },
    /// There is no such blob.
    #[error("region {region} has no {blob}")]
    NoBlob {
        /// Where.
        region: RegionName,
        /// What was asked for.
        blob: String,
    },
    /// A commit names a block that is not there.
    #[error("region {region} does not have a block that {blob} is to be made of")]
    NoBlock {
        /// Where.
        region: RegionName,
        /// Which blob.
        blob: String,
    },
    /// A range past the end.
    #[error("region {region} has {size} bytes of {blob}; {start} to {end} are not all among them")]
    OutOfRange {
        /// Where.
        region: RegionName,
        /// Which blob.
        blob: String,
        /// Where the range begins.
        start: u64,
        /// Where the range ends.
        end: u64,
        /// How long the blob is.
        size: u64,
    },
    /// A block, a list or an answer that is not as ours are.
    #[error("region {region} holds something that is not ours: {reason}")]
    NotOurs {
        /// Where.
        region: RegionName,
        /// What was seen.
        reason: String,
    },
    /// A blob's name that is not allowed.
    #[error(
        "{blob:?} cannot be the name of a file: 1 to 200 letters, digits, dashes, underscores and dots, no dot first"
    )]
    BadName {
        /// The name, cut at 64 characters.
        blob: String,
    },
    /// A configuration that cannot be used.
    #[error("region {region} cannot be used: {reason}")]
    BadConfig {
        /// Which region.
        region: RegionName,
        /// What to change.
        reason: String,
    },
}

/// Refuses names that could leave a folder or that a store would spell in another way.
pub(crate) fn check_name(blob: &str) -> Result<(), StoreError> {
    let bad = |_| StoreError::BadName { blob: blob.chars().take(64).collect() };
    BlobName::new(blob).map(drop).map_err(bad)
}
