//! One viewer's share of the screen, between the relay and the connection.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use convene_domain::Reads;
use convene_pipelines::{MeetingPipeline, PipelineError, Viewer};
use tokio::sync::mpsc::UnboundedReceiver;

/// A viewer's place at the relay. The writer of a connection holds it with the bytes, the reader to say what is painted.
///
/// It keeps the relay's pipeline alive: a viewer that leaves posts messages to the pipeline's bus, and GStreamer does not
/// bear that while another thread lets go of the pipeline.
pub(crate) struct Place(Option<(Viewer, Arc<MeetingPipeline>)>);

impl Place {
    fn painted(&self, bytes: u64) {
        if let Some((viewer, _)) = &self.0 {
            viewer.painted(bytes);
        }
    }
}

/// Leaving the relay takes a lock or two of GStreamer's; no task of ours waits for them.
impl Drop for Place {
    fn drop(&mut self) {
        let place = self.0.take();
        let leave = move || {
            if let Some((viewer, pipeline)) = place {
                drop(viewer);
                drop(pipeline);
            }
        };
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn_blocking(leave)),
            Err(_) => leave(),
        }
    }
}

/// A viewer's place, and its bytes.
pub(crate) struct Feed {
    pub(crate) place: Arc<Place>,
    pieces: UnboundedReceiver<Bytes>,
}

impl Feed {
    /// A new viewer at this relay. Blocks for as long as GStreamer takes to make it.
    pub(crate) fn watch(pipeline: Arc<MeetingPipeline>, reads: Reads) -> Result<Self, PipelineError> {
        let (viewer, pieces) = pipeline.watch(reads.films, reads.series)?;
        Ok(Self { place: Arc::new(Place(Some((viewer, pipeline)))), pieces })
    }

    /// The next piece; `None` when the relay is gone.
    pub(crate) async fn next(&mut self) -> Option<Bytes> {
        self.pieces.recv().await
    }
}

/// How much of the screen was sent to a viewer and how much of it is painted, counted over all feeds since the last `watch`.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    sent: AtomicU64,
    painted: AtomicU64,
    /// What was sent from earlier relays since the last `watch`.
    before: AtomicU64,
}

/// The slowest line that still counts as alive while screen data is under way on it: 32 kbit/s.
const SLOWEST_BYTES_PER_SECOND: u64 = 4096;

impl Progress {
    /// A new `watch`: everything counts from zero.
    pub(crate) fn restart(&self) {
        for count in [&self.sent, &self.painted, &self.before] {
            count.store(0, Ordering::Relaxed);
        }
    }

    /// Another relay goes on where one ended.
    pub(crate) fn go_on(&self) {
        self.before.store(self.sent.load(Ordering::Relaxed), Ordering::Relaxed);
    }

    pub(crate) fn sent(&self, bytes: usize) {
        self.sent.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// The viewer says how much it has painted, and the relay of this place is told.
    pub(crate) fn tell(&self, place: &Place, bytes: u64) {
        place.painted(self.painted(bytes));
    }

    /// What the present relay is told. A number beyond what was sent is cut.
    fn painted(&self, bytes: u64) -> u64 {
        let bytes = bytes.min(self.sent.load(Ordering::Relaxed));
        self.painted.fetch_max(bytes, Ordering::Relaxed);
        bytes.saturating_sub(self.before.load(Ordering::Relaxed))
    }

    /// How long a line may take for what is under way on it, before a silent viewer counts as gone.
    pub(crate) fn patience(&self) -> Duration {
        let under_way =
            self.sent.load(Ordering::Relaxed).saturating_sub(self.painted.load(Ordering::Relaxed));
        Duration::from_secs(under_way / SLOWEST_BYTES_PER_SECOND)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_relay_counts_from_where_the_first_ended() {
        let progress = Progress::default();
        progress.sent(1000);
        assert_eq!(progress.painted(400), 400);
        progress.go_on();
        progress.sent(50);
        assert_eq!(progress.painted(900), 0, "still of the first");
        assert_eq!(progress.painted(1030), 30);
        progress.restart();
        progress.sent(20);
        assert_eq!(progress.painted(20), 20);
    }

    #[test]
    fn nobody_paints_more_than_was_sent() {
        let progress = Progress::default();
        progress.sent(1000);
        assert_eq!(progress.painted(u64::MAX), 1000);
        assert_eq!(progress.patience(), Duration::ZERO);
    }

    #[test]
    fn a_line_gets_time_for_what_is_under_way() {
        let progress = Progress::default();
        progress.sent(1 << 20);
        assert_eq!(progress.patience(), Duration::from_secs(256));
        progress.painted(1 << 19);
        assert_eq!(progress.patience(), Duration::from_secs(128));
    }
}
