//! The log of a recording's blocks: what the whole file is to be, also when the blocks have gone to the regions.

use std::fs;
use std::path::Path;

use convene_recordings::{Block, BlockId, Digest};

use super::SpoolError;

/// One block: id, length, and what its bytes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) block: Block,
    pub(crate) digest: Digest,
}

impl Entry {
    pub(super) fn to_line(self) -> String {
        format!("{} {} {}\n", self.block.id, self.block.bytes, self.digest)
    }

    fn parse(line: &str) -> Option<Self> {
        let mut words = line.split(' ');
        let id = words.next()?.parse::<BlockId>().ok()?;
        let bytes = words.next()?.parse().ok()?;
        let digest = words.next()?.parse().ok()?;
        words.next().is_none().then_some(Self { block: Block { id, bytes }, digest })
    }
}

/// The entries and the length of the whole lines. The last line may be torn by a crash and is left out then; any other
/// damage is an error, because a file made from half a list would be cut off in all regions.
pub(super) fn read(path: &Path) -> Result<(Vec<Entry>, u64), SpoolError> {
    let text = fs::read(path).map_err(|error| SpoolError::io(path, error))?;
    let whole = text.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
    let broken = |line: usize| SpoolError::Broken {
        path: path.to_owned(),
        reason: format!("line {} is not the block that comes next", line + 1),
    };

    let mut entries = Vec::new();
    let mut ended = false;
    for (at, line) in text[..whole].split_inclusive(|&byte| byte == b'\n').enumerate() {
        let line = std::str::from_utf8(&line[..line.len() - 1]).map_err(|_| broken(at))?;
        let entry = Entry::parse(line).ok_or_else(|| broken(at))?;
        let again = entry.block.id.is_first_again();
        if ended || at == 0 && again || !again && entry.block.id.number() as usize != at {
            return Err(broken(at));
        }
        ended = again;
        entries.push(entry);
    }
    Ok((entries, whole as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(id: BlockId) -> Entry {
        Entry { block: Block { id, bytes: 7 }, digest: Digest::new([9; 32]) }
    }

    #[test]
    fn a_torn_log_holds_its_whole_lines() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("log");
        let entries: Vec<_> = (0..3).map(|n| entry(BlockId::new(n).expect("small"))).collect();
        let entries: Vec<_> = entries.into_iter().chain([entry(BlockId::FIRST_AGAIN)]).collect();
        let text: String = entries.iter().map(|entry| entry.to_line()).collect();
        let line = entries[0].to_line().len();
        for cut in 0..=text.len() {
            fs::write(&path, &text[..cut]).expect("it is written");
            let (read, length) = read(&path).expect("a torn log is no damage");
            assert_eq!(read, entries[..cut / line], "cut at {cut}");
            assert_eq!(length as usize, cut / line * line);
        }
    }

    #[test]
    fn other_damage_is_told() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("log");
        let line = |n| entry(BlockId::new(n).expect("small")).to_line();
        let again = entry(BlockId::FIRST_AGAIN).to_line();
        for text in [
            format!("{}{}", line(0), line(2)),
            format!("{}x{}", line(0), line(1)),
            format!("{}{again}{}", line(0), line(1)),
            format!("\n{}", line(0)),
            again.clone(),
            line(0).replace(' ', "  "),
        ] {
            fs::write(&path, &text).expect("it is written");
            assert!(matches!(read(&path), Err(SpoolError::Broken { .. })), "{text}");
        }
    }
}
