//! `convene record`: one process, one recording. A job comes in on standard input, events go out on standard output.
//!
//! It ends when standard input is closed, at SIGTERM, when the meeting ends, and when the meeting is lost; in each of these cases the
//! file is made whole first.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use bytes::Bytes;
use convene_pipelines::{Connection, RecordingEvent, RecordingEvents, RecordingLook, RecordingPipeline};
use convene_recordings::{Copy, RecorderEvent, RecorderJob, RecorderOrder, RecordingLayout, RecordingState};
use convene_recordings_store::{BlobStore, RecordingWriter, SpoolError, WriterOptions, WriterProgress};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;
use tracing::Instrument;

use crate::streams::Voices;
use crate::{signals, streams};

/// A job is a few paths and keys; more than this is none.
const JOB_BYTES_MAX: u64 = 1 << 20;

/// What stands in the picture where there was a pause.
const PAUSE_CARD: &str = "Paused";

/// How long the recorder may take to make the file whole after it was told to end.
const FINISH_MAX: Duration = Duration::from_secs(15);

/// How long the regions may take for the rest of the file; then it stays in the spool and the service goes on with it.
const REGIONS_MAX: Duration = Duration::from_secs(30);

/// How often it says how the regions follow.
const REPORT_INTERVAL: Duration = Duration::from_secs(2);

/// How long a block waits for the disk to have room again, and how often it tries. The regions empty the spool meanwhile.
const DISK_MAX: Duration = Duration::from_secs(60);
const DISK_INTERVAL: Duration = Duration::from_secs(1);

/// Runs one job. The exit code says whether the file is whole.
pub(crate) async fn record() -> ExitCode {
    let stop = signals::asked_to_stop();
    let told = match read_job().await {
        Ok((job, orders)) => {
            let span = tracing::info_span!("recorder", recording = %job.id);
            carry_out(job, orders, stop).instrument(span).await
        }
        Err(error) => Err(error),
    };
    match told {
        Ok(finished) => {
            tell(&finished);
            ExitCode::SUCCESS
        }
        Err(error) => {
            tell(&RecorderEvent::Failed { message: format!("{error:#}") });
            ExitCode::FAILURE
        }
    }
}

/// Every log line from here on has the recording's id.
async fn carry_out(
    job: RecorderJob,
    orders: UnboundedReceiver<RecorderOrder>,
    stop: impl Future<Output = ()> + Send + 'static,
) -> anyhow::Result<RecorderEvent> {
    let recorder = Recorder::begin(job, orders, stop).await?;
    let finished = recorder.run().await.inspect_err(|error| tracing::error!("{error:#}"))?;
    if let RecorderEvent::Finished { duration_ms, bytes, regions } = &finished {
        let state = RecordingState::of_ended(regions).word();
        tracing::info!(duration_ms, bytes, state, "the recording has ended");
    }
    Ok(finished)
}

struct Recorder {
    events: RecordingEvents,
    writer: RecordingWriter,
    regions: WriterProgress,
    /// Done when the recorder was told to end and did not within [`FINISH_MAX`].
    overdue: tokio::task::JoinHandle<()>,
    progress: Progress,
}

/// What has been recorded so far.
#[derive(Default)]
struct Progress {
    duration: Duration,
    bytes: u64,
    first_bytes: u64,
    first_again: Option<Bytes>,
}

