//! The files of one blob. Everything here blocks.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::ops::Range;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use convene_recordings::{Block, BlockId, BlockInfo};

use super::list::List;
use crate::disk;

const LIST: &str = "list";
const LIST_NEXT: &str = "list.next";
const FILE_NEXT: &str = "file.next";

/// A reader that comes between the two renames of a commit looks again; that often in a row is no coincidence.
const LOOKS_MAX: u32 = 16;

pub(super) struct BlobFiles {
    root: PathBuf,
    file: PathBuf,
    beside: PathBuf,
}

/// What went wrong, without the names that the caller knows.
#[derive(Debug)]
pub(super) enum Trouble {
    NoBlob,
    NoBlock,
    OutOfRange { start: u64, end: u64, size: u64 },
    NotOurs(String),
    Io(io::Error),
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// The committed file, held open, and the list that belongs to it.
struct Committed {
    file: File,
    list: List,
}

/// Where a block of the new list comes from.
enum Part {
    Put { path: PathBuf, bytes: u64 },
    Kept { start: u64, bytes: u64 },
}

impl BlobFiles {
    pub(super) fn new(root: &Path, blob: &str) -> Self {
        Self { root: root.to_owned(), file: root.join(blob), beside: root.join(".blocks").join(blob) }
    }

    /// Writes a file and removes it again.
    pub(super) fn probe(&self) -> Result<(), Trouble> {
        fs::create_dir_all(&self.beside)?;
        disk::write_whole(&self.beside, "probe", b"can this be written?")?;
        Ok(disk::remove_folder(&self.beside)?)
    }

    /// A block that is only put may be lost in a crash, so nothing waits for the disk here; the commit does.
    pub(super) fn put(&self, id: BlockId, bytes: &[u8]) -> Result<(), Trouble> {
        fs::create_dir_all(&self.beside)?;
        Ok(disk::write_loosely(&self.beside, &id.to_string(), bytes)?)
    }

    pub(super) fn commit(&self, ids: &[BlockId]) -> Result<(), Trouble> {
        let put = self.put_blocks()?;
        let before = self.settle()?;
        let list = before.as_ref().map(|before| before.list.clone()).unwrap_or_default();
        let parts = self.parts(ids, &list, &put)?;
        fs::create_dir_all(&self.beside)?;

        let kept = list.blocks.len();
        let extends = parts.len() >= kept
            && list.blocks.iter().zip(ids).all(|(block, id)| block.id == *id)
            && parts[..kept].iter().all(|part| matches!(part, Part::Kept { .. }));
        if extends {
            self.append(ids, &parts, &list)?;
        } else {
            self.rewrite(ids, &parts, before.as_ref())?;
        }
        for id in put.keys() {
            disk::remove_file(&self.beside.join(id.to_string()))?;
        }
        Ok(())
    }

    pub(super) fn blocks(&self) -> Result<Vec<BlockInfo>, Trouble> {
        let committed = match self.committed() {
            // What is not ours counts as nothing, so that a writer makes it whole.
            Err(Trouble::NotOurs(_)) => None,
            committed => committed?,
        };
        let list = committed.into_iter().flat_map(|committed| committed.list.blocks);
        let committed = list.map(|block| BlockInfo { id: block.id, bytes: block.bytes, committed: true });
        let put = self.put_blocks()?.into_iter();
        Ok(committed.chain(put.map(|(id, bytes)| BlockInfo { id, bytes, committed: false })).collect())
    }

    pub(super) fn read(&self, range: Range<u64>) -> Result<Bytes, Trouble> {
        let Committed { file, list } = self.committed()?.ok_or(Trouble::NoBlob)?;
        let size = list.bytes();
        if range.end < range.start || size < range.end {
            return Err(Trouble::OutOfRange { start: range.start, end: range.end, size });
        }
        let mut bytes = vec![0; (range.end - range.start) as usize];
        file.read_exact_at(&mut bytes, range.start)?;
        Ok(bytes.into())
    }

