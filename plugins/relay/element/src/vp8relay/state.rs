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
    pub voices: BTreeMap<PeerId, Vec<Vp8RelayPad>>,
    pub foreign: BTreeMap<PeerId, Vec<Vp8RelayPad>>,
    /// Where the cameras that no peer sends come in.
    pub supplies: BTreeMap<PeerId, Vec<Vp8RelayPad>>,
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
                let pads = self.voices.entry(id).or_default();
                if !pads.contains(pad) {
                    pads.push(pad.clone());
                }
                seat.tap_voice(id, true);
            }
            Kind::FeedIn => self.supplies.entry(id).or_default().push(pad.clone()),
            Kind::H264Out => self.foreign.entry(id).or_default().push(pad.clone()),
            Kind::VoiceIn => {}
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
            Kind::VoiceOut => {
                if let Some(pads) = self.voices.get_mut(&id) {
                    pads.retain(|other| other != pad);
                    if pads.is_empty() {
                        self.voices.remove(&id);
                        seat.tap_voice(id, false);
                    }
                }
            }
            Kind::H264Out => {
                if let Some(pads) = self.foreign.get_mut(&id) {
                    pads.retain(|other| other != pad);
                }
            }
            Kind::FeedIn => {
                if let Some(pads) = self.supplies.get_mut(&id) {
                    pads.retain(|other| other != pad);
                    if pads.is_empty() {
                        self.supplies.remove(&id);
                        seat.end_supply(id);
                    }
                }
            }
            Kind::VoiceIn => {}
        }
    }
}
