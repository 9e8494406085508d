//! What one run shows, and what came of it: handed to the generator and back as JSON.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use convene_bench::server::Kind;

/// One run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Scenario {
    /// The server's kind.
    pub kind: Kind,
    /// Its HTTP.
    pub address: SocketAddr,
    /// Its process, whose time is measured.
    pub process: u32,
    /// Cameras.
    pub feeds: u32,
    /// Who watch all of them.
    pub viewers: u32,
    /// Pictures of a camera.
    pub frames_a_second: u32,
    /// Packets of a picture.
    pub packets_a_frame: u32,
    /// Bytes of a packet between its headers and its tag.
    pub packet_bytes: usize,
    /// How long is measured.
    pub seconds: u64,
    /// How many more viewers come after that, one by one, to see how long their first picture takes.
    pub newcomers: u32,
}

/// What came of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Outcome {
    /// Packets that viewers received, and those that they should have.
    pub received: u64,
    /// Both while it was measured.
    pub expected: u64,
    /// Datagrams that were lost at the generator's sockets.
    pub dropped: u64,
    /// The server's processor time, in seconds.
    pub server_seconds: f64,
    /// The generator's own.
    pub own_seconds: f64,
    /// For how long it was measured.
    pub seconds: f64,
    /// From a camera's socket to a viewer's: half, 99 of 100 and all of the sample came within so many milliseconds.
    pub latency_ms: [f64; 3],
    /// Cameras that a viewer never saw anything of, all viewers together.
    pub unseen: usize,
    /// Bytes of memory that the server had at the end.
    pub resident: u64,
    /// From an offer to the first key frame, for each newcomer.
    pub first_frame_ms: Vec<f64>,
}

impl Outcome {
    /// The server's microseconds for each packet that came.
    pub fn microseconds_a_packet(&self) -> f64 {
        self.server_seconds * 1e6 / self.received.max(1) as f64
    }

    /// What share of a core the server took.
    pub fn cores(&self) -> f64 {
        self.server_seconds / self.seconds
    }

    /// What did not come, but for what the generator lost itself.
    pub fn lost(&self) -> u64 {
        self.expected.saturating_sub(self.received).saturating_sub(self.dropped)
    }
}
