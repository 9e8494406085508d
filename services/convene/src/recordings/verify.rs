//! `convene recordings verify`.

use convene_recordings::{Recording, RecordingId, RecordingState};
use convene_recordings_store::{Examination, Finding, Waiting, examine, is_busy, waiting};

use super::words::{say, size};
use super::{Place, progress};

/// Compares the regions, a line each, and says whether all are right.
pub(super) async fn verify(place: &Place, name: Option<&str>) -> anyhow::Result<bool> {
    let recordings = place.named_or_all(name)?;
    let spooled = waiting(&place.spool).await?;
    let total = recordings.iter().map(bytes_to_read).sum();
    let bar = progress::bar(total);
    let mut wrong = 0;
    for recording in &recordings {
        bar.set_message(recording.id.to_string());
        let (mark, lines) = match what_stands_in_the_way(place, &spooled, recording).await? {
            Some(Obstacle::Fine(why)) => ("skipped", vec![why.to_owned()]),
            Some(Obstacle::Wrong(why)) => ("WRONG", vec![why.to_owned()]),
            None => {
                let examination = examine(recording, &place.regions, None, &|bytes| bar.inc(bytes)).await;
                judge(&examination)
            }
        };
        wrong += usize::from(mark == "WRONG");
        let line = |what: &String| say(&format!("{mark:<7}  {}  {what}", recording.id));
        bar.suspend(|| lines.iter().try_for_each(line))?;
    }
    bar.finish_and_clear();
    if 0 < wrong {
        say(&format!("{wrong} of {} recordings are not as they should be.", recordings.len()))?;
    }
    Ok(wrong == 0)
}

/// Why a recording is not compared.
pub(super) enum Obstacle {
    /// As it should be.
    Fine(&'static str),
    /// Somebody has to do something.
    Wrong(&'static str),
}

pub(super) async fn what_stands_in_the_way(
    place: &Place,
    spooled: &[Waiting],
    recording: &Recording,
) -> anyhow::Result<Option<Obstacle>> {
    let id = recording.id;
    if is_in(spooled, id) {
        return Ok(Some(if is_busy(&place.spool, id).await? {
            Obstacle::Fine("is being recorded or finished just now")
        } else {
            Obstacle::Wrong(
                "waits in the spool; the service brings it to the regions, or `convene recordings resume` while that is stopped",
            )
        }));
    }
    Ok(if place.catalogue.is_being_deleted(id)? {
        Some(Obstacle::Fine("is being deleted"))
    } else if recording.is_running() {
        Some(Obstacle::Fine("is being recorded, or its service ended before it could say how it ended"))
    } else if recording.state == RecordingState::Failed && recording.bytes == 0 {
        Some(Obstacle::Fine("failed before anything was recorded"))
    } else {
        None
    })
}

fn is_in(spooled: &[Waiting], id: RecordingId) -> bool {
    spooled.iter().any(|waiting| waiting.id == id)
}

/// One copy in each region.
pub(super) fn bytes_to_read(recording: &Recording) -> u64 {
    recording.bytes.saturating_mul(recording.regions.len() as u64)
}

fn judge(examination: &Examination) -> (&'static str, Vec<String>) {
    if let Some((_, bytes, sha256)) = examination.source().filter(|_| examination.is_right()) {
        let regions = examination.findings().count();
        return ("ok", vec![format!("{regions} regions hold the same {}, SHA-256 {sha256}", size(bytes))]);
    }
    let wrong = examination.findings().filter(|(_, finding)| **finding != Finding::Right);
    ("WRONG", wrong.map(|(region, finding)| format!("region {region} {finding}")).collect())
}
