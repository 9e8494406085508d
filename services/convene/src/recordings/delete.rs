//! `convene recordings delete`.

use std::io::{BufRead, IsTerminal, Read, Write};

use anyhow::{Context, bail};
use convene_recordings::Recording;
use convene_recordings_store::{delete_everywhere, discard, is_busy};

use super::Place;
use super::words::{line, say};

/// An answer is one word.
const ANSWER_BYTES_MAX: u64 = 64;

/// Deletes it everywhere, and says for every region that nothing is left, or why that is not known.
pub(super) async fn delete(place: &Place, name: &str, yes: bool) -> anyhow::Result<bool> {
    let recording = place.find(name)?;
    let id = recording.id;
    if is_busy(&place.spool, id).await? {
        bail!("The recording {id} is being recorded or finished just now. End the recording first, or wait.");
    }
    if !yes && !agreed(&recording)? {
        say("Nothing was deleted.")?;
        return Ok(false);
    }
    // From here on it goes, if not now then with the service's next round.
    place.catalogue.begin_delete(id)?;
    discard(&place.spool, id).await.context("It is noted as to be deleted, and lies in the spool still")?;
    for (region, result) in delete_everywhere(id, &place.regions).await {
        match result {
            Ok(()) => {
                place.catalogue.confirm_delete(id, &region)?;
                say(&format!("region {region}: nothing is left"))?;
            }
            Err(error) => say(&format!("region {region}: NOT DELETED: {error}"))?,
        }
    }
    let left = place.catalogue.recording(id)?;
    say(&match &left {
        None => format!("{id} is deleted everywhere."),
        Some(_) => format!(
            "{id} is not deleted everywhere yet. The service goes on with it; or give the same command again."
        ),
    })?;
    Ok(left.is_none())
}

fn agreed(recording: &Recording) -> anyhow::Result<bool> {
    if !std::io::stdin().is_terminal() {
        bail!(
            "Nobody can be asked, as standard input is no terminal. To delete without a question, say --yes."
        );
    }
    let regions: Vec<_> = recording.regions.iter().map(|copy| copy.region.as_str()).collect();
    eprint!("{}\nDelete it in {}? It cannot be undone. yes/no: ", line(recording), regions.join(" and "));
    std::io::stderr().flush().context("The question cannot be asked")?;
    let mut answer = String::new();
    std::io::stdin()
        .lock()
        .take(ANSWER_BYTES_MAX)
        .read_line(&mut answer)
        .context("The answer cannot be read")?;
    Ok(answer.trim() == "yes")
}
