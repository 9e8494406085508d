//! The spool: what a recording still owes its regions, on local disk.
//!
//! `SPOOL/ID/` holds `job.json` (which regions), `blocks.log` (one line a block: id, length, SHA-256), the blocks that
//! some region lacks (`block-00007.webm`; block 0 put again is `block-00000-again.webm`), `lock`, and `reserve`, which is
//! given back to the disk so that a recording can be ended in order when the disk is full. `ID.new` and `ID.done` are
//! folders that are not a job yet, or no longer. `block-00000-cut-off.webm` is what stands in the place of block 0 if the
//! recording is never ended. `complete-REGION` says that the region has all of it, so that nobody
//! reads it back again while another region is away; `cleared-REGION` that another file of the same name is gone there.

mod error;
mod log;
mod owner;
mod waiting;

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use convene_recordings::{
    BLOCK_BYTES_MAX, BlobName, Block, BlockId, Digest, RecordingId, RecordingLayout, RegionName,
};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

pub use self::error::SpoolError;
pub(crate) use self::log::Entry;
pub use self::owner::SpoolOwner;
pub use self::waiting::Waiting;
pub(crate) use self::waiting::{is_busy, waiting};
use crate::disk;

/// A recording that waits for its regions takes at most so much of the local disk, unless told otherwise: 18 hours at
/// 2 Mbit/s.
pub const SPOOL_BYTES_MAX: u64 = 16 * 1024 * 1024 * 1024;

/// Block 0 put again has an index of about 20 bytes a block; this is room for the longest recording.
const RESERVE_BYTES: usize = 2 * 1024 * 1024;

const JOB: &str = "job.json";
const LOCK: &str = "lock";
const LOG: &str = "blocks.log";
const RESERVE: &str = "reserve";
const NEW: &str = "new";
const DONE: &str = "done";
const CUT_OFF: &str = "block-00000-cut-off.webm";

/// What the spool remembers of a recording besides its blocks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Job {
    version: u32,
    pub(crate) id: RecordingId,
    pub(crate) regions: Vec<RegionName>,
    /// A name that somebody has chosen; the regions may have another file of this name. Else the recording's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    blob: Option<BlobName>,
    /// What of a meeting is in it, for a catalogue that does not know it.
    #[serde(default)]
    pub(crate) layout: RecordingLayout,
}

impl Job {
    /// The file of this recording.
    pub(crate) fn recording(id: RecordingId, regions: Vec<RegionName>) -> Self {
        Self { version: 1, id, regions, blob: None, layout: RecordingLayout::default() }
    }

    /// A file of this name. Whoever knows no names but recordings' leaves it alone, because of the version.
    pub(crate) fn named(blob: BlobName, regions: Vec<RegionName>) -> Self {
        Self {
            version: 2,
            id: named_id(&blob),
            regions,
            blob: Some(blob),
            layout: RecordingLayout::default(),
        }
    }

    pub(crate) fn of_layout(self, layout: RecordingLayout) -> Self {
        Self { layout, ..self }
    }

    /// What the file is called in every region.
    pub(crate) fn blob(&self) -> String {
        self.blob.as_ref().map_or_else(|| self.id.blob_name(), BlobName::to_string)
    }

    fn check(&self, id: RecordingId) -> Result<(), String> {
        let known = match &self.blob {
            None => self.version == 1,
            Some(blob) => self.version == 2 && named_id(blob) == id,
        };
        match known && self.id == id {
            true => Ok(()),
            false => {
                Err(format!("it is version {} of {}, not one that we know of {id}", self.version, self.id))
            }
        }
    }
}

/// One name has one place in the spool, so that two cannot write it at once.
fn named_id(blob: &BlobName) -> RecordingId {
    let hash = Sha256::digest(blob.as_str());
    let bytes = hash.first_chunk().expect("a SHA-256 has more than 16 bytes");
    RecordingId::new(uuid::Builder::from_custom_bytes(*bytes).into_uuid())
}

/// One recording's part of the spool, locked for this process. Everything here blocks.
#[derive(Debug)]
pub(crate) struct Spool {
    job: Job,
    folder: PathBuf,
    bytes_max: u64,
    // Lock order: 1. log, 2. state.
    /// Held while a block is written.
    log: Mutex<File>,
    /// Never held while anything waits for the disk's caches.
    state: Mutex<State>,
    /// Held as long as this lives; the lock goes with the process.
    _lock: File,
}

#[derive(Debug, Default)]
struct State {
    entries: Vec<Entry>,
    again: Option<Entry>,
    /// No block before this one is held any more, but for block 0.
    freed: usize,
    held_bytes: u64,
}

