//! Programs that send into a meeting by WHIP (RFC 9725) or watch it by WHEP, each with a pass that the host has given out.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::faces::{CAMERAS_MAX, Face, OFFERS};
use super::sight::Sight;
use super::{
    Audience, HEIGHT_MAX, Meeting, Message, Now, Order, ParticipantId, Role, Seat, Wish, error, tell,
};
use crate::offer::{Flow, Line, LineKind};
use crate::{Allowance, DisplayName, MediaOffer, Token};

/// Passes of a meeting at once. Each is a program that somebody has set up.
pub const PASSES_MAX: usize = 16;

/// Programs in a meeting at once. Each has a mix or pictures of its own, as participants have.
pub const STREAMS_MAX: usize = 16;

/// As many codecs of an offer as a sentence repeats, and how much of each.
const CODECS_MAX: usize = 6;
const CODEC_CHARACTERS_MAX: usize = 16;

/// What a pass is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StreamKind {
    /// Sending a voice and a camera.
    Send,
    /// Seeing whoever speaks, and hearing all.
    Watch,
}

impl StreamKind {
    /// Which way media goes, seen by the program.
    pub fn flow(self) -> Flow {
        match self {
            Self::Send => Flow::Send,
            Self::Watch => Flow::Receive,
        }
    }
}

/// A pass's number in the meeting; never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct PassId(pub u32);

/// What lets a program in, as the host sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Pass {
    /// Which one.
    pub id: PassId,
    /// What for.
    pub kind: StreamKind,
    /// What the program is called on the roster.
    pub name: DisplayName,
    /// The secret.
    pub token: Token,
}

/// Why a program is not let in: what is wrong, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StreamRefusal {
    /// The pass is none, or is for the other thing.
    #[error(
        "This pass does not open the meeting here. Ask the host for one, or for another if it was taken back."
    )]
    NoPass,
    /// Too many programs.
    #[error(
        "{STREAMS_MAX} programs send or watch already, which is all that a meeting takes. End another one first."
    )]
    Full,
    /// Too many cameras.
    #[error(
        "{CAMERAS_MAX} cameras are on already, which is all that a meeting shows. Try again when somebody has switched theirs off."
    )]
    TooManyCameras,
    /// Offers come too fast.
    #[error("Too many offers came with this pass. Try again in {:.0} s.", .wait.as_secs_f32().max(1.0))]
    TooFast {
        /// When the next one may come.
        wait: Duration,
    },
    /// Nothing in it is of use.
    #[error("The offer {}. Offer a line with Opus, one with VP8, or both.", match .kind { StreamKind::Send => "sends neither sound nor pictures", StreamKind::Watch => "receives neither sound nor pictures" })]
    Nothing {
        /// What was wanted.
        kind: StreamKind,
    },
    /// Sound without a codec that we carry.
    #[error(
        "The offer's sound is {offered}, and meetings carry Opus only. Choose Opus as the program's encoder."
    )]
    Sound {
        /// What stands there.
        offered: String,
    },
    /// Pictures without a codec that we carry.
    #[error(
        "The offer's video is {offered}. Meetings take VP8 and H.264 from programs, and show them VP8: choose that as the program's codec."
    )]
    Video {
        /// What stands there.
        offered: String,
    },
}

/// A pass, and how often it was used lately.
#[derive(Debug)]
pub(super) struct Given {
    pass: Pass,
    offers: Allowance,
}

/// All passes of a meeting.
#[derive(Debug, Default)]
pub(super) struct Passes {
    given: Vec<Given>,
    last: u32,
}

