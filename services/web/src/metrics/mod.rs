//! What operators watch: numbers in Prometheus' text, at a listener of their own. No name, code, address or id is among them.

mod gather;
mod listener;
mod names;
mod process;
mod sound;

use std::sync::atomic::AtomicU64;

use convene_recordings::{RecordingState, RegionName, RegionReport};
use parking_lot::Mutex;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

pub(crate) use listener::serve;

type Seconds = Gauge<f64, AtomicU64>;
type SecondsTotal = Counter<f64, AtomicU64>;

/// Everything that is counted. What happens is counted when it does; what is just so is looked up for each scrape.
pub(crate) struct Metrics {
    registry: Mutex<Registry>,
    /// Only these are labels: a recorder that invents regions makes no new ones.
    known: Vec<RegionName>,
    recordings: Recordings,
    spool: Spool,
    regions: Regions,
    meetings: Meetings,
    media: Media,
    sound: sound::Sound,
    process: Process,
}

#[derive(Debug, Clone, Hash, PartialEq, Eq, EncodeLabelSet)]
struct StateLabel {
    state: &'static str,
}

#[derive(Debug, Clone, Hash, PartialEq, Eq, EncodeLabelSet)]
struct RegionLabel {
    region: String,
}

#[derive(Debug, Clone, Hash, PartialEq, Eq, EncodeLabelSet)]
struct KindLabel {
    kind: &'static str,
}

#[derive(Debug, Clone, Hash, PartialEq, Eq, EncodeLabelSet)]
struct OutcomeLabel {
    outcome: &'static str,
}

#[derive(Debug, Clone, Hash, PartialEq, Eq, EncodeLabelSet)]
struct SightLabel {
    layer: &'static str,
    reason: &'static str,
}

#[derive(Default)]
struct Recordings {
    catalogued: Family<StateLabel, Gauge>,
    running: Gauge,
    max: Gauge,
    refused: Counter,
    ended: Family<StateLabel, Counter>,
}

#[derive(Default)]
struct Spool {
    bytes: Gauge,
    recordings: Gauge,
    oldest: Seconds,
    free: Gauge,
}

#[derive(Default)]
struct Regions {
    lag: Family<RegionLabel, Seconds>,
    lag_bytes: Family<RegionLabel, Gauge>,
    blocks: Family<RegionLabel, Counter>,
    bytes: Family<RegionLabel, Counter>,
    errors: Family<RegionLabel, Counter>,
}

#[derive(Default)]
struct Meetings {
    there: Gauge,
    participants: Family<KindLabel, Gauge>,
    viewers: Gauge,
    calls: Counter,
}

#[derive(Default)]
struct Media {
    packets: Counter,
    granted: Gauge,
    sights: Family<SightLabel, Gauge>,
    mixers: Gauge,
    frames: Counter,
    voices: Family<OutcomeLabel, Counter>,
}

#[derive(Default)]
struct Process {
    cpu: SecondsTotal,
    memory: Gauge,
    files: Gauge,
}

impl Metrics {
    /// For a service with these regions; what has not happened is there as 0, so that an alarm needs no exception for it.
    pub(crate) fn new(known: Vec<RegionName>) -> Self {
        let metrics = Self {
            registry: Mutex::default(),
            known,
            recordings: Recordings::default(),
            spool: Spool::default(),
            regions: Regions::default(),
            meetings: Meetings::default(),
            media: Media::default(),
            sound: sound::Sound::default(),
            process: Process::default(),
        };
        metrics.name_all();
        for region in &metrics.known {
            let label = RegionLabel { region: region.to_string() };
            let Regions { lag, lag_bytes, blocks, bytes, errors } = &metrics.regions;
            drop((lag.get_or_create(&label), lag_bytes.get_or_create(&label)));
            drop((blocks.get_or_create(&label), bytes.get_or_create(&label), errors.get_or_create(&label)));
        }
        for state in ENDS {
            drop(metrics.recordings.ended.get_or_create(&StateLabel { state: state.word() }));
        }
        metrics
    }

    /// A recorder has ended, and its recording is so.
    pub(crate) fn recording_ended(&self, state: RecordingState) {
        self.recordings.ended.get_or_create(&StateLabel { state: state.word() }).inc();
    }

    /// There was no room for a recording.
    pub(crate) fn recording_refused(&self) {
        self.recordings.refused.inc();
    }

    /// Somebody has called by telephone.
    pub(crate) fn called(&self) {
        self.meetings.calls.inc();
    }

    /// A region was given this, all in all; `before` was counted already.
    pub(crate) fn region_was_given(&self, report: &RegionReport, before: Option<&RegionReport>) {
        if !self.known.contains(&report.region) {
            return;
        }
        let label = RegionLabel { region: report.region.to_string() };
        let more = |field: fn(&RegionReport) -> u64| field(report).saturating_sub(before.map_or(0, field));
        let Regions { blocks, bytes, errors, .. } = &self.regions;
        blocks.get_or_create(&label).inc_by(more(|report| report.blocks));
        bytes.get_or_create(&label).inc_by(more(|report| report.bytes));
        errors.get_or_create(&label).inc_by(more(|report| report.errors));
    }

    fn text(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.registry.lock()).map(|()| text)
    }
}

/// How a recording may be when its recorder has ended.
const ENDS: [RecordingState; 4] =
    [RecordingState::Ready, RecordingState::Degraded, RecordingState::Finishing, RecordingState::Failed];

fn number(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(region: &str, blocks: u64) -> RegionReport {
        let region = region.parse().unwrap();
        RegionReport { region, blocks, bytes: blocks * 100, errors: 1, lag_ms: 0, lag_bytes: 0 }
    }

    #[test]
    fn what_a_region_was_given_is_counted_once() {
        let metrics = Metrics::new(vec!["a".parse().unwrap(), "b".parse().unwrap()]);
        let first = report("a", 2);
        metrics.region_was_given(&first, None);
        metrics.region_was_given(&report("a", 5), Some(&first));
        metrics.region_was_given(&report("invented", 5), None);
        let text = metrics.text().unwrap();
        for line in [
            r#"convene_region_put_blocks_total{region="a"} 5"#,
            r#"convene_region_put_bytes_total{region="a"} 500"#,
            r#"convene_region_errors_total{region="a"} 1"#,
            r#"convene_region_put_blocks_total{region="b"} 0"#,
        ] {
            assert!(text.lines().any(|there| there == line), "{line} is missing in\n{text}");
        }
        assert!(!text.contains("invented"));
    }
}
