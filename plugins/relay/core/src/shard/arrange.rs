//! Who sees whom, and in which quality.

use super::{RoomEvent, Shard};
use crate::allocation::{Claim, Why, allocate, desired};
use crate::directory::PeerKey;
use crate::feed::Offered;
use crate::wish::{Selection, WISHES_MAX, seat};
use crate::{PeerId, RoomId};

impl Shard {
    pub(super) fn select(&mut self, peer: PeerId, mut selection: Selection) {
        selection.wish.truncate(WISHES_MAX);
        if let Some(key) = self.keys.get(&peer).copied()
            && let Some(peer) = self.peer_mut(key)
        {
            peer.selection = selection;
            self.arrange(key);
        }
    }

    /// Gives a viewer's slots to the cameras that it is to see.
    pub(super) fn arrange(&mut self, key: PeerKey) {
        let Some(peer) = self.peers.get_mut(key.0).and_then(|peer| peer.as_deref_mut()) else {
            return;
        };
        let (id, room_id) = (peer.id, peer.room);
        let Some(room) = self.rooms.get_mut(&room_id) else {
            return;
        };
        let wanted = peer.selection.wanted(id, room);
        let before: Vec<Option<PeerId>> = peer.slots.iter().map(|line| line.slot.feed()).collect();
        let after = seat(&before, &wanted);
        for (line, feed) in peer.slots.iter_mut().zip(&after) {
            line.slot.show(*feed);
        }
        for (id, feed) in &mut room.feeds {
            feed.viewers.retain(|(viewer, _)| *viewer != key);
            if let Some(slot) = after.iter().position(|seated| *seated == Some(*id)) {
                feed.viewers.push((key, slot));
            }
        }
        if before != after {
            let slots = peer.slots.iter().map(|line| (line.mid.to_string(), line.slot.feed())).collect();
            self.report(room_id, RoomEvent::Slots { peer: id, slots });
        }
        self.share_out(key);
    }

    /// Shares a viewer's line out among its slots.
    pub(super) fn share_out(&mut self, key: PeerKey) {
        let now = self.now;
        let Some(peer) = self.peers.get_mut(key.0).and_then(|peer| peer.as_deref_mut()) else {
            return;
        };
        let Some(room) = self.rooms.get(&peer.room) else {
            return;
        };
        let wanted = peer.selection.wanted(peer.id, room);
        let mut slots = Vec::with_capacity(peer.slots.len());
        let mut claims = Vec::with_capacity(peer.slots.len());
        for wish in &wanted {
            let Some(slot) = peer.slots.iter().position(|line| line.slot.feed() == Some(wish.feed)) else {
                continue;
            };
            let offers = room.feeds.get(&wish.feed).map_or_else(Vec::new, |feed| feed.feed.offers(now));
            let held = peer.slots.get(slot).and_then(|line| line.slot.wanted());
            slots.push(slot);
            claims.push(Claim { offers, height: wish.height, held });
        }
        let grants = allocate(&claims, peer.budget());
        for (slot, grant) in slots.into_iter().zip(grants) {
            if let Some(line) = peer.slots.get_mut(slot) {
                line.slot.want(grant.quality);
                line.why = grant.why;
                line.bitrate = grant.bitrate;
            }
        }
        for line in peer.slots.iter_mut().filter(|line| line.slot.feed().is_none()) {
            line.why = Why::Silent;
            line.bitrate = 0;
        }
        peer.desire(desired(&claims));
        self.start(key);
    }

    /// A camera offers other qualities than before.
    pub(super) fn share_out_feed(&mut self, room: RoomId, feed: PeerId) {
        let feed = self.rooms.get(&room).and_then(|room| room.feeds.get(&feed));
        let viewers: Vec<PeerKey> =
            feed.map_or_else(Vec::new, |feed| feed.viewers.iter().map(|(viewer, _)| *viewer).collect());
        for key in viewers {
            self.share_out(key);
        }
        self.share_out_taps(room);
    }

    /// Whoever takes a feed in this process gets its best.
    pub(super) fn share_out_taps(&mut self, room: RoomId) {
        let now = self.now;
        let Some(room_state) = self.rooms.get_mut(&room) else {
            return;
        };
        let mut waiting = Vec::new();
        for tapped in room_state.taps.values_mut() {
            let offers: Vec<Offered> =
                room_state.feeds.get(&tapped.feed).map_or_else(Vec::new, |feed| feed.feed.offers(now));
            tapped.slot.want(offers.last().map(|best| best.quality));
            waiting.extend(tapped.slot.waits_for().map(|layer| (tapped.feed, layer)));
        }
        for (feed, layer) in waiting {
            self.need_keyframe(room, feed, layer);
        }
    }

    pub(super) fn feed_began(&mut self, room: RoomId, feed: PeerId) {
        self.feeds_changed(room);
        self.share_out_taps(room);
        if let Some(limit) = self.rooms.get(&room).and_then(|room| room.limit) {
            self.limit_feed(feed, limit);
        }
        self.review_by(self.now + crate::feed::FEED_SILENCE_MAX);
    }

    pub(super) fn end_feed(&mut self, room: RoomId, feed: PeerId) {
        let ended = self.rooms.get_mut(&room).and_then(|room| room.feeds.remove(&feed));
        if ended.is_some() {
            self.feeds_changed(room);
            self.share_out_taps(room);
            self.tidy(room);
        }
    }

    fn feeds_changed(&mut self, id: RoomId) {
        self.arrange_all(id);
        if self.home_of(id) == self.config.id {
            let feeds = self.rooms.get(&id).map_or_else(Vec::new, |room| room.camera_ids());
            self.report(id, RoomEvent::Feeds(feeds));
        }
    }

    pub(super) fn arrange_all(&mut self, room: RoomId) {
        let peers = self.rooms.get(&room).map_or_else(Vec::new, |room| room.peers.clone());
        for key in peers {
            self.arrange(key);
        }
    }

    pub(super) fn limit_feeds(&mut self, room: RoomId, bitrate: Option<u64>) {
        let room = self.rooms.entry(room).or_default();
        room.limit = bitrate;
        let feeds = room.camera_ids();
        for feed in feeds {
            // No limit is told as one that nothing reaches.
            self.limit_feed(feed, bitrate.unwrap_or(u64::from(u32::MAX)));
        }
    }

    pub(super) fn limit_feed(&mut self, feed: PeerId, bitrate: u64) {
        if let Some(key) = self.keys.get(&feed).copied()
            && let Some(peer) = self.peer_mut(key)
        {
            peer.limit_camera(bitrate);
            self.mark(key);
        }
    }
}
