//! A folder as a region.
use std::{ops::Range, path::PathBuf};

use async_trait::async_trait;
use bytes::Bytes;
use convene_recordings::{BlockId, BlockInfo, RegionName};

use crate::{BlobStore, StoreError};

/// A folder as a region.
#[derive(Debug)]
pub struct FolderStore {
    region: RegionName,
    root: PathBuf,
}
impl FolderStore {
    /// The folder as a region; made with the first block.
    #[must_use]
    pub fn new(region: RegionName, root: PathBuf) -> Self {
        Self { region, root }
    }
}
#[async_trait]
impl BlobStore for FolderStore {
    fn region(&self) -> &RegionName {
        &self.region
    }
    async fn check(&self) -> Result<(), StoreError> {
        todo!("{:?}", self.root)
    }
    async fn put_block(&self, _blob: &str, _id: &BlockId, _bytes: Bytes) -> Result<(), StoreError> {
        todo!()
    }
    async fn commit(&self, _blob: &str, _ids: &[BlockId]) -> Result<(), StoreError> {
        todo!()
    }
    async fn block_list(&self, _blob: &str) -> Result<Vec<BlockInfo>, StoreError> {
        todo!()
    }
    async fn read_range(&self, _blob: &str, _range: Range<u64>) -> Result<Bytes, StoreError> {
        todo!()
    }
    async fn size(&self, _blob: &str) -> Result<Option<u64>, StoreError> {
        todo!()
    }
    async fn delete(&self, _blob: &str) -> Result<(), StoreError> {
        todo!()
    }
}
