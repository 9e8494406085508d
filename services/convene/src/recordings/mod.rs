//! `convene recordings`: what an operator does about recordings, with the service or without it.

mod arguments;
mod delete;
mod list;
mod progress;
mod repair;
mod resume;
mod verify;
mod words;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, bail};
use convene_recordings::{Recording, StoreConfig};
use convene_recordings_store::BlobStore;
use convene_store::Store;

use self::arguments::Action;
pub(crate) use self::arguments::Recordings;
use crate::arguments::Configuration;
use crate::configuration;

/// So many of the first characters of an id are enough, if they are one recording's.
const PREFIX_BYTES_MIN: usize = 4;

/// Does one thing. The exit code says whether all is as it should be.
pub(crate) async fn recordings(arguments: Recordings) -> anyhow::Result<ExitCode> {
    let Recordings { action, config, data } = arguments;
    let place = Place::open(&Configuration { config, data, ..Configuration::default() })?;
    let all_well = match action {
        Action::List { json } => list::list(&place, json).map(|()| true),
        Action::Verify { name } => verify::verify(&place, name.as_deref()).await,
        Action::Repair { name, from } => repair::repair(&place, name.as_deref(), from.as_ref()).await,
        Action::Resume => resume::resume(&place).await,
        Action::Delete { name, yes } => delete::delete(&place, &name, yes).await,
    }?;
    Ok(if all_well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Where the recordings are.
struct Place {
    catalogue: Store,
    regions: Vec<Arc<dyn BlobStore>>,
    spool: PathBuf,
}

impl Place {
    fn open(configuration: &Configuration) -> anyhow::Result<Self> {
        let config = configuration::read(configuration)?;
        let database = config.database_file();
        // Opening makes it, and an empty catalogue in the wrong folder would be a lie.
        if !database.is_file() {
            bail!(
                "There is no catalogue {}. Say where the service keeps its data with --data or --config.",
                database.display()
            );
        }
        let stores = config.regions();
        StoreConfig::check(&stores).context("The stores cannot be used")?;
        let regions = stores
            .iter()
            .map(convene_recordings_store::open)
            .collect::<Result<_, _>>()
            .context("A region cannot be used")?;
        Ok(Self { catalogue: Store::open(&database)?, regions, spool: config.spool() })
    }

    /// The one recording that is called so.
    fn find(&self, name: &str) -> anyhow::Result<Recording> {
        let all = self.catalogue.recordings()?;
        let found: Vec<_> = all.into_iter().filter(|recording| is_called(recording, name)).collect();
        match <[Recording; 1]>::try_from(found) {
            Ok([one]) => Ok(one),
            Err(none) if none.is_empty() => {
                bail!("No recording is called `{name}`; see `convene recordings list`.")
            }
            Err(several) => {
                let ids: Vec<_> =
                    several.iter().map(|recording| format!("  {}", words::line(recording))).collect();
                bail!("Several recordings are called `{name}`; name one by its id:\n{}", ids.join("\n"))
            }
        }
    }

    /// The one of this name, or all; the oldest first, as they came.
    fn named_or_all(&self, name: Option<&str>) -> anyhow::Result<Vec<Recording>> {
        match name {
            Some(name) => Ok(vec![self.find(name)?]),
            None => {
                let mut all = self.catalogue.recordings()?;
                all.reverse();
                Ok(all)
            }
        }
    }
}

fn is_called(recording: &Recording, name: &str) -> bool {
    let id = recording.id.to_string();
    let code: String = name.chars().filter(|character| !matches!(character, ' ' | '-')).collect();
    id == name
        || PREFIX_BYTES_MIN <= name.len() && id.starts_with(name)
        || !recording.code.is_empty() && recording.code == code
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recordings_are_called_by_id_by_its_beginning_and_by_code() {
        let id = "3f2a0000-0000-0000-0000-000000000001".parse().expect("an id");
        let mut recording = Recording::recovered(
            id,
            convene_recordings::RecordingLayout::default(),
            time::OffsetDateTime::UNIX_EPOCH,
        );
        recording.code = "123456789".into();
        for name in ["3f2a0000-0000-0000-0000-000000000001", "3f2a", "123456789", "123 456-789"] {
            assert!(is_called(&recording, name), "{name}");
        }
        recording.code.clear();
        for name in ["", " ", "3f2", "3f2b", "123456789"] {
            assert!(!is_called(&recording, name), "{name}");
        }
    }
}