    pub(super) fn size(&self) -> Result<Option<u64>, Trouble> {
        Ok(self.committed()?.map(|committed| committed.list.bytes()))
    }

    pub(super) fn delete(&self) -> Result<(), Trouble> {
        disk::remove_file(&self.file)?;
        disk::remove_folder(&self.beside)?;
        if self.root.try_exists()? {
            disk::sync_folder(&self.root)?;
        }
        for path in [&self.file, &self.beside] {
            if path.try_exists()? {
                return Err(Trouble::Io(io::Error::other("it was deleted and is still there")));
            }
        }
        Ok(())
    }

    /// The file and its list as they are, without changing anything: another process may be at work here.
    fn committed(&self) -> Result<Option<Committed>, Trouble> {
        for _ in 0..LOOKS_MAX {
            let file = match File::open(&self.file) {
                Ok(file) => file,
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                Err(error) => return Err(error.into()),
            };
            let metadata = file.metadata()?;
            // A commit first writes the next list, then renames the file, then the list.
            let next = self.list(LIST_NEXT)?;
            let list = self.list(LIST)?;
            let own = [&next, &list].into_iter().flatten().find(|list| list.file == metadata.ino());
            // A copied folder has other inodes; its lists are as good, if the lengths agree.
            let copied = || list.as_ref().filter(|list| next.is_none() && list.bytes() == metadata.len());
            if let Some(list) = own.or_else(copied) {
                let list = held(list, metadata.len());
                return Ok(Some(Committed { file, list }));
            }
            if list.is_none() && next.is_none() {
                // The very first commit has made the file and not yet the list.
                return Ok(None);
            }
        }
        Err(Trouble::NotOurs(format!(
            "{} and its list of blocks do not belong together",
            self.file.display()
        )))
    }

    /// Ends a commit that was cut off: forward when the file was renamed, else back. For the writer only.
    fn settle(&self) -> Result<Option<Committed>, Trouble> {
        let committed = match self.committed() {
            Ok(committed) => committed,
            // Not ours: the commit that follows makes it ours, from blocks that are put.
            Err(Trouble::NotOurs(_)) => None,
            Err(trouble) => return Err(trouble),
        };
        if let Some(next) = self.list(LIST_NEXT)? {
            if committed.as_ref().is_some_and(|committed| committed.list.file == next.file) {
                fs::rename(self.beside.join(LIST_NEXT), self.beside.join(LIST))?;
                disk::sync_folder(&self.beside)?;
            } else {
                disk::remove_file(&self.beside.join(LIST_NEXT))?;
            }
        }
        disk::remove_file(&self.beside.join(FILE_NEXT))?;
        Ok(committed)
    }

    fn list(&self, name: &str) -> Result<Option<List>, Trouble> {
        let text = disk::read_if_there(&self.beside.join(name))?;
        let no_list =
            || Trouble::NotOurs(format!("{} is no list of blocks", self.beside.join(name).display()));
        text.map(|text| List::parse(&text).ok_or_else(no_list)).transpose()
    }

    fn put_blocks(&self) -> Result<BTreeMap<BlockId, u64>, Trouble> {
        let mut put = BTreeMap::new();
        let entries = match fs::read_dir(&self.beside) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(put),
            Err(error) => return Err(error.into()),
        };
        for entry in entries {
            let entry = entry?;
            let Some(id) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
            match entry.metadata() {
                Ok(metadata) => put.insert(id, metadata.len()),
                // Committed by another process in this moment.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error.into()),
            };
        }
        Ok(put)
    }

