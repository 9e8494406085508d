//! Recordings: their catalogue, the processes that make them, and the care for what was left unfinished.

mod catalogue;
mod janitor;
mod links;
mod pictures;
mod process;
mod recorders;

pub(crate) use catalogue::Catalogue;
pub(crate) use janitor::{Deletion, delete, look_after};
pub(crate) use links::{Links, WatchError};
pub(crate) use pictures::{Pictures, pictures};
pub(crate) use recorders::{FINISH_MAX, Recorders, RecordingOrder, Rules};
