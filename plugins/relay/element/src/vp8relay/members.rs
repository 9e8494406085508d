//! The names of a meeting's peers, and their numbers at the hub.

use std::collections::BTreeMap;

use convene_relay::PeerId;

use crate::hub::new_peer;

/// Names that are remembered at once: a meeting's peers, and pads whose peers are still to come.
pub const MEMBERS_MAX: usize = 4096;

/// Who is called how.
#[derive(Debug, Default)]
pub struct Members {
    ids: BTreeMap<String, PeerId>,
    names: BTreeMap<PeerId, String>,
}

impl Members {
    /// The number of a name.
    pub fn id(&self, name: &str) -> Option<PeerId> {
        self.ids.get(name).copied()
    }

    /// The name of a number.
    pub fn name(&self, id: PeerId) -> Option<&str> {
        self.names.get(&id).map(String::as_str)
    }

    /// The number of a name, a new one if it has none; nothing when there are too many.
    pub fn id_or_new(&mut self, name: &str) -> Option<PeerId> {
        if let Some(id) = self.id(name) {
            return Some(id);
        }
        if MEMBERS_MAX <= self.ids.len() {
            return None;
        }
        if MEMBERS_MAX <= self.names.len() {
            self.forget_a_gone_one();
        }
        let id = new_peer();
        self.ids.insert(name.to_owned(), id);
        self.names.insert(id, name.to_owned());
        Some(id)
    }

    /// The peer of this name is to go. Whoever comes under the same name is somebody new, and what is still told of the one who went has
    /// its name still.
    pub fn dismiss(&mut self, name: &str) -> Option<PeerId> {
        self.ids.remove(name)
    }

    /// Of those who went and of whom nothing more was told, the one who came first.
    fn forget_a_gone_one(&mut self) {
        let is_gone = |id: &PeerId, name: &String| self.ids.get(name) != Some(id);
        let gone = self.names.iter().find(|(id, name)| is_gone(id, name)).map(|(id, _)| *id);
        gone.into_iter().for_each(|id| self.forget(id));
    }

    /// Nothing more is told of this one.
    pub fn forget(&mut self, id: PeerId) {
        if let Some(name) = self.names.remove(&id)
            && self.ids.get(&name) == Some(&id)
        {
            self.ids.remove(&name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_comes_back_is_somebody_new() {
        let mut members = Members::default();
        let first = members.id_or_new("ann").expect("there is room");
        assert_eq!(members.id_or_new("ann"), Some(first));
        assert_eq!(members.dismiss("ann"), Some(first));
        assert_eq!(members.name(first), Some("ann"));
        let second = members.id_or_new("ann").expect("there is room");
        members.forget(first);
        assert_eq!((members.name(first), members.id("ann")), (None, Some(second)));
        members.forget(second);
        assert_eq!(members.id("ann"), None);
    }

    #[test]
    fn only_so_many_are_remembered() {
        let mut members = Members::default();
        for number in 0..MEMBERS_MAX {
            assert!(members.id_or_new(&number.to_string()).is_some());
        }
        assert!(members.id_or_new("one more").is_none());
        assert!(members.id_or_new("0").is_some());
        // Whoever went makes room, also if nothing is ever told of them.
        for number in 0..MEMBERS_MAX {
            assert!(members.dismiss(&number.to_string()).is_some());
            assert!(members.id_or_new(&format!("guest {number}")).is_some());
        }
        assert!(members.id_or_new("one more").is_none());
        assert_eq!(members.names.len(), MEMBERS_MAX);
    }
}