    fn parts(
        &self,
        ids: &[BlockId],
        list: &List,
        put: &BTreeMap<BlockId, u64>,
    ) -> Result<Vec<Part>, Trouble> {
        let mut kept = BTreeMap::new();
        let mut start = 0;
        for block in &list.blocks {
            kept.insert(block.id, (start, block.bytes));
            start += block.bytes;
        }
        let part = |id: &BlockId| match (put.get(id), kept.get(id)) {
            (Some(&bytes), _) => Ok(Part::Put { path: self.beside.join(id.to_string()), bytes }),
            (None, Some(&(start, bytes))) => Ok(Part::Kept { start, bytes }),
            (None, None) => Err(Trouble::NoBlock),
        };
        ids.iter().map(part).collect()
    }

    /// The new list only adds to the old one: so does the file. What a crash leaves behind the old end is cut off by
    /// the next commit, and no reader looks there, because the list comes last.
    fn append(&self, ids: &[BlockId], parts: &[Part], before: &List) -> Result<(), Trouble> {
        let mut file = OpenOptions::new().create(true).truncate(false).write(true).open(&self.file)?;
        file.set_len(before.bytes())?;
        io::Seek::seek(&mut file, io::SeekFrom::End(0))?;
        let added = copy_parts(&parts[before.blocks.len()..], None, &mut file);
        if let Err(trouble) = added.and_then(|()| Ok(file.sync_all()?)) {
            // Give back the room that a full disk lacks; if that fails too, the next commit does it.
            let _ = file.set_len(before.bytes());
            return Err(trouble);
        }
        disk::sync_folder(&self.root)?;
        let list = List { file: file.metadata()?.ino(), blocks: blocks_of(ids, parts) };
        Ok(disk::write_whole(&self.beside, LIST, list.to_text().as_bytes())?)
    }

    fn rewrite(&self, ids: &[BlockId], parts: &[Part], before: Option<&Committed>) -> Result<(), Trouble> {
        let next = self.beside.join(FILE_NEXT);
        let written = File::create(&next).map_err(Trouble::Io).and_then(|mut file| {
            copy_parts(parts, before, &mut file)?;
            file.sync_all()?;
            Ok(file.metadata()?.ino())
        });
        let file = match written {
            Ok(file) => file,
            Err(trouble) => {
                let _ = disk::remove_file(&next);
                return Err(trouble);
            }
        };
        let list = List { file, blocks: blocks_of(ids, parts) };
        disk::write_whole(&self.beside, LIST_NEXT, list.to_text().as_bytes())?;
        fs::rename(&next, &self.file)?;
        disk::sync_folder(&self.root)?;
        fs::rename(self.beside.join(LIST_NEXT), self.beside.join(LIST))?;
        Ok(disk::sync_folder(&self.beside)?)
    }
}

/// A file that lost its end holds fewer blocks than its list says.
fn held(list: &List, length: u64) -> List {
    let mut left = length;
    let blocks = list.blocks.iter().map_while(|block| {
        left = left.checked_sub(block.bytes)?;
        Some(*block)
    });
    List { file: list.file, blocks: blocks.collect() }
}

fn blocks_of(ids: &[BlockId], parts: &[Part]) -> Vec<Block> {
    let bytes = |part: &Part| match part {
        Part::Put { bytes, .. } | Part::Kept { bytes, .. } => *bytes,
    };
    ids.iter().zip(parts).map(|(&id, part)| Block { id, bytes: bytes(part) }).collect()
}

fn copy_parts(parts: &[Part], from: Option<&Committed>, to: &mut File) -> Result<(), Trouble> {
    for part in parts {
        let (copied, bytes) = match part {
            Part::Put { path, bytes } => (io::copy(&mut File::open(path)?, to)?, *bytes),
            Part::Kept { start, bytes } => {
                let from = &from.ok_or(Trouble::NoBlock)?.file;
                io::Seek::seek(&mut &*from, io::SeekFrom::Start(*start))?;
                (io::copy(&mut io::Read::take(from, *bytes), to)?, *bytes)
            }
        };
        if copied != bytes {
            return Err(Trouble::Io(io::Error::other(format!("a block of {bytes} bytes has only {copied}"))));
        }
    }
    Ok(())
}
