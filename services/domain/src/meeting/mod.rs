//! One meeting: who is in it, who presents, what is said, what is recorded.

mod message;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use convene_recordings::{RecordingId, RecordingState};
use serde::Serialize;
use time::OffsetDateTime;

use crate::rate::{Allowance, Rate};
use crate::{ChatText, DisplayName, SessionCode, Token};

pub use message::{ChatLine, Message, Participant, RecordingView, Refusal, RefusalReason};

/// The most participants of a meeting, recorders not counted.
pub const PARTICIPANTS_MAX: usize = 250;

/// The most recorders in a meeting at once: one records, another may be taking over.
pub const RECORDERS_MAX: usize = 4;

/// How many chat lines a newcomer gets to see.
pub const CHAT_LINES_KEPT_MAX: usize = 200;

/// A meeting ends when everybody has been gone for so long: enough to come back after a lost connection.
pub const EMPTY_MEETING_MAX: Duration = Duration::from_secs(60);

/// A meeting that nobody has ever joined ends after so long: enough to type the code on another machine.
pub const UNUSED_MEETING_MAX: Duration = Duration::from_secs(600);

/// What one participant may do to all others: chat lines, asking to present, recording.
const ACTIONS: Rate = Rate { burst: 20, every: Duration::from_millis(500) };

/// A participant's number in the meeting. The caller gives a new one to each who joins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct ParticipantId(pub u32);

/// The time, on both clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// Since any fixed start; never goes back.
    pub elapsed: Duration,
    /// What the calendar says.
    pub date: OffsetDateTime,
}

/// What happens to a meeting.
#[derive(Debug, Clone)]
pub enum Input {
    /// Somebody wants in.
    Join {
        /// A number that was not used in this meeting before.
        id: ParticipantId,
        /// How they want to be called.
        name: DisplayName,
        /// The host's or the recorder's token; any other is as good as none.
        token: Option<Token>,
    },
    /// Somebody left or lost their connection.
    Leave(ParticipantId),
    /// Somebody says something.
    Chat(ParticipantId, ChatText),
    /// Somebody wants to see the screen.
    Watch(ParticipantId),
    /// Somebody does not want to see the screen any more.
    Unwatch(ParticipantId),
    /// Somebody wants to present.
    Present(ParticipantId),
    /// Somebody stops presenting.
    PresentStop(ParticipantId),
    /// So many bytes of the presenter's stream are taken in.
    Taken(u64),
    /// The presenter's stream cannot be read, and why.
    StreamRefused(String),
    /// Somebody wants to record, under this id.
    Record(ParticipantId, RecordingId),
    /// Somebody wants the recording to stop.
    RecordStop(ParticipantId),
    /// A recording of this meeting changed.
    RecordingChanged(RecordingView),
    /// Somebody wants the meeting to end.
    End(ParticipantId),
    /// The meeting must end, and why.
    Stop(EndCause),
    /// The time that [`Meeting::timeout`] named has come.
    Timeout,
}

/// What the caller has to do, in this order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Order {
    /// Send this.
    Tell {
        /// To whom.
        to: Audience,
        /// What.
        message: Message,
    },
    /// Close this participant's connection, after what it was told.
    Dismiss(ParticipantId),
    /// Send the screen to this participant, from the beginning.
    Watch(ParticipantId),
    /// Stop sending the screen to this participant.
    Unwatch(ParticipantId),
    /// Forget what the former presenter began; the next bytes are a new stream's.
    PresenterChanged,
    /// Start recording.
    StartRecording(RecordingId),
    /// Stop recording, and finish what was recorded.
    FinishRecording(RecordingId),
    /// The meeting is over: let its code rest, forget it. Nothing is done after this.
    Close,
}

/// Who gets a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// One participant.
    One(ParticipantId),
    /// Everybody but one.
    Others(ParticipantId),
    /// Everybody, also recorders.
    All,
}

/// Why a meeting ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndCause {
    /// The host ended it.
    Host,
    /// Everybody has been gone for [`EMPTY_MEETING_MAX`], or nobody came for [`UNUSED_MEETING_MAX`].
    Empty,
    /// The server is being stopped.
    Shutdown,
    /// The server cannot carry it on.
    Fault,
}

/// One meeting. Tell it what happens, do what it orders, and call it again with [`Input::Timeout`] at [`Meeting::timeout`].
#[derive(Debug)]
pub struct Meeting {
    code: SessionCode,
    tokens: Tokens,
    present: BTreeMap<ParticipantId, Seat>,
    presenter: Option<ParticipantId>,
    recording: Option<RecordingView>,
    chat: VecDeque<ChatLine>,
    chat_lines: u32,
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
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Guest,
    Host,
    Recorder,
}

