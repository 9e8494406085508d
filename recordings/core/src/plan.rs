//! What one region still needs, and what to do next about it.

use std::collections::HashMap;
use std::time::Duration;

use crate::{Block, BlockId, BlockInfo, backoff};

/// While the recording runs, the list is committed at least so many blocks apart: a commit sends the whole list again.
pub const COMMIT_BLOCKS_MIN: usize = 4;

/// A region that was made whole this often and still reads back wrong is left alone until the next start.
pub const WRONG_MAX: u32 = 3;

/// How many blocks to collect before the next commit of a file of `blocks` blocks. A commit sends one line a block, so
/// the interval grows with the list and the lists together stay proportional to the file.
#[must_use]
pub fn commit_interval(blocks: usize) -> usize {
    COMMIT_BLOCKS_MIN.max(blocks / 256)
}

/// What happened.
#[derive(Debug, Clone, Copy)]
pub enum Input<'a> {
    /// The next block lies in the spool. [`BlockId::FIRST_AGAIN`] replaces block 0 and ends the recording.
    Spooled(Block),
    /// No block will come any more, not even block 0 again.
    Ended,
    /// The answer to [`Order::Clear`].
    Cleared,
    /// The answer to [`Order::List`].
    Listed(&'a [BlockInfo]),
    /// The answer to [`Order::Put`].
    Put(BlockId),
    /// The answer to [`Order::Commit`].
    Committed,
    /// The answer to [`Order::Verify`]: every byte is there.
    Verified,
    /// The other answer to [`Order::Verify`]: these blocks are not what they should be.
    Wrong(&'a [BlockId]),
    /// The last order failed. `jitter`, from 0 to 1, is the caller's chance.
    Failed {
        /// See [`backoff`].
        jitter: f64,
    },
}

/// What to do now. Each order is answered by one input before the next poll.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Order {
    /// Delete what the region has under the file's name: it is another file. Once in the life of a file, before anything else.
    Clear,
    /// Ask the region which blocks it has: at the start, and after a failure, as blocks that were put but not committed
    /// may be lost.
    List,
    /// Put this block.
    Put(BlockId),
    /// Make these blocks, in this order, the file.
    Commit(Vec<BlockId>),
    /// Read the file back and compare it with what was spooled.
    Verify,
    /// Nothing to do before this time; without one, before the next input.
    Wait {
        /// The end of the pause after a failure.
        until: Option<Duration>,
    },
    /// The region holds the whole file, verified.
    Done,
    /// It failed too often; the spool keeps what is missing.
    GaveUp,
}

/// What one region has and lacks. Two verbs: tell it what happened with [`handle`](Self::handle), then do what
/// [`poll`](Self::poll) orders. `now` is the time since any fixed start.
///
/// While the recording runs, blocks are put in order and the list is committed every [`commit_interval`] blocks, the
/// first time as soon as there is something to play. After the end everything that is missing is put and the list is
/// committed once, so that a reader sees the file grow to its end in one step.
#[derive(Debug, Clone)]
pub struct RegionPlan {
    blocks: Vec<Block>,
    /// For each block, whether the region has it, committed or not.
    present: Vec<bool>,
    /// No block before this one is missing.
    absent_from: usize,
    /// The furthest that `absent_from` ever was: to put again what a region forgot is no progress.
    furthest: usize,
    /// The file in the region is exactly this many of `blocks`.
    committed: usize,
    committing: usize,
    ended: bool,
    cleared: bool,
    listed: bool,
    verified: bool,
    failures: u32,
    failures_max: u32,
    wrong: u32,
    wait_until: Option<Duration>,
}

impl RegionPlan {
    /// For a region that is tried for as long as the recording process lives.
    #[must_use]
    pub fn new() -> Self {
        Self::with_failures_max(u32::MAX)
    }

    /// For a region that is given up after so many failures in a row, until somebody tries again.
    #[must_use]
    pub fn with_failures_max(failures_max: u32) -> Self {
        Self {
            blocks: Vec::new(),
            present: Vec::new(),
            absent_from: 0,
            furthest: 0,
            committed: 0,
            committing: 0,
            ended: false,
            cleared: true,
            listed: false,
            verified: false,
            failures: 0,
            failures_max,
            wrong: 0,
            wait_until: None,
        }
    }

    /// For a file whose name somebody has chosen: the region may have another one of this name, and blocks of that one
    /// have the same ids and may have the same lengths. So it is deleted before the first block is put. Whoever drives
    /// the plan remembers that it was, and does not ask for it again.
    #[must_use]
    pub fn replacing(self) -> Self {
        Self { cleared: false, ..self }
    }

