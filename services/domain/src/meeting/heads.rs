//! How many are in the meeting, for those who watch over the service: numbers, and nobody's name.

use super::{Meeting, ParticipantId, Role};

/// How many there are of each kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct HeadCount {
    /// With the meeting's page, or another client of the meeting protocol.
    pub browsers: usize,
    /// By telephone.
    pub callers: usize,
    /// Programs that send or watch by WHIP and WHEP.
    pub programs: usize,
    /// Of all these, those who watch the shared screen.
    pub viewers: usize,
}

/// How somebody takes part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Way {
    /// With the meeting's page, or another client of the meeting protocol.
    Browser,
    /// By telephone.
    Telephone,
    /// As a program, by WHIP or WHEP.
    Program,
}

impl Way {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Browser, Self::Telephone, Self::Program];

    /// As operators are told.
    pub fn word(self) -> &'static str {
        match self {
            Self::Browser => "browser",
            Self::Telephone => "telephone",
            Self::Program => "program",
        }
    }
}

impl Meeting {
    /// How somebody takes part who is there, and is no recorder.
    pub fn way(&self, id: ParticipantId) -> Option<Way> {
        match self.present.get(&id)?.role {
            Role::Recorder => None,
            Role::Guest | Role::Host => Some(Way::Browser),
            Role::Caller => Some(Way::Telephone),
            Role::Stream(_) => Some(Way::Program),
        }
    }

    /// Who is there now; recorders do not count.
    pub fn head_count(&self) -> HeadCount {
        let mut count = HeadCount::default();
        for (id, seat) in self.present.iter().filter(|(_, seat)| !seat.missed) {
            match self.way(*id) {
                None => continue,
                Some(Way::Browser) => count.browsers += 1,
                Some(Way::Telephone) => count.callers += 1,
                Some(Way::Program) => count.programs += 1,
            }
            count.viewers += usize::from(seat.watches);
        }
        count
    }
}
