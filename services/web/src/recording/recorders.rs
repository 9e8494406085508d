//! The recorders that run: one process each, and a task that follows it and keeps catalogue and meeting informed.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use convene_domain::{RecordingView, SessionCode, Token};
use convene_recordings::{
    Copy, CopyState, Lufs, RecorderEvent, RecorderJob, RecorderOrder, Recording, RecordingId,
    RecordingLayout, RecordingState, RegionReport, Secret, StoreConfig,
};
use parking_lot::Mutex;
use tokio::sync::{Notify, mpsc, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, error, info, info_span, warn};

use super::process::{Heard, Process};
use crate::config::RecorderProgram;
use crate::meeting::{Letter, tell_recording};
use crate::metrics::Metrics;
use crate::service::Service;

/// How long a recorder may take from its start to its first block.
const START_MAX: Duration = Duration::from_secs(30);

/// How long a recorder may take to finish: it waits a while for slow regions, and then leaves them to the janitor.
pub(crate) const FINISH_MAX: Duration = Duration::from_secs(60);

/// How often the last word about a recording is tried to be written, and how long between two tries.
const LAST_WORD_TRIES: u32 = 10;
const LAST_WORD_INTERVAL: Duration = Duration::from_secs(2);

/// What an operator has said about recordings.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules {
    /// So many are made at once at most.
    pub(crate) max: usize,
    /// How long one is kept, from its start on, unless somebody says otherwise.
    pub(crate) keep: Option<time::Duration>,
    /// How loud speech is in them; without one, as loud as it was spoken.
    pub(crate) loudness: Option<Lufs>,
}

/// How a recorder is started, and which ones run.
pub(crate) struct Recorders {
    pub(crate) program: RecorderProgram,
    /// How a recorder on this machine reaches this service.
    pub(crate) server: String,
    pub(crate) ca_file: PathBuf,
    pub(crate) stores: Vec<StoreConfig>,
    /// Wakes the janitor when a recorder left something behind.
    pub(crate) left_something: Notify,
    pub(crate) rules: Rules,
    running: Mutex<BTreeMap<RecordingId, Running>>,
}

/// No recording can be begun now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "This server records as many meetings as it can, which is {max}. Try again when another recording has ended."
)]
pub(crate) struct Full {
    pub(crate) max: usize,
}

/// What is known of a recorder from outside of its task.
struct Running {
    finish: CancellationToken,
    paused: watch::Sender<bool>,
    /// How the regions follow.
    reports: Vec<RegionReport>,
}

/// What is to be recorded, and who wants to know how it goes.
pub(crate) struct RecordingOrder<'a> {
    pub(crate) id: RecordingId,
    pub(crate) layout: RecordingLayout,
    pub(crate) code: SessionCode,
    pub(crate) token: &'a Token,
    pub(crate) room: mpsc::WeakSender<Letter>,
}

impl Recorders {
    pub(crate) fn new(
        program: RecorderProgram,
        server: String,
        ca_file: PathBuf,
        stores: Vec<StoreConfig>,
        rules: Rules,
    ) -> Self {
        let running = Mutex::default();
        Self { program, server, ca_file, stores, left_something: Notify::new(), rules, running }
    }

    /// Starts recording a meeting, unless as many recordings are made as may be.
    pub(crate) fn start(&self, service: &Arc<Service>, order: RecordingOrder<'_>) -> Result<(), Full> {
        let RecordingOrder { id, layout, code, token, room } = order;
        let (finish, paused) = self.admit(id).inspect_err(|_| service.metrics.recording_refused())?;
        let title = format!("Meeting {code}");
        let job = RecorderJob {
            id,
            code: code.to_string(),
            layout,
            title: Some(title.clone()),
            loudness: self.rules.loudness,
            server: self.server.clone(),
            token: Secret::new(token.reveal()),
            spool: service.spool.clone(),
            stores: self.stores.clone(),
            ca_file: Some(self.ca_file.clone()),
        };
        let writing = |store: &StoreConfig| Copy {
            region: store.region().clone(),
            state: CopyState::Writing,
            bytes: 0,
            sha256: None,
        };
        let started = service.clock.date();
        let recording = Recording {
            id,
            code: code.to_string(),
            title,
            layout,
            started,
            duration_ms: 0,
            bytes: 0,
            state: RecordingState::Starting,
            message: None,
            keep_until: self.rules.keep.and_then(|days| started.checked_add(days)),
            regions: self.stores.iter().map(writing).collect(),
        };
        let run = Run { service: service.clone(), recording, room, finish, paused, in_catalogue: false };
        let span = info_span!("recorder", recording = %id);
        service.tasks.spawn(run.follow(job).instrument(span));
        Ok(())
    }

