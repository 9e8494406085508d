//! What the background tells of a stream.

use convene_recordings::{BlobName, Copy, CopyState, RegionName};
use convene_recordings_store::Resumed;

use super::WriteError;

/// News from the background.
#[derive(Debug)]
pub enum Report {
    /// A region does not do what it is asked; the spool holds what it misses.
    Behind {
        /// Which.
        region: RegionName,
        /// What it said.
        reason: String,
    },
    /// A region that was behind works again.
    Back {
        /// Which.
        region: RegionName,
    },
    /// The stream ended, and this is what became of it.
    Written(Written),
    /// What an earlier run had left, and what became of it.
    Resumed(Written),
    /// It cannot go on. What came before is in the spool.
    Failed(WriteError),
}

/// A file and its copies at the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// What it is called.
    pub blob: String,
    /// The length of the whole file.
    pub bytes: u64,
    /// Whether it was ended in order; else it is what had come before it was cut off.
    pub finished: bool,
    /// What each region has.
    pub regions: Vec<RegionState>,
    /// What is wrong with the spool itself, if anything.
    pub problem: Option<String>,
}

impl Written {
    /// Whether every region has all of it.
    pub fn is_complete(&self) -> bool {
        self.problem.is_none() && self.regions.iter().all(|region| region.copy.state == CopyState::Complete)
    }
}

/// One region's copy, and why it is behind, if that is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegionState {
    pub copy: Copy,
    pub reason: Option<String>,
}

/// How far a stream is.
#[derive(Debug, Clone, Default)]
pub struct Stats {
    /// So many blocks are in the spool or beyond it.
    pub blocks: u32,
    /// And so many bytes.
    pub bytes: u64,
    /// What each region has.
    pub regions: Vec<RegionState>,
}

impl From<Resumed> for Written {
    fn from(resumed: Resumed) -> Self {
        Self {
            blob: resumed.blob,
            bytes: resumed.bytes,
            finished: resumed.finished,
            regions: states(resumed.copies, resumed.troubles),
            problem: resumed.problem.map(|problem| problem.to_string()),
        }
    }
}

/// A stream without a byte: there is no file.
pub(super) fn nothing(blob: &BlobName) -> Written {
    Written { blob: blob.to_string(), bytes: 0, finished: false, regions: Vec::new(), problem: None }
}

/// Brings copies and reasons together; both are in the order of the regions.
pub(super) fn states(copies: Vec<Copy>, reasons: Vec<Option<String>>) -> Vec<RegionState> {
    copies.into_iter().zip(reasons).map(|(copy, reason)| RegionState { copy, reason }).collect()
}
