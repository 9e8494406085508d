//! One meeting, as far as a shard has to do with it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use crate::directory::PeerKey;
use crate::feed::{FEED_SILENCE_MAX, Feed};
use crate::levels::Voices;
use crate::slot::Slot;
use crate::vp8::{PictureId, extend};
use crate::{FEEDS_MAX, PeerId, ShardId, TapId};

/// A meeting.
#[derive(Debug, Default)]
pub struct Room {
    /// Its peers on this shard.
    pub peers: Vec<PeerKey>,
    /// All its cameras.
    pub feeds: BTreeMap<PeerId, RoomFeed>,
    /// All its voices.
    pub voices: Voices,
    /// The other shards that have peers of it.
    pub elsewhere: BTreeSet<ShardId>,
    /// The cameras of this process that come in on this shard.
    pub supplies: BTreeMap<PeerId, Supply>,
    /// Who takes feeds in this process.
    pub taps: BTreeMap<TapId, Tap>,
    /// Whose voices are taken in this process.
    pub voice_taps: BTreeSet<PeerId>,
    /// Bits a second that a camera may send at most.
    pub limit: Option<u64>,
}

/// A camera and who sees it.
#[derive(Debug)]
pub struct RoomFeed {
    /// Its encodings.
    pub feed: Feed,
    /// The shard its sender is on.
    pub home: ShardId,
    /// The slots in which it is shown, on this shard.
    pub viewers: Vec<(PeerKey, usize)>,
}

/// A camera of this process: its stream, and the newest numbers of it without their wrapping.
#[derive(Debug)]
pub struct Supply {
    /// Another one is another stream.
    pub ssrc: u32,
    sequence: Option<u64>,
    picture: Option<u64>,
}

impl Supply {
    /// A stream that has sent nothing yet.
    pub fn new(ssrc: u32) -> Self {
        Self { ssrc, sequence: None, picture: None }
    }

    /// A packet's sequence number and its picture's, 0 where there is none, without their wrapping.
    pub fn numbers(&mut self, sequence: u16, picture: Option<PictureId>) -> (u64, u64) {
        let sequence = extend(sequence.into(), 1 << 16, self.sequence);
        self.sequence = self.sequence.max(Some(sequence));
        let picture = picture.map_or(0, |id| id.extend(self.picture));
        self.picture = self.picture.max(Some(picture));
        (sequence, picture)
    }
}

/// Somebody in this process who takes a feed.
#[derive(Debug)]
pub struct Tap {
    /// Which.
    pub feed: PeerId,
    /// In its best quality.
    pub slot: Slot,
}

impl Room {
    /// The camera that sends a packet, which may be new; nothing when there are too many.
    pub fn feed(&mut self, id: PeerId, home: ShardId, now: Instant) -> Option<(&mut RoomFeed, bool)> {
        let is_new = !self.feeds.contains_key(&id);
        if is_new && FEEDS_MAX <= self.feeds.len() {
            return None;
        }
        let feed = self.feeds.entry(id).or_insert_with(|| RoomFeed {
            feed: Feed::new(now),
            home,
            viewers: Vec::new(),
        });
        Some((feed, is_new))
    }

    /// All who send.
    pub fn feed_ids(&self) -> Vec<PeerId> {
        self.feeds.keys().copied().collect()
    }

    /// Somebody is here who sends or sees something.
    pub fn is_present(&self) -> bool {
        !self.peers.is_empty() || !self.supplies.is_empty()
    }

    /// Nothing is left of it here.
    pub fn is_empty(&self) -> bool {
        !self.is_present() && self.feeds.is_empty() && self.taps.is_empty() && self.voice_taps.is_empty()
    }

    /// When something has to be looked after: a key frame asked for, a camera that has fallen silent, a speaker who has stopped.
    pub fn review_at(&mut self) -> Option<Instant> {
        let mut soonest = self.voices.review_at();
        let mut sooner = |time: Option<Instant>| {
            soonest = match (soonest, time) {
                (Some(one), Some(other)) => Some(one.min(other)),
                (one, other) => one.or(other),
            };
        };
        for feed in self.feeds.values_mut() {
            sooner(Some(feed.feed.heard_at() + FEED_SILENCE_MAX));
            for (_, layer) in feed.feed.layers() {
                sooner(layer.requests.due());
            }
        }
        soonest
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::epoch;

    #[test]
    fn a_room_has_only_so_many_cameras() {
        let mut room = Room::default();
        for number in 0..FEEDS_MAX as u64 {
            assert!(room.feed(PeerId(number), ShardId(0), epoch()).is_some_and(|(_, is_new)| is_new));
        }
        assert!(room.feed(PeerId(99), ShardId(0), epoch()).is_none());
        assert!(room.feed(PeerId(0), ShardId(0), epoch()).is_some_and(|(_, is_new)| !is_new));
    }
}
