//! The one place where the clock is read.

use std::time::Duration;

use tokio::time::Instant;

/// Time since a fixed start. It is the runtime's clock, so that tests can let it run ahead.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    start: Instant,
}

impl Clock {
    pub(crate) fn start() -> Self {
        Self { start: Instant::now() }
    }

    pub(crate) fn now(&self) -> Duration {
        self.start.elapsed()
    }

    /// The runtime's name for a time of this clock.
    pub(crate) fn at(&self, time: Duration) -> Instant {
        self.start + time
    }
}
