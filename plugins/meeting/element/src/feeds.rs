//! Who is seen on which line of our offer.

use std::collections::BTreeMap;

use convene_meeting_line::{Participant, Slot};

/// Somebody's camera on a feed, or nobody's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// The feed, from 0 on.
    pub feed: u32,
    pub participant: Option<Participant>,
}

/// The feeds by the `mid`s of their lines, and the people by their numbers.
#[derive(Debug, Default)]
pub struct Feeds {
    feeds: BTreeMap<String, u32>,
    people: BTreeMap<u32, String>,
}

impl Feeds {
    /// The lines of the offer, in order.
    pub fn set_lines(&mut self, mids: impl IntoIterator<Item = String>) {
        self.feeds = mids.into_iter().zip(0..).collect();
    }

    /// Somebody is there.
    pub fn met(&mut self, participant: Participant) {
        self.people.insert(participant.id, participant.name);
    }

    /// What has changed, of the lines that are ours.
    pub fn follow(&self, slots: &[Slot]) -> Vec<Shown> {
        let shown = |slot: &Slot| {
            let feed = *self.feeds.get(&slot.mid)?;
            let name = |id| self.people.get(&id).cloned().unwrap_or_default();
            let participant = slot.id.map(|id| Participant { id, name: name(id) });
            Some(Shown { feed, participant })
        };
        slots.iter().filter_map(shown).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_become_feeds_with_names() {
        let mut feeds = Feeds::default();
        feeds.set_lines(["video1".to_owned(), "video2".to_owned()]);
        feeds.met(Participant { id: 4, name: "Ann".into() });
        let slot = |mid: &str, id| Slot { mid: mid.into(), id };
        let shown = feeds.follow(&[slot("video2", Some(4)), slot("video1", None), slot("audio0", Some(4))]);
        let ann = Participant { id: 4, name: "Ann".into() };
        assert_eq!(shown, [Shown { feed: 1, participant: Some(ann) }, Shown { feed: 0, participant: None }]);
        // Whoever was never told of has no name, and is shown all the same.
        let stranger = feeds.follow(&[slot("video1", Some(9))]);
        assert_eq!(stranger[0].participant, Some(Participant { id: 9, name: String::new() }));
    }
}
