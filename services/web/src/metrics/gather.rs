//! Looks up what is just so, for one scrape.

use std::time::Duration;

use convene_pipelines::SightReason;
use convene_recordings::{CopyState, Recording, RecordingId, RecordingState};
use convene_recordings_store::{Waiting, waiting};
use time::OffsetDateTime;
use tracing::warn;

use super::{KindLabel, Metrics, OutcomeLabel, RegionLabel, SightLabel, StateLabel, number};
use crate::meeting::RoomCount;
use crate::service::Service;

/// A meeting that is too busy to say how many are in it is left out this time.
const ROOMS_MAX: Duration = Duration::from_secs(2);

impl Metrics {
    pub(super) async fn gather(&self, service: &Service) {
        self.look_at_process();
        self.look_at_recordings(service).await;
        self.look_at_spool(service).await;
        let counts = service.directory.count(ROOMS_MAX).await;
        self.look_at_meetings(&counts);
    }

    async fn look_at_recordings(&self, service: &Service) {
        match service.catalogue.call(|store| store.recordings_by_state()).await {
            Ok(there) => {
                for state in RecordingState::ALL {
                    let count = there.iter().find(|(of, _)| *of == state).map_or(0, |(_, count)| *count);
                    let label = StateLabel { state: state.word() };
                    self.recordings.catalogued.get_or_create(&label).set(count);
                }
            }
            Err(error) => warn!(%error, "the catalogue does not say how many recordings there are"),
        }
        self.recordings.running.set(service.recorders.running() as i64);
        self.recordings.max.set(number(service.recorders.rules.max as u64));
    }

    async fn look_at_spool(&self, service: &Service) {
        let spooled = match waiting(&service.spool).await {
            Ok(spooled) => spooled,
            Err(error) => return warn!(%error, "the spool cannot be looked at"),
        };
        let now = service.clock.date();
        self.spool.bytes.set(number(spooled.iter().map(|waiting| waiting.bytes).sum()));
        self.spool.recordings.set(spooled.len() as i64);
        let oldest = spooled.iter().map(|waiting| age(waiting, now)).fold(0.0, f64::max);
        self.spool.oldest.set(oldest);
        if let Ok(disk) = rustix::fs::statvfs(&service.spool) {
            self.spool.free.set(number(disk.f_bavail.saturating_mul(disk.f_frsize)));
        }
        self.look_at_regions(service, &spooled, now).await;
    }

    /// Recordings that run say themselves how far the regions are; of the others in the spool, the catalogue knows.
    async fn look_at_regions(&self, service: &Service, spooled: &[Waiting], now: OffsetDateTime) {
        let reports = service.recorders.reports();
        let left: Vec<_> =
            spooled.iter().filter(|waiting| !service.recorders.is_running(waiting.id)).copied().collect();
        let ids: Vec<RecordingId> = left.iter().map(|waiting| waiting.id).collect();
        let known = service
            .catalogue
            .call(move |store| ids.into_iter().map(|id| store.recording(id)).collect::<Result<Vec<_>, _>>())
            .await;
        let known = match known {
            Ok(known) => known,
            Err(error) => return warn!(%error, "the catalogue does not say which region is behind"),
        };
        for region in &self.known {
            let (mut seconds, mut bytes) = (0.0_f64, 0);
            for report in reports.iter().filter(|report| report.region == *region) {
                seconds = seconds.max(report.lag_ms as f64 / 1000.0);
                bytes += report.lag_bytes;
            }
            for (waiting, recording) in left.iter().zip(&known) {
                if let Some(lacks) =
                    recording.as_ref().and_then(|recording| lacks(recording, region.as_str()))
                {
                    seconds = seconds.max(age(waiting, now));
                    bytes += lacks;
                }
            }
            let label = RegionLabel { region: region.to_string() };
            self.regions.lag.get_or_create(&label).set(seconds);
            self.regions.lag_bytes.get_or_create(&label).set(number(bytes));
        }
    }

    fn look_at_meetings(&self, counts: &[RoomCount]) {
        let sum = |of: fn(&RoomCount) -> usize| counts.iter().map(of).sum::<usize>() as i64;
        self.meetings.there.set(counts.len() as i64);
        let kinds = [
            ("browser", sum(|count| count.heads.browsers)),
            ("telephone", sum(|count| count.heads.callers)),
            ("program", sum(|count| count.heads.programs)),
        ];
        for (kind, there) in kinds {
            self.meetings.participants.get_or_create(&KindLabel { kind }).set(there);
        }
        self.meetings.viewers.set(sum(|count| count.heads.viewers));

        let talks = || counts.iter().filter_map(|count| count.talk.as_ref());
        self.media.mixers.set(talks().count() as i64);
        self.media.granted.set(number(talks().map(|talk| talk.granted_bits).sum::<u64>() / 8));
        for layer in LAYERS {
            for why in SightReason::ALL {
                let sights = talks().flat_map(|talk| &talk.sights);
                let count =
                    sights.filter(|sight| sight.why == why && layer_word(sight.layer) == layer).count();
                let label = SightLabel { layer, reason: why.word() };
                self.media.sights.get_or_create(&label).set(count as i64);
            }
        }
        self.media.packets.inc_by(talks().map(|talk| talk.packets).sum());
        self.media.frames.inc_by(talks().map(|talk| talk.frames).sum());
        let outcomes = [
            ("decoded", talks().map(|talk| talk.voices.decoded).sum()),
            ("late", talks().map(|talk| talk.voices.late).sum()),
            ("lost", talks().map(|talk| talk.voices.lost).sum()),
        ];
        for (outcome, more) in outcomes {
            self.media.voices.get_or_create(&OutcomeLabel { outcome }).inc_by(more);
        }
    }
}

/// All that a camera may have, and none.
const LAYERS: [&str; 4] = ["none", "0", "1", "2"];

fn layer_word(layer: Option<u8>) -> &'static str {
    let number = layer.map_or(0, |layer| usize::from(layer) + 1);
    LAYERS[number.min(LAYERS.len() - 1)]
}

/// In seconds. A clock that was put back makes nothing younger than now.
fn age(waiting: &Waiting, now: OffsetDateTime) -> f64 {
    let oldest = waiting.oldest.map(OffsetDateTime::from);
    oldest.map_or(0.0, |oldest| (now - oldest).as_seconds_f64().max(0.0))
}

/// The bytes that the region lacks of a recording, if it has not got all of them.
fn lacks(recording: &Recording, region: &str) -> Option<u64> {
    let copy = recording.regions.iter().find(|copy| copy.region.as_str() == region)?;
    (copy.state != CopyState::Complete).then(|| recording.bytes.saturating_sub(copy.bytes))
}
