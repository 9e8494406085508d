//! The spool.

/// A recording that waits for its regions takes at most so much of the local disk, unless told otherwise.
pub const SPOOL_BYTES_MAX: u64 = 16 * 1024 * 1024 * 1024;

/// What the spool says.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SpoolError {}
