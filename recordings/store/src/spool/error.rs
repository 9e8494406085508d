//! What the spool says when it cannot take or give something.

use std::io;
use std::path::{Path, PathBuf};

use convene_recordings::{BLOCK_BYTES_MAX, BlockError, RecordingId};

use crate::disk;

/// Why a block could not be put, or a recording not be taken up again. Nothing that was put before is lost.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SpoolError {
    /// The disk has no room.
    #[error("the disk is full: {} could not be written; what was recorded before is safe, free some room", path.display())]
    DiskFull {
        /// The file.
        path: PathBuf,
    },
    /// The recording has as much in the spool as it may.
    #[error(
        "the spool is full: {held} of {max} bytes in {} wait for regions that are behind; what was recorded before is safe",
        path.display()
    )]
    Limit {
        /// The recording's folder.
        path: PathBuf,
        /// What it holds.
        held: u64,
        /// What it may hold.
        max: u64,
    },
    /// A block that is not the next one.
    #[error("block {number} was put where block {expected} comes next")]
    OutOfOrder {
        /// What was put.
        number: u32,
        /// What comes next.
        expected: u32,
    },
    /// Block 0 was put again before it was put, or twice.
    #[error("block 0 can be put again once, after block 0")]
    NoFirst,
    /// An empty block, or one that is too large.
    #[error("a block has 1 to {BLOCK_BYTES_MAX} bytes, this one has {bytes}")]
    Size {
        /// Its length.
        bytes: usize,
    },
    /// A block past what a file can have.
    #[error(transparent)]
    Block(BlockError),
    /// The recording is in the spool already.
    #[error("the spool has it already, in {}: another run writes it just now, or has left it to be finished", path.display())]
    Exists {
        /// Its folder.
        path: PathBuf,
    },
    /// Another process, or another part of this one, has it.
    #[error("the recording {id} is being recorded or finished just now")]
    Busy {
        /// Which.
        id: RecordingId,
    },
    /// Another process empties this spool.
    #[error(
        "the spool {} belongs to {}; it finishes what lies there by itself, or stop it first",
        path.display(),
        process.map_or("another process".to_owned(), |process| format!("the process {process}"))
    )]
    Owned {
        /// The spool.
        path: PathBuf,
        /// The number of that process, as far as it is known.
        process: Option<u32>,
    },
    /// A file in the spool is not as we wrote it.
    #[error("{} is damaged: {reason}; it is left as it is", path.display())]
    Broken {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The operating system refuses.
    #[error("the spool cannot be used: {}: {error}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
}

impl SpoolError {
    pub(crate) fn io(path: &Path, error: io::Error) -> Self {
        let path = path.to_owned();
        if disk::is_full(&error) { Self::DiskFull { path } } else { Self::Io { path, error } }
    }
}
