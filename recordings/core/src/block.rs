//! Blocks: the pieces a recording is made of, and how they are called.

use std::fmt;
use std::str::FromStr;

/// Azure Blob Storage takes at most 50,000 blocks a blob; at two seconds a block that is 27 hours.
pub const BLOCKS_MAX: u32 = 50_000;

/// Two seconds of a recording are well under a MiB; a block of more than 64 MiB is a bug or an attack, and 100 MiB is
/// what the oldest Azure service version takes.
pub const BLOCK_BYTES_MAX: usize = 64 * 1024 * 1024;

/// The number of a block and, for block 0, whether it is the first or the final one. As text it is always seven
/// characters (`00012.0`), because a blob's block ids must all have one length.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlockId {
    number: u32,
    version: u8,
}

impl BlockId {
    /// Block 0 as it is put again at the end: larger, with duration and index.
    pub const FIRST_AGAIN: Self = Self { number: 0, version: 1 };

    /// The block with this number.
    ///
    /// # Errors
    /// When the number is past what a blob can hold.
    pub fn new(number: u32) -> Result<Self, BlockError> {
        if BLOCKS_MAX <= number {
            return Err(BlockError::TooMany { number });
        }
        Ok(Self { number, version: 0 })
    }

    /// Its place in the file.
    #[must_use]
    pub const fn number(&self) -> u32 {
        self.number
    }

    /// Whether it is block 0 put again.
    #[must_use]
    pub fn is_first_again(&self) -> bool {
        *self == Self::FIRST_AGAIN
    }
}

impl fmt::Display for BlockId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:05}.{}", self.number, self.version)
    }
}

impl fmt::Debug for BlockId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BlockId({self})")
    }
}

impl FromStr for BlockId {
    type Err = BlockError;

    fn from_str(text: &str) -> Result<Self, BlockError> {
        let error = || BlockError::NoId { text: text.chars().take(32).collect() };
        let (number, version) = text.split_once('.').ok_or_else(error)?;
        let id = Self {
            number: number.parse().map_err(|_| error())?,
            version: version.parse().map_err(|_| error())?,
        };
        let known = id.version == 0 && id.number < BLOCKS_MAX || id.is_first_again();
        if known && id.to_string() == text { Ok(id) } else { Err(error()) }
    }
}

/// A block that is to be in the file: its id and its length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Block {
    /// Which block.
    pub id: BlockId,
    /// Its length.
    pub bytes: u64,
}

/// A block that a region says it has. A region lists the committed ones first, in the order of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockInfo {
    /// Which block.
    pub id: BlockId,
    /// Its length.
    pub bytes: u64,
    /// Whether it is part of the file, or only put and not yet committed.
    pub committed: bool,
}

/// A block that cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BlockError {
    /// The file is full.
    #[error("block {number} is one too many: a recording has at most {BLOCKS_MAX} blocks")]
    TooMany {
        /// The block that does not fit any more.
        number: u32,
    },
    /// Not one of our ids.
    #[error("{text:?} is not the id of a block of a recording")]
    NoId {
        /// What it was, cut at 32 characters.
        text: String,
    },
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ids_have_one_length_up_to_the_last() {
        for number in [0, 1, 9, 10, 99_999 / 2, BLOCKS_MAX - 1] {
            let id = BlockId::new(number).expect("below the limit");
            assert_eq!(id.to_string().len(), 7);
            assert_eq!(id.to_string().parse(), Ok(id));
        }
        assert_eq!(BlockId::FIRST_AGAIN.to_string(), "00000.1");
        assert_eq!("00000.1".parse(), Ok(BlockId::FIRST_AGAIN));
        assert_eq!(BlockId::new(BLOCKS_MAX), Err(BlockError::TooMany { number: 50_000 }));
    }

    #[test]
    fn other_texts_are_no_ids() {
        for text in
            ["", ".", "0.0", "00001.1", "00000.2", "50000.0", "+0001.0", "00000.00", "000000.0", "../../x"]
        {
            assert!(text.parse::<BlockId>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_an_id_or_an_error(text in ".{0,12}") {
            if let Ok(id) = text.parse::<BlockId>() {
                prop_assert_eq!(id.to_string(), text);
            }
        }
    }
}
