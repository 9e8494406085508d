//! What lies in a spool, seen from outside: no lock is taken, so nobody is kept from working.

use std::fs;
use std::io;
use std::path::Path;
use std::time::SystemTime;

use convene_recordings::{BlockId, RecordingId};

use super::{SpoolError, file_name, lock};

/// A recording that lies in the spool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waiting {
    /// Which.
    pub id: RecordingId,
    /// What its blocks take of the disk.
    pub bytes: u64,
    /// When the oldest of the blocks that some region lacks was written. Block 0, which is held until the end, does not count.
    pub oldest: Option<SystemTime>,
}

pub(crate) fn waiting(spool: &Path) -> Result<Vec<Waiting>, SpoolError> {
    let mut found = Vec::new();
    for entry in entries(spool)? {
        let name = entry.map_err(|error| SpoolError::io(spool, error))?.file_name();
        let Some(id) = name.to_str().and_then(|name| name.parse().ok()) else { continue };
        match look(&spool.join(name), id) {
            Ok(waiting) => found.push(waiting),
            // It has gone to the regions just now.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(SpoolError::io(spool, error)),
        }
    }
    found.sort_unstable_by_key(|waiting| waiting.id);
    Ok(found)
}

/// Whether a process is at work on this recording just now.
pub(crate) fn is_busy(spool: &Path, id: RecordingId) -> Result<bool, SpoolError> {
    let folder = spool.join(id.to_string());
    if !folder.try_exists().map_err(|error| SpoolError::io(&folder, error))? {
        return Ok(false);
    }
    match lock(&folder, id) {
        Ok(_lock) => Ok(false),
        Err(SpoolError::Busy { .. }) => Ok(true),
        Err(error) => Err(error),
    }
}

fn entries(folder: &Path) -> Result<impl Iterator<Item = io::Result<fs::DirEntry>>, SpoolError> {
    match fs::read_dir(folder) {
        Ok(entries) => Ok(Some(entries).into_iter().flatten()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None.into_iter().flatten()),
        Err(error) => Err(SpoolError::io(folder, error)),
    }
}

fn look(folder: &Path, id: RecordingId) -> io::Result<Waiting> {
    let first = BlockId::new(0).map(file_name).unwrap_or_default();
    let mut waiting = Waiting { id, bytes: 0, oldest: None };
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let is_block = |name: &&str| name.starts_with("block-") && name.ends_with(".webm");
        let Some(name) = name.to_str().filter(is_block) else { continue };
        let metadata = match entry.metadata() {
            Ok(metadata) => metadata,
            // Every region has it now.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        waiting.bytes += metadata.len();
        if name != first {
            let written = metadata.modified()?;
            waiting.oldest = Some(waiting.oldest.map_or(written, |oldest| oldest.min(written)));
        }
    }
    Ok(waiting)
}
