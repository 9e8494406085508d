#![doc = include_str!("../../README.md")]

mod crowd;
mod participant;
mod report;
mod runs;
mod scenario;
mod serve;
mod signalling;
mod sip;
mod telephone;
mod voice;

use anyhow::Result;
use clap::{Parser, Subcommand};
use convene_bench::server::Kind;

/// Convene's conference beside Janus's AudioBridge, with the same participants.
#[derive(Debug, Parser)]
struct Arguments {
    /// One short run of each.
    #[arg(long)]
    quick: bool,
    /// Only this server.
    #[arg(long)]
    server: Option<Kind>,
    /// Only the telephones, or all but them.
    #[arg(long)]
    telephones: Option<bool>,
    /// Only so many participants, by comma.
    #[arg(long, value_delimiter = ',')]
    participants: Vec<u32>,
    #[command(subcommand)]
    part: Option<Part>,
}

/// What the bench runs itself as.
#[derive(Debug, Subcommand)]
enum Part {
    /// The participants, in a process of their own.
    #[command(hide = true)]
    Generate {
        /// A scenario as JSON.
        scenario: String,
    },
    /// Our server.
    #[command(hide = true)]
    Serve {
        /// How many meetings there are.
        meetings: usize,
    },
    /// Somebody who waits until a server listens.
    #[command(hide = true)]
    WaitFor {
        /// Its address.
        address: String,
    },
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    match &arguments.part {
        Some(Part::Generate { scenario }) => {
            println!("{}", serde_json::to_string(&crowd::run(&serde_json::from_str(scenario)?)?)?);
            Ok(())
        }
        Some(Part::Serve { meetings }) => serve::run(*meetings),
        Some(Part::WaitFor { address }) => runs::wait_for(address),
        None => runs::all(&arguments),
    }
}

impl Arguments {
    fn wants(&self, kind: Kind) -> bool {
        self.server.is_none_or(|only| only == kind)
    }

    fn wants_participants(&self, count: u32) -> bool {
        self.participants.is_empty() || self.participants.contains(&count)
    }
}
