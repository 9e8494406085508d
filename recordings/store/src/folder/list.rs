//! The list of a blob's blocks, as it is written beside the file.

use convene_recordings::{Block, BlockId};

/// The blocks of one file. `file` is the file's inode, so that a list and a file that do not belong together, because a
/// commit was between its two renames, are told apart.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct List {
    pub(super) file: u64,
    pub(super) blocks: Vec<Block>,
}

impl List {
    pub(super) fn bytes(&self) -> u64 {
        self.blocks.iter().fold(0, |sum, block| sum.saturating_add(block.bytes))
    }

    pub(super) fn to_text(&self) -> String {
        let mut text = format!("file {}\n", self.file);
        for block in &self.blocks {
            text.push_str(&format!("{} {}\n", block.id, block.bytes));
        }
        text.push_str("end\n");
        text
    }

    /// `None` for anything that we did not write.
    pub(super) fn parse(text: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(text).ok()?;
        let mut lines = text.strip_suffix("end\n")?.lines();
        let file = lines.next()?.strip_prefix("file ")?.parse().ok()?;
        let blocks = lines.map(|line| {
            let (id, bytes) = line.split_once(' ')?;
            Some(Block { id: id.parse::<BlockId>().ok()?, bytes: bytes.parse().ok()? })
        });
        Some(Self { file, blocks: blocks.collect::<Option<_>>()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_reads_back_whole_or_not_at_all() {
        let block = |number, bytes| Block { id: BlockId::new(number).expect("small"), bytes };
        let list = List { file: 77, blocks: vec![block(0, 300), block(1, 0), block(2, u64::MAX)] };
        let text = list.to_text();
        assert_eq!(List::parse(text.as_bytes()), Some(list));
        for cut in 0..text.len() {
            assert_eq!(List::parse(&text.as_bytes()[..cut]), None, "cut at {cut}");
        }
    }
}
