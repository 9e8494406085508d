//! `convene recordings resume`.

use std::convert::Infallible;
use std::time::Duration;

use convene_recordings::{Copy, CopyState, Recording};
use convene_recordings_store::{Resumed, SpoolOwner, resume as resume_spool, waiting};
use indicatif::ProgressBar;
use time::OffsetDateTime;

use super::words::{say, size};
use super::{Place, progress};

/// How often the spool is looked at for the progress bar.
const LOOK_INTERVAL: Duration = Duration::from_millis(500);

/// Brings what lies in the spool to the regions. Says whether nothing is left there.
pub(super) async fn resume(place: &Place) -> anyhow::Result<bool> {
    let _owner = SpoolOwner::take(&place.spool)?;
    let before = waiting(&place.spool).await?;
    let total = before.iter().map(|waiting| waiting.bytes).sum();
    let bar = progress::bar(total);
    let resumed = tokio::select! {
        resumed = resume_spool(&place.spool, &place.regions) => resumed,
        never = watch(place, &bar, total) => match never {},
    };
    bar.finish_and_clear();

    let mut all_well = true;
    for resumed in &resumed {
        all_well &= tell(place, resumed)?;
    }
    for waiting in before.iter().filter(|before| resumed.iter().all(|resumed| resumed.id != before.id)) {
        say(&format!("{}  is being recorded or finished by another process; left alone", waiting.id))?;
    }
    if before.is_empty() {
        say("Nothing lies in the spool.")?;
    }
    Ok(all_well)
}

/// Draws what has left the spool by now.
async fn watch(place: &Place, bar: &ProgressBar, total: u64) -> Infallible {
    loop {
        tokio::time::sleep(LOOK_INTERVAL).await;
        if let Ok(now) = waiting(&place.spool).await {
            bar.set_position(total.saturating_sub(now.iter().map(|waiting| waiting.bytes).sum()));
        }
    }
}

/// Writes down what became of one recording, and says it.
fn tell(place: &Place, resumed: &Resumed) -> anyhow::Result<bool> {
    let id = resumed.id;
    if let Some(problem) = &resumed.problem {
        say(&format!("{id}  FAILED: {problem}"))?;
    }
    let known = place.catalogue.recording(id)?;
    let is_new = known.is_none();
    if is_new && resumed.bytes == 0 {
        say(&format!("{id}  nothing was recorded, and nothing is left of it"))?;
        return Ok(resumed.problem.is_none());
    }
    let recording = resumed.applied_to(
        known.unwrap_or_else(|| Recording::recovered(id, resumed.layout, OffsetDateTime::now_utc())),
    );
    if is_new {
        place.catalogue.add_recording(&recording)?;
    } else if !place.catalogue.save_recording(&recording)? {
        say(&format!(
            "{id}  is to be deleted; `convene recordings delete` or the service goes on with that"
        ))?;
        return Ok(false);
    }
    let region = |copy: &Copy| match copy.state {
        CopyState::Complete => format!("region {} has all of it", copy.region),
        _ => format!("region {} is STILL BEHIND", copy.region),
    };
    let regions: Vec<_> = resumed.copies.iter().map(region).collect();
    let state = recording.state.word();
    say(&format!("{id}  {state}, {}: {}", size(recording.bytes), regions.join(", ")))?;
    let complete = resumed.copies.iter().all(|copy| copy.state == CopyState::Complete);
    Ok(resumed.problem.is_none() && complete)
}
