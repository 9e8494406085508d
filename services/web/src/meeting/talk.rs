//! The meeting's voices and faces, started with the first offer and again should they fail.

use std::collections::BTreeSet;
use std::sync::Arc;

use convene_domain::{CameraPolicy, MediaOffer, ParticipantId, Slot, Wish};
use convene_pipelines::{MediaPort, PipelineError, ShownFeed, TalkEvent, TalkPipeline};
use tokio::sync::mpsc::UnboundedReceiver;

use super::blocking::blocking;

/// How often a meeting's talk may fail before it is not started again.
const FAILURES_MAX: u32 = 3;

/// The relay and the mixer of one meeting.
pub(crate) struct Talk {
    at: MediaPort,
    running: Option<Running>,
    /// Who has offered.
    people: BTreeSet<ParticipantId>,
    failures: u32,
}

struct Running {
    pipeline: Arc<TalkPipeline>,
    events: UnboundedReceiver<TalkEvent>,
}

impl Talk {
    pub(crate) fn new(at: MediaPort) -> Self {
        Self { at, running: None, people: BTreeSet::new(), failures: 0 }
    }

    /// The answer to an offer; the error is a sentence for whoever offered.
    pub(crate) async fn answer(
        &mut self,
        id: ParticipantId,
        offer: MediaOffer,
        policy: CameraPolicy,
    ) -> Result<String, PipelineError> {
        let pipeline = self.pipeline(policy).await?;
        let answer = blocking(move || pipeline.answer(id.0, offer.as_str())).await;
        match &answer {
            Ok(_) => self.people.insert(id),
            Err(_) => self.people.remove(&id),
        };
        answer
    }

    pub(crate) async fn hang_up(&mut self, id: ParticipantId) {
        if !self.people.remove(&id) {
            return;
        }
        if let Some(running) = &self.running {
            let pipeline = running.pipeline.clone();
            let removed = blocking(move || {
                pipeline.remove(id.0);
                Ok(())
            });
            removed.await.expect("removing cannot fail");
        }
    }

    pub(crate) fn show(&self, viewer: ParticipantId, wishes: &[Wish]) {
        if let Some(running) = self.running.as_ref().filter(|_| self.people.contains(&viewer)) {
            let shown = wishes.iter().map(|wish| ShownFeed { person: wish.id.0, height: wish.height });
            running.pipeline.show(viewer.0, &shown.collect::<Vec<_>>());
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

    /// Forgets a talk that failed; these have to offer anew.
    pub(crate) fn fail(&mut self) -> BTreeSet<ParticipantId> {
        self.stop();
        self.failures += 1;
        std::mem::take(&mut self.people)
    }

    pub(crate) fn stop(&mut self) {
        if let Some(running) = self.running.take() {
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
        let at = self.at.clone();
        let (pipeline, events) = blocking(move || TalkPipeline::start(&at)).await?;
        pipeline.limit_cameras(policy.max_kbps);
        let pipeline = Arc::new(pipeline);
        self.running = Some(Running { pipeline: pipeline.clone(), events });
        Ok(pipeline)
    }
}

/// As the protocol has them.
pub(crate) fn slots(slots: Vec<(String, Option<u32>)>) -> Vec<Slot> {
    slots.into_iter().map(|(mid, person)| Slot { mid, id: person.map(ParticipantId) }).collect()
}
