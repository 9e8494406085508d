//! A meeting's recording.
//!
//! ```text
//! screensrc location=https://HOST/CODE ! queue ! clocksync ts-offset=400000000 ! screendec ! recorder.screen
//!     appsrc caps=audio/x-opus ! opusdec ! recorder.audio_0
//!     appsrc caps=video/x-vp8 ! clocksync ! recorder.feed_%u      (for each face)
//!     appsrc caps=audio/x-opus ! clocksync ! recorder.voice_%u    (for each voice, where each has a track of its own)
//!     meetingrecorder name=recorder ! appsink sync=false
//! ```
//!
//! It is another viewer and another listener of the meeting, and nothing more. The blocks leave through a channel that never makes GStreamer wait; how much
//! may lie in it is limited, because a disk that takes nothing any more must end the recording and not fill the memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use gst::prelude::*;
use parking_lot::Mutex;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::bus::{self, BusEvent};
use crate::cutter::Cutter;
use crate::init::{factory, init};
use crate::sound::{self, SOUND};
use crate::{Connection, PipelineError};

pub use faces::RecordingFaces;
use timeline::{Timeline, WAIT, clock_time};
pub use voices::RecordingVoices;

mod faces;
mod timeline;
mod voices;

/// Blocks that nobody has fetched yet. A block of a busy screen has about 1 MB, so this is a disk that stood still for minutes.
const WAITING_BYTES_MAX: u64 = 256 << 20;

/// What these cannot go on with ends the stream early, and the file can still be made whole.
const BEFORE_THE_RECORDER: [&str; 4] = ["meeting", "decoder", "waiting", "gate"];

/// What may wait of the screen. Whoever decodes it too slowly for that makes the meeting wait, which then sends less.
const SCREEN_BYTES_MAX: u32 = 64 << 20;
const SCREEN_TIME_MAX: gst::ClockTime = gst::ClockTime::from_seconds(1);

/// What a recording's pipeline brings forth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecordingEvent {
    /// The meeting has let us in; the file has begun.
    Joined,
    /// The next block of the file.
    Block {
        /// Counted from 0.
        number: u32,
        /// Its bytes.
        bytes: Bytes,
        /// How long the file plays with it.
        duration: Duration,
    },
    /// Block 0 once more, larger, with everything that is only known at the end.
    FirstAgain(Bytes),
    /// What is to stand in the place of block 0 if nothing but blocks follows any more.
    CutOff(Bytes),
    /// The meeting was lost; the file is being finished with what there is: blocks, `FirstAgain` and `Ended` still follow.
    Lost(String),
    /// The file is whole.
    Ended {
        /// How long it plays.
        duration: Duration,
    },
    /// Nothing more follows, and the file is not whole.
    Failed(String),
}

/// How a recording looks and sounds.
#[derive(Debug, Clone, Copy, Default)]
pub struct Look<'a> {
    /// What of the meeting is shown: `meetingrecorder`'s property `layout`.
    pub layout: Option<&'a str>,
    /// What is written where neither a screen nor a face is shown.
    pub title: Option<&'a str>,
    /// What is written for a second where the recording was paused: its property `pause-card`.
    pub pause_card: Option<&'a str>,
    /// How loud speech is, in LUFS: `meetingrecorder`'s property `loudness`.
    pub loudness: Option<f64>,
}

/// The blocks of a recording, in order.
pub struct RecordingEvents {
    receiver: UnboundedReceiver<RecordingEvent>,
    waiting_bytes: Arc<AtomicU64>,
}

impl RecordingEvents {
    /// The next event; `None` after the pipeline is gone.
    pub async fn next(&mut self) -> Option<RecordingEvent> {
        let event = self.receiver.recv().await?;
        self.waiting_bytes.fetch_sub(event_bytes(&event), Ordering::Relaxed);
        Some(event)
    }
}

/// Watches a meeting and makes one WebM of it, block by block.
pub struct RecordingPipeline {
    pipeline: gst::Pipeline,
    recorder: gst::Element,
    sound: gst_app::AppSrc,
    timeline: Arc<Mutex<Timeline>>,
}

