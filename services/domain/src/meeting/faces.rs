//! Cameras and microphones: whose are on, how large the pictures may be, who is heard.

use serde::Serialize;

use super::sight::Sight;
use super::{Announcement, Audience, Meeting, Message, Now, Order, ParticipantId, Role, error, tell};
use crate::rate::Rate;
use crate::{Allowance, MediaOffer};

/// The most cameras that are on in a meeting; more faces than these fit on no page.
pub const CAMERAS_MAX: usize = 10;

/// The largest picture that somebody may ask for, in lines: no camera that is taken has more.
pub const HEIGHT_MAX: u16 = 720;

/// How often one participant may switch a camera or a microphone, push-to-talk included: each time, all others are told.
const SWITCHES: Rate = Rate { burst: 20, every: std::time::Duration::from_millis(250) };

/// How often one participant may offer anew: a new network every second for ten seconds.
pub(super) const OFFERS: Rate = Rate { burst: 10, every: std::time::Duration::from_secs(1) };

/// How large cameras may be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct CameraPolicy {
    /// Pixels.
    pub width: u16,
    /// Pixels.
    pub height: u16,
    /// What one camera may send, in kbit/s.
    pub max_kbps: u32,
}

impl CameraPolicy {
    /// Beside a shared screen faces are small; two who talk see each other large.
    pub(super) fn of(is_screen_shared: bool, participants: usize) -> Self {
        match (is_screen_shared, participants) {
            (true, _) => Self { width: 320, height: 240, max_kbps: 500 },
            (false, 0..=2) => Self { width: 1280, height: 720, max_kbps: 2000 },
            (false, _) => Self { width: 640, height: 480, max_kbps: 1000 },
        }
    }
}

/// A camera that somebody wants to see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wish {
    /// Whose.
    pub id: ParticipantId,
    /// How high it is shown, in pixels.
    pub height: u16,
}

/// What one seat sends.
#[derive(Debug)]
pub(super) struct Face {
    pub(super) camera: bool,
    pub(super) microphone: bool,
    /// The host has muted them, and they have not switched their microphone on again since.
    silenced: bool,
    /// They have offered, so the relay knows them.
    connected: bool,
    /// What they see of the others.
    pub(super) sight: Sight,
    /// How high their camera is shown to anybody, as they were told last.
    pub(super) wanted: u16,
    switches: Allowance,
    offers: Allowance,
}

impl Default for Face {
    fn default() -> Self {
        let [switches, offers] = [SWITCHES, OFFERS].map(Allowance::new);
        Self {
            camera: false,
            microphone: false,
            silenced: false,
            connected: false,
            sight: Sight::default(),
            wanted: HEIGHT_MAX,
            switches,
            offers,
        }
    }
}

impl Face {
    /// A telephone's: it is heard at once, and by another way than the relay's.
    pub(super) fn of_caller() -> Self {
        Self { microphone: true, connected: true, ..Self::default() }
    }

    /// A program's: the relay has answered it already.
    pub(super) fn of_stream(camera: bool, microphone: bool) -> Self {
        Self { camera, microphone, connected: true, ..Self::default() }
    }

    /// They have a connection by which they send and see.
    pub(super) fn is_connected(&self) -> bool {
        self.connected
    }

    /// Switches the microphone of a telephone, which goes on sending whatever it hears.
    pub(super) fn silence(&mut self, silenced: bool) {
        self.microphone = !silenced;
        self.silenced = silenced;
    }
}

impl Meeting {
    /// How large cameras may be sent just now.
    pub fn camera_policy(&self) -> CameraPolicy {
        CameraPolicy::of(self.presenter.is_some(), self.people())
    }

    pub(super) fn policy_changed(&self, before: CameraPolicy) -> Vec<Order> {
        let policy = self.camera_policy();
        if policy == before || self.closed {
            return Vec::new();
        }
        vec![
            Order::LimitCameras(policy),
            Order::Tell { to: Audience::All, message: Message::CameraPolicy(policy) },
        ]
    }

    pub(super) fn offer(&mut self, id: ParticipantId, offer: MediaOffer, now: Now) -> Vec<Order> {
        if let Some(refused) = self.recorder_refused(id) {
            return refused;
        }
        let Some(seat) = self.present.get_mut(&id) else { return Vec::new() };
        if let Err(wait) = seat.face.offers.take(now.elapsed) {
            let seconds = wait.as_secs_f32();
            return vec![error(id, format!("Too many offers at once; try again in {seconds:.1} s."))];
        }
        seat.face.connected = true;
        // Another connection begins with everything.
        (seat.face.sight, seat.face.wanted) = (Sight::All, HEIGHT_MAX);
        let mut orders = vec![Order::Answer(id, offer)];
        if seat.face.silenced {
            // Another connection is another place in the mix, where nobody is silenced yet.
            orders.push(Order::Silence(id, true));
        }
        orders
    }

