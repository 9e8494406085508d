//! Reading a whole file back from a region, block by block, and comparing it with what it should be.

use bytes::Bytes;
use convene_recordings::{Block, BlockId, Digest};
use sha2::{Digest as _, Sha256};

use crate::spool::Entry;
use crate::upload::{Patience, blocking, within};
use crate::{BlobStore, READ_BYTES_MAX, StoreError};

/// What the region's file is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Every byte is what was put; this is the SHA-256 of the whole file.
    Whole(Digest),
    /// These blocks are not.
    Wrong(Vec<BlockId>),
}

pub(crate) async fn verify(
    store: &dyn BlobStore,
    blob: &str,
    file: Vec<Entry>,
    patience: Patience,
) -> Result<Verdict, StoreError> {
    let size: u64 = file.iter().map(|entry| entry.block.bytes).sum();
    let there = within(patience.of(0), store.region(), store.size(blob)).await?;
    if there != Some(size) {
        return Ok(Verdict::Wrong(file.iter().map(|entry| entry.block.id).collect()));
    }
    let blocks = file.iter().map(|entry| entry.block).collect();
    let held = read_back(store, blob, blocks, patience, &|_| {}).await?;
    Ok(held.compared_with(&file))
}

/// A file as it came back from a region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Held {
    pub(crate) entries: Vec<Entry>,
    /// Of the whole file.
    pub(crate) sha256: Digest,
}

impl Held {
    pub(crate) fn bytes(&self) -> u64 {
        self.entries.iter().map(|entry| entry.block.bytes).sum()
    }

    fn compared_with(&self, file: &[Entry]) -> Verdict {
        let wrong: Vec<_> = file
            .iter()
            .enumerate()
            .filter(|(at, entry)| self.entries.get(*at) != Some(*entry))
            .map(|(_, entry)| entry.block.id)
            .collect();
        if wrong.is_empty() { Verdict::Whole(self.sha256) } else { Verdict::Wrong(wrong) }
    }
}

/// Reads these blocks, which are the whole file, and says what their bytes are; `read` is told how many bytes have come, each time some have.
pub(crate) async fn read_back(
    store: &dyn BlobStore,
    blob: &str,
    blocks: Vec<Block>,
    patience: Patience,
    read: &(dyn Fn(u64) + Sync),
) -> Result<Held, StoreError> {
    let size: u64 = blocks.iter().map(|block| block.bytes).sum();
    let mut reading = Reading::new(blocks);
    let mut at = 0;
    while at < size {
        let range = at..size.min(at + READ_BYTES_MAX);
        let wanted = range.end - range.start;
        let bytes = within(patience.of(wanted), store.region(), store.read_range(blob, range)).await?;
        if bytes.len() as u64 != wanted {
            let reason = format!("{} bytes came where {wanted} were asked for", bytes.len());
            return Err(StoreError::NotOurs { region: store.region().clone(), reason });
        }
        at += wanted;
        read(wanted);
        reading = blocking(move || reading.feed(bytes)).await;
    }
    Ok(reading.held())
}

/// Bytes in, digests out.
struct Reading {
    blocks: Vec<Block>,
    entries: Vec<Entry>,
    whole: Sha256,
    block: Sha256,
    /// How much of the block that comes next is still to come.
    left: u64,
}

impl Reading {
    fn new(blocks: Vec<Block>) -> Self {
        let left = blocks.first().map_or(0, |block| block.bytes);
        Self { blocks, entries: Vec::new(), whole: Sha256::new(), block: Sha256::new(), left }
    }

    fn feed(mut self, mut bytes: Bytes) -> Self {
        self.whole.update(&bytes);
        while let Some(&block) = self.blocks.get(self.entries.len()).filter(|_| !bytes.is_empty()) {
            let part = bytes.split_to(bytes.len().min(usize::try_from(self.left).unwrap_or(usize::MAX)));
            self.block.update(&part);
            self.left -= part.len() as u64;
            if self.left == 0 {
                let digest = Digest::new(self.block.finalize_reset().into());
                self.entries.push(Entry { block, digest });
                self.left = self.blocks.get(self.entries.len()).map_or(0, |block| block.bytes);
            }
        }
        self
    }

    fn held(self) -> Held {
        Held { entries: self.entries, sha256: Digest::new(self.whole.finalize().into()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spool::digest;

    #[test]
    fn pieces_of_any_size_find_the_wrong_block() {
        let blocks: [&[u8]; 4] = [b"head", b"a", b"long enough to be cut", b"end"];
        let entry = |(at, bytes): (usize, &&[u8])| Entry {
            block: Block { id: BlockId::new(at as u32).expect("small"), bytes: bytes.len() as u64 },
            digest: digest(bytes),
        };
        let file: Vec<_> = blocks.iter().enumerate().map(entry).collect();
        let list: Vec<_> = file.iter().map(|entry| entry.block).collect();
        let whole = blocks.concat();
        let mut spoilt = whole.clone();
        spoilt[10] ^= 1;
        for size in 1..=whole.len() {
            let feed = |bytes: &[u8]| {
                let pieces = bytes.chunks(size).map(Bytes::copy_from_slice);
                pieces.fold(Reading::new(list.clone()), Reading::feed).held().compared_with(&file)
            };
            assert_eq!(feed(&whole), Verdict::Whole(digest(&whole)), "pieces of {size}");
            assert_eq!(feed(&spoilt), Verdict::Wrong(vec![file[2].block.id]), "pieces of {size}");
            let cut = Verdict::Wrong(vec![file[2].block.id, file[3].block.id]);
            assert_eq!(feed(&whole[..20]), cut, "pieces of {size}");
        }
    }
}
