//! What was measured, as lines for people and one line of JSON for programs.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::scenario::Outcome;
use convene_bench::server::Kind;

/// The price of a packet, run by run.
#[derive(Debug, Default)]
pub struct Table {
    runs: BTreeMap<(u32, &'static str), Vec<f64>>,
}

impl Table {
    /// One more run.
    pub fn add(&mut self, kind: Kind, viewers: u32, outcome: &Outcome) {
        self.runs.entry((viewers, name(kind))).or_default().push(outcome.microseconds_a_packet());
    }

    /// Medians, side by side.
    pub fn print(&self) {
        println!("\nProcessor time for a forwarded packet of 1,100 bytes, microseconds (medians)");
        for ((viewers, name), runs) in &self.runs {
            println!("  {viewers:>4} viewers  {name:<8} {:>6.2}  of {}", middle(runs), list(runs));
        }
    }

    fn json(&self, kind: Kind) -> Value {
        let own = self.runs.iter().filter(|((_, runs_name), _)| *runs_name == name(kind));
        let by_viewers: Map<String, Value> =
            own.map(|((viewers, _), runs)| (viewers.to_string(), rounded(middle(runs)))).collect();
        Value::Object(by_viewers)
    }

    /// With the most viewers.
    fn most(&self, kind: Kind) -> Value {
        let own = self.runs.iter().rfind(|((_, runs_name), _)| *runs_name == name(kind));
        own.map_or(Value::Null, |(_, runs)| rounded(middle(runs)))
    }
}

/// One run, in a line.
pub fn print_run(title: &str, outcome: &Outcome) {
    let [middle, most, all] = outcome.latency_ms;
    println!(
        "{title}: {:.2} us a packet, {:.2} cores, {:.0} packets/s, {} of {} lost ({} more at the generator, {} cameras unseen), \
        {middle:.1}/{most:.1}/{all:.1} ms (50/99/100 %), {:.0} MiB; generator {:.2} cores",
        outcome.microseconds_a_packet(),
        outcome.cores(),
        outcome.received as f64 / outcome.seconds,
        outcome.lost(),
        outcome.expected,
        outcome.dropped,
        outcome.unseen,
        mebibytes(outcome),
        outcome.own_seconds / outcome.seconds,
    );
}

/// All figures.
pub fn json(table: &Table, load: Option<&Outcome>) -> Value {
    let mut value = json!({
        "convene_us_per_packet": table.most(Kind::Convene),
        "janus_us_per_packet": table.most(Kind::Janus),
        "by_viewers": { "convene": table.json(Kind::Convene), "janus": table.json(Kind::Janus) },
    });
    if let Some(load) = load {
        let [_, p99, _] = load.latency_ms;
        value["load"] = json!({
            "feeds": 10, "viewers": 250, "cores": rounded(load.cores()), "lost": load.lost(), "unseen": load.unseen, "p99_ms": rounded(p99),
            "packets_a_second": rounded(load.received as f64 / load.seconds),
            "us_per_packet": rounded(load.microseconds_a_packet()),
        });
        value["rss_mib"] = rounded(mebibytes(load));
        value["first_frame_ms"] = rounded(middle(&load.first_frame_ms));
    }
    value
}

fn name(kind: Kind) -> &'static str {
    match kind {
        Kind::Convene => "convene",
        Kind::Janus => "janus",
    }
}

fn mebibytes(outcome: &Outcome) -> f64 {
    outcome.resident as f64 / f64::from(1 << 20)
}

fn middle(values: &[f64]) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}

fn list(values: &[f64]) -> String {
    values.iter().map(|value| format!("{value:.1}")).collect::<Vec<_>>().join(" ")
}

fn rounded(value: f64) -> Value {
    json!((value * 100.0).round() / 100.0)
}
