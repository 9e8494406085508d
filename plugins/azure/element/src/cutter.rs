//! A stream of bytes, cut into the blocks of a blob.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use convene_recordings::BLOCK_BYTES_MAX;

/// The first block is put again at the end, so it is small.
const FIRST_BYTES_MAX: usize = 64 * 1024;

/// After so many blocks they become twice as large, and again after as many more: a blob has 50,000 at most. Blocks of 2 s then last for
/// 12 days, blocks of 4 MiB for 1.5 TiB.
const WIDEN_BLOCKS: u32 = 8192;

/// When a block is cut.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// When it has so many bytes, up to [`BLOCK_BYTES_MAX`].
    pub bytes: usize,
    /// When its first byte came so long ago.
    pub time: Duration,
}

/// Takes bytes, gives blocks. `now` is the time since any fixed start.
#[derive(Debug)]
pub struct Cutter {
    limits: Limits,
    open: BytesMut,
    /// When the first byte of the open block came.
    since: Duration,
    blocks: u32,
}

impl Cutter {
    /// Nothing has come yet.
    pub fn new(limits: Limits) -> Self {
        Self { limits, open: BytesMut::new(), since: Duration::ZERO, blocks: 0 }
    }

    /// Takes the stream's next bytes and gives the blocks that are full.
    pub fn push(&mut self, mut bytes: &[u8], now: Duration) -> Vec<Bytes> {
        let mut blocks = Vec::new();
        while !bytes.is_empty() {
            if self.open.is_empty() {
                self.since = now;
            }
            let (part, rest) = bytes.split_at(bytes.len().min(self.bytes_max() - self.open.len()));
            self.open.extend_from_slice(part);
            bytes = rest;
            if self.open.len() == self.bytes_max() {
                blocks.extend(self.cut());
            }
        }
        blocks
    }

    /// When the open block is to be cut, full or not.
    pub fn due(&self) -> Option<Duration> {
        (!self.open.is_empty()).then(|| self.since + self.limits.time * self.factor())
    }

    /// The length of the open block.
    pub fn open_bytes(&self) -> u64 {
        self.open.len() as u64
    }

    /// The open block as it is, if it has a byte.
    pub fn cut(&mut self) -> Option<Bytes> {
        if self.open.is_empty() {
            return None;
        }
        self.blocks += 1;
        Some(self.open.split().freeze())
    }

    fn bytes_max(&self) -> usize {
        match self.blocks {
            0 => self.limits.bytes.min(FIRST_BYTES_MAX),
            _ => self.limits.bytes.saturating_mul(self.factor() as usize).min(BLOCK_BYTES_MAX),
        }
    }

    fn factor(&self) -> u32 {
        1 << (self.blocks / WIDEN_BLOCKS).min(16)
    }
}

#[cfg(test)]
mod tests {
    use convene_recordings::BLOCKS_MAX;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn blocks_are_full_and_hold_every_byte_whatever_the_input_looks_like() {
        let bytes: Vec<u8> = (0..1000_u32).map(|n| n as u8).collect();
        for step in [1, 7, 64, 300, 1000] {
            let mut cutter = Cutter::new(Limits { bytes: 64, time: SECOND });
            let mut blocks: Vec<_> =
                bytes.chunks(step).flat_map(|part| cutter.push(part, Duration::ZERO)).collect();
            assert!(blocks.iter().all(|block| block.len() == 64));
            blocks.extend(cutter.cut());
            assert_eq!((blocks.len(), blocks.concat()), (16, bytes.clone()));
            assert_eq!((cutter.cut(), cutter.due()), (None, None));
        }
    }

    #[test]
    fn a_block_is_due_by_its_first_byte() {
        let mut cutter = Cutter::new(Limits { bytes: 100, time: SECOND });
        assert_eq!(cutter.due(), None);
        assert!(cutter.push(b"a", 5 * SECOND).is_empty());
        assert!(cutter.push(b"b", 6 * SECOND).is_empty());
        assert_eq!(cutter.due(), Some(6 * SECOND));
        assert_eq!(cutter.cut().as_deref(), Some(&b"ab"[..]));
        assert!(cutter.push(b"c", 9 * SECOND).is_empty());
        assert_eq!(cutter.due(), Some(10 * SECOND));
    }

    #[test]
    fn the_first_block_is_small() {
        let limits = Limits { bytes: 10 * FIRST_BYTES_MAX, time: SECOND };
        let blocks = Cutter::new(limits).push(&vec![0; 11 * FIRST_BYTES_MAX], Duration::ZERO);
        let lengths: Vec<_> = blocks.iter().map(Bytes::len).collect();
        assert_eq!(lengths, [FIRST_BYTES_MAX, 10 * FIRST_BYTES_MAX]);
    }

    #[test]
    fn later_blocks_are_wider_so_that_there_is_room_for_days() {
        let mut cutter = Cutter::new(Limits { bytes: 4 * 1024 * 1024, time: 2 * SECOND });
        let mut lasted = Duration::ZERO;
        for _ in 0..BLOCKS_MAX {
            assert!(cutter.push(b"x", Duration::ZERO).is_empty());
            lasted += cutter.due().expect("a block is open");
            cutter.cut();
        }
        assert!(Duration::from_secs(12 * 86_400) < lasted, "{lasted:?}");
        assert_eq!(cutter.bytes_max(), BLOCK_BYTES_MAX);
    }
}
