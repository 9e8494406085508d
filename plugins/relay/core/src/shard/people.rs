//! Who comes, who goes, and what their connections tell.

use std::net::SocketAddr;
use std::sync::Arc;

use str0m::Input as RtcInput;
use str0m::net::Receive;

use super::{RoomEvent, Shard};
use crate::directory::{Owner, PEER_ADDRESSES_MAX, PEER_NAMES_MAX, PeerKey};
use crate::order::Order;
use crate::peer::{ABSENCE_MAX, Happening, Outbox, Peer, PeerState, SILENCE_MAX};
use crate::room::Room;
use crate::{OfferError, PeerId, ROOM_PEERS_MAX, Remote, RoomId, SHARD_PEERS_MAX, ShardId};

/// Whoever offers this can have the line estimated.
const TWCC_FEEDBACK: &str = " transport-cc";

impl Shard {
    /// Answers a peer's offer: the first one brings it into the room, a later one changes its lines or restarts its ICE. Poll afterwards.
    pub fn offer(
        &mut self,
        room: RoomId,
        peer: PeerId,
        offer: &str,
        now: std::time::Instant,
    ) -> Result<String, OfferError> {
        self.now = self.now.max(now);
        let is_another = |key: PeerKey| {
            let known = self.peers.get(key.0).and_then(|peer| peer.as_deref());
            known.is_some_and(|known| known.is_another(offer))
        };
        if let Some(key) = self.keys.get(&peer).copied().filter(|key| is_another(*key)) {
            self.leave(key);
        }
        if let Some(key) = self.keys.get(&peer).copied() {
            if self.peer_mut(key).is_some_and(|peer| peer.room != room) {
                return Err(OfferError::OtherRoom);
            }
            let answer = self.answer(key, offer)?;
            self.arrange(key);
            return Ok(answer);
        }
        if SHARD_PEERS_MAX <= self.keys.len() {
            return Err(OfferError::ShardFull);
        }
        if self.rooms.get(&room).is_some_and(|room| ROOM_PEERS_MAX <= room.peers.len()) {
            return Err(OfferError::RoomFull);
        }
        let company = self.rooms.get(&room).map_or(0, |room| room.peers.len());
        let is_estimated = company < self.config.estimated_peers_max && offer.contains(TWCC_FEEDBACK);
        let newcomer = Box::new(Peer::new((peer, room), &self.config, (offer, is_estimated), self.now));
        let key = match self.free.pop() {
            Some(key) => {
                self.peers[key.0] = Some(newcomer);
                key
            }
            None => {
                self.peers.push(Some(newcomer));
                PeerKey(self.peers.len() - 1)
            }
        };
        self.keys.insert(peer, key);
        match self.answer(key, offer) {
            Ok(answer) => {
                self.enter(room, key);
                Ok(answer)
            }
            Err(error) => {
                self.forget(key);
                Err(error)
            }
        }
    }

    fn answer(&mut self, key: PeerKey, offer: &str) -> Result<String, OfferError> {
        let peer = self.peer_mut(key).ok_or(OfferError::NothingServed)?;
        let answer = peer.answer(offer)?;
        let newest = peer.names.back().cloned().unwrap_or_default();
        let oldest = if PEER_NAMES_MAX < peer.names.len() { peer.names.pop_front() } else { None };
        self.directory.name(&newest, Owner::Here(key));
        self.tell_all(&Order::Named(Arc::from(newest)));
        if let Some(oldest) = oldest {
            self.directory.unname(&oldest, Owner::Here(key));
            self.tell_all(&Order::Unnamed(Arc::from(oldest)));
        }
        self.mark(key);
        Ok(answer)
    }

    fn enter(&mut self, id: RoomId, key: PeerKey) {
        let room = self.rooms.entry(id).or_default();
        let is_first = !room.is_present();
        room.peers.push(key);
        if is_first {
            self.tell_all(&Order::Present { room: id, asks: true });
        }
        self.arrange(key);
        self.review_by(self.now + ABSENCE_MAX);
        self.mark(key);
    }

    pub(super) fn present(&mut self, from: ShardId, id: RoomId, asks: bool) {
        let is_ours = self.rooms.get(&id).is_some_and(Room::is_present);
        if is_ours || self.home_of(id) == self.config.id {
            self.rooms.entry(id).or_default().elsewhere.insert(from);
        }
        if is_ours && asks {
            self.tell(from, Order::Present { room: id, asks: false });
        }
    }

