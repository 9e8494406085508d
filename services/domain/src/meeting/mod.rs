//! One meeting: who is in it, who presents, what is said, what is recorded.

mod call_out;
mod faces;
mod heads;
mod house;
mod media_relay;
mod message;
mod orders;
mod recording;
mod sight;
mod sound;
mod streams;
mod telephone;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use crate::rate::{Allowance, Rate};
use crate::{ChatText, DisplayName, SessionCode, Token};
use faces::Face;

use call_out::CallOuts;
pub use call_out::{
    CALL_OUTS_MAX, CallFailure, CallOut, CallOutId, CallOutRules, CallOutState, NumberError, PhoneNumber,
};
pub use faces::{CAMERAS_MAX, CameraPolicy, HEIGHT_MAX, Wish};
pub use heads::{HeadCount, Way};
pub use media_relay::MediaRelay;
use media_relay::with_media_relay;
pub use message::{
    ChatLine, FeedQuality, Message, Participant, RecordingView, Refusal, RefusalReason, SeenFeed, Slot,
};
pub use orders::{Announcement, Audience, EndCause, Input, Key, Now, Order, ParticipantId, Reads};
pub use sound::{SoundFigures, SoundQuality, SoundView};
use streams::Passes;
pub use streams::{PASSES_MAX, Pass, PassId, STREAMS_MAX, StreamKind, StreamRefusal};
pub use telephone::{DialIn, Pin};

/// The most participants of a meeting, recorders and programs not counted.
pub const PARTICIPANTS_MAX: usize = 250;

/// The most recorders in a meeting at once: one records, another may be taking over.
pub const RECORDERS_MAX: usize = 4;

/// How many chat lines a newcomer gets to see.
pub const CHAT_LINES_KEPT_MAX: usize = 200;

/// How many bytes of chat a newcomer gets to see at most: two seconds of a line of 1 Mbit/s.
pub const CHAT_BYTES_KEPT_MAX: usize = 256 * 1024;

/// A meeting ends when everybody has been gone for so long: enough to come back after a lost connection.
pub const EMPTY_MEETING_MAX: Duration = Duration::from_secs(60);

/// A meeting that nobody has ever joined ends after so long: enough to type the code on another machine.
pub const UNUSED_MEETING_MAX: Duration = Duration::from_secs(600);

/// What one participant may do to all others: chat lines, asking to present, recording.
const ACTIONS: Rate = Rate { burst: 20, every: Duration::from_millis(500) };

/// What all participants together may say: 250 of them at their own rate would drown each other.
const CHAT: Rate = Rate { burst: 100, every: Duration::from_millis(50) };

/// One meeting. Tell it what happens, do what it orders, and call it again with [`Input::Timeout`] at [`Meeting::timeout`].
#[derive(Debug)]
pub struct Meeting {
    code: SessionCode,
    tokens: Tokens,
    dial_in: Option<DialIn>,
    call_outs: CallOuts,
    passes: Passes,
    present: BTreeMap<ParticipantId, Seat>,
    presenter: Option<ParticipantId>,
    recording: Option<RecordingView>,
    chat: VecDeque<ChatLine>,
    chat_lines: u32,
    chat_allowance: Allowance,
    /// Who speaks, as everybody was told last.
    speakers: Vec<ParticipantId>,
    /// Nobody more is let in.
    locked: bool,
    /// When an empty meeting ends; `None` while somebody is there.
    ends_at: Option<Duration>,
    closed: bool,
}

#[derive(Debug)]
struct Tokens {
    host: Token,
    recorder: Token,
}

/// Somebody who is in the meeting, listed or not.
#[derive(Debug)]
struct Seat {
    role: Role,
    name: DisplayName,
    actions: Allowance,
    watches: bool,
    hand: bool,
    face: Face,
    /// A program of which nothing comes; it is not on the roster.
    missed: bool,
    /// How loud a caller hears the others, in decibels.
    volume: i32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Guest,
    /// A guest by telephone.
    Caller,
    Host,
    Recorder,
    /// A program that sends or watches, by this pass.
    Stream(PassId),
}

impl Role {
    /// Whether somebody is behind it who talks, and keeps the meeting alive.
    fn is_person(self) -> bool {
        matches!(self, Self::Guest | Self::Caller | Self::Host)
    }
}

impl Seat {
    fn new(role: Role, name: DisplayName, face: Face) -> Self {
        let actions = Allowance::new(ACTIONS);
        Self { role, name, actions, watches: false, hand: false, face, missed: false, volume: 0 }
    }
}

