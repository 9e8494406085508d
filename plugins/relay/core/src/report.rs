//! How a peer fares: which layer it gets in each slot and why, and what its line is like.

use std::time::Duration;

use crate::peer::{Peer, PeerState};
use crate::shard::Shard;
use crate::{PeerId, Quality, RoomId, Why};

/// One peer.
#[derive(Clone, Debug)]
pub struct PeerReport {
    /// Who.
    pub peer: PeerId,
    /// How its connection is.
    pub state: PeerState,
    /// Bits a second that the line to it carries, where that is known.
    pub estimate: Option<u64>,
    /// The share of what is sent to it that is lost, from 0 to 1.
    pub loss: Option<f32>,
    /// To it and back.
    pub round_trip: Option<Duration>,
    /// All its slots.
    pub slots: Vec<SlotReport>,
}

/// One slot.
#[derive(Clone, Debug)]
pub struct SlotReport {
    /// Its line in the peer's description.
    pub mid: String,
    /// Whose camera it shows.
    pub feed: Option<PeerId>,
    /// In which quality.
    pub shown: Option<Quality>,
    /// In which it is to be.
    pub wanted: Option<Quality>,
    /// Why.
    pub why: Why,
    /// Bits a second that were granted to it.
    pub bitrate: u64,
    /// Packets ever sent there.
    pub packets: u64,
}

impl Shard {
    /// How the peers of a room that are on this shard fare.
    pub fn reports(&self, room: RoomId) -> Vec<PeerReport> {
        self.peers_of(room).map(report).collect()
    }
}

fn report(peer: &Peer) -> PeerReport {
    let slots = peer.slots.iter().map(|line| SlotReport {
        mid: line.mid.to_string(),
        feed: line.slot.feed(),
        shown: line.slot.shown(),
        wanted: line.slot.wanted(),
        why: line.why,
        bitrate: line.bitrate,
        packets: line.slot.packets(),
    });
    PeerReport {
        peer: peer.id,
        state: peer.state,
        estimate: peer.estimate(),
        loss: peer.loss,
        round_trip: peer.round_trip,
        slots: slots.collect(),
    }
}
