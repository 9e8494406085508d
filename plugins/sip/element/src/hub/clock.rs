//! The one place where the hub reads the clock.

use std::time::Instant;

/// Now.
#[expect(
    clippy::disallowed_methods,
    reason = "the shell reads the clock here, and hands it to the core as an argument"
)]
pub fn now() -> Instant {
    Instant::now()
}