impl Meeting {
    /// Whether a program with this token may offer this now.
    pub fn admit(
        &mut self,
        token: &Token,
        kind: StreamKind,
        offer: &MediaOffer,
        now: Now,
    ) -> Result<Pass, StreamRefusal> {
        let pass = self.may_offer(token, kind, now)?;
        let (mut sound, mut pictures) = (false, false);
        for line in offer.lines().filter(|line| line.goes(kind.flow())) {
            match line.kind {
                Some(LineKind::Audio) if line.has_codec("opus") => sound = true,
                Some(LineKind::Audio) => return Err(StreamRefusal::Sound { offered: offered(&line) }),
                Some(LineKind::Video) if line.has_codec("VP8") => pictures = true,
                // It is made VP8 for those who see it.
                Some(LineKind::Video) if kind == StreamKind::Send && line.has_codec("H264") => {
                    pictures = true
                }
                Some(LineKind::Video) => return Err(StreamRefusal::Video { offered: offered(&line) }),
                None => {}
            }
        }
        let others: Vec<&Seat> = self.present.values().filter(|seat| !is_replaced(seat, &pass)).collect();
        if !sound && !pictures {
            return Err(StreamRefusal::Nothing { kind });
        }
        if STREAMS_MAX <= others.iter().filter(|seat| matches!(seat.role, Role::Stream(_))).count() {
            return Err(StreamRefusal::Full);
        }
        let cameras = others.iter().filter(|seat| seat.face.camera).count();
        if kind == StreamKind::Send && pictures && CAMERAS_MAX <= cameras {
            return Err(StreamRefusal::TooManyCameras);
        }
        Ok(pass)
    }

    /// Whether a program that was let in may offer again, on another way.
    pub fn may_offer(&mut self, token: &Token, kind: StreamKind, now: Now) -> Result<Pass, StreamRefusal> {
        let mut given = self.passes.given.iter_mut();
        let known = given.find(|given| given.pass.token == *token && given.pass.kind == kind);
        let Given { pass, offers } = known.filter(|_| !self.closed).ok_or(StreamRefusal::NoPass)?;
        offers.take(now.elapsed).map_err(|wait| StreamRefusal::TooFast { wait })?;
        Ok(pass.clone())
    }

    /// A program is in: whoever sent with the same pass before has made room for it.
    pub(super) fn stream(
        &mut self,
        id: ParticipantId,
        pass: &Pass,
        offer: &MediaOffer,
        now: Now,
    ) -> Vec<Order> {
        let known = self.passes.given.iter().any(|given| given.pass.id == pass.id);
        if !known {
            return vec![Order::HangUp(id)];
        }
        let mut orders = self.leave_all(now, |seat| is_replaced(seat, pass));
        let sends = |kind: LineKind| {
            let is_sender = pass.kind == StreamKind::Send;
            is_sender && offer.lines().any(|line| line.kind == Some(kind) && line.goes(Flow::Send))
        };
        let face = Face::of_stream(sends(LineKind::Video), sends(LineKind::Audio));
        self.present.insert(id, Seat::new(Role::Stream(pass.id), pass.name.clone(), face));
        if let Some(participant) = self.participant(id) {
            let message = Message::ParticipantJoined { participant };
            orders.push(Order::Tell { to: Audience::Others(id), message });
        }
        orders
    }

    /// A program that watches wants to see somebody, whether their camera is on yet or not.
    pub(super) fn stream_view(&mut self, id: ParticipantId, whom: ParticipantId) -> Vec<Order> {
        let is_stream = |seat: &&mut Seat| matches!(seat.role, Role::Stream(_));
        let Some(seat) = self.present.get_mut(&id).filter(is_stream) else { return Vec::new() };
        let wishes = vec![Wish { id: whom, height: HEIGHT_MAX }];
        seat.face.sight = Sight::of(&wishes);
        vec![Order::Show(id, wishes)]
    }

    /// A program that says nothing has crashed, most likely, or its line is down. The others see it leave at once; its place waits for it until
    /// the way to it is given up, as its side of the line does not notice sooner either (RFC 7675, section 5.1).
    pub(super) fn stream_missed(&mut self, id: ParticipantId) -> Vec<Order> {
        let is_stream = |seat: &&mut Seat| matches!(seat.role, Role::Stream(_)) && !seat.missed;
        let Some(seat) = self.present.get_mut(&id).filter(is_stream) else { return Vec::new() };
        seat.missed = true;
        self.speakers.retain(|speaker| *speaker != id);
        vec![Order::Tell { to: Audience::All, message: Message::ParticipantLeft { id } }]
    }

