//! What a relay knows: its place at the hub, its peers' names, and which pad takes what.

use std::collections::BTreeMap;
use std::sync::Arc;

use convene_relay::{PeerId, TapId};
use gst::subclass::prelude::*;

use super::Vp8RelayPad;
use super::members::Members;
use super::pad::Kind;
use super::pusher::{Inlet, Item, Pusher};
use crate::http::Server;
use crate::hub::RoomSeat;

/// A relay's state.
#[derive(Default)]
pub struct State {
    pub seat: Option<Arc<RoomSeat>>,
    pub members: Members,
    pub pads: Vec<Vp8RelayPad>,
    /// Which pads take what; a pad is here while its peer has a number.
    pub taps: BTreeMap<TapId, (Vp8RelayPad, PeerId)>,
    pub voices: PeerPads,
    /// Where what peers hear comes in.
    pub heard: PeerPads,
    /// Where cameras in H.264 go out.
    pub foreign: PeerPads,
    /// Where the cameras that no peer sends come in.
    pub supplies: PeerPads,
    pub pusher: Option<Pusher>,
    pub inlet: Option<Inlet>,
    pub http: Option<Server>,
}

impl State {
    /// A packet goes out of a source pad, or an event upstream of a sink pad.
    pub fn put(&self, pad: &Vp8RelayPad, item: impl Into<Item>) {
        if let Some(inlet) = &self.inlet {
            inlet.put(pad.clone(), item.into());
        }
    }

    /// A pad takes what its peer sends.
    pub fn attach(&mut self, pad: &Vp8RelayPad) {
        let Some(seat) = self.seat.clone() else {
            return;
        };
        let Some(id) = self.members.id_or_new(&pad.imp().peer()) else {
            return;
        };
        match pad.imp().kind() {
            Kind::Feed(tap) => {
                self.taps.insert(tap, (pad.clone(), id));
                seat.tap(tap, id);
            }
            Kind::VoiceOut => {
                self.voices.add(id, pad);
                seat.tap_voice(id, true);
            }
            Kind::FeedIn => self.supplies.add(id, pad),
            Kind::H264Out => self.foreign.add(id, pad),
            Kind::VoiceIn => self.heard.add(id, pad),
        }
    }

    /// A pad takes nothing more of this peer.
    pub fn detach(&mut self, pad: &Vp8RelayPad, peer: &str) {
        let (Some(seat), Some(id)) = (self.seat.clone(), self.members.id(peer)) else {
            return;
        };
        match pad.imp().kind() {
            Kind::Feed(tap) => {
                self.taps.remove(&tap);
                seat.untap(tap, id);
            }
            Kind::VoiceOut if self.voices.remove(id, pad) => seat.tap_voice(id, false),
            Kind::FeedIn if self.supplies.remove(id, pad) => seat.end_supply(id),
            Kind::H264Out => {
                self.foreign.remove(id, pad);
            }
            Kind::VoiceIn => {
                self.heard.remove(id, pad);
            }
            Kind::VoiceOut | Kind::FeedIn => {}
        }
    }
}

/// The pads of each peer.
#[derive(Default)]
pub struct PeerPads(BTreeMap<PeerId, Vec<Vp8RelayPad>>);

impl PeerPads {
    /// Those of one.
    pub fn of(&self, peer: PeerId) -> impl Iterator<Item = &Vp8RelayPad> {
        self.0.get(&peer).into_iter().flatten()
    }

    /// Of none.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    fn add(&mut self, peer: PeerId, pad: &Vp8RelayPad) {
        let pads = self.0.entry(peer).or_default();
        if !pads.contains(pad) {
            pads.push(pad.clone());
        }
    }

    /// Whether it was the last one of this peer.
    fn remove(&mut self, peer: PeerId, pad: &Vp8RelayPad) -> bool {
        let Some(pads) = self.0.get_mut(&peer) else {
            return false;
        };
        pads.retain(|other| other != pad);
        let is_last = pads.is_empty();
        if is_last {
            self.0.remove(&peer);
        }
        is_last
    }
}
