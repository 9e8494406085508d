#![doc = include_str!("../../README.md")]

mod generator;
mod report;
mod runs;
mod scenario;
mod servers;

use anyhow::Result;
use clap::{Parser, Subcommand};

use scenario::Scenario;

/// Convene's video relay beside Janus's VideoRoom, with the same cameras and viewers.
#[derive(Debug, Parser)]
struct Arguments {
    /// One short run of each, about two minutes.
    #[arg(long)]
    quick: bool,
    /// Only these parts (`packet`, `load`), by comma.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Only this server.
    #[arg(long)]
    server: Option<convene_bench::server::Kind>,
    #[command(subcommand)]
    part: Option<Part>,
}

/// What the bench runs itself as.
#[derive(Debug, Subcommand)]
enum Part {
    /// The cameras and the viewers, in a process of their own.
    #[command(hide = true)]
    Generate {
        /// A scenario as JSON.
        scenario: String,
    },
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    if let Some(Part::Generate { scenario }) = &arguments.part {
        let scenario: Scenario = serde_json::from_str(scenario)?;
        println!("{}", serde_json::to_string(&generator::run(&scenario)?)?);
        return Ok(());
    }
    runs::all(&arguments)
}

impl Arguments {
    fn wants(&self, part: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| only == part)
    }

    fn wants_server(&self, kind: convene_bench::server::Kind) -> bool {
        self.server.is_none_or(|only| only == kind)
    }
}
