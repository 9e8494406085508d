//! A meeting's screen: one presenter's bytes in, every viewer's bytes out.
//!
//! ```text
//! appsrc is-live=true format=time do-timestamp=true caps=video/x-convene-screen ! screenrelay name=relay
//!     relay. ! appsink sync=false async=false      (one a viewer, its pad acknowledge=true)
//! ```
//!
//! No thread of GStreamer's waits here: what leaves the relay goes into an unbounded channel, and the relay itself holds that short by
//! sending no more than a viewer has shown to paint.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use gst::prelude::*;
use parking_lot::Mutex;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::PipelineError;
use crate::bus::{self, BusEvent};
use crate::init::{factory, init};

/// The caps of the screen stream.
pub(crate) const SCREEN_CAPS: &str = "video/x-convene-screen";

/// The event by which a reader says how many bytes it has painted, and the relay how many it has taken.
const PAINTED_EVENT: &str = "convene-screen-painted";

/// Presenters are told apart by the id of their stream: this and their number.
const STREAM_ID_PREFIX: &str = "convene-presenter-";

/// What a meeting's pipeline tells the service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MeetingEvent {
    /// The relay has taken in so many bytes of the presenter's stream since [`MeetingPipeline::presenter_changed`].
    ///
    /// What was told before that call may still lie in the channel, so take no more than was pushed since.
    Taken(u64),
    /// The presenter's stream is malformed and is ignored until the presenter changes; viewers keep the last good screen.
    StreamRefused(String),
    /// The pipeline cannot go on.
    Failed(String),
}

/// The relay of one meeting's screen.
pub struct MeetingPipeline {
    pipeline: gst::Pipeline,
    source: gst_app::AppSrc,
    relay: gst::Element,
    presenters: Arc<Presenters>,
    events: UnboundedSender<MeetingEvent>,
}

/// Which presenter the service means and which one the relay has come to; they differ while bytes are still on their way.
#[derive(Default)]
struct Presenters {
    announced: AtomicU64,
    arrived: AtomicU64,
}

impl MeetingPipeline {
    /// Starts the relay. Events come until the pipeline is stopped.
    pub fn start() -> Result<(Self, UnboundedReceiver<MeetingEvent>), PipelineError> {
        init()?;
        let pipeline = gst::Pipeline::with_name("meeting");
        let source = factory("appsrc")?
            .create()
            .name("presenter")
            .property("caps", gst::Caps::new_empty_simple(SCREEN_CAPS))
            .property("is-live", true)
            .property("do-timestamp", true)
            .property("format", gst::Format::Time)
            // The service holds back a presenter that is ahead; what it did accept must never block it.
            .property("max-bytes", 0u64)
            .property("block", false)
            .build()
            .map_err(PipelineError::build)?;
        let relay = factory("screenrelay")?.create().name("relay").build().map_err(PipelineError::build)?;
        pipeline.add_many([&source, &relay]).map_err(PipelineError::build)?;
        source.link(&relay).map_err(PipelineError::build)?;

        let (events, receiver) = unbounded_channel();
        let presenters = Arc::new(Presenters::default());
        watch_source_pad(&source, &presenters, &events);
        listen(&pipeline, &events);

        pipeline
            .set_state(gst::State::Playing)
            .map_err(|_| PipelineError::start(None, "The meeting's relay did not start."))?;
        let source = source.downcast().expect("the factory appsrc makes an AppSrc");
        Ok((Self { pipeline, source, relay, presenters, events }, receiver))
    }

    /// Hands over a piece of the presenter's stream, cut anywhere. Never blocks.
    pub fn push(&self, bytes: Bytes) -> Result<(), PipelineError> {
        if bytes.is_empty() {
            return Ok(());
        }
        self.source
            .push_buffer(gst::Buffer::from_slice(bytes))
            .map(|_| ())
            .map_err(|flow| PipelineError::Closed(flow.to_string()))
    }

    /// The next bytes come from another presenter: half a record is forgotten, the held screen stays. Never blocks.
    ///
    /// It travels in line with the bytes, so the former presenter's last whole records are still shown.
    pub fn presenter_changed(&self) {
        let number = self.presenters.announced.fetch_add(1, Ordering::SeqCst) + 1;
        let start = gst::event::StreamStart::builder(&format!("{STREAM_ID_PREFIX}{number}")).build();
        if !self.source.send_event(start) {
            // Only a stopped pipeline refuses an event; its viewers' channels are closed.
            tracing::debug!(number, "the relay takes no new presenter any more");
        }
    }

