#![doc = include_str!("../../README.md")]

mod clock;
mod content;
mod convene;
mod display;
mod measure;
mod peers;
mod relay;
mod report;
mod vnc;

use std::path::PathBuf;

use anyhow::Result;
use clap::Parser;
use serde_json::{Map, Value, json};

use clock::Clock;
use content::{PAGES_1080P, SCENES, Scene, Studio};
use report::{Measured, SceneReport, rounded};

/// Convene's screen sharing beside its peers, on the same pictures.
#[derive(Debug, Parser)]
struct Arguments {
    /// Short clips and fewer peers: about three minutes.
    #[arg(long)]
    quick: bool,
    /// Only these scenes and parts (`encode`, `relay`), by comma.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Only these peers, by comma; `none` for Convene alone.
    #[arg(long, value_delimiter = ',')]
    peers: Vec<String>,
    /// Only captures the scenes.
    #[arg(long)]
    capture: bool,
    /// Where captured clips are kept.
    #[arg(long, default_value = "target/bench-content")]
    content: PathBuf,
}

/// Left out when it has to be quick: they take the longest.
const SLOW_PEERS: [&str; 2] = ["vp8", "vp9"];

impl Arguments {
    fn wants(&self, part: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| only == part)
    }

    fn wants_peer(&self, name: &str) -> bool {
        if self.peers.is_empty() {
            !self.quick || !SLOW_PEERS.contains(&name)
        } else {
            self.peers.iter().any(|peer| peer == name)
        }
    }
}

fn main() -> Result<()> {
    let mut arguments = Arguments::parse();
    std::fs::create_dir_all(&arguments.content)?;
    // Browsers and offices want it whole.
    arguments.content = arguments.content.canonicalize()?;
    let studio = Studio::new(&arguments.content, arguments.quick)?;

    if arguments.capture {
        let scenes = SCENES.iter().filter(|scene| arguments.wants(scene.name));
        return scenes.map(|scene| studio.clip(scene)).try_for_each(|clip| clip.map(drop));
    }
    let clock = Clock::start();
    let mut reports = Vec::new();
    for scene in SCENES.iter().filter(|scene| arguments.wants(scene.name)) {
        let report = measure(scene, &studio, &arguments)?;
        report.print();
        eprintln!("{} s so far", clock.now().as_secs());
        reports.push(report);
    }
    let mut result = Map::new();
    let scenarios = reports.iter().map(|report| (report.scene.name.to_owned(), report.json()));
    result.insert("scenarios".into(), Value::Object(scenarios.collect()));
    if arguments.wants("encode") {
        let times = convene::update_times(&studio.clip(&PAGES_1080P)?)?;
        println!(
            "\nOne update at 1080p: {:.1} ms for a typed letter, {:.1} ms for another page",
            times.small, times.full
        );
        result.insert(
            "encode_ms".into(),
            json!({ "small_1080p": rounded(times.small), "full_1080p": rounded(times.full) }),
        );
    }
    if arguments.wants("relay") {
        let (relay, readable) = measure_relay(&studio)?;
        result.insert("relay".into(), relay);
        result.insert("slow_viewer_readable_s".into(), rounded(readable));
    }
    report::print_goals(&reports);
    eprintln!("{} s in all", clock.now().as_secs());
    println!("{}", Value::Object(result));
    Ok(())
}

/// What the relay's presenter shows: what is easy, what slow lines cannot follow.
const RELAY_SCENES: [&str; 4] = ["slides_plain", "typing", "text_mild", "mixed_heavy"];

fn measure_relay(studio: &Studio) -> Result<(Value, f64)> {
    let clip = |name: &str| {
        let scene = SCENES.iter().find(|scene| scene.name == name).expect("the relay's scenes are scenes");
        Ok((scene.name, studio.clip(scene)?))
    };
    let scenes = RELAY_SCENES.into_iter().map(clip).collect::<Result<Vec<_>>>()?;
    relay::measure(&scenes, &clip("slides_plain")?.1)
}

fn measure(scene: &Scene, studio: &Studio, arguments: &Arguments) -> Result<SceneReport> {
    let clip = studio.clip(scene)?;
    let mut rows: Vec<(String, Measured)> = vec![("convene".to_owned(), convene::measure(&clip)?)];
    for peer in peers::PEERS.iter().filter(|peer| arguments.wants_peer(peer.name)) {
        rows.push((peer.name.to_owned(), peers::measure(peer, &clip, &arguments.content)?));
    }
    let viewers: Vec<_> = vnc::PEERS.into_iter().filter(|peer| arguments.wants_peer(peer.name)).collect();
    rows.extend(vnc::measure(&viewers, &clip, &arguments.content)?);
    Ok(SceneReport { scene: *scene, rows })
}
