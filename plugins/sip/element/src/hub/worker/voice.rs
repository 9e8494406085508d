//! What is said to callers, and what they say about themselves.

use std::sync::Arc;
use std::time::Instant;

use convene_sip::{CallId, Frames, Prompt, Received};

use super::super::clock::now;
use super::Worker;

impl Worker {
    /// What has come on a call's port.
    pub(super) fn read_sound(&mut self, call: CallId) {
        let Some(entry) = self.lines.get_mut(&call) else {
            return;
        };
        // One each time: a call has one each 20 ms, and whether there is another the system tells for nothing.
        match entry.line.read(&mut self.buffer) {
            Some(Received::Voice(packet)) => self.hear(call, packet),
            Some(Received::Key(key)) => {
                let time = now();
                self.exchange.key(call, key, time);
                self.carry_out(time);
            }
            Some(Received::Loss) => self.tell_loss(call),
            Some(Received::Nothing) | None => {}
        }
    }

    /// Whoever mixes for the caller may put what is lost into the next packet, too.
    pub(super) fn tell_loss(&self, call: CallId) {
        if let Some(room) = self.lines.get(&call).and_then(|entry| entry.room.as_ref()) {
            room.lost(call);
        }
    }

    /// A packet of a caller's voice.
    pub(super) fn hear(&mut self, call: CallId, mut packet: Vec<u8>) {
        let Some(entry) = self.lines.get_mut(&call) else {
            return;
        };
        let keys = entry.tones.as_mut().map(|tones| tones.hear(&mut packet)).unwrap_or_default();
        if let Some(listener) = &mut entry.listener {
            if listener.push(&packet) {
                self.end_name(call);
            }
        } else if let Some(room) = &entry.room {
            room.voice(call, packet);
        }
        if !keys.is_empty() {
            let time = now();
            keys.into_iter().for_each(|key| self.exchange.key(call, key, time));
            self.carry_out(time);
        }
    }

    pub(super) fn say(&mut self, call: CallId, prompts: &[Prompt], time: Instant) {
        let spoken = &mut self.prompts;
        if let Some(entry) = self.lines.get(&call) {
            entry.line.with(|session| {
                for prompt in prompts {
                    session.play(spoken.frames(*prompt, session.agreement().codec), time);
                }
            });
            // Even if there is nothing to say, it is over in the next round, and the exchange is told.
            self.playing.insert(call);
        }
    }

    pub(super) fn say_names(&mut self, to: CallId, of: &[CallId], time: Instant) {
        let Some(line) = self.lines.get(&to).map(|entry| Arc::clone(&entry.line)) else {
            return;
        };
        let Some(codec) = line.with(|session| session.agreement().codec) else {
            return;
        };
        let names = of.iter().filter_map(|call| self.lines.get(call)?.name.as_ref()?.frames(codec));
        let names: Vec<Frames> = names.collect();
        line.with(|session| names.into_iter().for_each(|name| session.play(name, time)));
        self.playing.insert(to);
    }

    /// The caller has said a name, or nothing.
    pub(super) fn end_name(&mut self, call: CallId) {
        let Some(entry) = self.lines.get_mut(&call) else {
            return;
        };
        let time = now();
        entry.name = entry.listener.take().and_then(|listener| listener.finish());
        let has_name = entry.name.is_some();
        self.exchange.named(call, has_name, time);
        self.carry_out(time);
    }
}