impl Meeting {
    /// A meeting that nobody has joined yet.
    pub fn new(code: SessionCode, host: Token, recorder: Token, now: Now) -> Self {
        Self {
            code,
            tokens: Tokens { host, recorder },
            dial_in: None,
            call_outs: CallOuts::new(None),
            passes: Passes::default(),
            present: BTreeMap::new(),
            presenter: None,
            recording: None,
            chat: VecDeque::new(),
            chat_lines: 0,
            chat_allowance: Allowance::new(CHAT),
            speakers: Vec::new(),
            locked: false,
            ends_at: Some(now.elapsed + UNUSED_MEETING_MAX),
            closed: false,
        }
    }

    /// The same, reached by telephone as well.
    #[must_use]
    pub fn with_dial_in(self, dial_in: Option<DialIn>) -> Self {
        Self { dial_in, ..self }
    }

    /// Who presents. Screen bytes of anybody else are not taken.
    pub fn presenter(&self) -> Option<ParticipantId> {
        self.presenter
    }

    /// How somebody who is there wants to be called.
    pub fn name(&self, id: ParticipantId) -> Option<&DisplayName> {
        self.present.get(&id).map(|seat| &seat.name)
    }

    /// When to come with [`Input::Timeout`], if nothing else happens before: the end of an empty meeting.
    pub fn timeout(&self) -> Option<Duration> {
        self.ends_at
    }

    /// Whether it is over.
    pub fn is_closed(&self) -> bool {
        self.closed
    }

    /// One thing happens; the answer is what to do about it.
    pub fn handle(&mut self, input: Input, now: Now) -> Vec<Order> {
        if self.closed {
            return self.after_the_end(input);
        }
        let policy = self.camera_policy();
        let mut orders = self.decide(input, now);
        orders.extend(self.policy_changed(policy));
        orders.extend(self.sight_changed());
        orders
    }

    fn decide(&mut self, input: Input, now: Now) -> Vec<Order> {
        match input {
            Input::Join { id, name, token, media_relay } => {
                let orders = self.join(id, name, token, now);
                with_media_relay(orders, media_relay)
            }
            Input::Call { id, name, by } => self.call(id, name, by),
            Input::CallOut { by, number, name } => {
                self.act(by, now, |meeting| meeting.call_out(by, number, name, now))
            }
            Input::CallOutStop { by, id } => self.act(by, now, |meeting| meeting.call_out_stop(by, id)),
            Input::CallOutChanged(id, state) => self.call_out_changed(id, state),
            Input::Allow { by, kind, name, token } => {
                self.act(by, now, |meeting| meeting.allow(by, kind, name, token))
            }
            Input::Forbid { by, id } => self.act(by, now, |meeting| meeting.forbid(by, id, now)),
            Input::Stream { id, pass, offer } => self.stream(id, &pass, &offer, now),
            Input::StreamView(id, whom) => self.stream_view(id, whom),
            Input::StreamMissed(id) => self.stream_missed(id),
            Input::StreamHeard(id) => self.stream_heard(id),
            Input::Pressed(id, key) => self.pressed(id, key, now),
            Input::Leave(id) => self.leave(id, now),
            Input::Chat(id, text) => self.act(id, now, |meeting| meeting.say(id, text, now)),
            Input::Watch(id, reads) => self.watch(id, reads),
            Input::Unwatch(id) => self.unwatch(id),
            Input::Present(id) => self.act(id, now, |meeting| meeting.take_stage(id)),
            Input::PresentStop(id) => self.act(id, now, |meeting| meeting.leave_stage(id)),
            Input::Taken(bytes) => self.taken(bytes),
            Input::StreamRefused(why) => self.stream_refused(why),
            Input::Record(id, recording, layout) => {
                self.act(id, now, |meeting| meeting.record(id, recording, layout))
            }
            Input::RecordPause(id, paused) => self.act(id, now, |meeting| meeting.record_pause(id, paused)),
            Input::RecordStop(id) => self.act(id, now, |meeting| meeting.record_stop(id)),
            Input::RecordingChanged(view) => self.recording_changed(view),
            Input::Offer(id, offer) => self.offer(id, offer, now),
            Input::Camera(id, on) => self.switch_camera(id, on, now),
            Input::Microphone(id, on) => self.switch_microphone(id, on, now),
            Input::View(id, wishes) => self.view(id, wishes),
            Input::Hand(id, up) => self.raise_hand(id, up, now),
            Input::LowerHand { by, id } => self.act(by, now, |meeting| meeting.lower_hand(by, id)),
            Input::Lock(id, locked) => self.act(id, now, |meeting| meeting.lock_by(id, locked)),
            Input::Mute { by, id } => self.act(by, now, |meeting| meeting.mute(by, id)),
            Input::Speakers(ids) => self.speakers(ids),
            Input::Sound(figures) => self.sound(&figures),
            Input::End(id) if self.is_host(id) => self.end(EndCause::Host),
            Input::End(id) => vec![error(id, "Only the host can end the meeting.")],
            Input::Stop(cause) => self.end(cause),
            Input::Timeout => match self.ends_at {
                Some(at) if at <= now.elapsed => self.end(EndCause::Empty),
                _ => Vec::new(),
            },
        }
    }