/// One connection's sound on its way into the recording.
pub struct RecordingSound {
    pipeline: gst::Pipeline,
    sound: gst_app::AppSrc,
    timeline: Arc<Mutex<Timeline>>,
    cutter: Cutter,
}

impl RecordingSound {
    /// For another connection, which begins with a whole packet.
    #[must_use]
    pub fn again(self) -> Self {
        Self { cutter: Cutter::new(SOUND), ..self }
    }

    /// A piece of what [`Listener`](crate::Listener)s get, cut anywhere. Never blocks. After an error the connection is of no use any more.
    pub fn push(&mut self, piece: &[u8]) -> Result<(), PipelineError> {
        self.cutter.push(piece);
        while let Some(record) = self.cutter.next()? {
            let (mixed, packet) = sound::parse(record)?;
            let now = self.pipeline.current_running_time();
            // Nothing was said, or nothing is recorded yet.
            let Some(now) = now.filter(|_| !packet.is_empty()) else { continue };
            let mut buffer = gst::Buffer::from_slice(packet);
            let time = self.timeline.lock().place(mixed, 0, now.into());
            buffer.get_mut().expect("a new buffer").set_pts(clock_time(time));
            let pushed = self.sound.push_buffer(buffer);
            pushed.map_err(|flow| PipelineError::Closed(flow.to_string()))?;
        }
        Ok(())
    }
}

impl RecordingPipeline {
    /// Joins the meeting and begins.
    pub fn start(meeting: &Connection, look: &Look<'_>) -> Result<(Self, RecordingEvents), PipelineError> {
        init()?;
        let source = meeting
            .configure(&factory("screensrc")?, BEFORE_THE_RECORDER[0])
            .map_err(PipelineError::build)?;
        Self::begin(Some(source), look)
    }

    /// Begins to record what is said, without any picture: nothing joins the meeting, and nothing is seen of it. The look's layout has to be one
    /// without pictures. It ends with [`Self::finish`].
    pub fn start_sound(look: &Look<'_>) -> Result<(Self, RecordingEvents), PipelineError> {
        init()?;
        Self::begin(None, look)
    }

    /// Leaves out what happens from now on, or goes on where the file was. What happened before is still on its way for 400 ms.
    pub fn set_paused(&self, paused: bool) {
        let recorder = self.recorder.clone();
        let set = move || recorder.set_property("paused", paused);
        let Some(clock) = self.recorder.clock() else { return set() };
        // Alarms ring in their order, so whoever goes on at once does so after the pause.
        let alarm = clock.new_single_shot_id(clock.time() + clock_time(WAIT));
        if let Err(error) = alarm.wait_async(move |_, _, _| set()) {
            tracing::warn!(%error, paused, "the recording does not pause, or goes on pausing");
        }
    }

    /// Ends the file with what was said and seen until now; the last of it is still on its way for 400 ms. Blocks, `FirstAgain` and `Ended` still
    /// come.
    pub fn finish(&self) {
        end_after(&self.recorder, WAIT);
    }

    /// Where the meeting's sound goes in. What does not come is silence in the file.
    pub fn sound(&self) -> RecordingSound {
        RecordingSound {
            pipeline: self.pipeline.clone(),
            sound: self.sound.clone(),
            timeline: self.timeline.clone(),
            cutter: Cutter::new(SOUND),
        }
    }

    /// Where the meeting's voices go in, each for a track of its own.
    pub fn voices(&self) -> RecordingVoices {
        RecordingVoices::new(&self.pipeline, &self.recorder, self.timeline.clone())
    }

    /// Where the meeting's faces go in.
    pub fn faces(&self) -> RecordingFaces {
        RecordingFaces::new(&self.pipeline, &self.recorder, self.timeline.clone())
    }