impl Recorder {
    async fn begin(
        job: RecorderJob,
        orders: UnboundedReceiver<RecorderOrder>,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> anyhow::Result<Self> {
        let regions = job
            .stores
            .iter()
            .map(convene_recordings_store::open)
            .collect::<Result<Vec<Arc<dyn BlobStore>>, _>>()
            .context("A region cannot be used")?;
        let options = WriterOptions { layout: job.layout, ..WriterOptions::default() };
        let writer = RecordingWriter::create_with(&job.spool, job.id, regions, options)
            .await
            .context("The spool cannot be used")?;

        let meeting = Connection {
            location: format!("{}/{}", job.server.trim_end_matches('/'), job.code),
            name: Some("Recorder".into()),
            token: Some(job.token.expose().to_owned()),
            ca_file: job.ca_file,
            insecure: false,
        };
        let mut listening = JoinSet::new();
        let loudness = job.loudness.map(|loudness| f64::from(loudness.value()));
        let is_sound = !job.layout.has_pictures();
        let look = RecordingLook {
            layout: Some(job.layout.word()),
            title: job.title.as_deref(),
            pause_card: Some(PAUSE_CARD),
            loudness,
        };
        let (pipeline, events) = if is_sound {
            let wants_each = job.layout == RecordingLayout::Tracks;
            let asked = tokio::time::timeout(streams::AWAY_MAX, Voices::ask(meeting, wants_each)).await;
            let voices = asked.context("The meeting does not answer")??;
            let (pipeline, events) = RecordingPipeline::start_sound(&look)?;
            joined();
            if wants_each {
                let each = voices.follow_each(pipeline.sound(), pipeline.voices());
                listening.spawn(each.in_current_span());
            } else {
                listening.spawn(voices.follow(pipeline.sound()).in_current_span());
            }
            (pipeline, events)
        } else {
            let (pipeline, events) = RecordingPipeline::start(&meeting, &look)?;
            let streams = streams::follow(meeting, pipeline.sound(), pipeline.faces());
            listening.spawn(streams.in_current_span());
            (pipeline, events)
        };
        let overdue = async move {
            tokio::select! {
                () = obey(&pipeline, orders) => {}
                () = stop => {}
                // Where there is no screen, nothing else tells that the meeting is over.
                _ = listening.join_next(), if is_sound => {}
            }
            pipeline.finish();
            // What is on its way still belongs to the recording; the streams end with this task.
            tokio::time::sleep(FINISH_MAX).await;
            drop(listening);
        };
        let overdue = tokio::spawn(overdue.in_current_span());
        let regions = writer.progress();
        Ok(Self { events, writer, regions, overdue, progress: Progress::default() })
    }

    /// Takes block after block until the file is whole or cannot become so. What the disk has is given to the regions in any case.
    async fn run(mut self) -> anyhow::Result<RecorderEvent> {
        let ended = self.follow().await;
        self.overdue.abort();

        let Self { writer, regions, mut progress, .. } = self;
        let first = progress.first_again.take();
        match (ended, first) {
            (Ok(()), Some(first)) => {
                let bytes = progress.bytes - progress.first_bytes + first.len() as u64;
                let copies = writer
                    .finish(first, REGIONS_MAX)
                    .await
                    .context("The end of the recording cannot be written")?;
                tell(&RecorderEvent::Regions { regions: regions.reports() });
                Ok(finished(&progress, bytes, copies))
            }
            (ended, _) => {
                let kept = writer.stop(REGIONS_MAX).await;
                if let Err(error) = &kept {
                    tracing::error!(%error, "what was recorded stays in the spool");
                }
                ended.and_then(|()| bail!("The recorder ended without the file's index; what was recorded can be played but not sought."))
            }
        }
    }

    async fn follow(&mut self) -> anyhow::Result<()> {
        let mut report = tokio::time::interval(REPORT_INTERVAL);
        report.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let event = tokio::select! {
                event = self.events.next() => event.context("The recorder ended without a word.")?,
                _ = report.tick(), if 0 < self.progress.bytes => {
                    tell(&RecorderEvent::Regions { regions: self.regions.reports() });
                    continue;
                }
                _ = &mut self.overdue => bail!("The recorder did not end within {} s.", FINISH_MAX.as_secs()),
            };
            match event {
                // Not with the first block: while nobody presents, that one waits for a first picture.
                RecordingEvent::Joined => joined(),
                RecordingEvent::Block { number, bytes, duration } => {
                    self.take_block(number, bytes, duration).await?
                }
                RecordingEvent::FirstAgain(bytes) => self.progress.first_again = Some(bytes),
                RecordingEvent::CutOff(bytes) => {
                    // The recording itself is as safe without it.
                    if let Err(error) = self.writer.keep_cut_off(bytes).await {
                        tracing::warn!(%error, "the recording's tracks would have no names if it was cut off");
                    }
                }
                // Refused, or gone before anything was recorded.
                RecordingEvent::Lost(sentence) if self.progress.bytes == 0 => bail!(sentence),
                RecordingEvent::Lost(sentence) => {
                    tracing::warn!(sentence, "the meeting is lost; the recording ends here");
                }
                RecordingEvent::Failed(sentence) => bail!(sentence),
                RecordingEvent::Ended { duration } => {
                    self.progress.duration = duration;
                    return Ok(());
                }
            }
        }
    }

