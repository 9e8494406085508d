//! The task of one meeting: it owns the domain's meeting and the relay, and carries out what the domain orders.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use convene_domain::{
    Audience, DisplayName, EndCause, Input, MediaRelay, Meeting, Message, Order, ParticipantId, Pin, Reads,
    RecordingView, SessionCode, Token,
};
use convene_pipelines::{MeetingEvent, PipelineError, TalkEvent};
use convene_recordings::RecordingState;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::MissedTickBehavior;
use tracing::{debug, info, warn};
use uuid::Uuid;

use super::outbox::{Outbox, Outgoing, text};
use super::screen::{Screen, Stage};
use super::talk::{self, Talk};
use crate::service::Service;
use crate::telephone::Switchboard;
pub(crate) use count::RoomCount;
use streams::Streams;
pub(crate) use streams::{StreamAnswer, StreamAsk, StreamError, StreamLetter};

mod count;
mod phone;
mod record;
mod streams;

/// How many letters may wait for a room. A connection whose letter does not fit waits, and its client with it.
const LETTERS_MAX: usize = 256;

/// How often voices are looked at, and hosts told: as often as RTCP reports come.
const SOUND_EVERY: Duration = Duration::from_secs(5);
/// How often it is looked up how cameras reach those who see them.
const SIGHTS_INTERVAL: Duration = Duration::from_secs(2);

/// Something for a room to deal with.
pub(crate) enum Letter {
    /// Somebody wants in; the answer is their number, under which everything else is said.
    Join {
        name: DisplayName,
        token: Option<Token>,
        media_relay: Option<MediaRelay>,
        outbox: Outbox,
        number: oneshot::Sender<ParticipantId>,
    },
    /// The recorder wants to hear what is said; the answer is a channel, or none.
    Listen { token: Token, ear: oneshot::Sender<mpsc::Receiver<Bytes>> },
    /// The recorder wants to hear what each says; the answer is a channel, or none.
    Separate { token: Token, ear: oneshot::Sender<mpsc::Receiver<Bytes>> },
    /// The recorder wants to see who is seen; the answer is a channel, or none.
    Look { token: Token, eye: oneshot::Sender<mpsc::Receiver<Bytes>> },
    /// A program wants to send or to watch, or does so already.
    Stream(StreamLetter),
    /// Somebody does something.
    Input(Input),
    /// How many are there, and how does the talk go?
    Count(oneshot::Sender<RoomCount>),
    /// A piece of the presentation with this number.
    Screen(u64, Bytes),
}

/// How to reach a room.
#[derive(Clone)]
pub(crate) struct RoomHandle {
    letters: mpsc::Sender<Letter>,
    stage: watch::Receiver<Stage>,
}

impl RoomHandle {
    /// Waits until there is room for the letter. `false` when the meeting is over.
    pub(crate) async fn send(&self, letter: Letter) -> bool {
        self.letters.send(letter).await.is_ok()
    }

    /// Who presents, as it changes.
    pub(crate) fn stage(&self) -> watch::Receiver<Stage> {
        self.stage.clone()
    }
}

/// What a room is made of.
pub(crate) struct Founding {
    pub(crate) number: u64,
    pub(crate) code: SessionCode,
    pub(crate) host: Token,
    pub(crate) recorder: Token,
    pub(crate) pin: Pin,
}

struct Room {
    service: Arc<Service>,
    number: u64,
    id: Uuid,
    code: SessionCode,
    recorder: Token,
    meeting: Meeting,
    screen: Screen,
    talk: Talk,
    streams: Streams,
    outboxes: BTreeMap<ParticipantId, Outbox>,
    watchers: BTreeMap<ParticipantId, Reads>,
    participants: u32,
    /// Hosts were told of voices, and are to be told when there are none any more.
    has_told_sound: bool,
    handle: mpsc::WeakSender<Letter>,
}

/// Opens a room; its task ends with the meeting.
pub(crate) fn open(service: Arc<Service>, founding: Founding) -> RoomHandle {
    let (letters, mailbox) = mpsc::channel(LETTERS_MAX);
    let screen = Screen::new();
    let handle = RoomHandle { letters: letters.clone(), stage: screen.stage() };
    let now = service.clock.now();
    let Founding { number, code, host, recorder, pin } = founding;
    let telephone = service.telephone.as_ref();
    // Of the meeting, where its code is not to be: whoever has that gets in.
    let id = Uuid::new_v4();
    let phone_room = telephone.map(|telephone| telephone.room(code, &pin, id));
    let dial_in = telephone.map(|telephone| telephone.dial_in(pin));
    let call_out = telephone.and_then(Switchboard::call_out);
    let meeting = Meeting::new(code, host, recorder.clone(), now);
    let room = Room {
        number,
        id,
        code,
        meeting: meeting.with_dial_in(dial_in).with_call_out(call_out),
        recorder,
        screen,
        talk: Talk::new(service.media.clone(), phone_room),
        streams: Streams::default(),
        outboxes: BTreeMap::new(),
        watchers: BTreeMap::new(),
        participants: 0,
        has_told_sound: false,
        handle: letters.downgrade(),
        service: service.clone(),
    };
    service.tasks.spawn(room.run(mailbox));
    handle
}