    /// A place for one more. One that is being finished costs next to nothing and takes none.
    fn admit(&self, id: RecordingId) -> Result<(CancellationToken, watch::Receiver<bool>), Full> {
        let mut running = self.running.lock();
        let made = running.values().filter(|running| !running.finish.is_cancelled()).count();
        if self.rules.max <= made {
            return Err(Full { max: self.rules.max });
        }
        let finish = CancellationToken::new();
        let (paused, follows) = watch::channel(false);
        running.insert(id, Running { finish: finish.clone(), paused, reports: Vec::new() });
        Ok((finish, follows))
    }

    /// Tells a recorder to finish; one that is gone needs no telling.
    pub(crate) fn finish(&self, id: RecordingId) {
        if let Some(running) = self.running.lock().get(&id) {
            running.finish.cancel();
        }
    }

    /// Tells a recorder to leave out what happens, or to go on.
    pub(crate) fn pause(&self, id: RecordingId, paused: bool) {
        if let Some(running) = self.running.lock().get(&id) {
            running.paused.send_replace(paused);
        }
    }

    /// Whether this recording is being made by a recorder of ours.
    pub(crate) fn is_running(&self, id: RecordingId) -> bool {
        self.running.lock().contains_key(&id)
    }

    /// How many recorders run.
    pub(crate) fn running(&self) -> usize {
        self.running.lock().len()
    }

    /// How the regions follow the recorders that run.
    pub(crate) fn reports(&self) -> Vec<RegionReport> {
        self.running.lock().values().flat_map(|running| running.reports.clone()).collect()
    }

    /// A recorder says how its regions follow.
    fn reported(&self, id: RecordingId, reports: Vec<RegionReport>, metrics: &Metrics) {
        let mut running = self.running.lock();
        let Some(running) = running.get_mut(&id) else { return };
        for report in &reports {
            let before = running.reports.iter().find(|before| before.region == report.region);
            metrics.region_was_given(report, before);
        }
        running.reports = reports;
    }
}

/// One recording while it is made.
struct Run {
    service: Arc<Service>,
    recording: Recording,
    room: mpsc::WeakSender<Letter>,
    finish: CancellationToken,
    paused: watch::Receiver<bool>,
    in_catalogue: bool,
}

/// How long the recorder may take for what it does now.
#[derive(Clone, Copy)]
enum Deadline {
    Start(Instant),
    None,
    Finish(Instant),
}

impl Run {
    async fn follow(mut self, job: RecorderJob) {
        let id = self.recording.id;
        info!("a recording starts");
        self.save().await;
        match Process::start(&self.service.recorders.program, &job).await {
            Ok(mut process) => {
                drop(job);
                self.listen(&mut process).await;
            }
            Err(sentence) => self.fail(sentence),
        }
        self.service.metrics.recording_ended(self.recording.state);
        self.write_last_word().await;
        self.service.recorders.running.lock().remove(&id);
        // Whoever is told finds it in the catalogue, and may delete it.
        self.tell().await;
        if self.recording.state != RecordingState::Ready {
            self.service.recorders.left_something.notify_one();
        }
        info!(state = self.recording.state.word(), "a recording has ended");
    }