impl State {
    fn push(&mut self, entry: Entry) {
        if entry.block.id.is_first_again() {
            self.again = Some(entry);
        } else {
            self.entries.push(entry);
        }
    }
}

impl Spool {
    /// Makes room for a recording that is new here.
    pub(crate) fn create(spool: &Path, job: Job, bytes_max: u64) -> Result<Self, SpoolError> {
        let id = job.id;
        let folder = spool.join(id.to_string());
        let made = spool.join(format!("{id}.{NEW}"));
        let io = |error| SpoolError::io(&folder, error);
        if folder.try_exists().map_err(io)? {
            return Err(SpoolError::Exists { path: folder });
        }
        fs::create_dir_all(&made).map_err(io)?;
        let lock = lock(&made, id)?;
        let text = serde_json::to_vec(&job).expect("a job is plain data");
        disk::write_whole(&made, JOB, &text).map_err(io)?;
        disk::write_whole(&made, RESERVE, &vec![0; RESERVE_BYTES]).map_err(io)?;
        let log = File::create(made.join(LOG)).map_err(io)?;
        fs::rename(&made, &folder).map_err(io)?;
        disk::sync_folder(spool).map_err(io)?;

        Ok(Self { job, folder, bytes_max, log: Mutex::new(log), state: Mutex::default(), _lock: lock })
    }

    /// Opens what an earlier process left, as far as it got. `None` when nothing was recorded; it is removed then.
    pub(crate) fn open(spool: &Path, id: RecordingId) -> Result<Option<Self>, SpoolError> {
        let folder = spool.join(id.to_string());
        let io = |error| SpoolError::io(&folder, error);
        let lock = lock(&folder, id)?;
        let broken = |reason: String| SpoolError::Broken { path: folder.join(JOB), reason };
        let text = fs::read(folder.join(JOB)).map_err(io)?;
        let job: Job = serde_json::from_slice(&text).map_err(|error| broken(error.to_string()))?;
        job.check(id).map_err(broken)?;

        let path = folder.join(LOG);
        let (entries, length) = log::read(&path)?;
        let log = OpenOptions::new().append(true).open(&path).map_err(io)?;
        log.set_len(length).map_err(io)?;
        let log = Mutex::new(log);
        let this = Self { job, folder, bytes_max: u64::MAX, log, state: Mutex::default(), _lock: lock };
        this.recover(entries)?;
        let (entries, again) = this.entries_from(0);
        if entries.is_empty() {
            this.remove()?;
            return Ok(None);
        }
        if again.is_none()
            && let Some(first) = this.cut_off()?
        {
            this.put_first_again(&first)?;
        }
        Ok(Some(this))
    }

    pub(crate) fn job(&self) -> &Job {
        &self.job
    }

    /// The blocks from this number on, and block 0 again.
    pub(crate) fn entries_from(&self, number: usize) -> (Vec<Entry>, Option<Entry>) {
        let state = self.state.lock();
        (state.entries.get(number..).unwrap_or_default().to_vec(), state.again)
    }

    /// What is known of this block.
    pub(crate) fn entry(&self, id: BlockId) -> Option<Entry> {
        let state = self.state.lock();
        if id.is_first_again() { state.again } else { state.entries.get(id.number() as usize).copied() }
    }

    /// All blocks as they are to be in the file.
    pub(crate) fn file(&self) -> Vec<Entry> {
        let (mut entries, again) = self.entries_from(0);
        if let (Some(first), Some(again)) = (entries.first_mut(), again) {
            *first = again;
        }
        entries
    }

    /// Puts the next block; when this returns it survives a crash.
    pub(crate) fn put(&self, number: u32, bytes: &[u8]) -> Result<(), SpoolError> {
        let mut log = self.log.lock();
        let (expected, ended, held) = {
            let state = self.state.lock();
            (state.entries.len() as u32, state.again.is_some(), state.held_bytes)
        };
        if number != expected || ended {
            return Err(SpoolError::OutOfOrder { number, expected });
        }
        let id = BlockId::new(number).map_err(SpoolError::Block)?;
        if self.bytes_max < held + bytes.len() as u64 {
            return Err(SpoolError::Limit { path: self.folder.clone(), held, max: self.bytes_max });
        }
        self.write(&mut log, id, bytes)
    }

    /// Puts block 0 again. There is room for it, because the reserve is given back first.
    pub(crate) fn put_first_again(&self, bytes: &[u8]) -> Result<(), SpoolError> {
        let mut log = self.log.lock();
        let fits = {
            let state = self.state.lock();
            !state.entries.is_empty() && state.again.is_none()
        };
        if !fits {
            return Err(SpoolError::NoFirst);
        }
        disk::remove_file(&self.folder.join(RESERVE)).map_err(|error| SpoolError::io(&self.folder, error))?;
        self.write(&mut log, BlockId::FIRST_AGAIN, bytes)
    }

