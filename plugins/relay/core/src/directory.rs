//! To whom a datagram belongs: by its sender's address, and before that is known by the user fragment of its STUN request.

use std::collections::HashMap;

use crate::{Remote, SHARD_PEERS_MAX, ShardId};

/// A peer that moves from network to network leaves addresses behind; the oldest are forgotten.
pub const PEER_ADDRESSES_MAX: usize = 8;
/// The same for its user fragments: an ICE restart brings a new one, and checks under the old may still be on their way.
pub const PEER_NAMES_MAX: usize = 2;
/// What is known of other shards.
const ELSEWHERE_MAX: usize = SHARD_PEERS_MAX * PEER_ADDRESSES_MAX;

/// A place in the shard's list of peers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerKey(pub usize);

/// Whose something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// One of ours.
    Here(PeerKey),
    /// One of another shard's.
    There(ShardId),
}

/// All that are known. It is only looked up, never walked through, so its order does not matter.
#[derive(Debug, Default)]
pub struct Directory {
    names: HashMap<String, Owner>,
    addresses: HashMap<Remote, Owner>,
}

impl Directory {
    /// By user fragment.
    pub fn named(&self, name: &str) -> Option<Owner> {
        self.names.get(name).copied()
    }

    /// By address.
    pub fn located(&self, address: Remote) -> Option<Owner> {
        self.addresses.get(&address).copied()
    }

    /// Learns a user fragment.
    pub fn name(&mut self, name: &str, owner: Owner) {
        if self.names.len() < ELSEWHERE_MAX {
            self.names.insert(name.to_owned(), owner);
        }
    }

    /// Learns an address. A later peer takes it over: sockets are closed, and their numbers given to others.
    pub fn locate(&mut self, address: Remote, owner: Owner) {
        if self.addresses.len() < ELSEWHERE_MAX || self.addresses.contains_key(&address) {
            self.addresses.insert(address, owner);
        }
    }

    /// Forgets a user fragment, if it is still this one's.
    pub fn unname(&mut self, name: &str, owner: Owner) {
        if self.named(name) == Some(owner) {
            self.names.remove(name);
        }
    }

    /// Forgets an address, if it is still this one's.
    pub fn unlocate(&mut self, address: Remote, owner: Owner) {
        if self.located(address) == Some(owner) {
            self.addresses.remove(&address);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::*;

    fn address(number: usize) -> Remote {
        Remote::Udp(SocketAddr::from((
            [10, 0, (number >> 8) as u8, number as u8],
            5000 + (number >> 16) as u16,
        )))
    }

    #[test]
    fn an_address_is_forgotten_only_by_its_owner() {
        let (old, new) = (Owner::Here(PeerKey(1)), Owner::There(ShardId(1)));
        let mut directory = Directory::default();
        directory.locate(address(1), old);
        directory.locate(address(1), new);
        directory.unlocate(address(1), old);
        assert_eq!(directory.located(address(1)), Some(new));
        directory.unlocate(address(1), new);
        assert_eq!(directory.located(address(1)), None);
    }

    #[test]
    fn one_address_is_two_peers_by_udp_and_by_tcp() {
        let mut directory = Directory::default();
        let tcp = Remote::Tcp(address(1).address());
        directory.locate(address(1), Owner::Here(PeerKey(1)));
        assert_eq!(directory.located(tcp), None);
        directory.locate(tcp, Owner::Here(PeerKey(2)));
        assert_eq!(directory.located(address(1)), Some(Owner::Here(PeerKey(1))));
        assert_eq!(directory.located(tcp), Some(Owner::Here(PeerKey(2))));
    }

    #[test]
    fn only_so_many_are_known() {
        let mut directory = Directory::default();
        for number in 0..=ELSEWHERE_MAX {
            directory.locate(address(number), Owner::There(ShardId(1)));
            directory.name(&number.to_string(), Owner::There(ShardId(1)));
        }
        assert_eq!((directory.addresses.len(), directory.names.len()), (ELSEWHERE_MAX, ELSEWHERE_MAX));
        assert_eq!(directory.located(address(ELSEWHERE_MAX)), None);
    }
}
