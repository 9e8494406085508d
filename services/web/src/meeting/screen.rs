//! The meeting's relay, started when somebody first needs it and again should it fail.

use std::sync::Arc;

use bytes::Bytes;
use convene_pipelines::{MeetingEvent, MeetingPipeline, PipelineError};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::watch;

use super::feed::Feed;
use crate::blocking::blocking;
use convene_domain::{ParticipantId, Reads};

/// How often a meeting's relay may fail before the meeting is given up.
const FAILURES_MAX: u32 = 3;

/// A presenter may be so far ahead of the relay: the 1 MiB that the protocol allows it, and what was under way when it was told.
const AHEAD_BYTES_MAX: u64 = 2 * 1024 * 1024;

/// Who presents now, for the connection that reads the presenter's bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Stage {
    /// Whose bytes are taken.
    pub(crate) presenter: Option<ParticipantId>,
    /// Counts the presentations; bytes of an earlier one are not taken.
    pub(crate) number: u64,
    /// How many bytes of this presentation the relay has taken in.
    pub(crate) taken: u64,
}

impl Stage {
    /// Whether a presenter that has sent so many bytes has to wait.
    pub(crate) fn is_ahead(&self, sent: u64) -> bool {
        AHEAD_BYTES_MAX <= sent.saturating_sub(self.taken)
    }
}

/// The relay and the stage.
pub(crate) struct Screen {
    relay: Option<Relay>,
    stage: watch::Sender<Stage>,
    pushed: u64,
    failures: u32,
}

struct Relay {
    pipeline: Arc<MeetingPipeline>,
    events: UnboundedReceiver<MeetingEvent>,
}

impl Screen {
    pub(crate) fn new() -> Self {
        Self { relay: None, stage: watch::Sender::new(Stage::default()), pushed: 0, failures: 0 }
    }

    pub(crate) fn stage(&self) -> watch::Receiver<Stage> {
        self.stage.subscribe()
    }

    /// A new presentation begins, or none does.
    pub(crate) async fn change_presenter(
        &mut self,
        presenter: Option<ParticipantId>,
    ) -> Result<(), PipelineError> {
        if presenter.is_some() {
            self.relay().await?;
        }
        if let Some(relay) = &self.relay {
            relay.pipeline.presenter_changed();
        }
        self.pushed = 0;
        self.stage.send_modify(|stage| *stage = Stage { presenter, number: stage.number + 1, taken: 0 });
        Ok(())
    }

    /// A piece of the presentation with this number; of any other it is dropped.
    pub(crate) fn push(&mut self, number: u64, bytes: Bytes) -> Result<(), PipelineError> {
        let current = self.stage.borrow().number == number;
        match &self.relay {
            Some(relay) if current => {
                self.pushed += bytes.len() as u64;
                relay.pipeline.push(bytes)
            }
            _ => Ok(()),
        }
    }

    /// The relay has taken in so many bytes. `false` when that is an old word, of an earlier presentation.
    pub(crate) fn taken(&mut self, bytes: u64) -> bool {
        let current = bytes <= self.pushed;
        if current {
            self.stage.send_modify(|stage| stage.taken = bytes);
        }
        current
    }

    /// A place at the relay.
    pub(crate) async fn watch(&mut self, reads: Reads) -> Result<Box<Feed>, PipelineError> {
        let pipeline = self.relay().await?.pipeline.clone();
        blocking(move || Feed::watch(pipeline, reads)).await.map(Box::new)
    }

    /// The relay, if there is one.
    pub(crate) fn pipeline(&self) -> Option<&Arc<MeetingPipeline>> {
        self.relay.as_ref().map(|relay| &relay.pipeline)
    }

    /// The next word of the relay; never, when there is none.
    pub(crate) async fn event(&mut self) -> MeetingEvent {
        let Some(relay) = &mut self.relay else { return std::future::pending().await };
        match relay.events.recv().await {
            Some(event) => event,
            None => MeetingEvent::Failed("The relay ended without a word.".into()),
        }
    }

    /// Forgets a relay that failed. `false` when it has failed too often.
    pub(crate) fn fail(&mut self) -> bool {
        self.stop();
        self.failures += 1;
        self.failures <= FAILURES_MAX
    }

    /// Lets go of the relay. It stops when the last viewer has left it, on whichever thread that is.
    pub(crate) fn stop(&mut self) {
        if let Some(relay) = self.relay.take() {
            tokio::task::spawn_blocking(move || drop(relay));
        }
    }

    async fn relay(&mut self) -> Result<&Relay, PipelineError> {
        let relay = match self.relay.take() {
            Some(relay) => relay,
            None => {
                let (pipeline, events) = blocking(MeetingPipeline::start).await?;
                Relay { pipeline: Arc::new(pipeline), events }
            }
        };
        Ok(self.relay.insert(relay))
    }
}
