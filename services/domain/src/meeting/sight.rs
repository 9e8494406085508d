//! How large each camera is shown to anybody, so that none sends what nobody sees.

use super::faces::{CAMERAS_MAX, HEIGHT_MAX};
use super::{Meeting, Message, Order, ParticipantId, Role, Seat, Wish, tell};

/// The heights that a camera is asked for, in lines: whoever resizes a window does not tell everybody of every pixel.
const HEIGHTS: [u16; 6] = [0, 180, 240, 360, 480, HEIGHT_MAX];

/// What somebody sees of the others' cameras.
#[derive(Debug, Default)]
pub(super) enum Sight {
    /// They have not said.
    #[default]
    All,
    /// These, so high.
    Some(Vec<Wish>),
}

impl Sight {
    /// What somebody wishes, as far as there may be cameras.
    pub(super) fn of(wishes: &[Wish]) -> Self {
        Self::Some(wishes[..wishes.len().min(CAMERAS_MAX)].to_vec())
    }

    fn height(&self, id: ParticipantId) -> u16 {
        match self {
            Self::All => HEIGHT_MAX,
            Self::Some(wishes) => {
                wishes.iter().filter(|wish| wish.id == id).map(|wish| wish.height).max().unwrap_or(0)
            }
        }
    }
}

impl Meeting {
    /// Tells those whose cameras are shown larger or smaller than they were told.
    pub(super) fn sight_changed(&mut self) -> Vec<Order> {
        let has_camera = |(id, seat): (&ParticipantId, &Seat)| {
            (seat.face.camera && seat.face.is_connected() && seat.role.is_person()).then_some(*id)
        };
        let cameras: Vec<ParticipantId> = self.present.iter().filter_map(has_camera).collect();
        let mut orders = Vec::new();
        for id in cameras {
            let height = self.height_wanted(id);
            let seat = self.present.get_mut(&id).expect("they are there");
            if std::mem::replace(&mut seat.face.wanted, height) != height {
                orders.push(tell(id, Message::CameraWanted { height }));
            }
        }
        orders
    }

    /// The least height of [`HEIGHTS`] that is enough for all who see this camera.
    fn height_wanted(&self, id: ParticipantId) -> u16 {
        let viewers = self.present.iter().filter(|(viewer, _)| **viewer != id);
        let height = viewers.map(|(_, seat)| seat.sees(id)).max().unwrap_or(0);
        HEIGHTS.into_iter().find(|step| height <= *step).unwrap_or(HEIGHT_MAX)
    }
}

impl Seat {
    /// How high somebody's camera is shown here.
    fn sees(&self, id: ParticipantId) -> u16 {
        match self.role {
            Role::Caller => 0,
            Role::Stream(_) if self.missed => 0,
            // A program that sends something watches nothing.
            Role::Stream(_) if self.face.camera || self.face.microphone => 0,
            Role::Recorder => HEIGHT_MAX,
            Role::Stream(_) => self.face.sight.height(id),
            Role::Guest | Role::Host if !self.face.is_connected() => 0,
            Role::Guest | Role::Host => self.face.sight.height(id),
        }
    }
}
