//! What is counted.

use std::time::Duration;

/// Of one source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SourceStats {
    /// Packets or buffers that came.
    pub packets: u64,
    /// Packets that should have come, by their numbers (RFC 3550, appendix A.3).
    pub expected: u64,
    /// Of these, decoded.
    pub decoded: u64,
    /// Frames that were missing when they were due.
    pub lost: u64,
    /// Frames that went into the mix.
    pub played: u64,
    /// Frames that were made up for what was missing.
    pub concealed: u64,
    /// Frames of the room's noise, made while the sender rests.
    pub rested: u64,
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
    /// How unevenly packets come (RFC 3550, section 6.4.1).
    pub jitter: Duration,
    /// The sound in a packet, for which its sender waited before it was sent.
    pub packet: Duration,
    /// How long packets wait until they are mixed, the wait for the tick among it.
    pub delay: Duration,
}

impl SourceStats {
    /// Packets that have not come, as of now: some may still be on their way.
    pub fn missing(&self) -> u64 {
        self.expected.saturating_sub(self.packets - self.strange)
    }
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
