//! Real time: the one place that reads the clock.

use std::time::Instant;

/// Now.
#[expect(clippy::disallowed_methods, reason = "sockets and GStreamer's clock run in real time")]
pub(crate) fn now() -> Instant {
    Instant::now()
}