    /// Records a meeting whose screen this source brings, as bytes of a screen stream, instead of joining one by its address. It gets another name.
    pub fn record(source: gst::Element) -> Result<(Self, RecordingEvents), PipelineError> {
        Self::begin(Some(source), &Look::default())
    }

    fn begin(
        screen: Option<gst::Element>,
        look: &Look<'_>,
    ) -> Result<(Self, RecordingEvents), PipelineError> {
        let pipeline = gst::Pipeline::with_name("recording");
        let recorder = factory("meetingrecorder")?;
        let recorder = recorder
            .create()
            .name("recorder")
            .property("title", look.title)
            .property("pause-card", look.pause_card)
            .property_if_some("loudness", look.loudness);
        let recorder = match look.layout {
            Some(layout) => recorder.property_from_str("layout", layout),
            None => recorder,
        };
        let recorder = recorder.build().map_err(PipelineError::build)?;
        let sound = sound_source()?;
        let voice = factory("opusdec")?.create().build().map_err(PipelineError::build)?;
        let (events, receiver) = unbounded_channel();
        let outlet = Arc::new(Outlet::new(events));
        let waiting_bytes = outlet.waiting_bytes.clone();
        let sink = block_sink(&outlet).upcast::<gst::Element>();
        pipeline.add_many([sound.upcast_ref(), &voice, &recorder, &sink]).map_err(PipelineError::build)?;
        sound.link(&voice).map_err(PipelineError::build)?;
        voice.link_pads(None, &recorder, Some("audio_0")).map_err(PipelineError::build)?;
        recorder.link(&sink).map_err(PipelineError::build)?;
        if let Some(source) = screen {
            let decoder = add_screen(&pipeline, &source, &recorder)?;
            end_with(&decoder, &sound);
        }
        listen(&pipeline, &recorder, &outlet);

        let recording = Self { pipeline, recorder, sound, timeline: Arc::default() };
        // What is on its way from the beginning comes so much later; the file begins with it.
        recording.recorder.set_property("paused", true);
        if recording.pipeline.set_state(gst::State::Playing).is_err() {
            return Err(PipelineError::start(outlet.complaint.lock().take(), "The recording did not start."));
        }
        recording.set_paused(false);
        Ok((recording, RecordingEvents { receiver, waiting_bytes }))
    }
}

impl Drop for RecordingPipeline {
    fn drop(&mut self) {
        if let Err(error) = self.pipeline.set_state(gst::State::Null) {
            tracing::warn!(%error, "a recording's pipeline did not stop");
        }
    }
}

/// Where events leave the pipeline, and what must be remembered between them.
struct Outlet {
    events: UnboundedSender<RecordingEvent>,
    waiting_bytes: Arc<AtomicU64>,
    /// How many blocks have left and how long the file plays with them.
    blocks: Mutex<(u32, Duration)>,
    finished: AtomicBool,
    /// The first error: of a pipeline that did not even start.
    complaint: Mutex<Option<String>>,
}

impl Outlet {
    fn new(events: UnboundedSender<RecordingEvent>) -> Self {
        Self {
            events,
            waiting_bytes: Arc::default(),
            blocks: Mutex::default(),
            finished: AtomicBool::new(false),
            complaint: Mutex::default(),
        }
    }

    fn tell(&self, event: RecordingEvent) {
        self.waiting_bytes.fetch_add(event_bytes(&event), Ordering::Relaxed);
        // Whoever let go of the receiver wants no more of it and is about to drop the pipeline.
        let _ = self.events.send(event);
    }

