//! Callers' names, in their own voice: asked for on the way in, and told to those who are there.

use std::time::Instant;

use super::{Exchange, Names, Order};
use crate::agent::CallId;
use crate::prompt::Prompt;

impl Exchange {
    /// Who knows the code, or was called, gets into the room; says a name before, if the room wants to know it.
    pub(super) fn admit(&mut self, id: CallId, now: Instant) {
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        let rules = call.room.and_then(|room| self.rooms.get(&room));
        if rules.is_some_and(|rules| rules.names != Names::Never) && !call.has_name {
            let steps = call.menu.ask_name(now);
            return self.follow(id, steps, now);
        }
        self.let_in(id);
    }

    fn let_in(&mut self, id: CallId) {
        if let Some(call) = self.calls.get_mut(&id)
            && let Some(room) = call.room
        {
            call.menu.enter();
            let about = call.about();
            self.orders.push_back(Order::Join { room, call: id, about });
        }
    }

    /// A caller has said a name, or nothing. It may be that there is no way in any more.
    pub fn named(&mut self, id: CallId, has_name: bool, now: Instant) {
        let Some(call) = self.calls.get_mut(&id).filter(|call| call.menu.is_asking_name()) else {
            return;
        };
        call.has_name = has_name;
        if call.room.and_then(|room| self.rooms.get(&room)).is_some_and(|rules| rules.is_locked) {
            self.turn_away(id, Prompt::Locked, now);
        } else if call.hang_up_at.is_none() {
            self.let_in(id);
        }
        self.work(now);
    }

    /// All other callers of the room hear who has come, if the room wants them to.
    pub(super) fn announce_name(&mut self, id: CallId) {
        let Some(call) = self.calls.get(&id).filter(|call| call.has_name) else {
            return;
        };
        let rules = call.room.and_then(|room| self.rooms.get(&room));
        if rules.is_none_or(|rules| rules.names != Names::Announced) {
            return;
        }
        for to in self.others(id, |_| true) {
            self.orders.push_back(Order::SayNames { to, of: vec![id] });
            self.say(to, &[Prompt::HasJoined]);
        }
    }

    /// The names of all others in the room.
    pub(super) fn say_names(&mut self, to: CallId) {
        let of = self.others(to, |other| self.calls[&other].has_name);
        if !of.is_empty() {
            self.say(to, &[Prompt::Names]);
            self.orders.push_back(Order::SayNames { to, of });
        }
    }

    fn others(&self, id: CallId, is_meant: impl Fn(CallId) -> bool) -> Vec<CallId> {
        let room = self.calls.get(&id).and_then(|call| call.room);
        let others =
            self.calls.iter().filter(|(other, call)| **other != id && call.is_seated && call.room == room);
        others.map(|(other, _)| *other).filter(|other| is_meant(*other)).collect()
    }
}
