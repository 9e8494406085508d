//! Putting callers through, from one meeting to another.

use std::time::Instant;

use super::{Exchange, Order};
use crate::agent::CallId;
use crate::menu::Menu;

impl Exchange {
    /// A caller is to be put through to whoever is called so here; to nobody else, or anybody could have us pay for calls.
    pub(super) fn referred(&mut self, id: CallId, user: Option<&str>, now: Instant) {
        let Some(call) = self.calls.get(&id) else {
            return;
        };
        let guesser = call.guesser.clone();
        let is_joined = call.outgoing.is_none() || call.is_seated;
        let Some(user) = user.filter(|_| is_joined) else {
            return self.agent.refer_refused(id, (403, "Only to a meeting of this service"), now);
        };
        let Some(room) = self.try_code(&guesser, user, now) else {
            return self.agent.refer_refused(id, (404, "No such meeting"), now);
        };
        if self.rooms[&room].is_locked {
            return self.agent.refer_refused(id, (480, "The meeting is locked"), now);
        }
        self.agent.refer_done(id, now);
        if self.calls[&id].room == Some(room) {
            return;
        }
        self.leave(id, "moved");
        self.orders.push_back(Order::Hush(id));
        if let Some(call) = self.calls.get_mut(&id) {
            call.menu = Menu::inside();
            call.room = Some(room);
            let about = call.about();
            self.orders.push_back(Order::Join { room, call: id, about });
        }
    }
}
