//! Who sits where: a seat is a number, with pads, a caller, or both.

use std::collections::BTreeMap;
use std::sync::Arc;

use convene_conference::Codec;
use convene_sip::CallId;

use crate::hub::Line;

/// Callers of one meeting, and pads that wait for some.
pub const SEATS_MAX: u32 = 4096;

/// A caller on a seat.
#[derive(Clone)]
pub struct Caller {
    pub call: CallId,
    pub line: Arc<Line>,
    pub codec: Codec,
    pub payload_type: u8,
}

/// A seat.
#[derive(Default)]
pub struct Seat {
    pub src: Option<gst::Pad>,
    pub sink: Option<gst::Pad>,
    pub caller: Option<Caller>,
    /// What comes in on the sink.
    pub form: Option<Codec>,
}

/// All seats that have anything.
#[derive(Default)]
pub struct Seats {
    seats: BTreeMap<u32, Seat>,
    calls: BTreeMap<CallId, u32>,
}

impl Seats {
    /// One that has anything.
    pub fn seat(&self, number: u32) -> Option<&Seat> {
        self.seats.get(&number)
    }

    /// One that gets something.
    pub fn seat_mut(&mut self, number: u32) -> &mut Seat {
        self.seats.entry(number).or_default()
    }

    /// Where a call sits.
    pub fn number(&self, call: CallId) -> Option<u32> {
        self.calls.get(&call).copied()
    }

    /// The caller there.
    pub fn caller(&self, number: u32) -> Option<&Caller> {
        self.seats.get(&number)?.caller.as_ref()
    }

    /// The caller there, to be changed.
    pub fn caller_mut(&mut self, call: CallId) -> Option<&mut Caller> {
        self.seats.get_mut(self.calls.get(&call)?)?.caller.as_mut()
    }

    /// Gives the first free seat that has pads, or else a new one if those may come later.
    pub fn sit(&mut self, caller: Caller, may_pads_come: bool) -> Option<u32> {
        let is_free = |seat: &Seat| seat.caller.is_none();
        let prepared = self.seats.iter().find(|(_, seat)| is_free(seat)).map(|(number, _)| *number);
        let new = || (0..SEATS_MAX).find(|number| !self.seats.contains_key(number));
        let number = prepared.or_else(|| may_pads_come.then(new).flatten())?;
        self.calls.insert(caller.call, number);
        self.seat_mut(number).caller = Some(caller);
        Some(number)
    }

    /// A caller is gone. Returns where he sat.
    pub fn stand_up(&mut self, call: CallId) -> Option<u32> {
        let number = self.calls.remove(&call)?;
        self.seat_mut(number).caller = None;
        self.tidy(number);
        Some(number)
    }

    /// Nobody is here any longer.
    pub fn clear_callers(&mut self) {
        self.calls.clear();
        self.seats.values_mut().for_each(|seat| seat.caller = None);
        self.seats.retain(|_, seat| seat.src.is_some() || seat.sink.is_some());
    }

    /// A seat without anything is none.
    pub fn tidy(&mut self, number: u32) {
        let is_empty = |seat: &Seat| seat.src.is_none() && seat.sink.is_none() && seat.caller.is_none();
        if self.seats.get(&number).is_some_and(is_empty) {
            self.seats.remove(&number);
        }
    }

    /// All callers with their seats.
    pub fn callers(&self) -> impl Iterator<Item = (u32, &Caller)> {
        self.seats.iter().filter_map(|(number, seat)| Some((*number, seat.caller.as_ref()?)))
    }
}
