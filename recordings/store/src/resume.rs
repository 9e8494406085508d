//! Finishing what the spool still holds.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use convene_recordings::{
    Copy, CopyState, Recording, RecordingId, RecordingLayout, RecordingState, RegionName, RegionReport,
};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tracing::Instrument;

use crate::spool::{self, Spool, SpoolError, Waiting};
use crate::upload::{Progress, Upload, blocking};
use crate::writer::{finished, settle};
use crate::{BlobStore, Patience};

/// A region that fails this often in a row is left for the next time.
const FAILURES_MAX: u32 = 2;

/// What became of one recording in the spool.
#[derive(Debug)]
pub struct Resumed {
    /// Which.
    pub id: RecordingId,
    /// What its file is called in every region.
    pub blob: String,
    /// What of the meeting is in it, as its recorder had it.
    pub layout: RecordingLayout,
    /// Whether it had been finished in order; a recording that was cut off has no duration or index in it, but plays.
    pub finished: bool,
    /// The length of the whole file, as far as the spool had it. 0 when nothing was recorded.
    pub bytes: u64,
    /// The copies by now. A region that is still behind keeps the recording in the spool.
    pub copies: Vec<Copy>,
    /// For each copy, why its region's last call failed, if it did.
    pub troubles: Vec<Option<String>>,
    /// What each region was given this time.
    pub reports: Vec<RegionReport>,
    /// What went wrong with the spool itself, if anything.
    pub problem: Option<SpoolError>,
}

impl Resumed {
    fn nothing(id: RecordingId, problem: Option<SpoolError>) -> Self {
        Self {
            id,
            blob: id.blob_name(),
            layout: RecordingLayout::default(),
            finished: false,
            bytes: 0,
            copies: Vec::new(),
            troubles: Vec::new(),
            reports: Vec::new(),
            problem,
        }
    }

    /// The recording as the catalogue is to have it, now that what was in the spool has gone to the regions.
    #[must_use]
    pub fn applied_to(&self, mut recording: Recording) -> Recording {
        if self.bytes == 0 {
            recording.state = RecordingState::Failed;
            let nothing = || "Nothing was recorded before the recorder ended.".to_owned();
            recording.message = Some(recording.message.take().unwrap_or_else(nothing));
            return recording;
        }
        recording.bytes = self.bytes;
        if self.finished {
            recording.message = None;
            recording.settle(self.copies.clone());
        } else {
            recording.settle_cut_off(self.copies.clone());
        }
        recording
    }
}

/// Brings what the spool still holds to the regions: at the service's start, and now and then. Recordings that run
/// just now are left alone. A region that is away is tried twice, and then not again before the next call.
pub async fn resume(spool: &Path, regions: &[Arc<dyn BlobStore>]) -> Vec<Resumed> {
    resume_with(spool, regions, Patience::UPLOADING).await
}

/// The same with a patience of your own.
pub async fn resume_with(spool: &Path, regions: &[Arc<dyn BlobStore>], patience: Patience) -> Vec<Resumed> {
    let path = spool.to_owned();
    let ids = match blocking(move || spool::recordings(&path)).await {
        Ok(ids) => ids,
        Err(error) => {
            tracing::error!("{error}");
            return Vec::new();
        }
    };
    let mut away = BTreeSet::new();
    let mut resumed = Vec::new();
    for id in ids {
        let path = spool.to_owned();
        match blocking(move || Spool::open(&path, id)).await {
            Ok(Some(spool)) => {
                let span = tracing::info_span!("resume", recording = %id);
                let one = resume_one(spool, regions, patience, &mut away).instrument(span);
                resumed.push(one.await);
            }
            Ok(None) => resumed.push(Resumed::nothing(id, None)),
            Err(SpoolError::Busy { .. }) => {}
            // Whoever had it has just taken it out.
            Err(SpoolError::Io { error, .. }) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(problem) => {
                tracing::error!(recording = %id, "{problem}");
                resumed.push(Resumed::nothing(id, Some(problem)));
            }
        }
    }
    resumed
}

