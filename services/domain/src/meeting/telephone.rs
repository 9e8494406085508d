//! Callers: guests who hear and are heard, and ask for things by the keys of their telephone.

use std::fmt;

use rand::{CryptoRng, Rng};
use serde::Serialize;

use super::{
    Announcement, Audience, CallOutId, Face, Key, Meeting, Message, Now, Order, ParticipantId, Role, Seat,
    tell,
};
use crate::DisplayName;

/// What a key makes the others louder or quieter by, in decibels: enough to be noticed.
const VOLUME_STEP: i32 = 4;
/// As far as that goes either way.
const VOLUME_MAX: i32 = 12;

/// Where a meeting is reached by telephone: SIP ports of the host that serves the page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DialIn {
    /// Over TLS.
    pub tls_port: Option<u16>,
    /// Over TCP.
    pub tcp_port: Option<u16>,
    /// Over UDP.
    pub udp_port: Option<u16>,
    /// By which a telephone is the organiser's; only the host is told.
    pub pin: Option<Pin>,
    /// Whether somebody can be called from the meeting; for the host, who alone may.
    pub call_out: bool,
}

impl DialIn {
    pub(super) fn told_to(&self, is_host: bool) -> Self {
        Self { pin: self.pin.clone().filter(|_| is_host), call_out: self.call_out && is_host, ..self.clone() }
    }
}

/// Six digits that a telephone can enter; who has them may do what the host may by its keys.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Pin(String);

impl Pin {
    /// Another one.
    pub fn random(random: &mut (impl CryptoRng + Rng)) -> Self {
        Self(format!("{:06}", random.random_range(0..1_000_000)))
    }

    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Pin {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str("REDACTED")
    }
}

impl Meeting {
    /// Lets a caller in, who keeps the meeting alive as everybody does; whom the host has called also through a locked door.
    pub(super) fn call(&mut self, id: ParticipantId, name: DisplayName, by: Option<CallOutId>) -> Vec<Order> {
        let called = by.and_then(|call| self.joined_by(call));
        let refused = match called {
            Some(_) => self.crowded_out(id, Role::Caller),
            None => self.turned_away(id, Role::Caller),
        };
        let told = if called.is_some() { self.tell_hosts_of_calls() } else { Vec::new() };
        if let Some(refused) = refused {
            return refused.into_iter().chain(told).collect();
        }
        let name = called.flatten().unwrap_or(name);
        self.present.insert(id, Seat::new(Role::Caller, name, Face::of_caller()));
        self.ends_at = None;
        let mut orders = vec![Order::PutThrough(id)];
        if let Some(participant) = self.participant(id) {
            let message = Message::ParticipantJoined { participant };
            orders.push(Order::Tell { to: Audience::Others(id), message });
        }
        orders.extend(told);
        orders
    }

    pub(super) fn pressed(&mut self, id: ParticipantId, key: Key, now: Now) -> Vec<Order> {
        if self.present.get(&id).is_none_or(|seat| seat.role != Role::Caller) {
            return Vec::new();
        }
        match key {
            Key::Mute => self.switch_caller(id, now),
            Key::Hand => self.switch_hand(id, now),
            Key::Count => self.tell_who_is_there(id),
            Key::Louder => self.turn(id, VOLUME_STEP),
            Key::Quieter => self.turn(id, -VOLUME_STEP),
            Key::MuteAll => self.act(id, now, |meeting| meeting.mute_all_but(id)),
            Key::Lock => self.act(id, now, |meeting| meeting.switch_lock(id)),
            Key::Record(recording) => self.act(id, now, |meeting| meeting.switch_recording(id, recording)),
            Key::End => self.end(super::EndCause::Host),
        }
    }

    /// How many there are; the names of those who call, which only the telephone knows; and how many are there by browser.
    fn tell_who_is_there(&self, id: ParticipantId) -> Vec<Order> {
        let people = self.people();
        let callers = self.present.values().filter(|seat| seat.role == Role::Caller).count();
        let browsers = Some(people - callers).filter(|browsers| 0 < *browsers && 1 < people);
        let told = [Announcement::Count(people), Announcement::Names];
        let told = told.into_iter().chain(browsers.map(Announcement::Browsers));
        told.map(|announcement| Order::Announce(id, announcement)).collect()
    }

    /// A caller whom the host has muted may speak again by the same keys, as others do by their button.
    fn switch_caller(&mut self, id: ParticipantId, now: Now) -> Vec<Order> {
        let face = match self.may_switch(id, now) {
            Ok(face) => face,
            Err(refused) => return refused,
        };
        let is_silenced = face.microphone;
        face.silence(is_silenced);
        let mut orders = vec![Order::Silence(id, is_silenced)];
        orders.extend(self.participant_changed(id));
        let announcement = if is_silenced { Announcement::Muted } else { Announcement::Unmuted };
        orders.push(Order::Announce(id, announcement));
        orders
    }

    fn switch_hand(&mut self, id: ParticipantId, now: Now) -> Vec<Order> {
        let is_up = self.present.get(&id).is_some_and(|seat| !seat.hand);
        let mut orders = self.raise_hand(id, is_up, now);
        if self.present.get(&id).is_some_and(|seat| seat.hand == is_up) {
            let announcement = if is_up { Announcement::HandUp } else { Announcement::HandDown };
            orders.push(Order::Announce(id, announcement));
        }
        orders
    }

    /// Nobody else is told: it is the caller's own ear.
    fn turn(&mut self, id: ParticipantId, step: i32) -> Vec<Order> {
        let Some(seat) = self.present.get_mut(&id) else { return Vec::new() };
        let volume = (seat.volume + step).clamp(-VOLUME_MAX, VOLUME_MAX);
        let has_turned = std::mem::replace(&mut seat.volume, volume) != volume;
        let announcement = match (0 < step, has_turned) {
            (true, true) => Announcement::Louder,
            (false, true) => Announcement::Quieter,
            (true, false) => Announcement::Loudest,
            (false, false) => Announcement::Quietest,
        };
        let turned = has_turned.then_some(Order::Turn(id, volume));
        turned.into_iter().chain([Order::Announce(id, announcement)]).collect()
    }

    fn switch_lock(&mut self, id: ParticipantId) -> Vec<Order> {
        let mut orders = self.lock(!self.locked);
        let announcement = if self.locked { Announcement::Locked } else { Announcement::Unlocked };
        orders.push(Order::Announce(id, announcement));
        orders
    }

    /// All callers are told.
    pub(super) fn announce(&self, announcement: Announcement) -> impl Iterator<Item = Order> {
        let callers = self.present.iter().filter(|(_, seat)| seat.role == Role::Caller);
        callers.map(move |(id, _)| Order::Announce(*id, announcement))
    }

    fn mute_all_but(&mut self, id: ParticipantId) -> Vec<Order> {
        let others = self.present.iter_mut().filter(|(other, seat)| **other != id && seat.face.microphone);
        let muted: Vec<ParticipantId> = others
            .map(|(other, seat)| {
                seat.face.silence(true);
                *other
            })
            .collect();
        let mut orders = Vec::new();
        for other in muted {
            orders.push(Order::Silence(other, true));
            orders.push(tell(other, Message::Muted { by: id }));
            orders.extend(self.participant_changed(other));
        }
        orders.extend(self.announce(Announcement::AllMuted));
        orders
    }
}
