//! How many are in a room, and how its talk goes: for those who watch over the service.

use convene_domain::HeadCount;

use super::super::talk::TalkDelta;
use super::Room;

/// One meeting in numbers.
pub(crate) struct RoomCount {
    pub(crate) heads: HeadCount,
    /// Nothing while nobody talks.
    pub(crate) talk: Option<TalkDelta>,
}

impl Room {
    pub(super) async fn count(&mut self) -> RoomCount {
        RoomCount { heads: self.meeting.head_count(), talk: self.talk.count().await }
    }
}
