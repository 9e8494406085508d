//! The one place that reads the clocks.

use std::time::Duration;

use convene_domain::Now;
use time::OffsetDateTime;
use tokio::time::Instant;

/// Both clocks, as the domain wants them: one that never goes back, and the calendar's.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    start: Instant,
}

impl Clock {
    /// Counts from now on.
    pub(crate) fn start() -> Self {
        Self { start: Instant::now() }
    }

    pub(crate) fn now(&self) -> Now {
        Now { elapsed: self.elapsed(), date: self.date() }
    }

    /// Since the service's start.
    pub(crate) fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    /// To the millisecond, which is plenty for people.
    pub(crate) fn date(&self) -> OffsetDateTime {
        let date = OffsetDateTime::now_utc();
        date.replace_millisecond(date.millisecond()).unwrap_or(date)
    }

    /// When that is for a timer.
    pub(crate) fn instant(&self, elapsed: Duration) -> Instant {
        self.start + elapsed
    }
}