    /// It is back on its way, or the others know it already.
    pub(super) fn stream_heard(&mut self, id: ParticipantId) -> Vec<Order> {
        let Some(seat) = self.present.get_mut(&id).filter(|seat| seat.missed) else { return Vec::new() };
        seat.missed = false;
        let participant = self.participant(id).expect("it is on the roster again");
        vec![Order::Tell { to: Audience::Others(id), message: Message::ParticipantJoined { participant } }]
    }

    /// The host gives out a pass.
    pub(super) fn allow(
        &mut self,
        by: ParticipantId,
        kind: StreamKind,
        name: DisplayName,
        token: Token,
    ) -> Vec<Order> {
        if !self.is_host(by) {
            return vec![error(by, "Only the host can let programs into the meeting.")];
        }
        if PASSES_MAX <= self.passes.given.len() {
            let sentence = format!(
                "{PASSES_MAX} passes are given out, which is all that there are. Take one back first."
            );
            return vec![error(by, sentence)];
        }
        self.passes.last += 1;
        let pass = Pass { id: PassId(self.passes.last), kind, name, token };
        self.passes.given.push(Given { pass, offers: Allowance::new(OFFERS) });
        self.tell_hosts()
    }

    /// The host takes a pass back: whoever came with it has to go.
    pub(super) fn forbid(&mut self, by: ParticipantId, id: PassId, now: Now) -> Vec<Order> {
        if !self.is_host(by) {
            return vec![error(by, "Only the host can take passes back.")];
        }
        self.passes.given.retain(|given| given.pass.id != id);
        let mut orders = self.leave_all(now, |seat| seat.role == Role::Stream(id));
        orders.extend(self.tell_hosts());
        orders
    }

    fn leave_all(&mut self, now: Now, who: impl Fn(&Seat) -> bool) -> Vec<Order> {
        let ids: Vec<ParticipantId> =
            self.present.iter().filter(|(_, seat)| who(seat)).map(|(id, _)| *id).collect();
        ids.into_iter().flat_map(|id| self.leave(id, now)).collect()
    }

    fn tell_hosts(&self) -> Vec<Order> {
        let hosts = self.present.iter().filter(|(_, seat)| seat.role == Role::Host);
        hosts.map(|(id, _)| tell(*id, self.given())).collect()
    }

    /// A host who comes, or comes back, learns what is given out.
    pub(super) fn tell_new_host(&self, id: ParticipantId) -> Option<Order> {
        (self.is_host(id) && !self.passes.given.is_empty()).then(|| tell(id, self.given()))
    }

    fn given(&self) -> Message {
        Message::Passes { passes: self.passes.given.iter().map(|given| given.pass.clone()).collect() }
    }
}

/// What a line offers, in a few words.
fn offered(line: &Line<'_>) -> String {
    let is_repair = |codec: &&str| ["rtx", "red", "ulpfec", "flexfec-03"].contains(codec);
    let shown = |codec: &str| -> String {
        codec.chars().filter(char::is_ascii_alphanumeric).take(CODEC_CHARACTERS_MAX).collect()
    };
    let mut codecs: Vec<String> = line.codecs().filter(|codec| !is_repair(codec)).map(shown).collect();
    codecs.dedup();
    codecs.truncate(CODECS_MAX);
    if codecs.is_empty() { "without a codec".into() } else { codecs.join(", ") }
}

/// One program sends with a pass; several may watch with one.
fn is_replaced(seat: &Seat, pass: &Pass) -> bool {
    pass.kind == StreamKind::Send && seat.role == Role::Stream(pass.id)
}
