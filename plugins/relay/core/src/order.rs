//! What shards tell each other.

use std::net::SocketAddr;
use std::sync::Arc;

use str0m::net::Transmit;

use crate::{FeedPacket, Layer, PeerId, Remote, RoomId};

/// From one shard to another.
#[derive(Clone, Debug)]
pub enum Order {
    /// STUN requests for this user fragment are for the shard that says so.
    Named(Arc<str>),
    /// No longer.
    Unnamed(Arc<str>),
    /// Datagrams from there are for the shard that says so.
    Located(Remote),
    /// No longer.
    Unlocated(Remote),
    /// A datagram that came to the wrong socket.
    Datagram(Box<Datagram>),
    /// Somebody of this room is on the shard that says so.
    Present {
        /// Which room.
        room: RoomId,
        /// It wants to know the same.
        asks: bool,
    },
    /// Nobody any longer.
    Absent(RoomId),
    /// A packet of a camera.
    Packet(Arc<FeedPacket>),
    /// A camera is off.
    FeedEnded {
        /// Where.
        room: RoomId,
        /// Whose.
        feed: PeerId,
    },
    /// A camera's key frame is needed.
    Keyframe {
        /// Where.
        room: RoomId,
        /// Whose.
        feed: PeerId,
        /// Of which encoding.
        layer: Layer,
    },
    /// A voice has this level.
    Heard {
        /// Where.
        room: RoomId,
        /// Whose.
        peer: PeerId,
        /// In decibels, 0 being the loudest.
        level: i8,
    },
    /// A voice is gone.
    Left {
        /// Where.
        room: RoomId,
        /// Whose.
        peer: PeerId,
    },
}

/// A datagram from a peer, or one or more to it.
#[derive(Clone, Debug)]
pub struct Datagram {
    /// Where the peer is.
    pub peer: Remote,
    /// Our address.
    pub own: SocketAddr,
    /// What; each datagram has `segment` bytes, the last one may have fewer.
    pub bytes: Vec<u8>,
    /// Never 0.
    pub segment: usize,
}

impl From<Transmit> for Datagram {
    fn from(transmit: Transmit) -> Self {
        Self::one(
            Remote::new(transmit.proto, transmit.destination),
            transmit.source,
            transmit.contents.into(),
        )
    }
}

impl Datagram {
    /// One.
    pub fn one(peer: Remote, own: SocketAddr, bytes: Vec<u8>) -> Self {
        Self { peer, own, segment: bytes.len().max(1), bytes }
    }

    /// Whether others can be put behind: for the same peer and not larger, where none is shorter yet, and no more than so many together.
    pub fn takes(&self, others: &Self, count_max: usize) -> bool {
        let is_alike = others.segment == self.segment
            || (others.bytes.len() <= others.segment && others.segment < self.segment);
        (self.peer, self.own) == (others.peer, others.own)
            && is_alike
            && self.bytes.len().is_multiple_of(self.segment)
            && self.bytes.len() + others.bytes.len() <= self.segment * count_max
    }

    /// Each.
    pub fn each(&self) -> impl Iterator<Item = &[u8]> {
        self.bytes.chunks(self.segment)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(count: usize, bytes: usize, port: u16) -> Datagram {
        let [own, peer] = [1853, port].map(|port| SocketAddr::from(([10, 0, 0, 1], port)));
        Datagram { peer: Remote::Udp(peer), own, bytes: vec![0; count * bytes], segment: bytes }
    }

    #[test]
    fn what_goes_to_one_peer_goes_together_until_one_is_shorter() {
        let mut first = of(2, 100, 5000);
        assert!(first.takes(&of(3, 100, 5000), 5) && !first.takes(&of(3, 100, 5000), 4));
        assert!(!first.takes(&of(1, 100, 5001), 5), "another's");
        assert!(!first.takes(&of(1, 101, 5000), 5), "larger");
        assert!(!first.takes(&of(2, 90, 5000), 5), "two shorter ones");
        assert!(first.takes(&of(1, 90, 5000), 5));
        first.bytes.extend([0; 90]);
        assert!(!first.takes(&of(1, 90, 5000), 5), "none behind a shorter one");
    }
}