    async fn listen(&mut self, process: &mut Process) {
        let mut deadline = Deadline::Start(Instant::now() + START_MAX);
        let mut line = Vec::new();
        loop {
            let finishing = matches!(deadline, Deadline::Finish(_));
            let heard = tokio::select! {
                heard = process.next(&mut line) => heard,
                () = self.finish.cancelled(), if !finishing => {
                    process.finish();
                    deadline = Deadline::Finish(Instant::now() + FINISH_MAX);
                    self.become_state(RecordingState::Finishing).await;
                    continue;
                }
                Ok(()) = self.paused.changed(), if !finishing => {
                    let paused = *self.paused.borrow_and_update();
                    process.order(if paused { RecorderOrder::Pause } else { RecorderOrder::Resume }).await;
                    continue;
                }
                () = deadline.passed() => {
                    process.kill().await;
                    return self.fail(deadline.sentence());
                }
            };
            match heard {
                Heard::Event(RecorderEvent::Started) => {
                    if !finishing {
                        deadline = Deadline::None;
                        self.become_state(RecordingState::Recording).await;
                    }
                }
                Heard::Event(RecorderEvent::Paused) if !finishing => {
                    self.become_state(RecordingState::Paused).await;
                }
                Heard::Event(RecorderEvent::Resumed) if !finishing => {
                    self.become_state(RecordingState::Recording).await;
                }
                Heard::Event(RecorderEvent::Paused | RecorderEvent::Resumed) => {}
                Heard::Event(RecorderEvent::Progress { duration_ms, bytes }) => {
                    (self.recording.duration_ms, self.recording.bytes) = (duration_ms, bytes);
                    self.save().await;
                }
                Heard::Event(RecorderEvent::Regions { regions }) => {
                    let Service { recorders, metrics, .. } = &*self.service;
                    recorders.reported(self.recording.id, regions, metrics);
                }
                Heard::Event(RecorderEvent::Finished { duration_ms, bytes, regions }) => {
                    (self.recording.duration_ms, self.recording.bytes) = (duration_ms, bytes);
                    return self.finished(regions);
                }
                Heard::Event(RecorderEvent::Failed { message }) => return self.fail(message),
                Heard::Gone(sentence) => return self.fail(sentence),
            }
        }
    }

    fn finished(&mut self, regions: Vec<Copy>) {
        self.recording.message = None;
        self.recording.settle(regions);
    }

    fn fail(&mut self, sentence: String) {
        warn!(sentence, "a recording failed");
        self.recording.state = RecordingState::Failed;
        self.recording.message = Some(sentence);
        for copy in &mut self.recording.regions {
            copy.state = CopyState::Behind;
        }
    }

    async fn become_state(&mut self, state: RecordingState) {
        self.recording.state = state;
        self.save().await;
        self.tell().await;
    }

    async fn tell(&self) {
        let Recording { id, state, message, .. } = &self.recording;
        tell_recording(&self.room, RecordingView { id: *id, state: *state, message: message.clone() }).await;
    }

    /// Writes the recording down as it is. The recorder goes on when that fails; the next time may do.
    async fn save(&mut self) -> bool {
        let recording = self.recording.clone();
        let is_new = !self.in_catalogue;
        let saved = self
            .service
            .catalogue
            .call(move |store| {
                if is_new {
                    store.add_recording(&recording)
                } else {
                    store.save_recording(&recording).map(|_| ())
                }
            })
            .await;
        match saved {
            Ok(()) => {
                self.in_catalogue = true;
                true
            }
            Err(error) => {
                warn!(%error, "a recording is not in the catalogue as it is");
                false
            }
        }
    }

    /// How it ended must not be forgotten, so that is tried for a while.
    async fn write_last_word(&mut self) {
        for _ in 0..LAST_WORD_TRIES {
            if self.save().await {
                return;
            }
            tokio::time::sleep(LAST_WORD_INTERVAL).await;
        }
        let Recording { state, message, .. } = &self.recording;
        error!(state = state.word(), message, "the catalogue does not take how a recording ended");
    }
}

impl Deadline {
    async fn passed(self) {
        match self {
            Self::Start(at) | Self::Finish(at) => tokio::time::sleep_until(at).await,
            Self::None => std::future::pending().await,
        }
    }

    fn sentence(self) -> String {
        match self {
            Self::Start(_) => format!("The recorder recorded nothing within {} s.", START_MAX.as_secs()),
            _ => format!("The recorder did not finish within {} s.", FINISH_MAX.as_secs()),
        }
    }
}
