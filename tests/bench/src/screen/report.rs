//! What was measured, as tables for people and one line of JSON for programs.

use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::content::Scene;
use crate::measure::Shown;
use convene_bench::clip::About;

/// What was sent for one picture.
#[derive(Clone, Copy, Debug)]
pub struct Sent {
    /// How much.
    pub bytes: u64,
    /// It differed from the one before.
    pub has_changed: bool,
}

/// How one encoder did on one clip.
#[derive(Clone, Debug)]
pub struct Measured {
    /// kbit/s while something happens.
    pub kbps: f64,
    /// Of it, what was sent at moments at which nothing had changed: refinement.
    still_kbps: f64,
    /// The first picture, sharpened.
    pub first_bytes: u64,
    /// What was sent while nothing moved at the end.
    pub rest_bytes: u64,
    /// Processor time for a second of the clip, in cores.
    pub encode_share: f64,
    decode_share: Option<f64>,
    seconds: f64,
    /// How well it was shown; `None` where pictures were not looked at.
    pub shown: Option<Shown>,
}

impl Measured {
    /// `sent` for each picture of the clip.
    pub fn new(about: About, sent: &[Sent], encode: Duration, shown: Option<Shown>) -> Self {
        let place = |frame: u64| usize::try_from(frame).unwrap_or(usize::MAX).min(sent.len());
        let (start, rest) = (place(about.active().start), place(about.active().end));
        let bytes = |part: &[Sent]| part.iter().map(|sent| sent.bytes).sum::<u64>();
        let still =
            sent[start..rest].iter().filter(|sent| !sent.has_changed).map(|sent| sent.bytes).sum::<u64>();
        let kbps = |bytes: u64| bytes as f64 * 8.0 / 1000.0 / about.active_seconds();
        let seconds = about.seconds();
        Self {
            kbps: kbps(bytes(&sent[start..rest])),
            still_kbps: kbps(still),
            first_bytes: bytes(&sent[..start]),
            rest_bytes: bytes(&sent[rest..]),
            encode_share: encode.as_secs_f64() / seconds,
            decode_share: None,
            seconds,
            shown,
        }
    }

    /// Also measured: what a viewer spends.
    pub fn with_decode(mut self, decode: Duration) -> Self {
        self.decode_share = Some(decode.as_secs_f64() / self.seconds);
        self
    }

    fn json(&self) -> Value {
        let mut value = json!({
            "kbps": rounded(self.kbps), "still_kbps": rounded(self.still_kbps), "first_bytes": self.first_bytes, "rest_bytes": self.rest_bytes,
            "encode_cores": rounded(self.encode_share),
        });
        if let Some(share) = self.decode_share {
            value["decode_cores"] = rounded(share);
        }
        if let Some(shown) = &self.shown {
            value["text_psnr_db"] = shown.text_psnr.map_or(Value::Null, rounded);
            value["text_exact"] = exact(shown.text_exact);
            value["standing_text_exact"] = exact(shown.standing_exact);
            value["exact"] = exact(shown.exact);
            value["end_exact"] = exact(shown.end_exact);
            value["end_text_exact"] = exact(shown.end_text_exact);
            value["settle_ms"] = json!([shown.settle_ms.0, shown.settle_ms.1]);
            value["never_exact"] = exact(shown.never_exact);
        }
        value
    }
}

/// What one scene's encoders did, by name, Convene first.
#[derive(Clone, Debug)]
pub struct SceneReport {
    /// What was shown.
    pub scene: Scene,
    /// Each encoder.
    pub rows: Vec<(String, Measured)>,
}

