//! How many are in a room, and how its talk goes: for those who watch over the service.

use convene_domain::{HeadCount, Input};

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

    /// Tells operators and hosts how voices come in.
    pub(super) async fn look_at_sound(&mut self) {
        let figures = self.talk.sound().await;
        for (id, figures) in &figures {
            if let Some(way) = self.meeting.way(*id) {
                self.service.metrics.heard(way, figures);
            }
        }
        let was_told = std::mem::replace(&mut self.has_told_sound, !figures.is_empty());
        if was_told || self.has_told_sound {
            self.handle(Input::Sound(figures)).await;
        }
    }
}
