//! What is counted.

use std::time::Duration;

/// Of one source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SourceStats {
    /// Packets or buffers that came.
    pub packets: u64,
    /// Of these, decoded.
    pub decoded: u64,
    /// Frames that were missing when they were due.
    pub lost: u64,
    /// Frames made up by the decoder.
    pub concealed: u64,
    /// Packets that came after they were due.
    pub late: u64,
    /// Duplicates, malformed ones, and what did not fit.
    pub refused: u64,
    /// Packets from another timeline.
    pub strange: u64,
    /// Samples that were repeated to wait longer.
    pub stretched: u64,
    /// Samples that were taken away to wait less.
    pub compressed: u64,
    /// How long packets wait.
    pub delay: Duration,
}

/// Of the whole conference.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Frames mixed.
    pub ticks: u64,
    /// Frames encoded.
    pub encodes: u64,
    /// Packets decoded, and frames made up.
    pub decodes: u64,
    /// Packets and frames given to listeners.
    pub outputs: u64,
}
