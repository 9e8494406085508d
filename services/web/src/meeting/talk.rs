//! The meeting's voices and faces, started with the first offer and again should they fail.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use convene_domain::{
    CallOutId, CameraPolicy, DisplayName, MediaOffer, ParticipantId, PhoneNumber, RECORDERS_MAX, Slot, Wish,
};
use convene_pipelines::{
    Listener, MediaPort, MeetingPipeline, PipelineError, Separator, ShownFeed, ShownScreen, TalkCounts,
    TalkEvent, TalkPipeline, TelephoneRoom, VoiceCounts, Watcher,
};
use tokio::sync::mpsc::{Receiver, Sender, UnboundedReceiver, channel};
use tracing::warn;

use crate::blocking::blocking;
pub(crate) use count::TalkDelta;

mod count;
mod separate;
mod sights;

/// How often a meeting's talk may fail before it is not started again.
const FAILURES_MAX: u32 = 3;

/// Packets that may wait for a recorder: five seconds of a disk or a line that stands still. What comes then is lost to it.
const WAITING_PACKETS_MAX: usize = 250;

/// Records of faces that may wait for a recorder: five seconds of ten cameras.
const WAITING_RECORDS_MAX: usize = 1_500;

/// The relay and the mixer of one meeting.
pub(crate) struct Talk {
    at: MediaPort,
    telephone: Option<TelephoneRoom>,
    running: Option<Running>,
    /// Who has offered.
    people: BTreeSet<ParticipantId>,
    /// Who calls by telephone, by their seats at its bridge.
    callers: BTreeMap<u32, ParticipantId>,
    /// Calls that the meeting makes, as its bridge knows them.
    call_outs: BTreeMap<u64, CallOutId>,
    /// Recorders' channels; they listen as soon as somebody can talk.
    ears: Vec<Sender<Bytes>>,
    /// Recorders' eyes; they see faces while there is a talk.
    eyes: Vec<Watcher>,
    /// Recorders that hear each participant alone.
    separators: Vec<Separator>,
    /// Who may speak, by browser, telephone or program.
    names: BTreeMap<u32, String>,
    /// Somebody presents a screen.
    has_screen: bool,
    is_locked: bool,
    failures: u32,
    /// What was counted of it last.
    counted: TalkCounts,
    /// How its voices stood when they were looked at last.
    voices: BTreeMap<u32, VoiceCounts>,
    /// How viewers see, as they know.
    sights: sights::Told,
}

/// Its fields are dropped in this order: a listener that leaves posts to its pipeline's bus.
struct Running {
    /// For programs that watch, with the relay that it comes from.
    screen: Option<(ShownScreen, Arc<MeetingPipeline>)>,
    listeners: Vec<(Listener, Sender<Bytes>)>,
    pipeline: Arc<TalkPipeline>,
    events: UnboundedReceiver<TalkEvent>,
}

impl Talk {
    pub(crate) fn new(at: MediaPort, telephone: Option<TelephoneRoom>) -> Self {
        Self {
            at,
            telephone,
            running: None,
            people: BTreeSet::new(),
            callers: BTreeMap::new(),
            call_outs: BTreeMap::new(),
            ears: Vec::new(),
            eyes: Vec::new(),
            separators: Vec::new(),
            names: BTreeMap::new(),
            has_screen: false,
            is_locked: false,
            failures: 0,
            counted: TalkCounts::default(),
            voices: BTreeMap::new(),
            sights: sights::Told::default(),
        }
    }

    /// Answers the telephone from now on, if there is one.
    pub(crate) async fn open(&mut self, policy: CameraPolicy) {
        if self.telephone.is_some()
            && let Err(error) = self.pipeline(policy).await
        {
            warn!(%error, "nobody can call a meeting by telephone");
        }
    }

    /// Somebody calls.
    pub(crate) fn called(&mut self, seat: u32, id: ParticipantId) {
        self.callers.insert(seat, id);
    }