impl Room {
    async fn run(mut self, mut mailbox: mpsc::Receiver<Letter>) {
        info!(meeting = self.number, id = %self.id, "a meeting begins");
        self.talk.open(self.meeting.camera_policy()).await;
        let mut sound = tokio::time::interval(SOUND_EVERY);
        sound.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut sights = tokio::time::interval(SIGHTS_INTERVAL);
        sights.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while !self.meeting.is_closed() {
            let timeout = self.meeting.timeout().map(|at| self.service.clock.instant(at));
            let timer = async {
                match timeout {
                    Some(at) => tokio::time::sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                // First what the relay says: what it has taken makes room for what comes.
                biased;
                event = self.screen.event() => self.take_event(event).await,
                event = self.talk.event() => self.take_talk(event).await,
                _ = sights.tick() => self.tell_sights().await,
                letter = mailbox.recv() => match letter {
                    Some(letter) => self.take_letter(letter).await,
                    // Nobody can reach this room any more, so nobody is in it.
                    None => self.handle(Input::Stop(EndCause::Empty)).await,
                },
                () = timer => self.handle(Input::Timeout).await,
                _ = sound.tick() => self.look_at_sound().await,
            }
            self.show_screen_to_programs().await;
        }
        self.turn_away(mailbox);
        self.screen.stop();
        self.talk.stop().await;
        info!(meeting = self.number, "a meeting is over");
    }

    async fn take_letter(&mut self, letter: Letter) {
        match letter {
            Letter::Join { name, token, media_relay, outbox, number } => {
                let id = self.next_id();
                self.outboxes.insert(id, outbox);
                // A connection that is gone by now says so next.
                let _ = number.send(id);
                self.handle(Input::Join { id, name, token, media_relay }).await;
            }
            Letter::Listen { token, ear } => {
                if token == self.recorder
                    && let Some(packets) = self.talk.listen().await
                {
                    // Who asked may be gone by now.
                    let _ = ear.send(packets);
                }
            }
            Letter::Separate { token, ear } => {
                if token == self.recorder
                    && let Some(records) = self.talk.separate().await
                {
                    let _ = ear.send(records);
                }
            }
            Letter::Look { token, eye } => {
                if token == self.recorder
                    && let Some(records) = self.talk.look().await
                {
                    let _ = eye.send(records);
                }
            }
            Letter::Count(answer) => {
                let _ = answer.send(self.count().await);
            }
            Letter::Stream(letter) => self.take_stream(letter).await,
            Letter::Input(Input::Leave(id)) => {
                if let Some(outbox) = self.outboxes.remove(&id) {
                    // It may be closed already, or cut.
                    let _ = outbox.put(Outgoing::Close);
                }
                self.watchers.remove(&id);
                self.handle(Input::Leave(id)).await;
            }
            Letter::Input(input) => self.handle(input).await,
            Letter::Screen(number, bytes) => {
                if let Err(error) = self.screen.push(number, bytes) {
                    self.screen_failed(&error.to_string()).await;
                }
            }
        }
    }

    /// Encoded for them only while there are some, and a screen.
    async fn show_screen_to_programs(&mut self) {
        let is_wanted = self.meeting.presenter().is_some() && self.streams.see_all();
        self.talk.show_screen(self.screen.pipeline().filter(|_| is_wanted)).await;
    }

    fn next_id(&mut self) -> ParticipantId {
        self.participants += 1;
        ParticipantId(self.participants)
    }

    async fn take_event(&mut self, event: MeetingEvent) {
        match event {
            MeetingEvent::Taken(bytes) => {
                if self.screen.taken(bytes) {
                    self.handle(Input::Taken(bytes)).await;
                }
            }
            MeetingEvent::StreamRefused(why) => {
                info!(meeting = self.number, why, "a presenter's stream is refused");
                self.handle(Input::StreamRefused(why)).await;
            }
            MeetingEvent::Failed(why) => self.screen_failed(&why).await,
        }
    }

    async fn take_talk(&mut self, event: TalkEvent) {
        let over = |message: &str| Message::MediaEnded { message: message.into() };
        match event {
            TalkEvent::Slots { viewer, slots } => {
                let message = Message::Slots { slots: talk::slots(slots) };
                self.tell_one(ParticipantId(viewer), &message).await;
            }
            TalkEvent::Speakers(people) => {
                self.handle(Input::Speakers(people.into_iter().map(ParticipantId).collect())).await;
            }
            TalkEvent::FeedsChanged => self.talk.look_again().await,
            TalkEvent::Gone(person) => {
                let id = ParticipantId(person);
                debug!(meeting = self.number, participant = id.0, "the way to a participant is lost");
                self.talk.hang_up(id).await;
                self.tell_one(id, &over("The connection for voices and faces was lost.")).await;
                self.stream_over(id).await;
            }
            TalkEvent::Missed(person) => self.handle(Input::StreamMissed(ParticipantId(person))).await,
            TalkEvent::Heard(person) => self.handle(Input::StreamHeard(ParticipantId(person))).await,
            TalkEvent::Failed(why) => {
                warn!(meeting = self.number, why, "the meeting's talk failed");
                let (people, callers) = self.talk.fail().await;
                for id in people {
                    self.tell_one(id, &over("The server had a fault while carrying voices and faces.")).await;
                    self.stream_over(id).await;
                }
                for id in callers {
                    self.handle(Input::Leave(id)).await;
                }
                for id in self.talk.forget_call_outs() {
                    self.handle(phone::failed(id)).await;
                }
                self.talk.open(self.meeting.camera_policy()).await;
            }
            TalkEvent::Called { seat, call, name } => {
                let id = self.next_id();
                self.talk.called(seat, id);
                self.service.metrics.called();
                let by = self.talk.forget_call_out(call);
                self.handle(Input::Call { id, name: phone::caller_name(&name), by }).await;
            }
            TalkEvent::CallOut { call, progress } => self.call_out_progress(call, &progress).await,
            TalkEvent::HungUp(seat) => {
                if let Some(id) = self.talk.call_ended(seat).await {
                    self.handle(Input::Leave(id)).await;
                }
            }
            TalkEvent::Pressed { seat, key } => {
                if let Some(id) = self.talk.caller(seat) {
                    self.handle(Input::Pressed(id, phone::asked(key))).await;
                }
            }
        }
    }

    async fn tell_sights(&mut self) {
        for (viewer, sights) in self.talk.changed_sights().await {
            self.tell_one(viewer, &Message::Sights { sights }).await;
        }
    }

    async fn tell_one(&mut self, id: ParticipantId, message: &Message) {
        let mut inputs = VecDeque::new();
        self.tell(Audience::One(id), message, &mut inputs);
        for input in inputs {
            self.handle(input).await;
        }
    }

    /// Lets the domain decide, then does what it says. Whoever turns out not to read is taken to have left.
    async fn handle(&mut self, input: Input) {
        let mut inputs = VecDeque::from([input]);
        while let Some(input) = inputs.pop_front() {
            let orders = self.meeting.handle(input, self.service.clock.now());
            for order in orders {
                self.carry_out(order, &mut inputs).await;
            }
        }
    }

    async fn carry_out(&mut self, order: Order, inputs: &mut VecDeque<Input>) {
        match order {
            Order::Tell { to, message } => self.tell(to, &message, inputs),
            Order::Dismiss(id) => {
                if let Some(outbox) = self.outboxes.remove(&id) {
                    // Who does not read is cut, which closes the connection as well.
                    let _ = outbox.put(Outgoing::Close);
                }
                self.watchers.remove(&id);
                self.talk.end_call(id).await;
            }
            Order::PutThrough(_)
            | Order::Announce(..)
            | Order::Turn(..)
            | Order::CallOut(..)
            | Order::CancelCallOut(_)
            | Order::Lock(_) => self.carry_out_by_telephone(order, inputs).await,
            Order::Watch(id, reads) => {
                self.watchers.insert(id, reads);
                match self.screen.watch(reads).await {
                    Ok(feed) => self.put(id, Outgoing::Screen(feed), inputs),
                    Err(error) => self.cannot_watch(id, &error, inputs),
                }
            }
            Order::Unwatch(id) => {
                self.watchers.remove(&id);
                self.put(id, Outgoing::NoScreen, inputs);
            }
            Order::PresenterChanged => {
                let presenter = self.meeting.presenter();
                self.talk.set_screen(presenter.is_some()).await;
                if let Err(error) = self.screen.change_presenter(presenter).await {
                    warn!(meeting = self.number, %error, "the screen cannot be relayed");
                    inputs.push_back(Input::StreamRefused(format!(
                        "The screen cannot be relayed just now. {error}"
                    )));
                }
            }
            Order::Answer(id, offer) => {
                let policy = self.meeting.camera_policy();
                let name = self.meeting.name(id).cloned();
                let message = match self.talk.answer(id, name, offer, policy).await {
                    Ok(sdp) => Message::MediaAnswer { sdp },
                    Err(error) => {
                        warn!(meeting = self.number, participant = id.0, %error, "an offer is not answered");
                        let message = format!("Voices and faces cannot be carried just now. {error}");
                        Message::MediaEnded { message }
                    }
                };
                self.put(id, Outgoing::Text(text(&message)), inputs);
            }
            Order::HangUp(id) => {
                self.streams.forget(id);
                self.talk.hang_up(id).await;
            }
            Order::Show(id, wishes) => self.talk.show(id, &wishes),
            Order::Silence(id, is_silenced) => self.talk.silence(id, is_silenced),
            Order::LimitCameras(policy) => self.talk.limit_cameras(policy),
            Order::StartRecording(id, layout) => self.start_recording(id, layout, inputs),
            Order::PauseRecording(id, paused) => self.service.recorders.pause(id, paused),
            Order::FinishRecording(id) => self.service.recorders.finish(id),
            Order::Close => self.service.directory.close(self.code, &self.service),
        }
    }

    fn tell(&mut self, to: Audience, message: &Message, inputs: &mut VecDeque<Input>) {
        let text = text(message);
        let ids: Vec<ParticipantId> = match to {
            Audience::One(id) => vec![id],
            Audience::Others(but) => self.outboxes.keys().copied().filter(|id| *id != but).collect(),
            Audience::All => self.outboxes.keys().copied().collect(),
        };
        for id in ids {
            self.put(id, Outgoing::Text(text.clone()), inputs);
        }
    }

    fn put(&mut self, id: ParticipantId, outgoing: Outgoing, inputs: &mut VecDeque<Input>) {
        let Some(outbox) = self.outboxes.get(&id) else { return };
        if outbox.put(outgoing).is_err() {
            warn!(
                meeting = self.number,
                participant = id.0,
                "a participant does not read and is disconnected"
            );
            self.outboxes.remove(&id);
            inputs.push_back(Input::Leave(id));
        }
    }

    fn cannot_watch(&mut self, id: ParticipantId, error: &PipelineError, inputs: &mut VecDeque<Input>) {
        warn!(meeting = self.number, participant = id.0, %error, "the screen cannot be shown to a participant");
        let message = format!("The screen cannot be shown just now. {error}");
        self.put(id, Outgoing::Text(text(&Message::Error { message })), inputs);
    }

    /// The relay is gone: the presenter has to begin anew, and the viewers get a place at the next one.
    async fn screen_failed(&mut self, why: &str) {
        warn!(meeting = self.number, why, "the meeting's relay failed");
        if !self.screen.fail() {
            return self.handle(Input::Stop(EndCause::Fault)).await;
        }
        let sentence = "The server had a fault while relaying your screen. Present it again.";
        self.handle(Input::StreamRefused(sentence.into())).await;
        let mut inputs = VecDeque::new();
        for (id, reads) in self.watchers.clone() {
            match self.screen.watch(reads).await {
                Ok(feed) => self.put(id, Outgoing::ScreenGoesOn(feed), &mut inputs),
                Err(error) => self.cannot_watch(id, &error, &mut inputs),
            }
        }
        for input in inputs {
            self.handle(input).await;
        }
    }

    /// Who wrote while the meeting ended is told that it is over.
    fn turn_away(&mut self, mut mailbox: mpsc::Receiver<Letter>) {
        mailbox.close();
        while let Ok(letter) = mailbox.try_recv() {
            if let Letter::Join { outbox, .. } = letter {
                let refused = Message::Refused(convene_domain::Refusal::no_meeting());
                let _ = outbox.put(Outgoing::Text(text(&refused)));
                let _ = outbox.put(Outgoing::Close);
            }
        }
        debug!(meeting = self.number, connections = self.outboxes.len(), "the room is closed");
    }
}

/// Tells a room how its recording is doing; a room that is gone does not need to know.
pub(crate) async fn tell_recording(room: &mpsc::WeakSender<Letter>, view: RecordingView) {
    debug_assert!(view.state != RecordingState::Starting, "the room itself said so");
    if let Some(letters) = room.upgrade() {
        let _ = letters.send(Letter::Input(Input::RecordingChanged(view))).await;
    }
}