    /// What stands in the place of block 0 if the recording is never ended; the last word counts.
    pub(crate) fn keep_cut_off(&self, bytes: &[u8]) -> Result<(), SpoolError> {
        if bytes.is_empty() || BLOCK_BYTES_MAX < bytes.len() {
            return Err(SpoolError::Size { bytes: bytes.len() });
        }
        disk::write_whole(&self.folder, CUT_OFF, bytes).map_err(|error| SpoolError::io(&self.folder, error))
    }

    /// Block 0 was put again because the recording was never ended, by this process or an earlier one.
    pub(crate) fn is_cut_off(&self) -> Result<bool, SpoolError> {
        let again = self.state.lock().again;
        let kept = self.cut_off()?;
        Ok(again.is_none_or(|again| kept.is_some_and(|kept| digest(&kept) == again.digest)))
    }

    fn cut_off(&self) -> Result<Option<Vec<u8>>, SpoolError> {
        let path = self.folder.join(CUT_OFF);
        disk::read_if_there(&path).map_err(|error| SpoolError::io(&path, error))
    }

    /// The bytes of a block, if they are still here and are what was put.
    pub(crate) fn read(&self, entry: &Entry) -> Result<Option<Bytes>, SpoolError> {
        let path = self.path(entry.block.id);
        let bytes = disk::read_if_there(&path).map_err(|error| SpoolError::io(&path, error))?;
        Ok(bytes.filter(|bytes| digest(bytes) == entry.digest).map(Bytes::from))
    }

    /// Every region has the first so many blocks in its file: gives their room back. Block 0 stays until the end,
    /// because it is small and the file is made anew from it.
    pub(crate) fn free(&self, blocks: usize) -> Result<(), SpoolError> {
        let mut state = self.state.lock();
        let from = state.freed.max(1);
        for at in from..blocks.min(state.entries.len()) {
            let block = state.entries[at].block;
            let path = self.path(block.id);
            disk::remove_file(&path).map_err(|error| SpoolError::io(&path, error))?;
            state.held_bytes = state.held_bytes.saturating_sub(block.bytes);
            state.freed = at + 1;
        }
        Ok(())
    }

    /// The SHA-256 of the whole file, if this region was found to have it.
    pub(crate) fn complete(&self, region: &RegionName) -> Result<Option<Digest>, SpoolError> {
        let path = self.folder.join(complete_name(region));
        let text = disk::read_if_there(&path).map_err(|error| SpoolError::io(&path, error))?;
        Ok(text.and_then(|text| std::str::from_utf8(&text).ok()?.parse().ok()))
    }

    /// Remembers that the region has the whole file.
    pub(crate) fn set_complete(&self, region: &RegionName, digest: Digest) -> Result<(), SpoolError> {
        disk::write_whole(&self.folder, &complete_name(region), digest.to_string().as_bytes())
            .map_err(|error| SpoolError::io(&self.folder, error))
    }

    /// Whether this region may have another file of the same name, which has to go first.
    pub(crate) fn must_clear(&self, region: &RegionName) -> Result<bool, SpoolError> {
        let path = self.folder.join(cleared_name(region));
        let cleared =
            self.job.blob.is_none() || path.try_exists().map_err(|error| SpoolError::io(&path, error))?;
        Ok(!cleared)
    }

    /// Remembers that no other file of this name is there any more; from now on it is ours.
    pub(crate) fn set_cleared(&self, region: &RegionName) -> Result<(), SpoolError> {
        disk::write_whole(&self.folder, &cleared_name(region), b"")
            .map_err(|error| SpoolError::io(&self.folder, error))
    }

    /// Takes the recording out of the spool, in one step.
    pub(crate) fn remove(&self) -> Result<(), SpoolError> {
        take_out(&self.folder).map_err(|error| SpoolError::io(&self.folder, error))
    }

    fn write(&self, log: &mut File, id: BlockId, bytes: &[u8]) -> Result<(), SpoolError> {
        if bytes.is_empty() || BLOCK_BYTES_MAX < bytes.len() {
            return Err(SpoolError::Size { bytes: bytes.len() });
        }
        let path = self.path(id);
        let io = |error| SpoolError::io(&path, error);
        disk::write_whole(&self.folder, &file_name(id), bytes).map_err(io)?;
        self.enter(log, Entry { block: Block { id, bytes: bytes.len() as u64 }, digest: digest(bytes) })
    }

