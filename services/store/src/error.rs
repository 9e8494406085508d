//! What can go wrong with the database.

use std::path::PathBuf;

/// What went wrong, as a sentence.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The file cannot be opened.
    #[error("The database {} cannot be opened: {why}.", path.display())]
    Open {
        /// Which file.
        path: PathBuf,
        /// What SQLite said.
        why: String,
    },
    /// The tables cannot be brought up to date.
    #[error("The database {} cannot be brought up to date: {why}.", path.display())]
    Migrate {
        /// Which file.
        path: PathBuf,
        /// Which step failed.
        why: String,
    },
    /// All connections are in use, or none can be made.
    #[error("The database is too busy: {0}.")]
    Busy(String),
    /// A statement failed.
    #[error("The database refused a statement: {0}.")]
    Statement(#[from] diesel::result::Error),
    /// A row holds what we never wrote.
    #[error("The database has {what} {value:?}, which this version does not know.")]
    Unknown {
        /// "a state" or the like.
        what: &'static str,
        /// What is there.
        value: String,
    },
}