    /// Who comes too late is told what everybody is told who comes to no meeting.
    fn after_the_end(&self, input: Input) -> Vec<Order> {
        match input {
            Input::Join { id, .. } | Input::Call { id, .. } => refuse(id, Refusal::no_meeting()),
            _ => Vec::new(),
        }
    }

    fn join(&mut self, id: ParticipantId, name: DisplayName, token: Option<Token>, now: Now) -> Vec<Order> {
        let role = match token {
            Some(token) if token == self.tokens.host => Role::Host,
            Some(token) if token == self.tokens.recorder => Role::Recorder,
            _ => Role::Guest,
        };
        if let Some(refused) = self.turned_away(id, role) {
            return refused;
        }
        self.present.insert(id, Seat::new(role, name, Face::default()));

        let mut orders = vec![tell(id, self.welcome(id, role))];
        if let Some(participant) = self.participant(id) {
            self.ends_at = None;
            let message = Message::ParticipantJoined { participant };
            orders.push(Order::Tell { to: Audience::Others(id), message });
            orders.extend(self.tell_new_host(id));
            orders.extend(self.tell_new_host_of_calls(id));
        } else if self.people() == 0 {
            self.ends_at.get_or_insert(now.elapsed + EMPTY_MEETING_MAX);
        }
        orders
    }

    /// What somebody is told who is not let in, or for whom there is no place.
    fn turned_away(&self, id: ParticipantId, role: Role) -> Option<Vec<Order>> {
        if let Some(refusal) = self.locked_out(role) {
            return Some(refuse(id, refusal));
        }
        self.crowded_out(id, role)
    }

    fn crowded_out(&self, id: ParticipantId, role: Role) -> Option<Vec<Order>> {
        let recorders = || self.present.values().filter(|seat| seat.role == Role::Recorder).count();
        let (limit, what, there) = match role {
            Role::Recorder => (RECORDERS_MAX, "recorders", recorders()),
            _ => (PARTICIPANTS_MAX, "participants", self.people()),
        };
        (limit <= there).then(|| {
            let message = format!("The meeting is full: it has {limit} {what} already.");
            refuse(id, Refusal::new(RefusalReason::Full, message))
        })
    }

    fn welcome(&self, id: ParticipantId, role: Role) -> Message {
        Message::Joined {
            you: id,
            code: self.code,
            host: role == Role::Host,
            participants: self.present.keys().filter_map(|id| self.participant(*id)).collect(),
            presenter: self.presenter,
            recording: self.recording.clone(),
            locked: self.locked,
            camera_policy: self.camera_policy(),
            dial_in: self.dial_in.as_ref().map(|dial_in| dial_in.told_to(role == Role::Host)),
            media_relay: None,
            chat: self.chat.iter().cloned().collect(),
        }
    }

    fn leave(&mut self, id: ParticipantId, now: Now) -> Vec<Order> {
        let listed = self.participant(id).is_some();
        let mut orders = self.unwatch(id);
        orders.extend(self.hang_up(id));
        orders.extend(self.leave_stage(id));
        self.speakers.retain(|speaker| *speaker != id);
        let was_here = self.present.remove(&id).is_some();
        if was_here && listed {
            orders.push(Order::Tell { to: Audience::All, message: Message::ParticipantLeft { id } });
            if self.people() == 0 {
                self.ends_at.get_or_insert(now.elapsed + EMPTY_MEETING_MAX);
            }
        }
        orders
    }

    /// Things that reach all others come at a limited rate.
    fn act(
        &mut self,
        id: ParticipantId,
        now: Now,
        action: impl FnOnce(&mut Self) -> Vec<Order>,
    ) -> Vec<Order> {
        if let Some(refused) = self.recorder_refused(id) {
            return refused;
        }
        let Some(seat) = self.present.get_mut(&id) else { return Vec::new() };
        match seat.actions.take(now.elapsed) {
            Ok(()) => action(self),
            Err(wait) => {
                let seconds = wait.as_secs_f32();
                vec![error(id, format!("That was too much at once; try again in {seconds:.1} s."))]
            }
        }
    }

    fn recorder_refused(&self, id: ParticipantId) -> Option<Vec<Order>> {
        let is_recorder = self.present.get(&id).is_some_and(|seat| seat.role == Role::Recorder);
        is_recorder.then(|| vec![error(id, "A recorder only watches.")])
    }

