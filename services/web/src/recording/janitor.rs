//! Finishes what was left: recordings that a region does not have yet, recordings that were cut off, and deletions.

use std::sync::Arc;
use std::time::Duration;

use convene_recordings::{Copy, CopyState, Recording, RecordingId, RecordingState, RegionName};
use convene_recordings_store::{Resumed, blob_name, delete_everywhere, discard, resume};
use convene_store::StoreError;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::service::Service;

/// How often the spool is looked at, when nothing wakes the janitor before.
const INTERVAL: Duration = Duration::from_secs(30);

/// A recorder of an earlier service may still be finishing. After so long it is not, and what the catalogue calls running is not.
const ORPHANS_MAX: Duration = Duration::from_secs(180);

/// Looks after the recordings until it is told to stop. What it is at then, the next start goes on with.
pub(crate) async fn look_after(service: Arc<Service>, stop: CancellationToken) {
    loop {
        let round = async {
            delete_what_was_kept_long_enough(&service).await;
            delete_the_rest(&service).await;
            let resumed = resume(&service.spool, &service.regions).await;
            for resumed in &resumed {
                note(&service, resumed).await;
            }
            if ORPHANS_MAX <= service.clock.elapsed() {
                settle(&service, &resumed).await;
            }
            tokio::select! {
                () = tokio::time::sleep(INTERVAL) => {}
                () = service.recorders.left_something.notified() => {}
            }
        };
        tokio::select! {
            () = round => {}
            () = stop.cancelled() => return,
        }
    }
}

/// What a deletion has come to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Deletion {
    /// There is no such recording.
    Unknown,
    /// It is being recorded; it has to be stopped first.
    Running,
    /// Nothing is left anywhere.
    Done { regions: Vec<RegionName> },
    /// These regions could not confirm; it goes on when they are back.
    Away { regions: Vec<RegionName> },
}

/// Deletes a recording in every region that can be reached, and notes it for the others.
pub(crate) async fn delete(service: &Service, id: RecordingId) -> Result<Deletion, StoreError> {
    if service.recorders.is_running(id) {
        return Ok(Deletion::Running);
    }
    let before = service
        .catalogue
        .call(move |store| Ok(if store.begin_delete(id)? { store.recording(id)? } else { None }))
        .await?;
    let Some(before) = before else { return Ok(Deletion::Unknown) };
    service.pictures.forget(id);
    let regions = before.regions.into_iter().map(|copy| copy.region).collect();

    if let Err(error) = discard(&service.spool, id).await {
        warn!(recording = %id, %error, "a recording that is to go is in use; it is deleted later");
        return Ok(Deletion::Away { regions });
    }
    for (region, result) in delete_everywhere(id, &service.regions).await {
        match result {
            Ok(()) => service.catalogue.call(move |store| store.confirm_delete(id, &region)).await?,
            Err(error) => warn!(recording = %id, %error, "a region keeps a recording that is to go"),
        }
    }
    let left = service.catalogue.call(move |store| store.recording(id)).await?;
    Ok(match left {
        None => Deletion::Done { regions },
        Some(left) => {
            let is_left = |copy: &Copy| copy.state != CopyState::Deleted;
            let left = left.regions.into_iter().filter(is_left).map(|copy| copy.region);
            Deletion::Away { regions: left.collect() }
        }
    })
}

/// Begins to delete what was to be kept until now. One that still runs goes when it has ended.
async fn delete_what_was_kept_long_enough(service: &Service) {
    let now = service.clock.date();
    let ids = match service.catalogue.call(move |store| store.recordings_kept_long_enough(now)).await {
        Ok(ids) => ids,
        Err(error) => return warn!(%error, "the catalogue does not say what was kept long enough"),
    };
    for id in ids {
        match delete(service, id).await {
            Ok(Deletion::Running | Deletion::Unknown) => {}
            Ok(_) => info!(recording = %id, "a recording was kept as long as it was to be, and is deleted"),
            Err(error) => warn!(recording = %id, %error, "a recording cannot be deleted yet"),
        }
    }
}

