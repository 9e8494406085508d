//! Files that are whole or not there: what the spool and the folder store both stand on.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

/// Ends the name of a file that is not whole yet; whoever finds one may remove it.
pub(crate) const HALF: &str = ".half";

/// Writes a file that is there in one step, and survives a crash once this returns.
pub(crate) fn write_whole(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    write_unsynced(folder, name, bytes, true)?;
    sync_folder(folder)
}

/// Writes a file that is there in one step, but may be lost in a crash.
pub(crate) fn write_loosely(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    write_unsynced(folder, name, bytes, false)
}

/// Makes renames and removals in this folder survive a crash.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Whether the error says that there is no room, whichever limit it was.
pub(crate) fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge
    )
}

/// Removing what is not there is done already.
pub(crate) fn remove_file(path: &Path) -> io::Result<()> {
    missing_is_fine(fs::remove_file(path))
}

/// The same for a folder and all that is in it.
pub(crate) fn remove_folder(path: &Path) -> io::Result<()> {
    missing_is_fine(fs::remove_dir_all(path))
}

/// Reads a file that may be missing.
pub(crate) fn read_if_there(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn write_unsynced(folder: &Path, name: &str, bytes: &[u8], sync: bool) -> io::Result<()> {
    let half = folder.join(format!("{name}{HALF}"));
    let written = File::create(&half).and_then(|mut file| {
        file.write_all(bytes)?;
        if sync { file.sync_all() } else { Ok(()) }
    });
    let written = written.and_then(|()| fs::rename(&half, folder.join(name)));
    if written.is_err() {
        // Half a file would only take room that is missing already; the first error is the one to tell.
        let _ = fs::remove_file(&half);
    }
    written
}

fn missing_is_fine(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_cannot_be_written_leaves_nothing_behind() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir(folder.path().join("taken")).expect("a folder in it");
        fs::write(folder.path().join("taken/x"), b"x").expect("a file in that");
        assert!(write_whole(folder.path(), "taken", b"new").is_err());
        assert_eq!(fs::read_dir(folder.path()).expect("it is there").count(), 1);
    }
}
