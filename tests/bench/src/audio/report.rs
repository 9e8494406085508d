//! What was measured, as lines for people and one line of JSON for programs.

use std::collections::BTreeMap;

use convene_bench::server::Kind;
use serde_json::{Map, Value, json};

use crate::scenario::Outcome;

/// All runs, by participants and server.
#[derive(Debug, Default)]
pub struct Table {
    runs: BTreeMap<(u32, &'static str), Vec<Outcome>>,
}

impl Table {
    /// One more run, which is told at once.
    pub fn add(&mut self, name: &'static str, participants: u32, run: usize, outcome: Outcome) {
        let [half, most, all] = outcome.mouth_to_ear_ms;
        println!(
            "{name}, {participants} participants, run {run}: {:.3} cores, {:.3} % of the frames in time, mouth to ear {half:.0}/{most:.0}/{all:.0} ms \
            (50/95/100 % of {}), the last one set up in {:.0} ms, {:.0} MiB; generator {:.2} cores",
            outcome.cores(),
            100.0 * outcome.share_in_time(),
            outcome.heard,
            outcome.set_up_ms,
            outcome.resident as f64 / f64::from(1 << 20),
            outcome.own_seconds / outcome.seconds,
        );
        self.runs.entry((participants, name)).or_default().push(outcome);
    }

    /// Medians, side by side.
    pub fn print(&self) {
        println!("\nMedians                    cores  frames in time  mouth to ear 50/95 %");
        for ((participants, name), runs) in &self.runs {
            println!(
                "  {participants:>4} people  {name:<9} {:>7.3} {:>13.3} % {:>11.0}/{:.0} ms",
                middle(runs, Outcome::cores),
                100.0 * middle(runs, Outcome::share_in_time),
                middle(runs, |run| run.mouth_to_ear_ms[0]),
                middle(runs, |run| run.mouth_to_ear_ms[1]),
            );
        }
    }

    /// All figures; the ones without a number of participants are those with the most.
    pub fn json(&self, speaking: u32, idle_cores: Option<f64>) -> Value {
        let most = self.runs.keys().filter(|(_, runs)| *runs == name(Kind::Convene)).max();
        let of = |key: Option<&(u32, &'static str)>, figure: fn(&Outcome) -> f64| {
            key.and_then(|key| self.runs.get(key)).map(|runs| rounded(middle(runs, figure)))
        };
        let at_100 = |kind| of(Some(&(100, name(kind))), Outcome::cores);
        let all: Map<String, Value> = self
            .runs
            .iter()
            .map(|((participants, name), runs)| {
                let value = json!({
                    "cores": rounded(middle(runs, Outcome::cores)),
                    "frames_in_time": rounded(middle(runs, Outcome::share_in_time)),
                    "mouth_to_ear_ms": rounded(middle(runs, |run| run.mouth_to_ear_ms[1])),
                    "set_up_ms": rounded(middle(runs, |run| run.set_up_ms)),
                });
                (format!("{name}_{participants}"), value)
            })
            .collect();
        let by_telephone = self.runs.keys().filter(|(_, runs)| *runs == TELEPHONE).max();
        json!({
            "participants": most.map(|(participants, _)| participants), "speaking": speaking,
            "convene_cores": of(most, Outcome::cores),
            "janus_cores_at_100": at_100(Kind::Janus), "convene_cores_at_100": at_100(Kind::Convene),
            "frames_in_time": of(most, Outcome::share_in_time),
            "mouth_to_ear_ms": of(most, |run| run.mouth_to_ear_ms[1]),
            "telephones": by_telephone.map(|(participants, _)| participants),
            "telephone_cores": of(by_telephone, Outcome::cores),
            "telephone_frames_in_time": of(by_telephone, Outcome::share_in_time),
            "telephone_mouth_to_ear_ms": of(by_telephone, |run| run.mouth_to_ear_ms[1]),
            "telephone_set_up_ms": of(by_telephone, |run| run.set_up_ms),
            "idle_cores": idle_cores.map(rounded), "all": all,
        })
    }
}

fn middle(runs: &[Outcome], figure: impl Fn(&Outcome) -> f64) -> f64 {
    let mut figures: Vec<f64> = runs.iter().map(figure).collect();
    figures.sort_unstable_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}

fn rounded(figure: f64) -> f64 {
    (figure * 1e5).round() / 1e5
}

/// What runs are called in which everybody comes by telephone.
pub const TELEPHONE: &str = "telephone";

/// What runs of a server are called.
pub fn name(kind: Kind) -> &'static str {
    match kind {
        Kind::Convene => "convene",
        Kind::Janus => "janus",
    }
}