    /// One buffer of the recorder's is one block; a second header is block 0 again.
    fn take(&self, buffer: gst::Buffer) -> Result<gst::FlowSuccess, gst::FlowError> {
        let is_header = buffer.flags().contains(gst::BufferFlags::HEADER);
        let until = buffer.pts().zip(buffer.duration()).map(|(pts, duration)| Duration::from(pts + duration));
        let bytes = match buffer.into_mapped_buffer_readable() {
            Ok(mapped) => Bytes::from_owner(mapped),
            Err(_) => return self.fail("The recorder's memory cannot be read."),
        };
        if WAITING_BYTES_MAX < self.waiting_bytes.load(Ordering::Relaxed) + bytes.len() as u64 {
            return self.fail(
                "The disk takes the recording too slowly: more than 256 MiB are waiting to be written.",
            );
        }

        let mut blocks = self.blocks.lock();
        let (number, duration) = *blocks;
        let event = if is_header && 0 < number {
            RecordingEvent::FirstAgain(bytes)
        } else {
            let duration = until.map_or(duration, |until| duration.max(until));
            *blocks = (number + 1, duration);
            RecordingEvent::Block { number, bytes, duration }
        };
        drop(blocks);
        self.tell(event);
        Ok(gst::FlowSuccess::Ok)
    }

    fn fail(&self, sentence: &str) -> Result<gst::FlowSuccess, gst::FlowError> {
        if !self.finished.swap(true, Ordering::SeqCst) {
            self.tell(RecordingEvent::Failed(sentence.into()));
        }
        Err(gst::FlowError::Error)
    }

    fn end(&self) {
        if !self.finished.swap(true, Ordering::SeqCst) {
            let (_, duration) = *self.blocks.lock();
            self.tell(RecordingEvent::Ended { duration });
        }
    }
}

fn event_bytes(event: &RecordingEvent) -> u64 {
    match event {
        RecordingEvent::Block { bytes, .. }
        | RecordingEvent::FirstAgain(bytes)
        | RecordingEvent::CutOff(bytes) => bytes.len() as u64,
        RecordingEvent::Joined
        | RecordingEvent::Lost(_)
        | RecordingEvent::Ended { .. }
        | RecordingEvent::Failed(_) => 0,
    }
}

/// Brings a screen stream to the recorder; gives what decodes it.
fn add_screen(
    pipeline: &gst::Pipeline,
    source: &gst::Element,
    recorder: &gst::Element,
) -> Result<gst::Element, PipelineError> {
    source.set_property("name", BEFORE_THE_RECORDER[0]);
    let decoder =
        factory("screendec")?.create().name(BEFORE_THE_RECORDER[1]).build().map_err(PipelineError::build)?;
    let [waiting, gate] = screen_gate(&decoder)?;
    let elements = [source, &waiting, &gate, &decoder];
    pipeline.add_many(elements).map_err(PipelineError::build)?;
    gst::Element::link_many(elements).map_err(PipelineError::build)?;
    decoder.link_pads(None, recorder, Some("screen")).map_err(PipelineError::build)?;
    Ok(decoder)
}

/// The meeting is over when its screen is, and the file ends when all of it has ended.
fn end_with(decoder: &gst::Element, sound: &gst_app::AppSrc) {
    let pad = decoder.static_pad("src").expect("a screendec has a source pad");
    let sound = sound.downgrade();
    pad.add_probe(gst::PadProbeType::EVENT_DOWNSTREAM, move |_, info| {
        let is_end = info.event().is_some_and(|event| event.type_() == gst::EventType::Eos);
        if let Some(sound) = sound.upgrade().filter(|_| is_end) {
            // It is refused when the recording is being stopped anyway.
            let _ = sound.end_of_stream();
        }
        gst::PadProbeReturn::Ok
    });
}

/// Lets the screen wait as everything else does, before it is decoded. The first picture waits for nothing: the recording has its size, and stands
/// still until it comes.
fn screen_gate(decoder: &gst::Element) -> Result<[gst::Element; 2], PipelineError> {
    let waiting = factory("queue")?
        .create()
        .name(BEFORE_THE_RECORDER[2])
        .property("max-size-bytes", SCREEN_BYTES_MAX)
        .property("max-size-buffers", 0_u32)
        .property("max-size-time", SCREEN_TIME_MAX)
        .build()
        .map_err(PipelineError::build)?;
    let gate = factory("clocksync")?
        .create()
        .name(BEFORE_THE_RECORDER[3])
        .property("ts-offset", WAIT.as_nanos() as i64)
        .property("sync", false)
        .build()
        .map_err(PipelineError::build)?;
    let outlet = decoder.static_pad("src").expect("a screendec has a source pad");
    outlet.set_offset(WAIT.as_nanos() as i64);
    let shut = gate.downgrade();
    outlet.add_probe(gst::PadProbeType::BUFFER, move |_, _| {
        if let Some(gate) = shut.upgrade() {
            gate.set_property("sync", true);
        }
        gst::PadProbeReturn::Remove
    });
    Ok([waiting, gate])
}