    /// A new viewer and its bytes: whole records, first the whole screen as it is now. With `video` films come as they are, which are VP8,
    /// with `series` graphics that are coded one after another; else each as pictures that stand alone.
    ///
    /// The channel closes when the pipeline stops.
    pub fn watch(
        &self,
        video: bool,
        series: bool,
    ) -> Result<(Viewer, UnboundedReceiver<Bytes>), PipelineError> {
        let (sender, receiver) = unbounded_channel();
        let viewer = self.seat(video, series, move |bytes| sender.send(bytes).is_ok())?;
        Ok((viewer, receiver))
    }

    /// A viewer in this process, whose bytes are handed on as they come, until that returns `false`.
    pub(crate) fn read(
        self: &Arc<Self>,
        video: bool,
        hand_on: impl Fn(Bytes) -> bool + Send + 'static,
    ) -> Result<Reader, PipelineError> {
        let viewer = self.seat(video, true, hand_on)?;
        Ok(Reader { viewer, _meeting: Arc::clone(self) })
    }

    /// Stops the relay; every viewer's channel closes.
    pub fn stop(self) {
        drop(self);
    }

    /// Links the viewer's sink to a pad of its own. What fails takes the sink out again, as the viewer is dropped.
    fn seat(
        &self,
        video: bool,
        series: bool,
        hand_on: impl Fn(Bytes) -> bool + Send + 'static,
    ) -> Result<Viewer, PipelineError> {
        let sink = viewer_sink(hand_on, self.events.clone());
        self.pipeline.add(&sink).map_err(PipelineError::build)?;
        let element = sink.upcast_ref::<gst::Element>();
        let sink_pad = element.static_pad("sink").expect("an appsink has a sink pad");
        let mut viewer = Viewer {
            pipeline: self.pipeline.clone(),
            relay: self.relay.clone(),
            relay_pad: None,
            sink: sink.clone(),
            sink_pad: sink_pad.clone(),
        };

        element
            .sync_state_with_parent()
            .map_err(|error| PipelineError::Build(format!("a viewer's sink did not start: {error}")))?;
        let relay_pad = self
            .relay
            .request_pad_simple("src_%u")
            .ok_or_else(|| PipelineError::Build("the relay has no place for another viewer".into()))?;
        viewer.relay_pad = Some(relay_pad.clone());
        relay_pad.set_property("acknowledge", true);
        relay_pad.set_property("video", video);
        relay_pad.set_property("series", series);
        relay_pad
            .link(&sink_pad)
            .map_err(|error| PipelineError::Build(format!("a viewer could not be linked: {error}")))?;
        Ok(viewer)
    }
}

impl Drop for MeetingPipeline {
    fn drop(&mut self) {
        // Stopping a pipeline of these elements waits for no network and for nobody's channel.
        if let Err(error) = self.pipeline.set_state(gst::State::Null) {
            tracing::warn!(%error, "a meeting's pipeline did not stop");
        }
        for element in self.pipeline.children() {
            if let Some(sink) = element.downcast_ref::<gst_app::AppSink>() {
                close(sink);
            }
        }
    }
}

/// A viewer's place at the relay. Dropping it leaves.
pub struct Viewer {
    /// Held: a sink that stops posts to its pipeline's bus, also when the meeting is over.
    pipeline: gst::Pipeline,
    relay: gst::Element,
    relay_pad: Option<gst::Pad>,
    sink: gst_app::AppSink,
    sink_pad: gst::Pad,
}

impl Viewer {
    /// The viewer has painted so many bytes since it came. Never blocks.
    pub fn painted(&self, bytes: u64) {
        tell_painted(&self.sink_pad, bytes);
    }
}

/// A viewer in this process. Dropping it leaves.
pub(crate) struct Reader {
    viewer: Viewer,
    /// A viewer that leaves posts messages to the pipeline's bus, which has to be there for that.
    _meeting: Arc<MeetingPipeline>,
}

impl Reader {
    /// Tells how many bytes are painted, from wherever that becomes known.
    pub(crate) fn painter(&self) -> impl Fn(u64) + Send + Sync + 'static {
        let pad = self.viewer.sink_pad.clone();
        move |bytes| tell_painted(&pad, bytes)
    }
}

fn tell_painted(sink: &gst::Pad, bytes: u64) {
    let painted = gst::Structure::builder(PAINTED_EVENT).field("bytes", bytes).build();
    // It is refused when the viewer's pad is going away, and then nobody needs the number.
    sink.push_event(gst::event::CustomUpstream::new(painted));
}

