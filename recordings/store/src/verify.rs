//! Reading a whole file back from a region and comparing it with what was put.

use bytes::Bytes;
use convene_recordings::{BlockId, Digest};
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
    let mut check = Check::new(file);
    let mut at = 0;
    while at < size {
        let range = at..size.min(at + READ_BYTES_MAX);
        let time = patience.of(range.end - range.start);
        let bytes = within(time, store.region(), store.read_range(blob, range)).await?;
        at += bytes.len() as u64;
        check = blocking(move || check.feed(bytes)).await;
    }
    Ok(check.verdict())
}

/// Bytes in, verdict out.
struct Check {
    file: Vec<Entry>,
    whole: Sha256,
    block: Sha256,
    /// The block that comes next, and how much of it is still to come.
    at: usize,
    left: u64,
    wrong: Vec<BlockId>,
}

impl Check {
    fn new(file: Vec<Entry>) -> Self {
        let left = file.first().map_or(0, |entry| entry.block.bytes);
        Self { file, whole: Sha256::new(), block: Sha256::new(), at: 0, left, wrong: Vec::new() }
    }

    fn feed(mut self, mut bytes: Bytes) -> Self {
        self.whole.update(&bytes);
        while let Some(entry) = self.file.get(self.at).filter(|_| !bytes.is_empty()) {
            let part = bytes.split_to(bytes.len().min(usize::try_from(self.left).unwrap_or(usize::MAX)));
            self.block.update(&part);
            self.left -= part.len() as u64;
            if self.left == 0 {
                if Digest::new(self.block.finalize_reset().into()) != entry.digest {
                    self.wrong.push(entry.block.id);
                }
                self.at += 1;
                self.left = self.file.get(self.at).map_or(0, |entry| entry.block.bytes);
            }
        }
        self
    }

    fn verdict(self) -> Verdict {
        if self.wrong.is_empty() && self.at == self.file.len() {
            Verdict::Whole(Digest::new(self.whole.finalize().into()))
        } else {
            let rest = self.file[self.at..].iter().map(|entry| entry.block.id);
            Verdict::Wrong(self.wrong.into_iter().chain(rest).collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use convene_recordings::Block;

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
        let whole = blocks.concat();
        let mut spoilt = whole.clone();
        spoilt[10] ^= 1;
        for size in 1..=whole.len() {
            let feed = |bytes: &[u8]| {
                let pieces = bytes.chunks(size).map(Bytes::copy_from_slice);
                pieces.fold(Check::new(file.clone()), Check::feed).verdict()
            };
            assert_eq!(feed(&whole), Verdict::Whole(digest(&whole)), "pieces of {size}");
            assert_eq!(feed(&spoilt), Verdict::Wrong(vec![file[2].block.id]), "pieces of {size}");
            assert_eq!(feed(&whole[..20]), Verdict::Wrong(vec![file[2].block.id, file[3].block.id]));
        }
    }
}