    /// Leaves the relay, if they were there.
    pub(super) fn hang_up(&mut self, id: ParticipantId) -> Vec<Order> {
        match self.present.get_mut(&id) {
            Some(seat) if seat.face.connected => {
                seat.face.connected = false;
                vec![Order::HangUp(id)]
            }
            _ => Vec::new(),
        }
    }

    pub(super) fn switch_camera(&mut self, id: ParticipantId, on: bool, now: Now) -> Vec<Order> {
        let cameras = self.present.values().filter(|seat| seat.face.camera).count();
        let face = match self.may_switch(id, now) {
            Ok(face) => face,
            Err(refused) => return refused,
        };
        if on && !face.camera && CAMERAS_MAX <= cameras {
            let message = format!(
                "{CAMERAS_MAX} cameras are on already, which is all that a meeting shows. You are heard all the same; \
                 switch yours on when somebody else has switched theirs off."
            );
            return vec![tell(id, Message::CameraRefused { message })];
        }
        if std::mem::replace(&mut face.camera, on) == on {
            return Vec::new();
        }
        self.participant_changed(id).into_iter().collect()
    }

    /// Whoever was muted by the host may speak again by switching the microphone on.
    pub(super) fn switch_microphone(&mut self, id: ParticipantId, on: bool, now: Now) -> Vec<Order> {
        let face = match self.may_switch(id, now) {
            Ok(face) => face,
            Err(refused) => return refused,
        };
        let is_heard_again = on && std::mem::take(&mut face.silenced);
        let has_changed = std::mem::replace(&mut face.microphone, on) != on;
        let mut orders = Vec::new();
        if is_heard_again {
            orders.push(Order::Silence(id, false));
        }
        if has_changed {
            orders.extend(self.participant_changed(id));
        }
        orders
    }

    pub(super) fn mute(&mut self, by: ParticipantId, id: ParticipantId) -> Vec<Order> {
        if !self.is_host(by) {
            return vec![error(by, "Only the host can mute others.")];
        }
        // Somebody who has just left, or whose microphone is off, is muted enough.
        let Some(seat) = self.present.get_mut(&id).filter(|seat| seat.face.microphone) else {
            return Vec::new();
        };
        seat.face.silence(true);
        let is_caller = seat.role == Role::Caller;
        let mut orders = vec![Order::Silence(id, true), tell(id, Message::Muted { by })];
        orders.extend(is_caller.then_some(Order::Announce(id, Announcement::Muted)));
        orders.extend(self.participant_changed(id));
        orders
    }

    pub(super) fn view(&mut self, id: ParticipantId, wishes: Vec<Wish>) -> Vec<Order> {
        if !self.present.get(&id).is_some_and(|seat| seat.face.connected) {
            return Vec::new();
        }
        let can_be_seen =
            |wish: &Wish| wish.id != id && self.present.get(&wish.id).is_some_and(|seat| seat.face.camera);
        let mut shown: Vec<Wish> = Vec::new();
        for wish in wishes.into_iter().filter(can_be_seen) {
            if shown.len() < CAMERAS_MAX && shown.iter().all(|other| other.id != wish.id) {
                shown.push(Wish { height: wish.height.min(HEIGHT_MAX), ..wish });
            }
        }
        if let Some(seat) = self.present.get_mut(&id) {
            seat.face.sight = Sight::of(&shown);
        }
        vec![Order::Show(id, shown)]
    }

    /// Who is loud and may be heard speaks.
    pub(super) fn speakers(&mut self, ids: Vec<ParticipantId>) -> Vec<Order> {
        let mut ids = ids;
        ids.retain(|id| self.present.get(id).is_some_and(|seat| seat.face.microphone));
        if ids == self.speakers {
            return Vec::new();
        }
        self.speakers.clone_from(&ids);
        vec![Order::Tell { to: Audience::All, message: Message::Speakers { ids } }]
    }

    /// Their face, or what they are told instead.
    pub(super) fn may_switch(&mut self, id: ParticipantId, now: Now) -> Result<&mut Face, Vec<Order>> {
        if let Some(refused) = self.recorder_refused(id) {
            return Err(refused);
        }
        let seat = self.present.get_mut(&id).ok_or_else(Vec::new)?;
        match seat.face.switches.take(now.elapsed) {
            Ok(()) => Ok(&mut seat.face),
            Err(wait) => {
                let seconds = wait.as_secs_f32();
                Err(vec![error(id, format!("That was too much at once; try again in {seconds:.1} s."))])
            }
        }
    }

    pub(super) fn participant_changed(&self, id: ParticipantId) -> Option<Order> {
        let participant = self.participant(id)?;
        Some(Order::Tell { to: Audience::All, message: Message::ParticipantChanged { participant } })
    }
}
