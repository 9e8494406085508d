//! What operators see while a meeting is recorded.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;

use super::recordings::{listed, record, state};
use super::support::{PATIENCE, Scene, scene, scene_with};

/// One scrape: the samples by name and labels, and which families have help and type.
pub struct Scrape {
    samples: BTreeMap<String, f64>,
    text: String,
}

impl Scrape {
    pub fn value(&self, sample: &str) -> f64 {
        *self.samples.get(sample).unwrap_or_else(|| panic!("{sample} is missing in\n{}", self.text))
    }
}

async fn scene_with_metrics() -> Scene {
    scene_with(|config| config.metrics = Some(([127, 0, 0, 1], 0).into())).await
}

pub async fn scrape(scene: &Scene) -> Scrape {
    let address = scene.metrics.expect("metrics are configured");
    let answer = scene.http.get(format!("http://{address}/metrics")).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let kind = answer.headers()["content-type"].to_str().unwrap().to_owned();
    assert!(kind.starts_with("application/openmetrics-text; version=1.0.0"), "{kind}");
    parse(answer.text().await.unwrap())
}

/// By the grammar of the format: every sample belongs to a family that was declared, with help and type, just before.
fn parse(text: String) -> Scrape {
    let mut samples = BTreeMap::new();
    let (mut family, mut kind, mut help) = (String::new(), String::new(), String::new());
    let body = text.strip_suffix("# EOF\n").expect("the text ends as it should");
    for line in body.lines() {
        let words: Vec<_> = line.splitn(4, ' ').collect();
        match words[..] {
            ["#", "HELP", name, sentence] => (family, help) = (name.to_owned(), sentence.to_owned()),
            ["#", "TYPE", name, of] => {
                assert_eq!(name, family, "{line}");
                kind = of.to_owned();
            }
            ["#", "UNIT", name, unit] => assert!(name.ends_with(unit), "{line}"),
            _ => {
                let (sample, value) = line.rsplit_once(' ').expect(line);
                let name = sample.split('{').next().unwrap();
                let suffix = name.strip_prefix(family.as_str()).expect(line);
                let suffixes: &[_] = match kind.as_str() {
                    "counter" => &["_total"],
                    "gauge" => &[""],
                    "histogram" => &["_bucket", "_sum", "_count"],
                    _ => panic!("{line}"),
                };
                assert!(suffixes.contains(&suffix) && 10 < help.len(), "{line}");
                assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{line}");
                let twice = samples.insert(sample.to_owned(), value.parse().expect(line));
                assert!(twice.is_none(), "{line}");
            }
        }
    }
    Scrape { samples, text }
}