    /// Takes in what happened.
    ///
    /// # Panics
    /// When blocks are spooled out of order or after the end: whoever spools checks that first.
    pub fn handle(&mut self, input: Input<'_>, now: Duration) {
        match input {
            Input::Spooled(block) => self.spooled(block),
            Input::Ended => self.ended = true,
            Input::Cleared => self.cleared = true,
            Input::Listed(region) => self.listed(region),
            Input::Put(id) => {
                self.mark(id, true);
                if self.furthest < self.absent_from {
                    self.furthest = self.absent_from;
                    self.failures = 0;
                }
            }
            Input::Committed => {
                self.failures = 0;
                self.committed = self.committing;
            }
            Input::Verified => self.verified = true,
            Input::Wrong(ids) => {
                self.wrong += 1;
                self.committed = 0;
                for &id in ids {
                    self.mark(id, false);
                }
            }
            Input::Failed { jitter } => {
                self.failures = self.failures.saturating_add(1);
                self.wait_until = Some(now + backoff(self.failures, jitter));
                self.listed = false;
            }
        }
    }

    /// What to do now.
    pub fn poll(&mut self, now: Duration) -> Order {
        if self.verified || self.ended && self.blocks.is_empty() {
            return Order::Done;
        }
        if self.failures_max <= self.failures || WRONG_MAX < self.wrong {
            return Order::GaveUp;
        }
        if let Some(until) = self.wait_until.filter(|&until| now < until) {
            return Order::Wait { until: Some(until) };
        }
        self.wait_until = None;

        if !self.cleared {
            // While nothing comes, what is there stays.
            return if self.blocks.is_empty() { Order::Wait { until: None } } else { Order::Clear };
        }
        if !self.listed {
            return Order::List;
        }
        if self.commit_is_due() {
            self.committing = self.absent_from;
            return Order::Commit(self.blocks[..self.absent_from].iter().map(|block| block.id).collect());
        }
        if let Some(block) = self.blocks.get(self.absent_from) {
            return Order::Put(block.id);
        }
        if self.ended { Order::Verify } else { Order::Wait { until: None } }
    }

    /// The file in the region is exactly the first so many blocks.
    #[must_use]
    pub fn committed_blocks(&self) -> usize {
        self.committed
    }

    /// The length of the file in the region, as far as it is ours.
    #[must_use]
    pub fn committed_bytes(&self) -> u64 {
        self.blocks[..self.committed].iter().map(|block| block.bytes).sum()
    }

    /// All blocks of the file, in order.
    #[must_use]
    pub fn blocks(&self) -> &[Block] {
        &self.blocks
    }

    /// Whether the last order failed.
    #[must_use]
    pub fn is_failing(&self) -> bool {
        self.failures != 0
    }

    fn spooled(&mut self, block: Block) {
        if block.id.is_first_again() {
            assert!(!self.blocks.is_empty() && !self.ended, "block 0 comes again once, after itself");
            self.blocks[0] = block;
            self.present[0] = false;
            (self.absent_from, self.committed, self.committing) = (0, 0, 0);
            self.ended = true;
            return;
        }
        assert!(!self.ended, "no block comes after the end");
        assert_eq!(block.id.number() as usize, self.blocks.len(), "blocks come in order");
        self.blocks.push(block);
        self.present.push(false);
    }

    fn listed(&mut self, region: &[BlockInfo]) {
        self.listed = true;
        let has: HashMap<BlockId, u64> = region.iter().map(|info| (info.id, info.bytes)).collect();
        for (block, present) in self.blocks.iter().zip(&mut self.present) {
            *present = has.get(&block.id) == Some(&block.bytes);
        }
        self.absent_from = self.present.iter().position(|present| !present).unwrap_or(self.blocks.len());

        let file = region.iter().filter(|info| info.committed);
        let file: Vec<_> = file.map(|info| Block { id: info.id, bytes: info.bytes }).collect();
        self.committed = if self.blocks.starts_with(&file) { file.len() } else { 0 };
    }

    fn mark(&mut self, id: BlockId, present: bool) {
        let at = id.number() as usize;
        if self.blocks.get(at).is_none_or(|block| block.id != id) {
            return;
        }
        self.present[at] = present;
        if !present {
            self.absent_from = self.absent_from.min(at);
        }
        while self.present.get(self.absent_from) == Some(&true) {
            self.absent_from += 1;
        }
    }

    fn commit_is_due(&self) -> bool {
        let ready = self.absent_from;
        if self.ended {
            return ready == self.blocks.len() && self.committed < ready;
        }
        let something_to_play = self.committed == 0 && 2 <= ready;
        something_to_play || self.committed + commit_interval(ready) <= ready
    }
}

impl Default for RegionPlan {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests;
