//! The hot path: a packet of a camera to all who see it; and what goes back, the requests for key frames.

use std::sync::Arc;

use str0m::media::Mid;
use str0m::rtp::RtpPacket;

use super::{Output, RoomEvent, Shard, TapPacket};
use crate::capture::{VOICE_RATE, captured};
use crate::order::Order;
use crate::peer::{PeerState, VoicePacket};
use crate::room::Tap;
use crate::slot::Slot;
use crate::{FeedPacket, Layer, PeerId, Quality, RoomId, ShardId, TAPS_MAX, TapId};

/// Quieter voices are not told to other shards: nobody hears them, and silence needs no telling.
const AUDIBLE_DB: i8 = -60;

impl Shard {
    /// A packet of a camera, from one of our peers or from another shard.
    pub(super) fn relay(&mut self, packet: Arc<FeedPacket>, home: ShardId) {
        let is_ours = home == self.config.id;
        let Some(room) = self.rooms.get_mut(&packet.room) else {
            return;
        };
        let Some((feed, is_new)) = room.feed(&packet, home) else {
            return;
        };
        feed.home = home;
        let has_changed = feed.feed.take(&packet);
        if is_new {
            self.feed_began(packet.room, packet.feed);
        } else if has_changed {
            self.share_out_feed(packet.room, packet.feed);
        }
        self.forward(&packet);
        if is_ours {
            self.forward_elsewhere(&packet);
        }
    }

    fn forward(&mut self, packet: &Arc<FeedPacket>) {
        let now = self.now;
        let Some(room) = self.rooms.get_mut(&packet.room) else {
            return;
        };
        let Some(feed) = room.feeds.get_mut(&packet.feed) else {
            return;
        };
        let Some(layer) = feed.feed.layer(packet.layer) else {
            return;
        };
        let gathered_at = now + Self::gathering(feed.viewers.len());
        for (key, slot) in &feed.viewers {
            let Some(peer) = self.peers.get_mut(key.0).and_then(|peer| peer.as_deref_mut()) else {
                continue;
            };
            if peer.state != PeerState::Connected {
                continue;
            }
            let Some(line) = peer.slots.get_mut(*slot) else {
                continue;
            };
            let begins = packet.key.is_some() && line.slot.waits_for() == Some(packet.layer);
            let mut is_written = false;
            if begins {
                // The first packet of a key frame may come after those that follow it.
                for packet in layer.replay(now) {
                    let numbers = peer.slots.get_mut(*slot).and_then(|line| line.slot.offer(packet));
                    if let Some(numbers) = numbers {
                        peer.write_feed(*slot, packet, &numbers);
                        is_written = true;
                    }
                }
            } else if let Some(numbers) = line.slot.offer(packet) {
                peer.write_feed(*slot, packet, &numbers);
                is_written = true;
            }
            if is_written && !peer.is_dirty {
                peer.is_dirty = true;
                if gathered_at == now {
                    self.dirty.push_front((now, *key));
                } else {
                    self.dirty.push_back((gathered_at, *key));
                }
            }
        }
        let outputs = &mut self.outputs;
        for (tap, tapped) in room.taps.iter_mut().filter(|(_, tapped)| tapped.feed == packet.feed) {
            let begins = packet.key.is_some() && tapped.slot.waits_for() == Some(packet.layer);
            let once = std::iter::once(packet).filter(|_| !begins);
            for packet in layer.replay(now).filter(|_| begins).chain(once) {
                outputs.extend(tap_output(*tap, tapped, packet));
            }
        }
    }

    fn forward_elsewhere(&mut self, packet: &Arc<FeedPacket>) {
        self.tell_room(packet.room, &Order::Packet(Arc::clone(packet)));
    }

    /// A viewer begins to see what it was given: at once where there is a fresh key frame, or else one is asked for.
    pub(super) fn start(&mut self, key: crate::directory::PeerKey) {
        let now = self.now;
        let Some(peer) = self.peers.get_mut(key.0).and_then(|peer| peer.as_deref_mut()) else {
            return;
        };
        if peer.state != PeerState::Connected {
            return;
        }
        let Some(room) = self.rooms.get_mut(&peer.room) else {
            return;
        };
        let mut needs = false;
        let mut is_written = false;
        for slot in 0..peer.slots.len() {
            let waiting = peer.slots.get(slot).and_then(|line| line.slot.feed().zip(line.slot.waits_for()));
            let Some((feed, layer)) = waiting else {
                continue;
            };
            let Some(layer) = room.feeds.get_mut(&feed).and_then(|feed| feed.feed.layer(layer)) else {
                continue;
            };
            let mut began = false;
            for packet in layer.replay(now) {
                let numbers = peer.slots.get_mut(slot).and_then(|line| line.slot.offer(packet));
                if let Some(numbers) = numbers {
                    peer.write_feed(slot, packet, &numbers);
                    began = true;
                }
            }
            is_written |= began;
            if !began {
                layer.requests.need(now);
                needs = true;
            }
        }
        if is_written {
            self.mark(key);
        }
        if needs {
            self.ask_keyframes();
        }
    }

    pub(super) fn picture_lost(&mut self, key: crate::directory::PeerKey, mid: Mid) {
        let Some(peer) = self.peer_mut(key) else {
            return;
        };
        let room = peer.room;
        let line = peer.slots.iter().find(|line| line.mid == mid);
        let lost = line.and_then(|line| line.slot.feed().zip(line.slot.shown().or(line.slot.wanted())));
        if let Some((feed, quality)) = lost {
            self.need_keyframe(room, feed, quality.layer);
        }
    }

