//! What callers are told, and what they type.

use std::time::Instant;

use super::presses::Way;
use super::{Exchange, FAREWELL_MAX, Guesser, Order, RoomId};
use crate::agent::CallId;
use crate::menu::{CODE_DIGITS, Menu, Step};
use crate::prompt::Prompt;

impl Exchange {
    /// A key of the dial-pad, by RTP.
    pub fn key(&mut self, call: CallId, key: char, now: Instant) {
        self.press(call, key, Way::Sound, now);
        self.work(now);
    }

    /// All that was to be said is said.
    pub fn played(&mut self, call: CallId, now: Instant) {
        let Some(called) = self.calls.get_mut(&call) else {
            return;
        };
        if called.hang_up_at.is_some() {
            self.hang_up(call, now);
        } else if called.menu.listen(now) {
            self.orders.push_back(Order::Listen(call));
        }
    }

    /// Says something to one caller. [`Prompt::Names`] is followed by the names of the others, and left out when there are none.
    pub fn announce(&mut self, call: CallId, prompt: Prompt) {
        match prompt {
            Prompt::Names => self.say_names(call),
            prompt => self.say(call, &[prompt]),
        }
    }

    pub(super) fn say(&mut self, call: CallId, prompts: &[Prompt]) {
        self.orders.push_back(Order::Say(call, prompts.to_vec()));
    }

    /// The call is answered, and asked where it wants to go.
    pub(super) fn ask(&mut self, id: CallId, now: Instant) {
        self.answer(id, now);
        let (menu, steps) = Menu::asking(now);
        if let Some(call) = self.calls.get_mut(&id) {
            call.menu = menu;
            self.follow(id, steps, now);
        }
    }

    pub(super) fn press(&mut self, id: CallId, key: char, way: Way, now: Instant) {
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        if !call.presses.is_new(key, way, now) {
            return;
        }
        let rules = call.room.and_then(|room| self.rooms.get(&room));
        // Whoever has guessed too much finds no PIN to guess.
        let rules = rules.filter(|_| !self.misses.is_reached(&call.guesser, now));
        let pin = rules.map_or("", |rules| rules.pin.as_str());
        let steps = call.menu.key(key, pin, now);
        self.follow(id, steps, now);
    }

    pub(super) fn tick_menus(&mut self, now: Instant) {
        let is_due = |at: Option<Instant>| at.is_some_and(|at| at <= now);
        let due = self.calls.iter().filter(|(_, call)| is_due(call.menu.due()) || is_due(call.hang_up_at));
        let due: Vec<CallId> = due.map(|(id, _)| *id).collect();
        for id in due {
            let Some(call) = self.calls.get_mut(&id) else {
                continue;
            };
            if is_due(call.hang_up_at) {
                self.agent.hang_up(id, now);
            } else {
                let steps = call.menu.timeout(now);
                self.follow(id, steps, now);
            }
        }
    }

    pub(super) fn follow(&mut self, id: CallId, steps: Vec<Step>, now: Instant) {
        for step in steps {
            match step {
                Step::Hush => self.orders.push_back(Order::Hush(id)),
                Step::Say(prompt) => self.say(id, &[prompt]),
                Step::Try(code) => self.enter(id, &code, now),
                Step::Join => self.join(id, now),
                Step::EndName => self.orders.push_back(Order::EndName(id)),
                Step::Miss => {
                    if let Some(call) = self.calls.get(&id) {
                        self.misses.count(&call.guesser, now);
                    }
                }
                Step::Wish(wish) => {
                    let room = self.calls.get(&id).filter(|call| call.is_seated).and_then(|call| call.room);
                    if let Some(room) = room {
                        self.orders.push_back(Order::Wish { room, call: id, wish });
                    }
                }
                Step::HangUp => self.farewell(id, &[], now),
            }
        }
    }

    fn enter(&mut self, id: CallId, code: &str, now: Instant) {
        let Some(guesser) = self.calls.get(&id).map(|call| call.guesser.clone()) else {
            return;
        };
        let room = self.room_with(code);
        if room.is_none() {
            self.misses.count(&guesser, now);
        }
        let is_last = self.misses.is_reached(&guesser, now);
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        // Beyond the limit the right code is a wrong one, too: otherwise it would be no limit.
        let Some(room) = room.filter(|_| !is_last) else {
            let steps = call.menu.miss(is_last, now);
            return self.follow(id, steps, now);
        };
        if self.rooms[&room].is_locked {
            return self.turn_away(id, Prompt::Locked, now);
        }
        call.room = Some(room);
        self.admit(id, now);
    }

    /// The room of what was dialled, if that is a code.
    pub(super) fn try_code(&mut self, guesser: &Guesser, dialled: &str, now: Instant) -> Option<RoomId> {
        let is_code = dialled.len() == CODE_DIGITS && dialled.bytes().all(|byte| byte.is_ascii_digit());
        if !is_code || self.misses.is_reached(guesser, now) {
            return None;
        }
        let room = self.room_with(dialled);
        if room.is_none() {
            self.misses.count(guesser, now);
        }
        room
    }

    fn room_with(&self, code: &str) -> Option<RoomId> {
        self.room_of(code).filter(|_| !code.is_empty())
    }

    /// There is no way in for who has been answered already.
    pub(super) fn turn_away(&mut self, id: CallId, why: Prompt, now: Instant) {
        if let Some(call) = self.calls.get_mut(&id) {
            call.room = None;
            let steps = call.menu.turn_away(why);
            self.follow(id, steps, now);
        }
    }

    /// Says something, and then hangs up.
    pub(super) fn farewell(&mut self, id: CallId, prompts: &[Prompt], now: Instant) {
        self.say(id, prompts);
        if let Some(call) = self.calls.get_mut(&id) {
            call.hang_up_at = Some(now + FAREWELL_MAX);
        }
    }
}