/// How many bytes are painted, if an event says that.
pub(crate) fn painted_of(event: &gst::Event) -> Option<u64> {
    event.structure().filter(|structure| structure.name() == PAINTED_EVENT)?.get("bytes").ok()
}

impl Drop for Viewer {
    fn drop(&mut self) {
        // First the relay forgets the viewer, so that nothing is pushed into a sink that stops.
        if let Some(pad) = self.relay_pad.take() {
            let _ = pad.unlink(&self.sink_pad);
            self.relay.release_request_pad(&pad);
        }
        // Held in its last state, so that a pipeline that changes its own state does not start it again.
        self.sink.set_locked_state(true);
        let _ = self.sink.set_state(gst::State::Null);
        // It is refused when the sink never came in.
        let _ = self.pipeline.remove(&self.sink);
        close(&self.sink);
    }
}

/// Hands every buffer on as it comes, without copying it.
fn viewer_sink(
    hand_on: impl Fn(Bytes) -> bool + Send + 'static,
    events: UnboundedSender<MeetingEvent>,
) -> gst_app::AppSink {
    let viewer = Mutex::new(Some(hand_on));
    let callbacks = gst_app::AppSinkCallbacks::builder()
        .new_sample(move |sink| {
            let sample = sink.pull_sample().map_err(|_| gst::FlowError::Eos)?;
            let Some(buffer) = sample.buffer_owned() else { return Ok(gst::FlowSuccess::Ok) };
            let Ok(mapped) = buffer.into_mapped_buffer_readable() else {
                let _ = events.send(MeetingEvent::Failed("The relay's memory cannot be read.".into()));
                return Err(gst::FlowError::Error);
            };
            let mut viewer = viewer.lock();
            // A viewer who no longer listens is about to be dropped. An error here would end the others' streams too.
            if viewer.as_ref().is_some_and(|hand_on| !hand_on(Bytes::from_owner(mapped))) {
                *viewer = None;
            }
            Ok(gst::FlowSuccess::Ok)
        })
        .build();
    gst_app::AppSink::builder()
        .sync(false)
        .async_(false)
        .enable_last_sample(false)
        .callbacks(callbacks)
        .build()
}

/// Drops the sink's end of its viewer's channel.
fn close(sink: &gst_app::AppSink) {
    sink.set_callbacks(gst_app::AppSinkCallbacks::builder().build());
}

/// Sees which presenter's bytes go down and how many of them the relay says it has taken.
fn watch_source_pad(
    source: &gst::Element,
    presenters: &Arc<Presenters>,
    events: &UnboundedSender<MeetingEvent>,
) {
    let pad = source.static_pad("src").expect("an appsrc has a source pad");
    let seen = presenters.clone();
    pad.add_probe(gst::PadProbeType::EVENT_DOWNSTREAM, move |_, info| {
        if let Some(gst::EventView::StreamStart(start)) = info.event().map(|event| event.view())
            && let Some(number) =
                start.stream_id().strip_prefix(STREAM_ID_PREFIX).and_then(|number| number.parse().ok())
        {
            seen.arrived.store(number, Ordering::SeqCst);
        }
        gst::PadProbeReturn::Ok
    });

    let presenters = presenters.clone();
    let events = events.clone();
    pad.add_probe(gst::PadProbeType::EVENT_UPSTREAM, move |_, info| {
        let Some(bytes) = info.event().and_then(painted_of) else { return gst::PadProbeReturn::Ok };
        let of_this_presenter =
            presenters.announced.load(Ordering::SeqCst) == presenters.arrived.load(Ordering::SeqCst);
        if of_this_presenter {
            let _ = events.send(MeetingEvent::Taken(bytes));
        }
        gst::PadProbeReturn::Handled
    });
}

fn listen(pipeline: &gst::Pipeline, events: &UnboundedSender<MeetingEvent>) {
    let events = events.clone();
    bus::listen(pipeline, move |event| {
        let told = match event {
            BusEvent::Ended
            | BusEvent::MeetingJoined
            | BusEvent::MeetingOver(_)
            | BusEvent::Talkers(_)
            | BusEvent::RecordingHead(_) => {
                return;
            }
            BusEvent::Warning(complaint) if complaint.malformed => {
                MeetingEvent::StreamRefused(complaint.sentence)
            }
            BusEvent::Warning(complaint) => {
                tracing::warn!(complaint.element, complaint.sentence, "the meeting goes on");
                return;
            }
            BusEvent::Error(complaint) => MeetingEvent::Failed(complaint.sentence),
        };
        // Nobody listens any more once the meeting is over.
        let _ = events.send(told);
    });
}
