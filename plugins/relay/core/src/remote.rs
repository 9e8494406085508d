//! Where a peer is.

use std::net::SocketAddr;

use str0m::net::Protocol;

/// A peer's end of its path to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Remote {
    /// Datagrams by UDP.
    Udp(SocketAddr),
    /// Datagrams within a TCP connection that the peer has opened: ICE-TCP (RFC 6544), framed by RFC 4571.
    Tcp(SocketAddr),
}

impl Remote {
    /// Its address.
    pub fn address(self) -> SocketAddr {
        match self {
            Self::Udp(address) | Self::Tcp(address) => address,
        }
    }

    /// As str0m names it. The relay offers no other protocols, so there are none.
    pub(crate) fn new(protocol: Protocol, address: SocketAddr) -> Self {
        if protocol == Protocol::Tcp { Self::Tcp(address) } else { Self::Udp(address) }
    }

    pub(crate) fn protocol(self) -> Protocol {
        match self {
            Self::Udp(_) => Protocol::Udp,
            Self::Tcp(_) => Protocol::Tcp,
        }
    }
}