    async fn take_block(&mut self, number: u32, bytes: Bytes, duration: Duration) -> anyhow::Result<()> {
        let length = bytes.len() as u64;
        put(&mut self.writer, number, bytes).await.context("The recording cannot be written")?;
        let progress = &mut self.progress;
        progress.duration = duration;
        progress.bytes += length;
        if number == 0 {
            progress.first_bytes = length;
        }
        tell(&RecorderEvent::Progress { duration_ms: milliseconds(duration), bytes: progress.bytes });
        Ok(())
    }
}

fn joined() {
    tracing::info!("the recorder has joined the meeting");
    tell(&RecorderEvent::Started);
}

/// Puts a block, and again for a while when the disk is full. The pipeline goes on meanwhile.
async fn put(writer: &mut RecordingWriter, number: u32, bytes: Bytes) -> Result<(), SpoolError> {
    let mut waited = Duration::ZERO;
    loop {
        match writer.put(number, bytes.clone()).await {
            Ok(()) => return Ok(()),
            Err(error) if waited < DISK_MAX => {
                if waited.is_zero() {
                    tracing::warn!(number, %error, "a block of the recording waits for the disk");
                }
                tokio::time::sleep(DISK_INTERVAL).await;
                waited += DISK_INTERVAL;
            }
            Err(error) => return Err(error),
        }
    }
}

/// Pauses and goes on as it is told, until nobody tells any more.
async fn obey(pipeline: &RecordingPipeline, mut orders: UnboundedReceiver<RecorderOrder>) {
    while let Some(order) = orders.recv().await {
        let paused = order == RecorderOrder::Pause;
        pipeline.set_paused(paused);
        tracing::info!(paused, "the recording is told to pause or to go on");
        tell(if paused { &RecorderEvent::Paused } else { &RecorderEvent::Resumed });
    }
}

fn finished(progress: &Progress, bytes: u64, regions: Vec<Copy>) -> RecorderEvent {
    RecorderEvent::Finished { duration_ms: milliseconds(progress.duration), bytes, regions }
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// The job, and the orders that follow; there are none any more when standard input is closed. The thread that reads ends with the process.
async fn read_job() -> anyhow::Result<(RecorderJob, UnboundedReceiver<RecorderOrder>)> {
    let (job_sender, job) = oneshot::channel();
    let (order_sender, orders) = unbounded_channel();
    std::thread::Builder::new()
        .name("stdin".into())
        .spawn(move || {
            let mut input = BufReader::new(std::io::stdin().lock());
            let mut line = String::new();
            let read = input.by_ref().take(JOB_BYTES_MAX).read_line(&mut line);
            let reads_on = read.is_ok();
            // Whoever waits for these has given up when they are not taken.
            let _ = job_sender.send(read.map(|_| line));
            if reads_on {
                follow_orders(input, &order_sender);
            }
        })
        .context("The system gives no thread to read standard input")?;

    let line = job
        .await
        .context("Standard input was not read")?
        .context("The job on standard input cannot be read")?;
    if line.trim().is_empty() {
        bail!(
            "There is no job on standard input. The service starts `convene record` by itself; it is not meant for a person."
        );
    }
    let job = serde_json::from_str(&line).context("The job on standard input is none")?;
    Ok((job, orders))
}

/// Reads until the input ends. What is no order is said, and the recording goes on.
fn follow_orders(mut input: impl BufRead, orders: &UnboundedSender<RecorderOrder>) {
    let mut line = String::new();
    while matches!(input.by_ref().take(JOB_BYTES_MAX).read_line(&mut line), Ok(1..)) {
        match serde_json::from_str(&line) {
            // A recorder that is ending takes no more orders.
            Ok(order) => drop(orders.send(order)),
            Err(error) => tracing::warn!(%error, "a line on standard input is no order"),
        }
        line.clear();
    }
}

/// One line. The service may be gone; the recording is finished all the same.
fn tell(event: &RecorderEvent) {
    let line = match serde_json::to_string(event) {
        Ok(line) => line,
        Err(error) => return tracing::error!(%error, "an event cannot be written"),
    };
    let mut out = std::io::stdout().lock();
    if let Err(error) = writeln!(out, "{line}").and_then(|()| out.flush()) {
        tracing::debug!(%error, line, "nobody reads the recorder's events");
    }
}
