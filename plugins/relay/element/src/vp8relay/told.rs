//! What the hub's workers tell a relay: packets for its pads, events upstream, and news for applications.

use convene_relay::{PeerState, RoomEvent};
use gst::glib;
use gst::prelude::*;
use gst::subclass::prelude::*;

use super::imp::{CAT, Vp8Relay};
use super::{streams, structures};
use crate::hub::RoomListener;

/// Hands on what workers tell, as long as the element is there.
pub(super) struct Listener(pub(super) glib::WeakRef<super::Vp8Relay>);

impl RoomListener for Listener {
    fn happened(&self, event: RoomEvent) {
        if let Some(relay) = self.0.upgrade() {
            relay.imp().happened(event);
        }
    }
}

impl Vp8Relay {
    fn happened(&self, event: RoomEvent) {
        match event {
            RoomEvent::Voice { peer, level, captured, packet } => {
                let now = self.obj().current_running_time();
                let buffer = streams::voice(&packet, level, captured, (peer.0 as u32, now));
                let state = self.state.lock();
                for pad in state.voices.of(peer) {
                    state.put(pad, buffer.clone());
                }
            }
            RoomEvent::Feed { tap, packet } => {
                let now = self.obj().current_running_time();
                let state = self.state.lock();
                if let Some((pad, peer)) = state.taps.get(&tap) {
                    state.put(pad, streams::feed(&packet, peer.0 as u32, now));
                }
            }
            RoomEvent::H264 { peer, packet } => {
                let now = self.obj().current_running_time();
                let state = self.state.lock();
                for pad in state.foreign.of(peer) {
                    state.put(pad, streams::h264(&packet, now));
                }
            }
            RoomEvent::KeyframeWanted(feed) => {
                let state = self.state.lock();
                for pad in state.supplies.of(feed) {
                    let event = gst_video::UpstreamForceKeyUnitEvent::builder().all_headers(true).build();
                    state.put(pad, event);
                }
            }
            RoomEvent::VoiceLost(peer) => {
                let state = self.state.lock();
                for pad in state.heard.of(peer) {
                    let loss = gst::Structure::new_empty(streams::VOICE_LOST);
                    state.put(pad, gst::event::CustomUpstream::new(loss));
                }
            }
            event => self.tell(&event),
        }
    }

    fn tell(&self, event: &RoomEvent) {
        let signal = structures::signal(event, &self.state.lock().members);
        if let RoomEvent::Peer { peer, state: PeerState::Closed | PeerState::Failed } = event {
            self.state.lock().members.forget(*peer);
        }
        if let Some((name, arguments)) = signal {
            gst::debug!(CAT, imp = self, "{name}");
            self.obj().emit_by_name_with_values(name, &arguments);
        }
    }
}