    /// A datagram for one of our peers. Its address counts as the peer's once a STUN request from there has proved to know the password.
    pub(super) fn receive(&mut self, key: PeerKey, from: Remote, to: SocketAddr, bytes: &[u8]) {
        let now = self.now;
        let to = self.candidate_for(from, to);
        let Ok(receive) = Receive::new(from.protocol(), from.address(), to, bytes) else {
            return;
        };
        let input = RtcInput::Receive(now, receive);
        let is_located = self.directory.located(from) == Some(Owner::Here(key));
        let Some(peer) = self.peer_mut(key) else {
            return;
        };
        if !is_located {
            if !peer.rtc.accepts(&input) {
                return;
            }
            self.locate(key, from);
        }
        let peer = self.peers.get_mut(key.0).and_then(|peer| peer.as_deref_mut());
        if let Some(peer) = peer {
            let mut out = Outbox {
                transmits: &mut self.transmits,
                spare: &mut self.spare,
                happenings: &mut self.happenings,
            };
            peer.hear(now, &mut out);
        }
        self.drive(key, input);
    }

    fn locate(&mut self, key: PeerKey, address: Remote) {
        let Some(peer) = self.peer_mut(key) else {
            return;
        };
        peer.addresses.push_back(address);
        let oldest =
            if PEER_ADDRESSES_MAX < peer.addresses.len() { peer.addresses.pop_front() } else { None };
        self.directory.locate(address, Owner::Here(key));
        self.tell_all(&Order::Located(address));
        if let Some(oldest) = oldest {
            self.directory.unlocate(oldest, Owner::Here(key));
            self.tell_all(&Order::Unlocated(oldest));
        }
    }

    /// The announced address that a datagram was meant for: behind a NAT the one it came to is another.
    fn candidate_for(&self, from: Remote, to: SocketAddr) -> SocketAddr {
        let candidates = match from {
            Remote::Udp(_) => &self.config.candidates,
            Remote::Tcp(_) => &self.config.tcp_candidates,
        };
        let same_family = |candidate: &&SocketAddr| candidate.is_ipv4() == to.is_ipv4();
        match candidates.contains(&to) {
            true => to,
            false => candidates.iter().find(same_family).or(candidates.first()).copied().unwrap_or(to),
        }
    }

    /// Lets a peer send what was written for it.
    pub(super) fn send_on(&mut self, key: PeerKey) {
        let Some(peer) = self.peers.get_mut(key.0).and_then(|peer| peer.as_deref_mut()) else {
            return;
        };
        if peer.is_stirred {
            self.drive_on(key);
        } else {
            peer.is_dirty = false;
            peer.send(&mut Outbox {
                transmits: &mut self.transmits,
                spare: &mut self.spare,
                happenings: &mut self.happenings,
            });
        }
    }

    /// Lets a peer's connection do what is due.
    pub(super) fn drive_on(&mut self, key: PeerKey) {
        if let Some(peer) = self.peer_mut(key) {
            peer.is_dirty = false;
            self.drive(key, RtcInput::Timeout(self.now));
        }
    }

    fn drive(&mut self, key: PeerKey, input: RtcInput<'_>) {
        let now = self.now;
        let Some(peer) = self.peers.get_mut(key.0).and_then(|peer| peer.as_deref_mut()) else {
            return;
        };
        let was_due = peer.due.take();
        let mut out = Outbox {
            transmits: &mut self.transmits,
            spare: &mut self.spare,
            happenings: &mut self.happenings,
        };
        peer.drive(input, now, &mut out);
        if was_due != peer.due {
            if let Some(was_due) = was_due {
                self.due.remove(&(was_due, key));
            }
            if let Some(due) = peer.due {
                self.due.insert((due, key));
            }
        }
        self.settle(key);
    }

