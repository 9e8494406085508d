//! What time alone brings about.

use std::time::{Duration, Instant};

use super::{RoomEvent, Shard};
use crate::directory::PeerKey;
use crate::feed::FEED_SILENCE_MAX;
use crate::peer::{Outbox, PeerState};
use crate::{PeerId, RoomId};

/// How often what cameras take is shared out anew.
const LOOK_AFTER: Duration = Duration::from_secs(1);

impl Shard {
    /// Something has to be looked after then.
    pub(super) fn review_by(&mut self, time: Instant) {
        self.review_at = Some(self.review_at.map_or(time, |review| review.min(time)));
    }

    pub(super) fn pass_time(&mut self) {
        let now = self.now;
        while let Some((_, key)) = self.due.first().copied().filter(|(due, _)| *due <= now) {
            self.drive_on(key);
            // Whatever it said, it is not driven twice in one turn.
            if self.due.first().is_some_and(|(due, again)| *again == key && *due <= now) {
                break;
            }
        }
        if self.review_at.is_some_and(|review| review <= now) {
            self.review();
        }
    }

    fn review(&mut self) {
        self.review_at = None;
        self.give_up();
        let rooms: Vec<RoomId> = self.rooms.keys().copied().collect();
        for room in rooms {
            self.end_silent_feeds(room);
            self.look_after(room);
            let has_news = self.rooms.get_mut(&room).is_some_and(|state| state.voices.review(self.now));
            if has_news {
                self.speakers_changed(room);
            }
        }
        self.ask_keyframes();
        let rooms: Vec<Instant> = self.rooms.values_mut().filter_map(|room| room.review_at()).collect();
        for time in rooms {
            self.review_by(time);
        }
    }

    /// Peers that have fallen silent, and those that have stayed away for too long.
    fn give_up(&mut self) {
        let now = self.now;
        let keys: Vec<(PeerId, PeerKey)> = self.keys.iter().map(|(id, key)| (*id, *key)).collect();
        for (id, key) in keys {
            let Some(peer) = self.peers.get_mut(key.0).and_then(|peer| peer.as_deref_mut()) else {
                continue;
            };
            let room = peer.room;
            let mut out = Outbox {
                transmits: &mut self.transmits,
                spare: &mut self.spare,
                happenings: &mut self.happenings,
            };
            let again = peer.look_for(now, &mut out);
            self.settle(key);
            match again {
                Some(again) => self.review_by(again),
                None => {
                    self.report(room, RoomEvent::Peer { peer: id, state: PeerState::Failed });
                    self.leave(key);
                }
            }
        }
    }

    fn end_silent_feeds(&mut self, id: RoomId) {
        let now = self.now;
        let Some(room) = self.rooms.get(&id) else {
            return;
        };
        let is_silent = |heard: Instant| heard + FEED_SILENCE_MAX <= now;
        let silent: Vec<PeerId> = room
            .feeds
            .iter()
            .filter(|(_, feed)| is_silent(feed.feed.heard_at()))
            .map(|(id, _)| *id)
            .collect();
        for feed in silent {
            self.end_feed(id, feed);
        }
    }

    /// Cameras take more and less as time goes by; and the report that tells a sender its limit may have been lost.
    fn look_after(&mut self, id: RoomId) {
        let Some(room) = self.rooms.get(&id).filter(|room| !room.feeds.is_empty()) else {
            return;
        };
        let (viewers, limit, feeds) = (room.peers.clone(), room.limit, room.camera_ids());
        for key in viewers {
            self.share_out(key);
        }
        if let Some(limit) = limit {
            for feed in feeds {
                self.limit_feed(feed, limit);
            }
        }
        self.review_by(self.now + LOOK_AFTER);
    }

    pub(super) fn heard(&mut self, room: RoomId, peer: PeerId, level: i8) {
        let now = self.now;
        let Some(state) = self.rooms.get_mut(&room) else {
            return;
        };
        if state.voices.heard(peer, level, now) {
            self.speakers_changed(room);
        }
    }

    pub(super) fn voice_left(&mut self, room: RoomId, peer: PeerId) {
        let now = self.now;
        if self.rooms.get_mut(&room).is_some_and(|room| room.voices.left(peer, now)) {
            self.speakers_changed(room);
        }
    }

    fn speakers_changed(&mut self, id: RoomId) {
        let Some(room) = self.rooms.get(&id) else {
            return;
        };
        let speakers = room.voices.speaking().to_vec();
        if let Some(time) = room.voices.review_at() {
            self.review_by(time);
        }
        if self.home_of(id) == self.config.id {
            self.report(id, RoomEvent::Speakers(speakers));
        }
        self.arrange_all(id);
    }
}