/// Scrapes until it is so.
async fn scraped(scene: &Scene, is_so: impl Fn(&Scrape) -> bool) -> Scrape {
    let began = tokio::time::Instant::now();
    loop {
        let seen = scrape(scene).await;
        if is_so(&seen) {
            return seen;
        }
        assert!(began.elapsed() < PATIENCE, "the metrics stay so:\n{}", seen.text);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recorded_meeting_is_seen_in_numbers() {
    let scene = scene_with_metrics().await;
    let before = scrape(&scene).await;
    for sample in [
        "convene_meetings",
        r#"convene_participants{kind="browser"}"#,
        r#"convene_participants{kind="telephone"}"#,
        "convene_viewers",
        "convene_calls_total",
        r#"convene_recordings{state="failed"}"#,
        r#"convene_recordings_ended_total{state="ready"}"#,
        "convene_spool_bytes",
        "convene_spool_oldest_block_age_seconds",
        r#"convene_region_lag_seconds{region="b"}"#,
        r#"convene_region_put_blocks_total{region="a"}"#,
        r#"convene_region_errors_total{region="a"}"#,
        "convene_relay_video_packets_total",
        r#"convene_relay_video_slots{layer="none",reason="bandwidth"}"#,
        r#"convene_relay_video_slots{layer="2",reason="as-shown"}"#,
        "convene_mixer_frames_total",
    ] {
        assert_eq!(before.value(sample), 0.0, "{sample}");
    }
    for sample in ["process_cpu_seconds_total", "process_resident_memory_bytes", "process_open_fds"] {
        assert!(0.0 < before.value(sample), "{sample}");
    }
    assert!(0.0 < before.value("convene_spool_disk_free_bytes"));

    let (meeting, mut ann, id) = record(&scene).await;
    state(&mut ann, "recording").await;
    let mut bob = scene.join_in(&meeting.code, "Bob").await;
    bob.tell(json!({"type": "watch"})).await;
    let during = scraped(&scene, |seen| {
        seen.value(r#"convene_region_put_blocks_total{region="b"}"#) != 0.0
            && seen.value("convene_viewers") != 0.0
            && seen.value("convene_spool_bytes") != 0.0
    })
    .await;
    assert_eq!(during.value("convene_meetings"), 1.0);
    assert_eq!(during.value("convene_viewers"), 1.0, "the recorder is no viewer");
    assert_eq!(during.value(r#"convene_participants{kind="browser"}"#), 2.0);
    assert_eq!(during.value(r#"convene_recordings{state="recording"}"#), 1.0);
    assert_eq!((during.value("convene_recorders"), during.value("convene_spool_recordings")), (1.0, 1.0));
    assert!(during.value(r#"convene_region_put_bytes_total{region="b"}"#) != 0.0);
    for secret in [meeting.code.as_str(), &meeting.token, &id, "Ann", "Bob", "127.0.0.1"] {
        assert!(!during.text.contains(secret), "{secret} is in\n{}", during.text);
    }

    ann.tell(json!({"type": "record_stop"})).await;
    state(&mut ann, "ready").await;
    let after = scraped(&scene, |seen| seen.value("convene_recorders") == 0.0).await;
    assert_eq!(after.value(r#"convene_recordings{state="ready"}"#), 1.0);
    assert_eq!(after.value(r#"convene_recordings_ended_total{state="ready"}"#), 1.0);
    assert_eq!((after.value("convene_spool_bytes"), after.value("convene_spool_recordings")), (0.0, 0.0));
    scene.stop().await;
}

/// What an alarm goes off at: a region that is away.
#[tokio::test(flavor = "multi_thread")]
async fn a_region_that_is_away_lags_and_fails() {
    let scene = scene_with_metrics().await;
    // A file where the region's folder is to be: nothing can be put there.
    let region = scene.data.path().join("regions/b");
    std::fs::remove_dir_all(&region).unwrap();
    std::fs::write(&region, "in the way").unwrap();
    let (_, mut ann, id) = record(&scene).await;
    state(&mut ann, "recording").await;
    listed(&scene, &id, |recording| 100 < recording["bytes"].as_u64().unwrap()).await;
    ann.tell(json!({"type": "record_stop"})).await;
    state(&mut ann, "degraded").await;
    let away = scraped(&scene, |seen| {
        seen.value(r#"convene_region_lag_seconds{region="b"}"#) != 0.0
            && seen.value(r#"convene_region_errors_total{region="b"}"#) != 0.0
    })
    .await;
    assert_eq!(away.value(r#"convene_recordings{state="degraded"}"#), 1.0);
    assert_eq!(away.value(r#"convene_region_lag_seconds{region="a"}"#), 0.0);
    assert!(100.0 < away.value(r#"convene_region_behind_bytes{region="b"}"#));
    assert!(0.0 < away.value("convene_spool_oldest_block_age_seconds"));
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_are_nowhere_unless_asked_for_and_never_at_the_public_port() {
    for scene in [scene().await, scene_with_metrics().await] {
        let answer = scene.http.get(scene.url("/metrics")).send().await.unwrap();
        let text = answer.text().await.unwrap();
        assert!(!text.contains("convene_meetings"), "{text}");
        if let Some(address) = scene.metrics {
            let other = scene.http.get(format!("http://{address}/api/recordings")).send().await.unwrap();
            assert_eq!(other.status(), 404);
        }
        scene.stop().await;
    }
}