    /// Acts on what a peer's connection has told.
    pub(super) fn settle(&mut self, key: PeerKey) {
        while let Some(happening) = self.happenings.pop_front() {
            let Some(peer) = self.peer_mut(key) else {
                self.happenings.clear();
                return;
            };
            let (id, room) = (peer.id, peer.room);
            match happening {
                Happening::State(state) => self.change(key, id, room, state),
                Happening::Camera(packet) => self.relay(Arc::new(packet), self.config.id),
                Happening::Voice(packet) => self.spoke(id, room, *packet),
                Happening::H264(packet) => self.report(room, RoomEvent::H264 { peer: id, packet }),
                Happening::PictureLost(mid) => self.picture_lost(key, mid),
                Happening::Estimate => self.share_out(key),
                Happening::VoiceLost => self.report(room, RoomEvent::VoiceLost(id)),
            }
        }
    }

    fn change(&mut self, key: PeerKey, id: PeerId, room: RoomId, state: PeerState) {
        self.report(room, RoomEvent::Peer { peer: id, state });
        match state {
            PeerState::Connected => {
                self.arrange(key);
                self.start(key);
                self.review_by(self.now + SILENCE_MAX);
            }
            PeerState::Disconnected => {}
            PeerState::Closed | PeerState::Failed => self.leave(key),
            PeerState::Expected => {}
        }
    }

    /// Somebody is to go: their browser is told, and then they are forgotten.
    pub(super) fn remove(&mut self, peer: PeerId) {
        let Some(key) = self.keys.get(&peer).copied() else {
            return;
        };
        let Some(peer) = self.peer_mut(key) else {
            return;
        };
        let (id, room) = (peer.id, peer.room);
        if peer.rtc.close().is_ok() {
            while let Ok(str0m::Output::Transmit(transmit)) = self.peers[key.0]
                .as_mut()
                .map_or(Ok(str0m::Output::Timeout(self.now)), |peer| peer.rtc.poll_output())
            {
                self.transmits.push_back(transmit.into());
            }
        }
        self.report(room, RoomEvent::Peer { peer: id, state: PeerState::Closed });
        self.leave(key);
    }

    /// A peer has left its room.
    pub(super) fn leave(&mut self, key: PeerKey) {
        let Some(peer) = self.peer_mut(key) else {
            return;
        };
        let (id, room_id) = (peer.id, peer.room);
        self.forget(key);
        let Some(room) = self.rooms.get_mut(&room_id) else {
            return;
        };
        room.peers.retain(|other| *other != key);
        let is_last = !room.is_present();
        for feed in room.feeds.values_mut() {
            feed.viewers.retain(|(viewer, _)| *viewer != key);
        }
        let has_feed = room.feeds.contains_key(&id);
        self.voice_left(room_id, id);
        self.tell_room(room_id, &Order::Left { room: room_id, peer: id });
        if has_feed {
            self.end_feed(room_id, id);
            self.tell_room(room_id, &Order::FeedEnded { room: room_id, feed: id });
        }
        if is_last {
            self.tell_all(&Order::Absent(room_id));
        }
        self.tidy(room_id);
    }

    /// Drops a room of which nothing is left.
    pub(super) fn tidy(&mut self, room: RoomId) {
        if self.rooms.get(&room).is_some_and(|room| room.is_empty() && room.elsewhere.is_empty()) {
            self.rooms.remove(&room);
        }
    }

    fn forget(&mut self, key: PeerKey) {
        let Some(peer) = self.peers.get_mut(key.0).and_then(Option::take) else {
            return;
        };
        self.keys.remove(&peer.id);
        if let Some(due) = peer.due {
            self.due.remove(&(due, key));
        }
        self.dirty.retain(|(_, dirty)| *dirty != key);
        for name in &peer.names {
            self.directory.unname(name, Owner::Here(key));
            self.tell_all(&Order::Unnamed(Arc::from(name.as_str())));
        }
        for address in &peer.addresses {
            self.directory.unlocate(*address, Owner::Here(key));
            self.tell_all(&Order::Unlocated(*address));
        }
        self.free.push(key);
    }

    pub(super) fn close(&mut self, id: RoomId) {
        let Some(room) = self.rooms.get_mut(&id) else {
            return;
        };
        room.taps.clear();
        room.voice_taps.clear();
        let (peers, supplies) = (room.peers.clone(), room.supplies.keys().copied().collect::<Vec<_>>());
        supplies.into_iter().for_each(|feed| self.end_supply(id, feed));
        for key in peers {
            if let Some(peer) = self.peer_mut(key).map(|peer| peer.id) {
                self.remove(peer);
            }
        }
        self.tidy(id);
    }
}