    pub(super) fn need_keyframe(&mut self, room: RoomId, feed: PeerId, layer: Layer) {
        let now = self.now;
        let feed = self.rooms.get_mut(&room).and_then(|room| room.feeds.get_mut(&feed));
        if let Some(layer) = feed.and_then(|feed| feed.feed.layer(layer)) {
            layer.requests.need(now);
            self.ask_keyframes();
        }
    }

    /// Asks for the key frames that are due, and sees to the others later.
    pub(super) fn ask_keyframes(&mut self) {
        let (now, own) = (self.now, self.config.id);
        let mut ours = Vec::new();
        let mut soonest = None;
        for (room, state) in &mut self.rooms {
            for (id, feed) in &mut state.feeds {
                let home = feed.home;
                for (layer, state) in feed.feed.layers() {
                    if state.requests.ask(now) {
                        if home == own {
                            ours.push((*room, *id, layer));
                        } else {
                            let order = Order::Keyframe { room: *room, feed: *id, layer };
                            self.outputs.push_back(Output::Order { to: home, order });
                        }
                    }
                    soonest = earliest(soonest, state.requests.due());
                }
            }
        }
        for (room, id, layer) in ours {
            if !self.ask_supply(room, id) {
                self.ask_peer_for(id, layer);
            }
        }
        if let Some(soonest) = soonest {
            self.review_by(soonest);
        }
    }

    /// Whatever asks for key frames of a camera in H.264, it gets so many and no more.
    pub(super) fn ask_peer(&mut self, id: PeerId) {
        let now = self.now;
        let key = self.keys.get(&id).copied();
        let camera = key.and_then(|key| self.peer_mut(key)?.camera.as_mut());
        if camera.is_some_and(|camera| camera.requests.spend(now)) {
            self.ask_peer_for(id, Layer(0));
        }
    }

    fn ask_peer_for(&mut self, id: PeerId, layer: Layer) {
        if let Some(key) = self.keys.get(&id).copied()
            && let Some(peer) = self.peer_mut(key)
        {
            peer.request_keyframe(layer);
            self.mark(key);
        }
    }

    /// A peer has sent a packet of its voice.
    pub(super) fn spoke(&mut self, id: PeerId, room: RoomId, packet: RtpPacket) {
        let header = packet.header;
        let level = header.ext_vals.audio_level;
        if let Some(level) = level {
            self.heard(room, id, level);
            if AUDIBLE_DB <= level {
                self.tell_room(room, &Order::Heard { room, peer: id, level });
            }
        }
        if self.rooms.get(&room).is_some_and(|room| room.voice_taps.contains(&id)) {
            let captured = captured(packet.last_sender_info.as_ref(), header.timestamp, VOICE_RATE);
            let packet = VoicePacket {
                sequence: header.sequence_number,
                timestamp: header.timestamp,
                marker: header.marker,
                payload: packet.payload,
            };
            self.report(room, RoomEvent::Voice { peer: id, level, captured, packet });
        }
    }

    pub(super) fn speak_to(&mut self, peer: PeerId, packet: &VoicePacket) {
        let now = self.now;
        if let Some(key) = self.keys.get(&peer).copied()
            && let Some(peer) = self.peer_mut(key)
        {
            peer.write_voice(packet, now);
            self.queue(key);
        }
    }

    pub(super) fn tap_voice(&mut self, id: RoomId, peer: PeerId, on: bool) {
        let room = self.rooms.entry(id).or_default();
        if on && room.voice_taps.len() < crate::ROOM_PEERS_MAX {
            room.voice_taps.insert(peer);
        } else {
            room.voice_taps.remove(&peer);
            self.tidy(id);
        }
    }

    pub(super) fn tap(&mut self, id: RoomId, tap: TapId, feed: PeerId) {
        let room = self.rooms.entry(id).or_default();
        if room.taps.values().filter(|tapped| tapped.feed == feed).count() < TAPS_MAX {
            let mut slot = Slot::default();
            slot.show(Some(feed));
            room.taps.insert(tap, Tap { feed, slot });
            self.share_out_taps(id);
            self.tap_keyframe(id, tap);
        }
    }

    pub(super) fn untap(&mut self, id: RoomId, tap: TapId) {
        if let Some(room) = self.rooms.get_mut(&id) {
            room.taps.remove(&tap);
            self.tidy(id);
        }
    }

    pub(super) fn tap_keyframe(&mut self, id: RoomId, tap: TapId) {
        let tapped = self.rooms.get(&id).and_then(|room| room.taps.get(&tap));
        let wanted = tapped.and_then(|tapped| Some((tapped.feed, tapped.slot.wanted()?)));
        if let Some((feed, Quality { layer, .. })) = wanted {
            self.need_keyframe(id, feed, layer);
        }
    }
}

fn tap_output(tap: TapId, tapped: &mut Tap, packet: &FeedPacket) -> Option<Output> {
    let numbers = tapped.slot.offer(packet)?;
    let mut payload = packet.payload.to_vec();
    packet.descriptor.rewrite(&mut payload, numbers.picture, numbers.tl0);
    let packet_out = TapPacket {
        sequence: numbers.sequence as u16,
        timestamp: numbers.timestamp,
        captured: packet.captured,
        marker: packet.marker,
        payload,
    };
    let event = RoomEvent::Feed { tap, packet: packet_out };
    Some(Output::Event { room: packet.room, event })
}

fn earliest(
    one: Option<std::time::Instant>,
    other: Option<std::time::Instant>,
) -> Option<std::time::Instant> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}
