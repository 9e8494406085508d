//! What one run is, and what came of it: handed to the generator and back as JSON.

use std::net::SocketAddr;

use convene_bench::server::Kind;
use serde::{Deserialize, Serialize};

/// How participants come into the conference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Joining {
    /// By WebRTC.
    Browser,
    /// By SIP, half of them with Opus and half with G.711.
    Telephone,
}

/// One run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Scenario {
    /// The server's kind.
    pub kind: Kind,
    /// How everybody comes.
    pub joining: Joining,
    /// Its HTTP.
    pub address: SocketAddr,
    /// Its process, whose time is measured.
    pub process: u32,
    /// Who are in the conference.
    pub participants: u32,
    /// How many of them speak, all the time.
    pub speaking: u32,
    /// How long is measured.
    pub seconds: u64,
}

/// What came of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Outcome {
    /// The server's processor time, in seconds.
    pub server_seconds: f64,
    /// The generator's own.
    pub own_seconds: f64,
    /// For how long it was measured.
    pub seconds: f64,
    /// Frames of 20 ms that participants should have received, and those that came in time.
    pub expected: u64,
    /// See above.
    pub in_time: u64,
    /// From a mouth to an ear: half, 95 of 100 and all within so many milliseconds.
    pub mouth_to_ear_ms: [f64; 3],
    /// How often that was measured.
    pub heard: usize,
    /// From the offer of the last who joins to the first sound, in milliseconds.
    pub set_up_ms: f64,
    /// Bytes of memory that the server had at the end.
    pub resident: u64,
}

impl Outcome {
    /// What share of a core the server took.
    pub fn cores(&self) -> f64 {
        self.server_seconds / self.seconds
    }

    /// What share of the frames came in time.
    pub fn share_in_time(&self) -> f64 {
        self.in_time as f64 / self.expected.max(1) as f64
    }
}