impl Meeting {
    /// A meeting that nobody has joined yet.
    pub fn new(code: SessionCode, host: Token, recorder: Token, now: Now) -> Self {
        Self {
            code,
            tokens: Tokens { host, recorder },
            present: BTreeMap::new(),
            presenter: None,
            recording: None,
            chat: VecDeque::new(),
            chat_lines: 0,
            ends_at: Some(now.elapsed + UNUSED_MEETING_MAX),
            closed: false,
        }
    }

    /// Who presents. Screen bytes of anybody else are not taken.
    pub fn presenter(&self) -> Option<ParticipantId> {
        self.presenter
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
        match input {
            Input::Join { id, name, token } => self.join(id, name, token, now),
            Input::Leave(id) => self.leave(id, now),
            Input::Chat(id, text) => self.act(id, now, |meeting| meeting.say(id, text, now)),
            Input::Watch(id) => self.watch(id),
            Input::Unwatch(id) => self.unwatch(id),
            Input::Present(id) => self.act(id, now, |meeting| meeting.take_stage(id)),
            Input::PresentStop(id) => self.act(id, now, |meeting| meeting.leave_stage(id)),
            Input::Taken(bytes) => self.taken(bytes),
            Input::StreamRefused(why) => self.stream_refused(why),
            Input::Record(id, recording) => self.act(id, now, |meeting| meeting.record(id, recording)),
            Input::RecordStop(id) => self.act(id, now, |meeting| meeting.record_stop(id)),
            Input::RecordingChanged(view) => self.recording_changed(view),
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
            Input::Join { id, .. } => refuse(id, Refusal::no_meeting()),
            _ => Vec::new(),
        }
    }

    fn join(&mut self, id: ParticipantId, name: DisplayName, token: Option<Token>, now: Now) -> Vec<Order> {
        let role = match token {
            Some(token) if token == self.tokens.host => Role::Host,
            Some(token) if token == self.tokens.recorder => Role::Recorder,
            _ => Role::Guest,
        };
        let (limit, what) = match role {
            Role::Recorder => (RECORDERS_MAX, "recorders"),
            _ => (PARTICIPANTS_MAX, "participants"),
        };
        if limit <= self.count(role == Role::Recorder) {
            let message = format!("The meeting is full: it has {limit} {what} already.");
            return refuse(id, Refusal::new(RefusalReason::Full, message));
        }
        self.present.insert(id, Seat { role, name, actions: Allowance::new(ACTIONS), watches: false });

        let mut orders = vec![tell(id, self.welcome(id, role))];
        if let Some(participant) = self.participant(id) {
            self.ends_at = None;
            let message = Message::ParticipantJoined { participant };
            orders.push(Order::Tell { to: Audience::Others(id), message });
        } else if self.count(false) == 0 {
            self.ends_at.get_or_insert(now.elapsed + EMPTY_MEETING_MAX);
        }
        orders
    }

    fn welcome(&self, id: ParticipantId, role: Role) -> Message {
        Message::Joined {
            you: id,
            code: self.code,
            host: role == Role::Host,
            participants: self.present.keys().filter_map(|id| self.participant(*id)).collect(),
            presenter: self.presenter,
            recording: self.recording.clone(),
            chat: self.chat.iter().cloned().collect(),
        }
    }

