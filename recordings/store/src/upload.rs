//! One region's uploader.

use std::time::Duration;

/// How long a call to a region may take before the region counts as stalled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// For any call.
    pub call: Duration,
}
