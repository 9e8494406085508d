//! Pictures of a recording: one to know it by, and a strip of small ones along its time. Made of its key frames when somebody first wants
//! them, and kept in memory only, so that nothing of a deleted recording is left.

mod made;
mod reader;
mod scale;

use std::collections::VecDeque;
use std::sync::Arc;

use convene_recordings::RecordingId;
use convene_recordings_store::{MediaReader, ReadError};
use parking_lot::Mutex;
use tokio::sync::Semaphore;

use crate::service::Service;
use made::make;
pub(crate) use made::{MakeError, Set};

/// The pictures of so many recordings are kept: 20 MB of those that are long.
const KEPT_MAX: usize = 100;

/// The pictures that were made last.
pub(crate) struct Pictures {
    /// The newest at the end.
    kept: Mutex<VecDeque<Arc<Set>>>,
    /// One recording at a time: a page that lists a hundred of them must not take all cores from the meetings.
    turn: Semaphore,
}

/// There are no pictures.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PictureError {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Make(#[from] MakeError),
}

impl Default for Pictures {
    fn default() -> Self {
        Self { kept: Mutex::default(), turn: Semaphore::new(1) }
    }
}

impl Pictures {
    fn find(&self, recording: RecordingId, version: &str) -> Option<Arc<Set>> {
        let kept = self.kept.lock();
        kept.iter().find(|set| set.recording == recording && set.version == version).cloned()
    }

    fn keep(&self, set: Arc<Set>) {
        let mut kept = self.kept.lock();
        kept.retain(|other| other.recording != set.recording);
        kept.push_back(set);
        while KEPT_MAX < kept.len() {
            kept.pop_front();
        }
    }

    /// A recording is gone, and so are its pictures.
    pub(crate) fn forget(&self, recording: RecordingId) {
        self.kept.lock().retain(|set| set.recording != recording);
    }
}

/// The pictures of a recording as it is now.
pub(crate) async fn pictures(service: &Service, recording: RecordingId) -> Result<Arc<Set>, PictureError> {
    let reader = MediaReader::open(recording, &service.regions).await?;
    let version = reader.etag().to_owned();
    let pictures = &service.pictures;
    if let Some(set) = pictures.find(recording, &version) {
        return Ok(set);
    }
    let _turn = pictures.turn.acquire().await.expect("it is never closed");
    if let Some(set) = pictures.find(recording, &version) {
        return Ok(set);
    }
    let set = Arc::new(make(recording, reader).await?);
    pictures.keep(Arc::clone(&set));
    // Somebody may have begun to delete it meanwhile.
    if !matches!(service.catalogue.call(move |store| store.is_being_deleted(recording)).await, Ok(false)) {
        pictures.forget(recording);
    }
    Ok(set)
}
