//! Copying a recording from the region that has it to one that lacks it.

use bytes::{Bytes, BytesMut};
use convene_recordings::{Digest, RecordingId, RegionName};

use crate::examine::{Examination, ExaminedCopy, Finding, hold};
use crate::spool::Entry;
use crate::upload::{blocking, within};
use crate::verify::Held;
use crate::{BlobStore, Patience, READ_BYTES_MAX, StoreError, blob_name};

/// Why a copy was not made whole. What the region had before is still there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RepairError {
    /// A region does not do what it was asked.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The source changed under our hands.
    #[error("block {number} came from region {region} with other bytes than a moment ago")]
    Source {
        /// Which block.
        number: u32,
        /// The region that was to have it right.
        region: RegionName,
    },
    /// The copy reads back with other bytes than were put.
    #[error("region {region} was given all of it, and reads back something else")]
    ReadBack {
        /// Which region.
        region: RegionName,
    },
}

impl Examination {
    /// Copies what is missing or different into every region where that was found, block by block, and reads it back. Says for each what came of
    /// it; a region that was away is left out. Nothing is done while no region is known to have it right. `moved` is told of bytes that were read back or put.
    pub async fn repair(
        &mut self,
        id: RecordingId,
        moved: &(dyn Fn(u64) + Sync),
    ) -> Vec<(RegionName, Result<(), RepairError>)> {
        let Some(at) = self.source else { return Vec::new() };
        let blob = blob_name(id);
        let source = &self.copies[at];
        let (Some(from), Some(right)) = (source.store.clone(), source.held.clone()) else {
            return Vec::new();
        };
        let mut done = Vec::new();
        for copy in &mut self.copies {
            if !matches!(copy.finding, Finding::Missing | Finding::Differs(_)) {
                continue;
            }
            let Some(to) = copy.store.clone() else { continue };
            let line = Line { blob: &blob, from: from.as_ref(), to: to.as_ref(), moved };
            let result = line.carry(&right, copy).await;
            done.push((copy.region.clone(), result));
        }
        done
    }
}

/// From one region to another.
struct Line<'a> {
    blob: &'a str,
    from: &'a dyn BlobStore,
    to: &'a dyn BlobStore,
    moved: &'a (dyn Fn(u64) + Sync),
}

impl Line<'_> {
    async fn carry(&self, right: &Held, copy: &mut ExaminedCopy) -> Result<(), RepairError> {
        let there = copy.held.as_ref().map_or(&[][..], |held| &held.entries);
        let mut start = 0;
        for (at, entry) in right.entries.iter().enumerate() {
            if there.get(at) != Some(entry) {
                let bytes = self.read(entry, start).await?;
                self.put(entry, bytes).await?;
            }
            start += entry.block.bytes;
        }
        let ids: Vec<_> = right.entries.iter().map(|entry| entry.block.id).collect();
        let time = Patience::UPLOADING.of(64 * ids.len() as u64);
        within(time, self.to.region(), self.to.commit(self.blob, &ids)).await?;

        let held = hold(self.to, self.blob, self.moved).await?;
        if held.as_ref() != Some(right) {
            return Err(RepairError::ReadBack { region: self.to.region().clone() });
        }
        copy.held = held;
        copy.finding = Finding::Right;
        Ok(())
    }

    async fn read(&self, entry: &Entry, start: u64) -> Result<Bytes, RepairError> {
        let end = start + entry.block.bytes;
        let mut whole = BytesMut::new();
        let mut at = start;
        while at < end {
            let range = at..end.min(at + READ_BYTES_MAX);
            at = range.end;
            let time = Patience::UPLOADING.of(range.end - range.start);
            whole.extend(within(time, self.from.region(), self.from.read_range(self.blob, range)).await?);
        }
        let bytes = whole.freeze();
        let same = bytes.clone();
        let digest: Digest = blocking(move || crate::spool::digest(&same)).await;
        if digest != entry.digest {
            let region = self.from.region().clone();
            return Err(RepairError::Source { number: entry.block.id.number(), region });
        }
        Ok(bytes)
    }

    async fn put(&self, entry: &Entry, bytes: Bytes) -> Result<(), RepairError> {
        let length = entry.block.bytes;
        let put = self.to.put_block(self.blob, &entry.block.id, bytes);
        within(Patience::UPLOADING.of(length), self.to.region(), put).await?;
        (self.moved)(length);
        Ok(())
    }
}
