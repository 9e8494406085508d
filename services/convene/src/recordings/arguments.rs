//! `convene recordings …`: its command line.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use convene_recordings::RegionName;

#[derive(Debug, Args)]
pub(crate) struct Recordings {
    #[command(subcommand)]
    pub(super) action: Action,
    /// The service's configuration file; without it, `convene.toml` in this folder if there is one.
    #[arg(long, global = true, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// The service's data folder. [default: data]
    #[arg(long, global = true, value_name = "FOLDER")]
    pub(super) data: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(super) enum Action {
    /// All recordings, the newest first: when, how long, how large, in which state, and where each region is with it.
    List {
        /// For programs: the same as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Read recordings back from every region and compare. The exit code is not 0 when something differs.
    Verify {
        /// Only this one: its id or the beginning of it, or the code of its meeting. [default: all]
        name: Option<String>,
    },
    /// Copy what a region lacks, or has otherwise, from the region that has it right.
    Repair {
        /// Only this one: its id or the beginning of it, or the code of its meeting. [default: all that differ]
        name: Option<String>,
        /// This region has it right, whatever the catalogue says.
        #[arg(long, value_name = "REGION", requires = "name")]
        from: Option<RegionName>,
    },
    /// Bring what lies in the spool to the regions that lack it. The service does so by itself; this is for when it is stopped.
    Resume,
    /// Delete a recording in every region, and look that nothing is left.
    Delete {
        /// Which: its id or the beginning of it, or the code of its meeting.
        name: String,
        /// Do not ask.
        #[arg(long)]
        yes: bool,
    },
}