/// The sound's times are its own; see `timeline.rs`.
fn sound_source() -> Result<gst_app::AppSrc, PipelineError> {
    let caps =
        gst::Caps::builder("audio/x-opus").field("channel-mapping-family", 0i32).field("channels", 2i32);
    let source = factory("appsrc")?
        .create()
        .name("sound")
        .property("caps", caps.field("rate", 48_000i32).build())
        .property("is-live", true)
        .property("format", gst::Format::Time)
        .property("max-bytes", 0u64)
        .property("block", false)
        .build()
        .map_err(PipelineError::build)?;
    Ok(source.downcast().expect("the factory appsrc makes an AppSrc"))
}

fn block_sink(outlet: &Arc<Outlet>) -> gst_app::AppSink {
    let (blocks, end) = (outlet.clone(), outlet.clone());
    let callbacks = gst_app::AppSinkCallbacks::builder()
        .new_sample(move |sink| {
            let sample = sink.pull_sample().map_err(|_| gst::FlowError::Eos)?;
            sample.buffer_owned().map_or(Ok(gst::FlowSuccess::Ok), |buffer| blocks.take(buffer))
        })
        .eos(move |_| end.end())
        .build();
    gst_app::AppSink::builder()
        .sync(false)
        .async_(false)
        .enable_last_sample(false)
        .callbacks(callbacks)
        .build()
}

/// Ends the file so much later.
fn end_after(recorder: &gst::Element, wait: Duration) {
    recorder.call_async(move |recorder| {
        if let Some(clock) = recorder.clock().filter(|_| !wait.is_zero()) {
            // An alarm that does not ring lets it end at once.
            let _ = clock.new_single_shot_id(clock.time() + clock_time(wait)).wait();
        }
        if !recorder.send_event(gst::event::Eos::new()) {
            tracing::debug!("the recording has ended already");
        }
    });
}

/// An error of the source or the decoder ends the recording, and the recorder makes the file whole; any other error leaves it as it is.
fn listen(pipeline: &gst::Pipeline, recorder: &gst::Element, outlet: &Arc<Outlet>) {
    let (outlet, recorder) = (outlet.clone(), recorder.downgrade());
    bus::listen(pipeline, move |event| match event {
        BusEvent::Error(complaint) => {
            let lost = BEFORE_THE_RECORDER.contains(&complaint.element.as_str());
            outlet.complaint.lock().get_or_insert_with(|| complaint.sentence.clone());
            // A source that fails ends its stream, which is still on its way; what fails behind that has waited already.
            let has_waited = lost && complaint.element != BEFORE_THE_RECORDER[0];
            if let Some(recorder) = recorder.upgrade().filter(|_| has_waited) {
                end_after(&recorder, Duration::ZERO);
            }
            outlet.tell(if lost {
                RecordingEvent::Lost(complaint.sentence)
            } else {
                RecordingEvent::Failed(complaint.sentence)
            });
        }
        BusEvent::Warning(complaint) => {
            tracing::warn!(complaint.element, complaint.sentence, "the recording goes on")
        }
        BusEvent::MeetingJoined => outlet.tell(RecordingEvent::Joined),
        BusEvent::Talkers(_) => {}
        BusEvent::RecordingHead(head) => outlet.tell(RecordingEvent::CutOff(head)),
        BusEvent::MeetingOver(sentence) => tracing::info!(sentence, "the recording ends with its meeting"),
        BusEvent::Ended => outlet.end(),
    });
}

#[cfg(test)]
mod tests;
