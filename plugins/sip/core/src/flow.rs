//! The way that a message came, and that its answer goes.

use std::net::SocketAddr;

/// What carries messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Transport {
    /// Datagrams.
    Udp,
    /// A connection.
    Tcp,
    /// A connection that nobody else can read.
    Tls,
}

impl Transport {
    /// As Via has it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Udp => "UDP",
            Self::Tcp => "TCP",
            Self::Tls => "TLS",
        }
    }

    /// Whether what is sent arrives without being sent again.
    pub fn is_reliable(self) -> bool {
        self != Self::Udp
    }
}

/// A connection, or the two ends of datagrams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flow {
    /// The shell's number of the connection; 0 for datagrams.
    pub id: u64,
    /// What it is.
    pub transport: Transport,
    /// The other end.
    pub peer: SocketAddr,
    /// Our end: with the port that we listen on, also for connections.
    pub local: SocketAddr,
}
