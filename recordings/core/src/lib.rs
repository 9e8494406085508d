#![doc = include_str!("../README.md")]
//! The types of recordings and the plan of one region; see the modules.

mod backoff;
mod block;
mod config;
mod digest;
mod link;
mod names;
mod plan;
mod recorder;
mod recording;
mod secret;

pub use backoff::{BACKOFF_MAX, BACKOFF_MIN, backoff};
pub use block::{BLOCK_BYTES_MAX, BLOCKS_MAX, Block, BlockError, BlockId, BlockInfo};
pub use config::{AzureConfig, ConfigError, FolderConfig, MemoryConfig, StoreConfig};
pub use digest::{Digest, DigestError};
pub use link::{LINK_KEY_BYTES, Link, LinkError, LinkKey};
pub use names::{BLOB_NAME_BYTES_MAX, BlobName, NameError, REGION_NAME_BYTES_MAX, RecordingId, RegionName};
pub use plan::{COMMIT_BLOCKS_MIN, Input, Order, RegionPlan, WRONG_MAX, commit_interval};
pub use recorder::{
    Lufs, LufsError, RecorderEvent, RecorderJob, RecorderOrder, RecordingLayout, RegionReport,
};
pub use recording::{Copy, CopyState, Recording, RecordingState};
pub use secret::Secret;
