//! How many are in the meeting, for those who watch over the service: numbers, and nobody's name.

use super::{Meeting, Role};

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

impl Meeting {
    /// Who is there now; recorders do not count.
    pub fn head_count(&self) -> HeadCount {
        let mut count = HeadCount::default();
        for seat in self.present.values() {
            let kind = match seat.role {
                Role::Recorder => continue,
                Role::Guest | Role::Host => &mut count.browsers,
                Role::Caller => &mut count.callers,
                Role::Stream(_) if seat.missed => continue,
                Role::Stream(_) => &mut count.programs,
            };
            *kind += 1;
            count.viewers += usize::from(seat.watches);
        }
        count
    }
}