async fn resume_one(
    spool: Spool,
    regions: &[Arc<dyn BlobStore>],
    patience: Patience,
    away: &mut BTreeSet<RegionName>,
) -> Resumed {
    let job = spool.job().clone();
    let finished_in_order = match spool.is_cut_off() {
        Ok(cut_off) => !cut_off,
        Err(problem) => return Resumed::nothing(job.id, Some(problem)),
    };
    let bytes = spool.file().iter().map(|entry| entry.block.bytes).sum();
    let wanted = regions.iter().filter(|store| job.regions.contains(store.region())).cloned();
    let upload = Arc::new(Upload::new(Arc::new(spool), wanted.collect(), patience));

    let progress = watch::Sender::new(Progress { blocks: 0, ended: true });
    let mut tasks = JoinSet::new();
    for (at, store) in upload.stores.iter().enumerate() {
        if !away.contains(store.region()) {
            let (upload, progress) = (Arc::clone(&upload), progress.subscribe());
            let span = tracing::info_span!("upload", region = %store.region());
            tasks.spawn(async move { upload.run(at, FAILURES_MAX, progress).await }.instrument(span));
        }
    }
    finished(&mut tasks).await;

    let mut troubles = upload.troubles();
    let (mut copies, problem) = match settle(&upload).await {
        Ok(copies) => (copies, None),
        Err(problem) => (upload.copies(), Some(problem)),
    };
    let behind = copies.iter().filter(|copy| copy.state == CopyState::Behind);
    away.extend(behind.map(|copy| copy.region.clone()));
    for region in job.regions {
        if copies.iter().all(|copy| copy.region != region) {
            tracing::warn!(recording = %job.id, %region, "the spool holds a recording for a region that is not configured");
            troubles.push(Some("it is not among the stores of this run".to_owned()));
            copies.push(Copy { region, state: CopyState::Behind, bytes: 0, sha256: None });
        }
    }
    Resumed {
        id: job.id,
        blob: upload.blob.clone(),
        layout: job.layout,
        finished: finished_in_order,
        bytes,
        copies,
        troubles,
        reports: upload.reports(),
        problem,
    }
}

/// The recordings that lie in the spool, whoever is at work on them.
///
/// # Errors
/// When the spool cannot be read.
pub async fn waiting(spool: &Path) -> Result<Vec<Waiting>, SpoolError> {
    let path = spool.to_owned();
    blocking(move || spool::waiting(&path)).await
}

/// Whether a process records or finishes this recording just now.
///
/// # Errors
/// When the spool cannot be read.
pub async fn is_busy(spool: &Path, id: RecordingId) -> Result<bool, SpoolError> {
    let path = spool.to_owned();
    blocking(move || spool::is_busy(&path, id)).await
}

/// Takes a recording out of the spool for good, because it is to be deleted. Without it in the spool, nothing is done.
///
/// # Errors
/// When it is being recorded or resumed just now, or its files cannot be removed.
pub async fn discard(spool: &Path, id: RecordingId) -> Result<(), SpoolError> {
    let path = spool.to_owned();
    blocking(move || spool::discard(&path, id)).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn copies(states: &[CopyState]) -> Vec<Copy> {
        let copy = |(name, state): (&str, &CopyState)| Copy {
            region: RegionName::new(name).expect("one is there"),
            state: *state,
            bytes: 7,
            sha256: None,
        };
        ["a", "b"].into_iter().zip(states).map(copy).collect()
    }

    fn recording() -> Recording {
        let id = RecordingId::new(Uuid::from_u128(1));
        let message = Some("The recorder ended before it had finished (signal: 9).".into());
        let regions = copies(&[CopyState::Behind, CopyState::Behind]);
        let began = time::OffsetDateTime::UNIX_EPOCH;
        let found = Recording::recovered(id, RecordingLayout::Sound, began);
        Recording { state: RecordingState::Failed, message, regions, ..found }
    }

    fn resumed(bytes: u64, finished: bool, states: &[CopyState]) -> Resumed {
        let copies = copies(states);
        Resumed { finished, bytes, copies, ..Resumed::nothing(recording().id, None) }
    }

    #[test]
    fn a_failed_recording_becomes_ready_when_the_spool_had_all_of_it() {
        let after = resumed(7, true, &[CopyState::Complete; 2]).applied_to(recording());
        assert_eq!((after.state, after.bytes, after.message), (RecordingState::Ready, 7, None));
    }

    #[test]
    fn one_that_was_cut_off_plays_and_says_so() {
        let after = resumed(7, false, &[CopyState::Complete, CopyState::Behind]).applied_to(recording());
        assert_eq!(after.state, RecordingState::Degraded);
        let message = after.message.expect("one is there");
        assert!(message.starts_with("The recording was cut off;"), "{message}");
        assert!(message.contains("Region b does not have all of it yet"), "{message}");
    }

    #[test]
    fn one_without_a_byte_stays_failed_and_keeps_its_reason() {
        let after = resumed(0, false, &[]).applied_to(recording());
        assert_eq!(after.state, RecordingState::Failed);
        assert_eq!(after.message, recording().message);
    }
}
