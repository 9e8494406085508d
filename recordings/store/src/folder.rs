//! A folder as a region.
//!
//! `ROOT/BLOB` is the committed blob, a plain file that any player plays. Beside it, `ROOT/.blocks/BLOB/` has the list
//! of its blocks and the blocks that are put and not committed.

mod files;
mod list;

use std::io;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use convene_recordings::{BlockId, BlockInfo, RegionName};
use parking_lot::Mutex;

use self::files::{BlobFiles, Trouble};
use crate::store::check_name;
use crate::{BlobStore, StoreError, disk};

/// A folder as a region. Other processes may read the same folder, and write other blobs in it; one blob has one
/// writer at a time, which the spool's lock sees to.
#[derive(Debug)]
pub struct FolderStore {
    region: RegionName,
    root: PathBuf,
    /// Held while something is written, so that a call that was given up is over before the next one begins.
    writing: Arc<Mutex<()>>,
}

impl FolderStore {
    /// The folder as a region; it is made with the first block.
    #[must_use]
    pub fn new(region: RegionName, root: PathBuf) -> Self {
        Self { region, root, writing: Arc::default() }
    }

    async fn read<T: Send + 'static>(
        &self,
        blob: &str,
        work: impl FnOnce(&BlobFiles) -> Result<T, Trouble> + Send + 'static,
    ) -> Result<T, StoreError> {
        check_name(blob)?;
        let files = BlobFiles::new(&self.root, blob);
        let done = tokio::task::spawn_blocking(move || work(&files)).await;
        done.unwrap_or_else(|error| Err(Trouble::Io(io::Error::other(error))))
            .map_err(|trouble| self.error(blob, trouble))
    }

    async fn write<T: Send + 'static>(
        &self,
        blob: &str,
        work: impl FnOnce(&BlobFiles) -> Result<T, Trouble> + Send + 'static,
    ) -> Result<T, StoreError> {
        let writing = Arc::clone(&self.writing);
        self.read(blob, move |files| {
            let _writing = writing.lock();
            work(files)
        })
        .await
    }

    fn error(&self, blob: &str, trouble: Trouble) -> StoreError {
        let region = self.region.clone();
        let blob = blob.to_owned();
        match trouble {
            Trouble::NoBlob => StoreError::NoBlob { region, blob },
            Trouble::NoBlock => StoreError::NoBlock { region, blob },
            Trouble::OutOfRange { start, end, size } => {
                StoreError::OutOfRange { region, blob, start, end, size }
            }
            Trouble::NotOurs(reason) => StoreError::NotOurs { region, reason },
            Trouble::Io(error) => {
                let reason = format!("{}: {error}", self.root.display());
                match error.kind() {
                    _ if disk::is_full(&error) => StoreError::Full { region, reason },
                    io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                        StoreError::Refused { region, reason }
                    }
                    _ => StoreError::Away { region, reason },
                }
            }
        }
    }
}

#[async_trait]
impl BlobStore for FolderStore {
    fn region(&self) -> &RegionName {
        &self.region
    }

    async fn check(&self) -> Result<(), StoreError> {
        self.write("check", BlobFiles::probe).await
    }

    async fn put_block(&self, blob: &str, id: &BlockId, bytes: Bytes) -> Result<(), StoreError> {
        let id = *id;
        self.write(blob, move |files| files.put(id, &bytes)).await
    }

    async fn commit(&self, blob: &str, ids: &[BlockId]) -> Result<(), StoreError> {
        let ids = ids.to_vec();
        self.write(blob, move |files| files.commit(&ids)).await
    }

    async fn block_list(&self, blob: &str) -> Result<Vec<BlockInfo>, StoreError> {
        self.read(blob, BlobFiles::blocks).await
    }

    async fn read_range(&self, blob: &str, range: Range<u64>) -> Result<Bytes, StoreError> {
        self.read(blob, move |files| files.read(range)).await
    }

    async fn size(&self, blob: &str) -> Result<Option<u64>, StoreError> {
        self.read(blob, BlobFiles::size).await
    }

    async fn delete(&self, blob: &str) -> Result<(), StoreError> {
        self.write(blob, BlobFiles::delete).await
    }
}

#[cfg(test)]
mod tests;