    fn leave(&mut self, id: ParticipantId, now: Now) -> Vec<Order> {
        let listed = self.participant(id).is_some();
        let mut orders = self.unwatch(id);
        orders.extend(self.leave_stage(id));
        let was_here = self.present.remove(&id).is_some();
        if was_here && listed {
            orders.push(Order::Tell { to: Audience::All, message: Message::ParticipantLeft { id } });
            if self.count(false) == 0 {
                self.ends_at = Some(now.elapsed + EMPTY_MEETING_MAX);
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
        let Some(seat) = self.present.get_mut(&id) else { return Vec::new() };
        if seat.role == Role::Recorder {
            return vec![error(id, "A recorder only watches.")];
        }
        match seat.actions.take(now.elapsed) {
            Ok(()) => action(self),
            Err(wait) => {
                let seconds = wait.as_secs_f32();
                vec![error(id, format!("That was too much at once; try again in {seconds:.1} s."))]
            }
        }
    }

    fn say(&mut self, from: ParticipantId, text: ChatText, now: Now) -> Vec<Order> {
        let Some(seat) = self.present.get(&from) else { return Vec::new() };
        self.chat_lines += 1;
        let line = ChatLine { id: self.chat_lines, from, name: seat.name.clone(), text, time: now.date };
        if self.chat.len() == CHAT_LINES_KEPT_MAX {
            self.chat.pop_front();
        }
        self.chat.push_back(line.clone());
        vec![Order::Tell { to: Audience::All, message: Message::Chat(line) }]
    }

    fn watch(&mut self, id: ParticipantId) -> Vec<Order> {
        let Some(seat) = self.present.get_mut(&id) else { return Vec::new() };
        seat.watches = true;
        vec![Order::Watch(id)]
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

    fn record(&mut self, id: ParticipantId, recording: RecordingId) -> Vec<Order> {
        if !self.is_host(id) {
            return vec![error(id, "Only the host can record the meeting.")];
        }
        if let Some(view) = self.recording.as_ref().filter(|view| is_running(view.state)) {
            let what = match view.state {
                RecordingState::Finishing => {
                    "The last recording is still being finished; try again in a moment."
                }
                _ => "The meeting is being recorded already.",
            };
            return vec![error(id, what)];
        }
        let view = RecordingView { id: recording, state: RecordingState::Starting, message: None };
        let mut orders = self.recording_became(view);
        orders.push(Order::StartRecording(recording));
        orders
    }

    fn record_stop(&mut self, id: ParticipantId) -> Vec<Order> {
        if !self.is_host(id) {
            return vec![error(id, "Only the host can stop the recording.")];
        }
        let orders = self.finish_recording();
        if orders.is_empty() { vec![error(id, "The meeting is not being recorded.")] } else { orders }
    }

    /// Nothing when none runs.
    fn finish_recording(&mut self) -> Vec<Order> {
        match self.recording.clone() {
            Some(mut view) if matches!(view.state, RecordingState::Starting | RecordingState::Recording) => {
                view.state = RecordingState::Finishing;
                let id = view.id;
                let mut orders = self.recording_became(view);
                orders.push(Order::FinishRecording(id));
                orders
            }
            _ => Vec::new(),
        }
    }

    /// A late word about an earlier recording, or one that goes back from finishing, changes nothing.
    fn recording_changed(&mut self, view: RecordingView) -> Vec<Order> {
        let Some(now) = &self.recording else { return Vec::new() };
        let goes_back = order_of(view.state) < order_of(now.state);
        if view.id != now.id || goes_back || view == *now {
            return Vec::new();
        }
        self.recording_became(view)
    }

    fn recording_became(&mut self, view: RecordingView) -> Vec<Order> {
        self.recording = Some(view);
        let message = Message::Recording { recording: self.recording.clone() };
        vec![Order::Tell { to: Audience::All, message }]
    }

    fn end(&mut self, cause: EndCause) -> Vec<Order> {
        self.closed = true;
        self.ends_at = None;
        self.presenter = None;
        let mut orders = self.finish_recording();
        let message = cause.sentence().to_owned();
        orders.push(Order::Tell { to: Audience::All, message: Message::Ended { message } });
        orders.extend(self.present.keys().map(|id| Order::Dismiss(*id)));
        self.present.clear();
        orders.push(Order::Close);
        orders
    }

    fn count(&self, recorders: bool) -> usize {
        self.present.values().filter(|seat| (seat.role == Role::Recorder) == recorders).count()
    }

    fn is_host(&self, id: ParticipantId) -> bool {
        self.present.get(&id).is_some_and(|seat| seat.role == Role::Host)
    }

    /// As the roster shows them; recorders are not on it.
    fn participant(&self, id: ParticipantId) -> Option<Participant> {
        let seat = self.present.get(&id).filter(|seat| seat.role != Role::Recorder)?;
        Some(Participant { id, name: seat.name.clone(), host: seat.role == Role::Host })
    }
}

impl EndCause {
    fn sentence(self) -> &'static str {
        match self {
            Self::Host => "The host has ended the meeting.",
            Self::Empty => "The meeting is over, as everybody had left.",
            Self::Shutdown => {
                "The server is being stopped, so the meeting is over. Start a new one in a minute."
            }
            Self::Fault => "The server could not carry the meeting on. Please start a new one.",
        }
    }
}

fn is_running(state: RecordingState) -> bool {
    order_of(state) < order_of(RecordingState::Ready)
}

fn order_of(state: RecordingState) -> u8 {
    match state {
        RecordingState::Starting => 0,
        RecordingState::Recording => 1,
        RecordingState::Finishing => 2,
        // A failed one may be completed later, and a degraded one becomes ready when the region is back.
        RecordingState::Failed | RecordingState::Degraded | RecordingState::Ready => 3,
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