    pub(crate) fn caller(&self, seat: u32) -> Option<ParticipantId> {
        self.callers.get(&seat).copied()
    }

    /// Lets a caller hear and be heard.
    pub(crate) async fn put_through(
        &mut self,
        id: ParticipantId,
        name: Option<&DisplayName>,
    ) -> Result<(), PipelineError> {
        let (Some(seat), Some(running)) = (self.seat(id), &self.running) else { return Ok(()) };
        let pipeline = running.pipeline.clone();
        blocking(move || pipeline.put_through(seat, id.0)).await?;
        self.name(id, name).await;
        Ok(())
    }

    /// The caller on this seat has hung up.
    pub(crate) async fn call_ended(&mut self, seat: u32) -> Option<ParticipantId> {
        let id = self.callers.remove(&seat)?;
        self.unname(id).await;
        self.carry_out(move |pipeline| pipeline.call_ended(id.0)).await;
        Some(id)
    }

    /// Hangs up, if this is a caller.
    pub(crate) async fn end_call(&mut self, id: ParticipantId) {
        if let Some(seat) = self.seat(id) {
            self.callers.remove(&seat);
            self.unname(id).await;
            self.carry_out(move |pipeline| pipeline.end_call(seat, id.0)).await;
        }
    }

    /// Says something to a caller.
    pub(crate) fn announce(&self, id: ParticipantId, prompt: &str) {
        if let (Some(seat), Some(running)) = (self.seat(id), &self.running) {
            running.pipeline.announce(seat, prompt);
        }
    }

    /// Lets a caller hear all others louder or quieter.
    pub(crate) fn turn(&self, id: ParticipantId, decibels: i32) {
        if let Some(running) = &self.running {
            running.pipeline.turn(id.0, decibels);
        }
    }

    /// Calls somebody. Returns whether there is a telephone to do it with.
    pub(crate) fn call_out(&mut self, id: CallOutId, number: &PhoneNumber) -> bool {
        let call = self.running.as_ref().and_then(|running| running.pipeline.call_out(number.as_str()));
        call.is_some_and(|call| {
            self.call_outs.insert(call, id);
            true
        })
    }

    /// Ends such a call, however far it has come.
    pub(crate) fn cancel_call_out(&mut self, id: CallOutId) {
        let call = self.call_outs.iter().find(|(_, known)| **known == id).map(|(call, _)| *call);
        if let (Some(call), Some(running)) = (call, &self.running) {
            self.call_outs.remove(&call);
            running.pipeline.cancel_call_out(call);
        }
    }

    /// Which call of the meeting's own this is, if it is still one.
    pub(crate) fn call_out_of(&self, call: u64) -> Option<CallOutId> {
        self.call_outs.get(&call).copied()
    }

    /// Such a call is one no longer: somebody has joined by it, or nobody will.
    pub(crate) fn forget_call_out(&mut self, call: u64) -> Option<CallOutId> {
        self.call_outs.remove(&call)
    }

    /// All such calls are over with the pipeline.
    pub(crate) fn forget_call_outs(&mut self) -> Vec<CallOutId> {
        std::mem::take(&mut self.call_outs).into_values().collect()
    }

    /// Lets no telephone in, or all again.
    pub(crate) fn lock(&mut self, locked: bool) {
        self.is_locked = locked;
        if let Some(running) = &self.running {
            running.pipeline.lock(locked);
        }
    }

    fn seat(&self, id: ParticipantId) -> Option<u32> {
        self.callers.iter().find(|(_, caller)| **caller == id).map(|(seat, _)| *seat)
    }

    /// Something that may wait for the pipeline's threads.
    async fn carry_out(&self, work: impl FnOnce(&TalkPipeline) + Send + 'static) {
        if let Some(running) = &self.running {
            let pipeline = running.pipeline.clone();
            blocking(move || work(&pipeline)).await;
        }
    }

