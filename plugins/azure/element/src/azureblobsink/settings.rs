//! The properties' values, and what they mean for the writing.

use std::path::PathBuf;
use std::time::Duration;

use convene_recordings::{BlobName, NameError};
use convene_recordings_store::{Patience, SPOOL_BYTES_MAX, WriterOptions};

use crate::cutter::Limits;
use crate::place::{Place, PlaceError, open_both};
use crate::writing::Plan;

/// Bytes of a full block. Small enough that a slow line takes one in a quarter of a minute.
pub const BLOCK_SIZE: u32 = 4 * 1024 * 1024;
/// Milliseconds after which a block is put though it is not full: what a crash of the machine can cost.
pub const BLOCK_TIME: u32 = 2000;
/// Seconds for the regions after the end of the stream.
pub const EOS_TIMEOUT: u32 = 30;
/// Seconds for a region's answer; more where many bytes move.
pub const REGION_TIMEOUT: u32 = 20;
/// Seconds for a full spool to become emptier.
pub const SPOOL_TIMEOUT: u32 = 60;

#[derive(Debug, Clone)]
pub struct Settings {
    pub location: Option<String>,
    pub primary: Option<Place>,
    pub secondary: Option<Place>,
    pub spool: Option<PathBuf>,
    pub spool_bytes_max: u64,
    pub spool_timeout: u32,
    pub block_size: u32,
    pub block_time: u32,
    pub eos_timeout: u32,
    pub region_timeout: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            location: None,
            primary: None,
            secondary: None,
            spool: None,
            spool_bytes_max: SPOOL_BYTES_MAX,
            spool_timeout: SPOOL_TIMEOUT,
            block_size: BLOCK_SIZE,
            block_time: BLOCK_TIME,
            eos_timeout: EOS_TIMEOUT,
            region_timeout: REGION_TIMEOUT,
        }
    }
}

/// What can be refused before anything is touched.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    #[error(transparent)]
    Place(#[from] PlaceError),
    #[error("{location:?} cannot be a blob's name: {error}.")]
    Location { location: String, error: NameError },
    #[error("Set spool to a folder on local disk, for what the regions do not have yet.")]
    NoSpool,
}

impl Settings {
    /// What they mean. Keys are read here, from where the stores say; the regions are asked nothing.
    pub fn plan(&self) -> Result<Plan, SettingsError> {
        let stores = open_both(self.primary.as_ref(), self.secondary.as_ref())?;
        let name = |location: &String| {
            BlobName::new(location)
                .map_err(|error| SettingsError::Location { location: location.clone(), error })
        };
        let end_time = seconds(self.eos_timeout);
        Ok(Plan {
            blob: self.location.as_ref().map(name).transpose()?,
            spool: self.spool.clone().ok_or(SettingsError::NoSpool)?,
            stores,
            limits: Limits {
                bytes: self.block_size as usize,
                time: Duration::from_millis(self.block_time.into()),
            },
            options: WriterOptions {
                spool_bytes_max: self.spool_bytes_max,
                patience: Patience { call: seconds(self.region_timeout), ..Patience::UPLOADING },
                // Who runs a pipeline to its end wants both copies.
                others_max: end_time,
                ..WriterOptions::default()
            },
            spool_time: seconds(self.spool_timeout),
            end_time,
        })
    }
}

fn seconds(seconds: u32) -> Duration {
    Duration::from_secs(seconds.into())
}
