//! Which cameras a viewer sees, and in which of its slots.

use crate::PeerId;
use crate::room::Room;

/// A viewer that says nothing about it shows each camera this high.
const HEIGHT_UNSAID: u32 = 720;
/// More wishes than this are not read: nobody shows more faces at once than a room has.
pub const WISHES_MAX: usize = 64;

/// A camera that a viewer wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wish {
    /// Whose.
    pub feed: PeerId,
    /// How high it is shown, in pixels.
    pub height: u32,
}

/// What a viewer wants to see. Whoever says nothing sees all cameras.
#[derive(Clone, Debug)]
pub struct Selection {
    /// The most wanted first.
    pub wish: Vec<Wish>,
    /// ... and after these all other cameras, whoever speaks or spoke last first.
    pub others: bool,
}

impl Default for Selection {
    fn default() -> Self {
        Self { wish: Vec::new(), others: true }
    }
}

impl Selection {
    /// The cameras and screens that the viewer shall see, of those that are there, the most wanted first.
    pub fn wanted(&self, own: PeerId, room: &Room) -> Vec<Wish> {
        let mut wanted: Vec<Wish> = Vec::with_capacity(self.wish.len());
        for one in &self.wish {
            let is_twice = wanted.iter().any(|before| before.feed == one.feed);
            if room.feeds.contains_key(&one.feed) && !is_twice {
                wanted.push(*one);
            }
        }
        if self.others {
            let mut others = room.camera_ids();
            others.retain(|feed| *feed != own && !wanted.iter().any(|before| before.feed == *feed));
            let speaking = room.voices.speaking();
            others.sort_by_key(|feed| {
                let place = speaking.iter().position(|speaker| speaker == feed).unwrap_or(usize::MAX);
                (place, std::cmp::Reverse(room.voices.recency(*feed)))
            });
            wanted.extend(others.into_iter().map(|feed| Wish { feed, height: HEIGHT_UNSAID }));
        }
        wanted
    }
}

/// Who sits where: whoever has a slot and is still wanted keeps it, as a picture that jumps from place to place is tiring.
pub fn seat(slots: &[Option<PeerId>], wanted: &[Wish]) -> Vec<Option<PeerId>> {
    let wanted = wanted.get(..slots.len()).unwrap_or(wanted);
    let is_wanted = |feed: &PeerId| wanted.iter().any(|wish| wish.feed == *feed);
    let mut seats: Vec<Option<PeerId>> = slots.iter().map(|feed| feed.filter(is_wanted)).collect();
    for wish in wanted {
        if !seats.contains(&Some(wish.feed))
            && let Some(free) = seats.iter_mut().find(|seat| seat.is_none())
        {
            *free = Some(wish.feed);
        }
    }
    seats
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{after, packet};
    use crate::{FeedPacket, ShardId};

    const ME: PeerId = PeerId(9);

    fn ids(wanted: &[Wish]) -> Vec<u64> {
        wanted.iter().map(|wish| wish.feed.0).collect()
    }

    fn wishes(feeds: &[u64]) -> Vec<Wish> {
        feeds.iter().map(|feed| Wish { feed: PeerId(*feed), height: 180 }).collect()
    }

    /// A room with these cameras, and a screen.
    fn room(cameras: &[u64], screen: u64) -> Room {
        let mut room = Room::default();
        let cameras = cameras.iter().map(|camera| (*camera, false));
        for (number, is_screen) in cameras.chain([(screen, true)]) {
            let packet = FeedPacket { feed: PeerId(number), is_screen, ..packet(1) };
            room.feed(&packet, ShardId(0)).expect("there is room");
        }
        room
    }

    #[test]
    fn without_a_wish_who_spoke_last_comes_first_and_no_screen() {
        let mut room = room(&[1, 2, 3, 9], 7);
        for (speaker, from) in [(3, 0), (2, 1000)] {
            for time in (from..from + 600).step_by(20) {
                room.voices.heard(PeerId(speaker), -20, after(time));
            }
        }
        assert_eq!(ids(&Selection::default().wanted(ME, &room)), [2, 3, 1]);
        // The screen for whoever wishes for it, before all others.
        let wish = wishes(&[7, 1]);
        assert_eq!(ids(&Selection { wish, others: true }.wanted(ME, &room)), [7, 1, 2, 3]);
    }

    #[test]
    fn a_wish_is_followed_as_far_as_there_are_cameras() {
        let selection = Selection { wish: wishes(&[4, 7, 1, 4]), others: false };
        assert_eq!(ids(&selection.wanted(ME, &room(&[1, 4, 9], 8))), [4, 1]);
    }

    #[test]
    fn whoever_has_a_slot_keeps_it() {
        let slots = [Some(PeerId(1)), Some(PeerId(2)), None];
        assert_eq!(seat(&slots, &wishes(&[3, 2])), [Some(PeerId(3)), Some(PeerId(2)), None]);
    }

    #[test]
    fn the_least_wanted_have_no_slot() {
        assert_eq!(seat(&[None, Some(PeerId(3))], &wishes(&[1, 2, 3])), [Some(PeerId(1)), Some(PeerId(2))]);
    }
}
