//! One meeting, as far as a shard has to do with it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use crate::directory::PeerKey;
use crate::feed::{FEED_SILENCE_MAX, Feed};
use crate::levels::Voices;
use crate::slot::Slot;
use crate::vp8::{PictureId, extend};
use crate::{FEEDS_MAX, FeedPacket, PeerId, ShardId, TapId};

/// Shared screens of a meeting at once.
const SCREENS_MAX: usize = 1;

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
    /// It is no camera but a shared screen.
    pub is_screen: bool,
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
    /// The camera or screen that sends a packet, which may be new; nothing when there are too many.
    pub fn feed(&mut self, packet: &FeedPacket, home: ShardId) -> Option<(&mut RoomFeed, bool)> {
        let FeedPacket { feed: id, is_screen, arrived, .. } = *packet;
        let is_new = !self.feeds.contains_key(&id);
        let most = if is_screen { SCREENS_MAX } else { FEEDS_MAX };
        if is_new && most <= self.feeds.values().filter(|feed| feed.is_screen == is_screen).count() {
            return None;
        }
        let feed = self.feeds.entry(id).or_insert_with(|| RoomFeed {
            feed: Feed::new(arrived),
            home,
            is_screen,
            viewers: Vec::new(),
        });
        Some((feed, is_new))
    }

    /// All whose cameras send.
    pub fn camera_ids(&self) -> Vec<PeerId> {
        self.feeds.iter().filter(|(_, feed)| !feed.is_screen).map(|(id, _)| *id).collect()
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
    use crate::testing::packet;

    #[test]
    fn a_room_has_only_so_many_cameras_and_a_screen_beside_them() {
        let mut room = Room::default();
        let mut feed = |number: u64, is_screen: bool| {
            let packet = FeedPacket { feed: PeerId(number), is_screen, ..packet(1) };
            room.feed(&packet, ShardId(0)).map(|(_, is_new)| is_new)
        };
        assert!((0..FEEDS_MAX as u64).all(|number| feed(number, false) == Some(true)));
        assert_eq!((feed(99, false), feed(0, false)), (None, Some(false)));
        assert_eq!([feed(50, true), feed(51, true), feed(50, true)], [Some(true), None, Some(false)]);
        assert_eq!(room.camera_ids().len(), FEEDS_MAX);
    }
}
