//! Which cameras a viewer sees, and in which of its slots.

use crate::PeerId;
use crate::levels::Voices;

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

/// The cameras that a viewer shall see, the most wanted first: what it wishes of those that are there, or else all, whoever speaks or spoke last
/// first.
pub fn wanted(wish: Option<&[Wish]>, own: PeerId, feeds: &[PeerId], voices: &Voices) -> Vec<Wish> {
    if let Some(wish) = wish {
        let mut wanted: Vec<Wish> = Vec::with_capacity(wish.len());
        for one in wish {
            let is_twice = wanted.iter().any(|before| before.feed == one.feed);
            if feeds.contains(&one.feed) && !is_twice {
                wanted.push(*one);
            }
        }
        return wanted;
    }
    let mut others: Vec<PeerId> = feeds.iter().copied().filter(|feed| *feed != own).collect();
    let speaking = voices.speaking();
    others.sort_by_key(|feed| {
        let place = speaking.iter().position(|speaker| speaker == feed).unwrap_or(usize::MAX);
        (place, std::cmp::Reverse(voices.recency(*feed)))
    });
    others.into_iter().map(|feed| Wish { feed, height: HEIGHT_UNSAID }).collect()
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
    use crate::testing::after;

    const ME: PeerId = PeerId(9);

    fn ids(wanted: &[Wish]) -> Vec<u64> {
        wanted.iter().map(|wish| wish.feed.0).collect()
    }

    fn wishes(feeds: &[u64]) -> Vec<Wish> {
        feeds.iter().map(|feed| Wish { feed: PeerId(*feed), height: 180 }).collect()
    }

    fn feeds(ids: &[u64]) -> Vec<PeerId> {
        ids.iter().copied().map(PeerId).collect()
    }

    #[test]
    fn without_a_wish_who_spoke_last_comes_first() {
        let mut voices = Voices::default();
        for (speaker, from) in [(3, 0), (2, 1000)] {
            for time in (from..from + 600).step_by(20) {
                voices.heard(PeerId(speaker), -20, after(time));
            }
        }
        assert_eq!(ids(&wanted(None, ME, &feeds(&[1, 2, 3, 9]), &voices)), [2, 3, 1]);
    }

    #[test]
    fn a_wish_is_followed_as_far_as_there_are_cameras() {
        let wish = wishes(&[4, 7, 1, 4]);
        assert_eq!(ids(&wanted(Some(&wish), ME, &feeds(&[1, 4, 9]), &Voices::default())), [4, 1]);
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