    /// Writes the block into the log. If that fails the block counts as not put; the log is cut where it was.
    fn enter(&self, log: &mut File, entry: Entry) -> Result<(), SpoolError> {
        let io = |error| SpoolError::io(&self.folder.join(LOG), error);
        let length = log.metadata().map_err(io)?.len();
        let written = log.write_all(entry.to_line().as_bytes()).and_then(|()| log.sync_data());
        if let Err(error) = written {
            let cut = log.set_len(length).and_then(|()| io::Seek::seek(log, io::SeekFrom::End(0)));
            cut.map_err(io)?;
            return Err(io(error));
        }
        let mut state = self.state.lock();
        state.held_bytes += entry.block.bytes;
        state.push(entry);
        Ok(())
    }

    /// The log's entries, and then the blocks that are whole but had not reached the log.
    fn recover(&self, entries: Vec<Entry>) -> Result<(), SpoolError> {
        let mut log = self.log.lock();
        entries.into_iter().for_each(|entry| self.state.lock().push(entry));
        loop {
            let (next, ended) = {
                let state = self.state.lock();
                (state.entries.len() as u32, state.again.is_some())
            };
            match BlockId::new(next) {
                Ok(id) if !ended && self.recover_block(&mut log, id)? => {}
                _ if !ended && 0 < next => {
                    return self.recover_block(&mut log, BlockId::FIRST_AGAIN).map(drop);
                }
                _ => return Ok(()),
            }
        }
    }

    fn recover_block(&self, log: &mut File, id: BlockId) -> Result<bool, SpoolError> {
        let path = self.path(id);
        let bytes = disk::read_if_there(&path).map_err(|error| SpoolError::io(&path, error))?;
        let Some(bytes) = bytes.filter(|bytes| !bytes.is_empty()) else { return Ok(false) };
        self.enter(log, Entry { block: Block { id, bytes: bytes.len() as u64 }, digest: digest(&bytes) })?;
        Ok(true)
    }

    fn path(&self, id: BlockId) -> PathBuf {
        self.folder.join(file_name(id))
    }
}

/// The recordings that lie in the spool. Leftovers of jobs that never began or are over are removed.
pub(crate) fn recordings(spool: &Path) -> Result<Vec<RecordingId>, SpoolError> {
    let io = |error| SpoolError::io(spool, error);
    let entries = match fs::read_dir(spool) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(io(error)),
    };
    let mut found = Vec::new();
    for entry in entries {
        let name = entry.map_err(io)?.file_name();
        let Some(name) = name.to_str() else { continue };
        match name.split_once('.') {
            None => found.extend(name.parse::<RecordingId>().ok()),
            Some((id, NEW | DONE)) => {
                let folder = spool.join(name);
                // Somebody who is just making it holds its lock.
                if let Ok(id) = id.parse()
                    && let Ok(_lock) = lock(&folder, id)
                {
                    disk::remove_folder(&folder).map_err(io)?;
                }
            }
            Some(_) => {}
        }
    }
    found.sort_unstable();
    Ok(found)
}

/// Takes a recording out of the spool, if it is there and nobody is at work on it.
pub(crate) fn discard(spool: &Path, id: RecordingId) -> Result<(), SpoolError> {
    let folder = spool.join(id.to_string());
    if !folder.try_exists().map_err(|error| SpoolError::io(&folder, error))? {
        return Ok(());
    }
    let _lock = lock(&folder, id)?;
    take_out(&folder).map_err(|error| SpoolError::io(&folder, error))
}

/// Half a job must never be found in the spool, so it gets another name first. What cannot be removed then is removed by
/// the next start.
fn take_out(folder: &Path) -> io::Result<()> {
    let done = folder.with_extension(DONE);
    disk::remove_folder(&done)?;
    fs::rename(folder, &done)?;
    let _ = disk::remove_folder(&done);
    Ok(())
}

pub(crate) fn digest(bytes: &[u8]) -> Digest {
    Digest::new(Sha256::digest(bytes).into())
}

fn complete_name(region: &RegionName) -> String {
    format!("complete-{region}")
}

fn cleared_name(region: &RegionName) -> String {
    format!("cleared-{region}")
}

fn file_name(id: BlockId) -> String {
    match id.is_first_again() {
        true => "block-00000-again.webm".to_owned(),
        false => format!("block-{:05}.webm", id.number()),
    }
}

fn lock(folder: &Path, id: RecordingId) -> Result<File, SpoolError> {
    let path = folder.join(LOCK);
    let io = |error| SpoolError::io(&path, error);
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path).map_err(io)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(SpoolError::Busy { id }),
        Err(TryLockError::Error(error)) => Err(io(error)),
    }
}

#[cfg(test)]
mod tests;
