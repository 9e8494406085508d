//! Files that the service makes for itself.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::{fs, os::unix::fs::OpenOptionsExt};

use crate::StartError;

/// Nobody sees half a file, and nobody else ever sees a secret one.
pub(crate) fn write_whole(path: &Path, bytes: &[u8], mode: u32) -> Result<(), StartError> {
    let write = || -> io::Result<()> {
        let new = PathBuf::from(format!("{}.new", path.display()));
        if new.exists() {
            fs::remove_file(&new)?;
        }
        let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(&new)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&new, path)
    };
    write().map_err(|error| StartError::Unwritable { path: path.to_owned(), error })
}
