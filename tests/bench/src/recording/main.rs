#![doc = include_str!("../../README.md")]

mod likeness;
mod lips;
mod material;
mod session;
mod systems;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Parser;
use convene_bench::clip::Clip;
use serde_json::{Map, Value, json};

use material::Material;
use session::Outcome;
use systems::System;

/// Convene's recording engine beside the stock pipeline and the browser way, on the same meeting.
#[derive(Debug, Parser)]
struct Arguments {
    /// A third of the time.
    #[arg(long)]
    quick: bool,
    /// Only these scenes, by comma: slides, scroll, film, lips.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Where the clips are, as the screen's bench captures them.
    #[arg(long, default_value = "target/bench-content")]
    content: PathBuf,
}

/// What is recorded: beside each, three cameras and a voice.
const SCENES: [(&str, &str); 3] =
    [("slides", "slides_plain"), ("scroll", "text_heavy"), ("film", "film_window")];
/// A recorder that is killed has recorded for so long.
const KILLED_AFTER: Duration = Duration::from_secs(10);

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let seconds = if arguments.quick { 15 } else { 40 };
    let folder = tempfile::tempdir()?;
    let mut result = Map::new();
    println!("                      cores  peak MiB  kbit/s  ready after s  ssim");
    for (name, clip) in SCENES.into_iter().filter(|(name, _)| arguments.wants(name)) {
        let content = arguments.content.canonicalize().context("no clips: capture them first")?;
        let clip = Clip::new(&content.join("full"), clip);
        let material = Material::make(&clip, &content.join("material"), folder.path(), seconds)?;
        let mut figures = Map::new();
        for system in System::ALL {
            let outcome = session::record(system, &material)?;
            let ssim = likeness::ssim(&system.output(&material), &material)?;
            print(name, system, &outcome, ssim);
            figures.extend(json_of(system, &outcome, ssim));
        }
        if name == SCENES[0].0 {
            let lost = session::seconds_lost_on_kill(System::Convene, &material, KILLED_AFTER)?;
            println!("killed after {} s, Convene has lost {lost:.1} s", KILLED_AFTER.as_secs());
            result.insert("lost_s_on_kill".into(), json!(rounded(lost)));
        }
        result.insert(name.into(), Value::Object(figures));
    }
    if arguments.wants("lips") {
        result.extend(lips::measure(Duration::from_secs(seconds))?);
    }
    println!("{}", Value::Object(result));
    Ok(())
}

impl Arguments {
    fn wants(&self, scene: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| only == scene)
    }
}

fn print(scene: &str, system: System, outcome: &Outcome, ssim: f64) {
    println!(
        "{scene:<8} {:<10} {:>8.3} {:>9.0} {:>7.0} {:>14.1} {ssim:>6.4}",
        system.name(),
        outcome.cores,
        outcome.peak_mib,
        outcome.kbps,
        outcome.ready_s
    );
}

fn json_of(system: System, outcome: &Outcome, ssim: f64) -> Map<String, Value> {
    let figures = [
        ("cores", outcome.cores),
        ("peak_mib", outcome.peak_mib),
        ("kbps", outcome.kbps),
        ("ready_s", outcome.ready_s),
        ("ssim", ssim),
    ];
    figures
        .into_iter()
        .map(|(figure, value)| (format!("{}_{figure}", system.name()), json!(rounded(value))))
        .collect()
}

fn rounded(figure: f64) -> f64 {
    (figure * 1000.0).round() / 1000.0
}