    /// The answer to an offer; the error is a sentence for whoever offered.
    pub(crate) async fn answer(
        &mut self,
        id: ParticipantId,
        name: Option<DisplayName>,
        offer: MediaOffer,
        policy: CameraPolicy,
    ) -> Result<String, PipelineError> {
        let pipeline = self.pipeline(policy).await?;
        let known = name.clone();
        let answer = blocking(move || {
            let name = name.as_ref().map_or("", DisplayName::as_str);
            pipeline.answer(id.0, name, offer.as_str())
        });
        let answer = answer.await;
        match &answer {
            Ok(_) => self.name(id, known.as_ref()).await,
            Err(_) => self.unname(id).await,
        }
        self.sights.forget(id);
        match &answer {
            Ok(_) => self.people.insert(id),
            Err(_) => self.people.remove(&id),
        };
        answer
    }

    pub(crate) async fn hang_up(&mut self, id: ParticipantId) {
        self.end_call(id).await;
        self.unname(id).await;
        if self.people.remove(&id) {
            self.carry_out(move |pipeline| pipeline.remove(id.0)).await;
        }
    }

    /// Everything that is said from now on; nothing when too many listen already.
    pub(crate) async fn listen(&mut self) -> Option<Receiver<Bytes>> {
        self.ears.retain(|ear| !ear.is_closed());
        if RECORDERS_MAX <= self.ears.len() {
            return None;
        }
        let (ear, packets) = channel(WAITING_PACKETS_MAX);
        self.ears.push(ear.clone());
        self.open_ears(vec![ear]).await;
        Some(packets)
    }

    /// Lets these listen, and those leave that are gone.
    async fn open_ears(&mut self, ears: Vec<Sender<Bytes>>) {
        let Some(running) = &mut self.running else { return };
        let (gone, listeners) =
            std::mem::take(&mut running.listeners).into_iter().partition(|(_, ear)| ear.is_closed());
        running.listeners = listeners;
        let gone: Vec<(Listener, Sender<Bytes>)> = gone;
        let pipeline = running.pipeline.clone();
        let opened = blocking(move || {
            drop(gone);
            ears.into_iter()
                .map(|ear| Ok((pipeline.listen(ear.clone())?, ear)))
                .collect::<Result<Vec<_>, PipelineError>>()
        });
        match opened.await {
            Ok(opened) => running.listeners.extend(opened),
            Err(error) => warn!(%error, "a recording has no sound"),
        }
    }

    /// Everybody who is seen from now on; nothing when too many look already.
    pub(crate) async fn look(&mut self) -> Option<Receiver<Bytes>> {
        self.eyes.retain(|eye| !eye.is_closed());
        if RECORDERS_MAX <= self.eyes.len() {
            return None;
        }
        let (eye, records) = channel(WAITING_RECORDS_MAX);
        self.eyes.push(Watcher::new(eye));
        self.look_again().await;
        Some(records)
    }

    /// Recorders are told that somebody presents a screen, or that nobody does.
    pub(crate) async fn set_screen(&mut self, has_screen: bool) {
        if std::mem::replace(&mut self.has_screen, has_screen) != has_screen {
            self.look_again().await;
        }
    }

    /// Lets recorders see those who are seen now. One that cannot is let go; it comes again.
    pub(crate) async fn look_again(&mut self) {
        let pipeline = self.running.as_ref().map(|running| running.pipeline.clone());
        let (eyes, has_screen) = (std::mem::take(&mut self.eyes), self.has_screen);
        if eyes.is_empty() {
            return;
        }
        self.eyes = blocking(move || {
            let look = |mut eye: Watcher| match eye.update(pipeline.as_deref(), has_screen) {
                Ok(()) => Some(eye),
                Err(error) => {
                    warn!(%error, "a recording sees nobody for a moment");
                    None
                }
            };
            eyes.into_iter().filter(|eye| !eye.is_closed()).filter_map(look).collect()
        })
        .await;
    }

