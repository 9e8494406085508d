//! How far faces and voices are apart in Convene's recordings, over lines of several kinds.

use std::time::Duration;

use anyhow::Result;
use convene_lips::{Offsets, Scene, Way, record};
use convene_test_support::Line;
use serde_json::{Map, Value, json};

/// Until then senders have not reported, and nobody knows the line. Seconds.
const SETTLING: f64 = 6.0;

const POOR: Line = Line { jitter: Duration::from_millis(100), loss_per_mille: 20, ..Line::GOOD };
/// Each beside a screen, as a talk has it, but for the first.
const WAYS: [(&str, Way, bool); 6] = [
    ("alone", Way::GOOD, false),
    ("good", Way::GOOD, true),
    ("voice_150_ms_late", Way::late(150, 0), true),
    ("camera_150_ms_late", Way::late(0, 150), true),
    ("both_300_ms_late", Way::late(300, 300), true),
    ("jitter_100_ms_loss_2", Way { voice: POOR, camera: POOR, reports: true }, true),
];

/// Records a clapper over each line. `av_offset_ms` is the worst of the medians; positive where the face is late.
pub fn measure(length: Duration) -> Result<Map<String, Value>> {
    let runtime = tokio::runtime::Runtime::new()?;
    let (mut lines, mut worst) = (Map::new(), 0.0_f64);
    for (name, way, has_screen) in WAYS {
        let file = tempfile::NamedTempFile::new()?;
        runtime.block_on(record(Scene { way, has_screen, length }, file.path()))?;
        let offsets = Offsets::measure(file.path(), SETTLING)?;
        println!("lips     {name:<22} {:>6.1} ms of {} claps", offsets.median(), offsets.count());
        lines.insert(name.into(), json!(super::rounded(offsets.median())));
        if worst.abs() < offsets.median().abs() {
            worst = offsets.median();
        }
    }
    let mut figures = Map::new();
    figures.insert("av_offset_ms".into(), json!(super::rounded(worst)));
    figures.insert("av_offset_ms_of".into(), Value::Object(lines));
    Ok(figures)
}
