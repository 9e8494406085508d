//! How well voices come in, by how their participants take part: three ways, so that a thousand meetings make no more numbers than one.

use convene_domain::{SoundFigures, SoundQuality, Way};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use super::{KindLabel, Metrics};

/// About what is good, what is fair, and what is worse.
const JITTER_SECONDS: [f64; 7] = [0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2];
const DELAY_SECONDS: [f64; 8] = [0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.8];
/// Speech is between -40 and -10; beyond, somebody is too quiet, or distorted.
const LEVEL_DBOV: [f64; 7] = [-60.0, -50.0, -40.0, -30.0, -20.0, -10.0, -3.0];

#[derive(Debug, Clone, Hash, PartialEq, Eq, EncodeLabelSet)]
struct OutcomeLabel {
    kind: &'static str,
    outcome: &'static str,
}

#[derive(Debug, Clone, Hash, PartialEq, Eq, EncodeLabelSet)]
struct QualityLabel {
    kind: &'static str,
    quality: &'static str,
}

type Histograms = Family<KindLabel, Histogram, fn() -> Histogram>;

pub(super) struct Sound {
    packets: Family<OutcomeLabel, Counter>,
    frames: Family<OutcomeLabel, Counter>,
    quality: Family<QualityLabel, Counter>,
    jitter: Histograms,
    buffer: Histograms,
    delay: Histograms,
    level: Histograms,
}

impl Default for Sound {
    fn default() -> Self {
        let family = |make: fn() -> Histogram| Family::new_with_constructor(make);
        let sound = Self {
            packets: Family::default(),
            frames: Family::default(),
            quality: Family::default(),
            jitter: family(|| Histogram::new(JITTER_SECONDS)),
            buffer: family(|| Histogram::new(DELAY_SECONDS)),
            delay: family(|| Histogram::new(DELAY_SECONDS)),
            level: family(|| Histogram::new(LEVEL_DBOV)),
        };
        // What has not happened is there as 0.
        Way::ALL.into_iter().for_each(|way| sound.count(way, &SoundFigures::default()));
        sound
    }
}

impl Sound {
    fn count(&self, way: Way, figures: &SoundFigures) {
        let kind = way.word();
        let SoundFigures { expected, missing, late, played, concealed, .. } = *figures;
        for (outcome, more) in
            [("in_time", expected.saturating_sub(missing + late)), ("late", late), ("missing", missing)]
        {
            self.packets.get_or_create(&OutcomeLabel { kind, outcome }).inc_by(more);
        }
        for (outcome, more) in [("heard", played.saturating_sub(concealed)), ("concealed", concealed)] {
            self.frames.get_or_create(&OutcomeLabel { kind, outcome }).inc_by(more);
        }
        for quality in [SoundQuality::Good, SoundQuality::Fair, SoundQuality::Poor] {
            let label = QualityLabel { kind, quality: quality.word() };
            let is_so = expected != 0 && quality == figures.quality();
            self.quality.get_or_create(&label).inc_by(is_so.into());
        }
        let Self { jitter, buffer, delay, level, .. } = self;
        for (family, time) in
            [(jitter, figures.jitter), (buffer, figures.buffer), (delay, figures.mouth_to_ear)]
        {
            observe(family, kind, (expected != 0).then_some(time.as_secs_f64()));
        }
        // Of whoever is not heard, there is nothing to say about loudness.
        observe(level, kind, (played != 0).then_some(f64::from(figures.level)));
    }

    pub(super) fn name(&self, registry: &mut Registry) {
        let help = "Packets of voices by what became of them: in_time, late (as good as lost), or missing";
        registry.register("voice_packets", help, self.packets.clone());
        let help = "Frames of 20 ms of those who speak, by whether they were heard as spoken or concealed";
        registry.register("voice_frames", help, self.frames.clone());
        let help = "Looks at voices, one each 5 s at each of whom anything comes, by what hosts are told: good, fair or poor";
        registry.register("voice_quality", help, self.quality.clone());
        let seconds = || Unit::Seconds;
        let help = "How unevenly packets of voices come (RFC 3550), at each look";
        registry.register_with_unit("voice_jitter", help, seconds(), self.jitter.clone());
        let help = "How long voices wait in the jitter buffer and for the mix, at each look";
        registry.register_with_unit("voice_buffer", help, seconds(), self.buffer.clone());
        let help = "About how long voices take from the mouth to what leaves the mix: packet, half of the round trip where RTCP tells it, and buffer, at each look";
        registry.register_with_unit("voice_mouth_to_ear", help, seconds(), self.delay.clone());
        let help = "How loud those are who speak, in dBov, at each look; 0 is full scale";
        registry.register("voice_level_dbov", help, self.level.clone());
    }
}

/// There from the first, also without a value.
fn observe(family: &Histograms, kind: &'static str, value: Option<f64>) {
    let histogram = family.get_or_create(&KindLabel { kind });
    if let Some(value) = value {
        histogram.observe(value);
    }
}

impl Metrics {
    /// A voice was looked at.
    pub(crate) fn heard(&self, way: Way, figures: &SoundFigures) {
        self.sound.count(way, figures);
    }
}
