//! Hands that are up, and the door that the host may lock.

use super::{Audience, Meeting, Message, Now, Order, ParticipantId, Refusal, RefusalReason, Role, error};

impl Meeting {
    /// Somebody raises their hand, or lowers it.
    pub(super) fn raise_hand(&mut self, id: ParticipantId, up: bool, now: Now) -> Vec<Order> {
        if let Err(refused) = self.may_switch(id, now) {
            return refused;
        }
        let Some(seat) = self.present.get_mut(&id) else { return Vec::new() };
        if std::mem::replace(&mut seat.hand, up) == up {
            return Vec::new();
        }
        self.participant_changed(id).into_iter().collect()
    }

    /// The host lowers somebody's hand, who has been called upon.
    pub(super) fn lower_hand(&mut self, by: ParticipantId, id: ParticipantId) -> Vec<Order> {
        if !self.is_host(by) {
            return vec![error(by, "Only the host can lower the hands of others.")];
        }
        // Somebody who has just left, or whose hand is down.
        let Some(seat) = self.present.get_mut(&id).filter(|seat| seat.hand) else { return Vec::new() };
        seat.hand = false;
        self.participant_changed(id).into_iter().collect()
    }

    pub(super) fn lock_by(&mut self, id: ParticipantId, locked: bool) -> Vec<Order> {
        if !self.is_host(id) {
            return vec![error(id, "Only the host can lock the meeting.")];
        }
        self.lock(locked)
    }

    /// Nobody more is let in, or everybody again.
    pub(super) fn lock(&mut self, locked: bool) -> Vec<Order> {
        if std::mem::replace(&mut self.locked, locked) == locked {
            return Vec::new();
        }
        vec![Order::Lock(locked), Order::Tell { to: Audience::All, message: Message::Locked { locked } }]
    }

    /// What somebody is told who stands before the locked door. The host may have lost the connection, and a recorder is the meeting's own.
    pub(super) fn locked_out(&self, role: Role) -> Option<Refusal> {
        let is_locked_out = self.locked && matches!(role, Role::Guest | Role::Caller);
        is_locked_out.then(|| {
            let message = "The host has locked this meeting: nobody more is let in. Ask whoever invited you.";
            Refusal::new(RefusalReason::Locked, message)
        })
    }
}
