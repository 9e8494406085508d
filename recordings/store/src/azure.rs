//! Azure Blob Storage as a region.
use std::ops::Range;

use async_trait::async_trait;
use bytes::Bytes;
use convene_recordings::{BlockId, BlockInfo, RegionName, AzureConfig};

use crate::{BlobStore, StoreError};

/// Azure Blob Storage as a region.
#[derive(Debug)]
pub struct AzureStore {
    region: RegionName,
}
impl AzureStore {
    /// The store of this configuration.
    ///
    /// # Errors
    /// When the key is missing or no key, or the endpoint is no address.
    pub fn new(config: &AzureConfig) -> Result<Self, StoreError> {
        Ok(Self { region: config.region.clone() })
    }
}
#[async_trait]
impl BlobStore for AzureStore {
    fn region(&self) -> &RegionName {
        &self.region
    }
    async fn check(&self) -> Result<(), StoreError> {
        todo!("{:?}", self.region)
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
