//! `convene recordings repair`.

use anyhow::bail;
use convene_recordings::{Recording, RegionName};
use convene_recordings_store::{Examination, Finding, delete_everywhere, examine, waiting};
use indicatif::ProgressBar;

use super::verify::{Obstacle, bytes_to_read, what_stands_in_the_way};
use super::words::say;
use super::{Place, progress};

/// Looks at the recordings and copies what is missing. Says whether all regions have all of them afterwards.
pub(super) async fn repair(
    place: &Place,
    name: Option<&str>,
    from: Option<&RegionName>,
) -> anyhow::Result<bool> {
    let recordings = place.named_or_all(name)?;
    let spooled = waiting(&place.spool).await?;
    let bar = progress::bar(recordings.iter().map(bytes_to_read).sum());
    let mut all_well = true;
    for recording in recordings {
        bar.set_message(recording.id.to_string());
        match what_stands_in_the_way(place, &spooled, &recording).await? {
            Some(Obstacle::Fine(why)) if name.is_some() => bail!("The recording {} {why}.", recording.id),
            Some(Obstacle::Fine(_)) => {}
            Some(Obstacle::Wrong(why)) => {
                all_well = false;
                bar.suspend(|| say(&format!("WRONG     {}  {why}", recording.id)))?;
            }
            None => all_well &= repair_one(place, recording, from, &bar).await?,
        }
    }
    bar.finish_and_clear();
    Ok(all_well)
}

async fn repair_one(
    place: &Place,
    recording: Recording,
    from: Option<&RegionName>,
    bar: &ProgressBar,
) -> anyhow::Result<bool> {
    let id = recording.id;
    let line = |mark: &str, what: &str| bar.suspend(|| say(&format!("{mark:<8}  {id}  {what}")));
    let moved = |bytes| bar.inc(bytes);
    let mut examination = examine(&recording, &place.regions, from, &moved).await;
    if let Some(from) = from.filter(|_| examination.source().is_none()) {
        bail!("Region {from} cannot be copied from: it has nothing of {id}, or cannot be read.");
    }
    let source = examination.source().map(|(region, ..)| region.clone());
    let done = examination.repair(id, &moved).await;
    for (region, result) in &done {
        match (result, &source) {
            (Ok(()), Some(source)) => line("repaired", &format!("region {region}, from {source}"))?,
            (Ok(()), None) => {}
            (Err(error), _) => line("FAILED", &error.to_string())?,
        }
    }
    for (region, finding) in examination.findings().filter(|(_, finding)| **finding != Finding::Right) {
        line("WRONG", &format!("region {region} {finding}"))?;
    }
    note(place, recording, &examination).await?;
    Ok(examination.is_right())
}

/// The catalogue gets to know it. Whoever deleted the recording meanwhile must not find it again.
async fn note(place: &Place, mut recording: Recording, examination: &Examination) -> anyhow::Result<()> {
    let Some((_, bytes, _)) = examination.source() else { return Ok(()) };
    let id = recording.id;
    recording.bytes = bytes;
    recording.settle(examination.as_copies());
    if !place.catalogue.save_recording(&recording)? {
        delete_everywhere(id, &place.regions).await;
        bail!("The recording {id} was deleted meanwhile, and so was what was copied.");
    }
    Ok(())
}
