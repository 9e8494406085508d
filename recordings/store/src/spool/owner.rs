//! Who may empty a spool: one process at a time.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

use super::SpoolError;

/// A spool that is this process's to empty, until this is dropped or the process ends. Recorders do not need it: each recording in the spool has a
/// lock of its own. It is a lock on `SPOOL.lock`, beside the spool; the file stays, and holds the number of its last owner.
#[derive(Debug)]
pub struct SpoolOwner {
    _lock: File,
}

impl SpoolOwner {
    /// Takes the spool. It blocks for as long as the disk does.
    ///
    /// # Errors
    /// When another process has it, which is named, or the file cannot be written.
    pub fn take(spool: &Path) -> Result<Self, SpoolError> {
        let path = lock_file(spool);
        let io = |error| SpoolError::io(&path, error);
        let mut file =
            OpenOptions::new().create(true).truncate(false).read(true).write(true).open(&path).map_err(io)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut text = String::new();
                // Its number is a help, no more: the lock is what counts.
                let _ = file.take(16).read_to_string(&mut text);
                return Err(SpoolError::Owned { path: spool.to_owned(), process: text.trim().parse().ok() });
            }
            Err(TryLockError::Error(error)) => return Err(io(error)),
        }
        file.set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| writeln!(file, "{}", std::process::id()))
            .map_err(io)?;
        Ok(Self { _lock: file })
    }
}

fn lock_file(spool: &Path) -> PathBuf {
    let mut name = spool.as_os_str().to_owned();
    name.push(".lock");
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spool_has_one_owner() {
        let folder = tempfile::tempdir().expect("a folder");
        let spool = folder.path().join("spool");
        let owner = SpoolOwner::take(&spool).expect("nobody has it");
        let sentence = SpoolOwner::take(&spool).expect_err("somebody has it").to_string();
        assert!(sentence.contains(&format!("process {}", std::process::id())), "{sentence}");
        drop(owner);
        SpoolOwner::take(&spool).expect("nobody has it any more");
    }
}