    pub(crate) fn show(&self, viewer: ParticipantId, wishes: &[Wish]) {
        if let Some(running) = self.running.as_ref().filter(|_| self.people.contains(&viewer)) {
            let shown = wishes.iter().map(|wish| ShownFeed { person: wish.id.0, height: wish.height });
            running.pipeline.show(viewer.0, &shown.collect::<Vec<_>>());
        }
    }

    /// This viewer sees the screen that is shown to programs, and after it everybody.
    pub(crate) async fn show_all(&self, viewer: ParticipantId) {
        self.carry_out(move |pipeline| pipeline.show_all(viewer.0)).await;
    }

    /// Shows programs the screen of this relay, or none.
    pub(crate) async fn show_screen(&mut self, relay: Option<&Arc<MeetingPipeline>>) {
        let Some(running) = &mut self.running else { return };
        let shown = running.screen.as_ref().map(|(_, relay)| relay);
        if shown.map(Arc::as_ptr) == relay.map(Arc::as_ptr) {
            return;
        }
        let (before, relay, pipeline) = (running.screen.take(), relay.cloned(), running.pipeline.clone());
        let shown = blocking(move || {
            drop(before);
            relay.map(|relay| (pipeline.show_screen(&relay), relay))
        });
        match shown.await {
            Some((Ok(shown), relay)) => running.screen = Some((shown, relay)),
            Some((Err(error), _)) => warn!(%error, "programs are not shown the screen"),
            None => {}
        }
    }

    pub(crate) fn silence(&self, id: ParticipantId, is_silenced: bool) {
        if let Some(running) = &self.running {
            running.pipeline.silence(id.0, is_silenced);
        }
    }

    pub(crate) fn limit_cameras(&self, policy: CameraPolicy) {
        if let Some(running) = &self.running {
            running.pipeline.limit_cameras(policy.max_kbps);
        }
    }

    /// The next word of the relay; never, when there is none.
    pub(crate) async fn event(&mut self) -> TalkEvent {
        let Some(running) = &mut self.running else { return std::future::pending().await };
        match running.events.recv().await {
            Some(event) => event,
            None => TalkEvent::Failed("The talk ended without a word.".into()),
        }
    }

    /// Forgets a talk that failed. The first have to offer anew; the others were callers, who are gone.
    pub(crate) async fn fail(&mut self) -> (BTreeSet<ParticipantId>, Vec<ParticipantId>) {
        self.stop().await;
        self.failures += 1;
        let callers = std::mem::take(&mut self.callers).into_values().collect();
        (std::mem::take(&mut self.people), callers)
    }

    pub(crate) async fn stop(&mut self) {
        if let Some(running) = self.running.take() {
            self.names.clear();
            self.look_again().await;
            self.separate_again().await;
            tokio::task::spawn_blocking(move || drop(running));
        }
    }

    async fn pipeline(&mut self, policy: CameraPolicy) -> Result<Arc<TalkPipeline>, PipelineError> {
        if let Some(running) = &self.running {
            return Ok(running.pipeline.clone());
        }
        if FAILURES_MAX < self.failures {
            let sentence =
                "The server cannot carry voices and faces in this meeting any more. Start a new one.";
            return Err(PipelineError::Refused(sentence.into()));
        }
        let (at, telephone) = (self.at.clone(), self.telephone.clone());
        let (pipeline, events) = blocking(move || TalkPipeline::start(&at, telephone.as_ref())).await?;
        pipeline.limit_cameras(policy.max_kbps);
        pipeline.lock(self.is_locked);
        let pipeline = Arc::new(pipeline);
        self.running =
            Some(Running { screen: None, listeners: Vec::new(), pipeline: pipeline.clone(), events });
        self.open_ears(self.ears.clone()).await;
        Ok(pipeline)
    }
}

/// As the protocol has them.
pub(crate) fn slots(slots: Vec<(String, Option<u32>)>) -> Vec<Slot> {
    slots.into_iter().map(|(mid, person)| Slot { mid, id: person.map(ParticipantId) }).collect()
}