impl SceneReport {
    /// A table.
    pub fn print(&self) {
        println!("\n{} ({})", self.scene.name, self.scene.about);
        let columns = [
            "kbit/s",
            "at rest",
            "ratio",
            "first KB",
            "end KB",
            "CPU cores",
            "text PSNR",
            "text =",
            "stands =",
            "end =",
            "exact ms 50/95",
            "never",
        ];
        let [kbps, still, ratio, first, rest, cpu, psnr, text, stands, end, settle, never] = columns;
        println!(
            "  {:<16} {kbps:>8} {still:>8} {ratio:>7} {first:>8} {rest:>7} {cpu:>9} {psnr:>10} {text:>8} {stands:>8} {end:>8} {settle:>14} {never:>6}",
            ""
        );
        let own = self.rows.first().map_or(f64::NAN, |(_, measured)| measured.kbps);
        for (name, measured) in &self.rows {
            let kilo = |bytes: u64| bytes as f64 / 1000.0;
            print!(
                "  {name:<16} {:>8.0} {:>8.0} {:>7.2} {:>8.0} {:>7.0} {:>9.3}",
                measured.kbps,
                measured.still_kbps,
                own / measured.kbps,
                kilo(measured.first_bytes),
                kilo(measured.rest_bytes),
                measured.encode_share
            );
            let Some(shown) = &measured.shown else {
                println!();
                continue;
            };
            let psnr = shown.text_psnr.map_or("exact".to_owned(), |psnr| format!("{psnr:.1} dB"));
            println!(
                " {psnr:>10} {:>7.2}% {:>7.2}% {:>7.2}% {:>8} {:>5} {:>5.0}%",
                shown.text_exact * 100.0,
                shown.standing_exact * 100.0,
                shown.end_exact * 100.0,
                shown.settle_ms.0,
                shown.settle_ms.1,
                shown.never_exact * 100.0
            );
        }
    }

    /// Its figures, flat ones for the comparison and all of them by encoder.
    pub fn json(&self) -> Value {
        let mut value = Map::new();
        for (name, measured) in &self.rows {
            value.insert(format!("{name}_kbps"), rounded(measured.kbps));
        }
        if let Some(shown) = self.rows.first().and_then(|(_, own)| own.shown.as_ref()) {
            // Text that stands, from the first; all pixels once the screen rests.
            value.insert("convene_exact".into(), exact(shown.standing_exact));
            value.insert("convene_end_exact".into(), exact(shown.end_exact));
        }
        let all = self.rows.iter().map(|(name, measured)| (name.clone(), measured.json()));
        value.insert("all".into(), Value::Object(all.collect()));
        Value::Object(value)
    }

    fn kbps(&self, name: &str) -> Option<f64> {
        self.rows.iter().find(|(row, _)| row == name).map(|(_, measured)| measured.kbps)
    }
}

/// What is to be reached, row by row; says so without failing.
pub fn print_goals(reports: &[SceneReport]) {
    println!("\nGoals (bytes of Convene against a limit; text that stands exact, all exact at rest)");
    for report in reports {
        let Some(own) = report.kbps("convene") else { continue };
        if let Some(table) = report.scene.table_kbps {
            goal(report, "half of the papers' table", own, table as f64 / 2.0);
        }
        for peer in ["vnc_tight", "vnc_tight_exact", "vnc_zrle", "x264"] {
            if let Some(limit) = report.kbps(peer) {
                goal(report, peer, own, limit);
            }
        }
        if let Some(av1) = report.kbps("av1") {
            let is_still =
                matches!(report.scene.name, "typing" | "terminal" | "slides_plain" | "slides_rich");
            goal(
                report,
                if is_still { "av1" } else { "1.3 times av1" },
                own,
                if is_still { av1 } else { 1.3 * av1 },
            );
        }
        if let Some(shown) = report.rows.first().and_then(|(_, own)| own.shown.as_ref()) {
            let verdict = |is_met| if is_met { "pass" } else { "FAIL" };
            println!(
                "  {}  {:<14} text exact where it stands: {:.4} %",
                verdict(shown.standing_exact == 1.0),
                report.scene.name,
                shown.standing_exact * 100.0
            );
            println!(
                "  {}  {:<14} exact at rest: {:.4} %",
                verdict(shown.end_exact == 1.0),
                report.scene.name,
                shown.end_exact * 100.0
            );
        }
    }
}

fn goal(report: &SceneReport, against: &str, own: f64, limit: f64) {
    let verdict = if own <= limit { "pass" } else { "FAIL" };
    println!("  {verdict}  {:<14} {own:>7.0} kbit/s, {against}: {limit:.0}", report.scene.name);
}

/// Three digits after the point.
pub fn rounded(value: f64) -> Value {
    json!((value * 1000.0).round() / 1000.0)
}

/// A share that says 1 only when it is.
fn exact(share: f64) -> Value {
    json!((share * 1e6).floor() / 1e6)
}