    fn say(&mut self, from: ParticipantId, text: ChatText, now: Now) -> Vec<Order> {
        let Some(seat) = self.present.get(&from) else { return Vec::new() };
        if let Err(wait) = self.chat_allowance.take(now.elapsed) {
            let seconds = wait.as_secs_f32();
            return vec![error(from, format!("Everybody talks at once; try again in {seconds:.1} s."))];
        }
        self.chat_lines += 1;
        let line = ChatLine { id: self.chat_lines, from, name: seat.name.clone(), text, time: now.date };
        self.keep(line.clone());
        vec![Order::Tell { to: Audience::All, message: Message::Chat(line) }]
    }

    fn keep(&mut self, line: ChatLine) {
        self.chat.push_back(line);
        let bytes =
            |chat: &VecDeque<ChatLine>| chat.iter().map(|line| line.text.as_str().len()).sum::<usize>();
        while CHAT_LINES_KEPT_MAX < self.chat.len() || CHAT_BYTES_KEPT_MAX < bytes(&self.chat) {
            self.chat.pop_front();
        }
    }

    fn watch(&mut self, id: ParticipantId, reads: Reads) -> Vec<Order> {
        let Some(seat) = self.present.get_mut(&id) else { return Vec::new() };
        seat.watches = true;
        vec![Order::Watch(id, reads)]
    }

    fn unwatch(&mut self, id: ParticipantId) -> Vec<Order> {
        match self.present.get_mut(&id) {
            Some(seat) if seat.watches => {
                seat.watches = false;
                vec![Order::Unwatch(id)]
            }
            _ => Vec::new(),
        }
    }

    /// Whoever asks last presents. The presenter may ask too: then its stream begins anew.
    fn take_stage(&mut self, id: ParticipantId) -> Vec<Order> {
        let Some(seat) = self.present.get(&id) else { return Vec::new() };
        let former = self.presenter.replace(id);
        let mut orders = vec![Order::PresenterChanged];
        if former == Some(id) {
            orders.push(tell(id, Message::PresentGranted));
            return orders;
        }
        if let Some(former) = former {
            let message = format!("{} presents now.", seat.name.as_str());
            orders.push(tell(former, Message::PresentEnded { message }));
        }
        orders.push(tell(id, Message::PresentGranted));
        orders.push(Order::Tell { to: Audience::All, message: Message::Presenter { id: Some(id) } });
        orders
    }

    fn leave_stage(&mut self, id: ParticipantId) -> Vec<Order> {
        if self.presenter != Some(id) {
            return Vec::new();
        }
        self.presenter = None;
        vec![
            Order::PresenterChanged,
            Order::Tell { to: Audience::All, message: Message::Presenter { id: None } },
        ]
    }

    fn taken(&self, bytes: u64) -> Vec<Order> {
        self.presenter.map(|id| tell(id, Message::Taken { bytes })).into_iter().collect()
    }

    fn stream_refused(&mut self, why: String) -> Vec<Order> {
        let Some(id) = self.presenter else { return Vec::new() };
        let mut orders = vec![tell(id, Message::PresentEnded { message: why })];
        orders.extend(self.leave_stage(id));
        orders
    }

    fn end(&mut self, cause: EndCause) -> Vec<Order> {
        self.closed = true;
        self.ends_at = None;
        self.presenter = None;
        let mut orders = self.finish_recording();
        orders.extend(self.cancel_call_outs());
        let message = cause.sentence().to_owned();
        orders.push(Order::Tell { to: Audience::All, message: Message::Ended { message } });
        orders.extend(self.present.keys().map(|id| Order::Dismiss(*id)));
        self.present.clear();
        orders.push(Order::Close);
        orders
    }

    fn people(&self) -> usize {
        self.present.values().filter(|seat| seat.role.is_person()).count()
    }

    fn is_host(&self, id: ParticipantId) -> bool {
        self.present.get(&id).is_some_and(|seat| seat.role == Role::Host)
    }

    /// As the roster shows them; recorders and programs that are missed are not on it.
    fn participant(&self, id: ParticipantId) -> Option<Participant> {
        let seat = self.present.get(&id).filter(|seat| seat.role != Role::Recorder && !seat.missed)?;
        let Face { camera, microphone, .. } = seat.face;
        let hand = seat.hand;
        let (host, telephone) = (seat.role == Role::Host, seat.role == Role::Caller);
        let stream = matches!(seat.role, Role::Stream(_));
        let name = seat.name.clone();
        Some(Participant { id, name, host, camera, microphone, hand, telephone, stream })
    }
}

fn tell(id: ParticipantId, message: Message) -> Order {
    Order::Tell { to: Audience::One(id), message }
}

fn error(id: ParticipantId, message: impl Into<String>) -> Order {
    tell(id, Message::Error { message: message.into() })
}

fn refuse(id: ParticipantId, refusal: Refusal) -> Vec<Order> {
    vec![tell(id, Message::Refused(refusal)), Order::Dismiss(id)]
}
