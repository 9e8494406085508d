//! What the regions hold of a recording that has ended, and which of them has it right.

use std::fmt;
use std::sync::Arc;

use convene_recordings::{Block, Copy, CopyState, Digest, Recording, RegionName};

use crate::upload::within;
use crate::verify::{Held, read_back};
use crate::{BlobStore, Patience, StoreError, blob_name};

/// What was found of one copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// It is what it should be.
    Right,
    /// There is nothing.
    Missing,
    /// Another region has it right, and this one differs.
    Differs(Difference),
    /// It is not what the catalogue says, or the regions differ and nothing tells which one is right.
    Unsure,
    /// It could not be read.
    Away(StoreError),
    /// No store is configured for this region.
    NotConfigured,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Right => write!(f, "has all of it"),
            Self::Missing => write!(f, "has nothing of it"),
            Self::Differs(difference) => difference.fmt(f),
            Self::Unsure => write!(f, "has something else, and nothing says which region is right"),
            Self::Away(error) => write!(f, "could not be read: {error}"),
            Self::NotConfigured => write!(f, "is not configured"),
        }
    }
}

/// The first thing that is not as in the region that has it right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Difference {
    /// It has too few blocks, or too many.
    Blocks {
        /// How many it has.
        has: usize,
        /// How many it should have.
        of: usize,
    },
    /// This block has other bytes.
    Block {
        /// Which.
        number: u32,
        /// Where it begins in the file that is right.
        start: u64,
        /// Where it ends there.
        end: u64,
    },
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Blocks { has, of } => write!(f, "has {has} blocks of {of}"),
            Self::Block { number, start, end } => {
                write!(f, "differs in block {number}, bytes {start} to {end}")
            }
        }
    }
}

/// What all regions hold of one recording.
pub struct Examination {
    pub(crate) copies: Vec<ExaminedCopy>,
    /// Which copy is right.
    pub(crate) source: Option<usize>,
}

pub(crate) struct ExaminedCopy {
    pub(crate) region: RegionName,
    pub(crate) store: Option<Arc<dyn BlobStore>>,
    pub(crate) held: Option<Held>,
    pub(crate) finding: Finding,
}

impl Examination {
    /// Every region and what was found there, in the recording's order.
    pub fn findings(&self) -> impl Iterator<Item = (&RegionName, &Finding)> {
        self.copies.iter().map(|copy| (&copy.region, &copy.finding))
    }

    /// Whether all regions hold the same bytes.
    #[must_use]
    pub fn is_right(&self) -> bool {
        self.source.is_some() && self.copies.iter().all(|copy| copy.finding == Finding::Right)
    }

    /// The region that has it right, with the length and the SHA-256 of the file.
    #[must_use]
    pub fn source(&self) -> Option<(&RegionName, u64, Digest)> {
        let copy = &self.copies[self.source?];
        copy.held.as_ref().map(|held| (&copy.region, held.bytes(), held.sha256))
    }

    /// The copies as the catalogue is to have them.
    #[must_use]
    pub fn as_copies(&self) -> Vec<Copy> {
        let copy = |copy: &ExaminedCopy| {
            let right = copy.finding == Finding::Right;
            Copy {
                region: copy.region.clone(),
                state: if right { CopyState::Complete } else { CopyState::Behind },
                bytes: copy.held.as_ref().map_or(0, Held::bytes),
                sha256: copy.held.as_ref().filter(|_| right).map(|held| held.sha256),
            }
        };
        self.copies.iter().map(copy).collect()
    }
}

/// Reads the recording back from each of its regions and compares. What the catalogue knows of a complete copy's bytes decides which region is
/// right; without that, the one that has most. `trusted` overrules both. `read` is told how many bytes have come, each time some have.
///
/// The recording must have ended, and must not be in the spool: there [`resume`](crate::resume) knows better.
pub async fn examine(
    recording: &Recording,
    regions: &[Arc<dyn BlobStore>],
    trusted: Option<&RegionName>,
    read: &(dyn Fn(u64) + Sync),
) -> Examination {
    let blob = blob_name(recording.id);
    let mut copies = Vec::new();
    for copy in &recording.regions {
        let store = regions.iter().find(|store| *store.region() == copy.region).cloned();
        let (held, finding) = match &store {
            None => (None, Finding::NotConfigured),
            Some(store) => match hold(store.as_ref(), &blob, read).await {
                Ok(None) => (None, Finding::Missing),
                Ok(held) => (held, Finding::Unsure),
                Err(error) => (None, Finding::Away(error)),
            },
        };
        copies.push(ExaminedCopy { region: copy.region.clone(), store, held, finding });
    }
    let source = match trusted {
        Some(region) => copies.iter().position(|copy| copy.region == *region && copy.held.is_some()),
        None => source(&copies, &recording.regions),
    };
    let mut examination = Examination { copies, source };
    examination.compare();
    examination
}

/// All that the region holds, or `None` when that is nothing.
pub(crate) async fn hold(
    store: &dyn BlobStore,
    blob: &str,
    read: &(dyn Fn(u64) + Sync),
) -> Result<Option<Held>, StoreError> {
    let patience = Patience::UPLOADING;
    let list = within(patience.of(0), store.region(), store.block_list(blob)).await?;
    let committed = list.iter().filter(|info| info.committed);
    let blocks: Vec<_> = committed.map(|info| Block { id: info.id, bytes: info.bytes }).collect();
    if blocks.is_empty() {
        return Ok(None);
    }
    read_back(store, blob, blocks, patience, read).await.map(Some)
}

fn source(copies: &[ExaminedCopy], known: &[Copy]) -> Option<usize> {
    let digests: Vec<_> = known.iter().filter_map(|copy| copy.sha256).collect();
    let held = || copies.iter().enumerate().filter_map(|(at, copy)| Some((at, copy.held.as_ref()?)));
    if !digests.is_empty() {
        return held().find(|(_, held)| digests.contains(&held.sha256)).map(|(at, _)| at);
    }
    let rank = |held: &Held| {
        (held.entries.len(), held.entries.first().is_some_and(|entry| entry.block.id.is_first_again()))
    };
    let most = held().map(|(_, held)| rank(held)).max()?;
    let mut best = held().filter(|(_, held)| rank(held) == most);
    let (at, first) = best.next()?;
    best.all(|(_, other)| other.sha256 == first.sha256).then_some(at)
}

impl Examination {
    fn compare(&mut self) {
        let Some(right) = self.source.and_then(|at| self.copies[at].held.clone()) else { return };
        for copy in &mut self.copies {
            if let Some(held) = &copy.held {
                copy.finding = difference(held, &right).map_or(Finding::Right, Finding::Differs);
            }
        }
    }
}

fn difference(held: &Held, right: &Held) -> Option<Difference> {
    if held == right {
        return None;
    }
    let (has, of) = (held.entries.len(), right.entries.len());
    if has != of {
        return Some(Difference::Blocks { has, of });
    }
    let mut start = 0;
    for (theirs, ours) in held.entries.iter().zip(&right.entries) {
        let end = start + ours.block.bytes;
        if theirs != ours {
            return Some(Difference::Block { number: ours.block.id.number(), start, end });
        }
        start = end;
    }
    None
}
