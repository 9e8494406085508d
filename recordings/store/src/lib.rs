#![doc = include_str!("../README.md")]
//! The stores behind one trait, and what is built on them; see the modules.

mod azure;
mod clock;
mod delete;
mod disk;
mod examine;
mod folder;
mod memory;
mod reader;
mod repair;
mod resume;
mod spool;
mod store;
mod upload;
mod verify;
mod writer;

pub use azure::AzureStore;
pub use convene_recordings::{AzureConfig, FolderConfig, MemoryConfig, StoreConfig};
pub use delete::{delete_everywhere, delete_with};
pub use examine::{Difference, Examination, Finding, examine};
pub use folder::FolderStore;
pub use memory::{MemoryStore, Weather};
pub use reader::{MediaReader, READ_BYTES_MAX, ReadError};
pub use repair::RepairError;
pub use resume::{Resumed, discard, is_busy, resume, resume_with, waiting};
pub use spool::{SPOOL_BYTES_MAX, SpoolError, SpoolOwner, Waiting};
pub use store::{BlobStore, StoreError, blob_name, open};
pub use upload::Patience;
pub use writer::{RecordingWriter, WriterOptions, WriterProgress};