/// Tries again what regions could not confirm.
async fn delete_the_rest(service: &Service) {
    let ids = match service.catalogue.call(|store| store.recordings_to_delete()).await {
        Ok(ids) => ids,
        Err(error) => return warn!(%error, "the catalogue does not say what is to be deleted"),
    };
    for id in ids {
        match delete(service, id).await {
            Ok(Deletion::Done { .. }) => info!(recording = %id, "a recording is deleted everywhere"),
            Ok(_) => {}
            Err(error) => warn!(recording = %id, %error, "a recording cannot be deleted yet"),
        }
    }
}

/// Writes down what became of a recording that was in the spool.
async fn note(service: &Service, resumed: &Resumed) {
    let id = resumed.id;
    for report in &resumed.reports {
        service.metrics.region_was_given(report, None);
    }
    if service.recorders.is_running(id) {
        return;
    }
    if let Some(problem) = &resumed.problem {
        warn!(recording = %id, %problem, "a recording in the spool cannot be finished");
    }
    let known = service.catalogue.call(move |store| store.recording(id)).await;
    let now = service.clock.date();
    let recording = match known {
        Ok(Some(recording)) => recording,
        // It was made while the catalogue could not be written.
        Ok(None) => Recording::recovered(id, resumed.layout, now),
        Err(error) => return warn!(recording = %id, %error, "the catalogue does not say what a recording is"),
    };
    let is_new = recording.regions.is_empty();
    if is_new && resumed.bytes == 0 {
        return;
    }
    let recording = resumed.applied_to(recording);
    info!(recording = %id, state = recording.state.word(), "a recording from the spool");
    save(service, recording, is_new).await;
}

/// Asks the regions about recordings that nobody makes and that are not in the spool: a recorder may have finished them after
/// its service was gone.
async fn settle(service: &Service, resumed: &[Resumed]) {
    let unfinished = match service.catalogue.call(|store| store.unfinished_recordings()).await {
        Ok(recordings) => recordings,
        Err(error) => return warn!(%error, "the catalogue does not say what is unfinished"),
    };
    for recording in unfinished {
        let id = recording.id;
        let in_spool = resumed.iter().any(|resumed| resumed.id == id);
        if in_spool || recording.state == RecordingState::Failed || service.recorders.is_running(id) {
            continue;
        }
        if let Some(recording) = as_the_regions_have_it(service, recording).await {
            info!(recording = %id, state = recording.state.word(), "a recording that was interrupted");
            save(service, recording, false).await;
        }
    }
}

/// `None` while a region cannot say.
async fn as_the_regions_have_it(service: &Service, mut recording: Recording) -> Option<Recording> {
    let blob = blob_name(recording.id);
    let before = recording.clone();
    let mut largest = 0;
    for copy in &mut recording.regions {
        let store = service.regions.iter().find(|store| *store.region() == copy.region)?;
        copy.bytes = store.size(&blob).await.ok()?.unwrap_or(0);
        largest = largest.max(copy.bytes);
    }
    for copy in &mut recording.regions {
        let whole = 0 < largest && copy.bytes == largest;
        copy.state = if whole { CopyState::Complete } else { CopyState::Behind };
    }
    recording.bytes = largest;
    if largest == 0 {
        recording.state = RecordingState::Failed;
        recording.message = Some("The recording was interrupted before any of it was kept.".into());
    } else {
        let copies = std::mem::take(&mut recording.regions);
        recording.settle(copies);
    }
    (recording != before).then_some(recording)
}

async fn save(service: &Service, recording: Recording, is_new: bool) {
    let id = recording.id;
    let saved = service
        .catalogue
        .call(move |store| {
            if is_new {
                store.add_recording(&recording)
            } else {
                store.save_recording(&recording).map(|_| ())
            }
        })
        .await;
    if let Err(error) = saved {
        warn!(recording = %id, %error, "a recording is not in the catalogue as it is");
    }
}
