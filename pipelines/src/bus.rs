//! The one place where a pipeline's bus is read and becomes typed events.
//!
//! The bus is read in the thread that posts, so there is no thread and no main loop for it. Whoever listens must return at once:
//! it may send into an unbounded channel or set an atomic, and nothing else.

use std::sync::Arc;

use bytes::Bytes;
use gst::prelude::*;
use parking_lot::Mutex;

/// The element message of `screensrc` when the server has let it in.
const MEETING_JOINED: &str = "convene-meeting-joined";
/// The element message of `conferencemixer`: who is heard.
const TALKERS: &str = "convene-talkers";
/// The element message of `meetingrecorder`: what its file should begin with if it was cut off from here on.
const RECORDER_HEAD: &str = "meetingrecorder-head";
/// The element message of `screensink` and `screensrc` when the server ends the meeting.
const MEETING_ENDED: &str = "convene-meeting-ended";

/// What a pipeline says that somebody must know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum BusEvent {
    /// Every sink has seen the end of its stream.
    Ended,
    /// An element cannot go on.
    Error(Complaint),
    /// An element goes on, without something.
    Warning(Complaint),
    /// The meeting has let us in.
    MeetingJoined,
    /// The meeting is over, and this is how the server says it.
    MeetingOver(String),
    /// The mixer's sinks that are heard, by their numbers, the loudest first.
    Talkers(Vec<u32>),
    /// What a recording should begin with if it was cut off from here on.
    RecordingHead(Bytes),
}

/// Who complains, and the sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Complaint {
    pub(crate) element: String,
    /// Where it stands, as GStreamer writes it: the names of what it is a part of, and its own.
    pub(crate) place: String,
    pub(crate) sentence: String,
    /// It is the bytes that are wrong, not who handles them.
    pub(crate) malformed: bool,
}

/// Calls `tell` for every event of this pipeline, from whatever thread posts it.
pub(crate) fn listen(pipeline: &gst::Pipeline, tell: impl Fn(BusEvent) + Send + Sync + 'static) {
    let bus = pipeline.bus().expect("a pipeline always has a bus");
    // What is logged about it belongs to whoever made it, in whatever thread that is.
    let span = tracing::Span::current();
    bus.set_sync_handler(move |_, message| {
        let _in_span = span.enter();
        if let gst::MessageView::Latency(_) = message.view() {
            redistribute_latency(message);
        } else if let Some(event) = read(message) {
            tell(event);
        }
        gst::BusSyncReply::Drop
    });
}

/// The same, and the first error's sentence is kept for whoever starts the pipeline.
pub(crate) fn first_complaint(
    pipeline: &gst::Pipeline,
    tell: impl Fn(BusEvent) + Send + Sync + 'static,
) -> Arc<Mutex<Option<String>>> {
    let first = Arc::new(Mutex::new(None));
    let complaint = first.clone();
    listen(pipeline, move |event| {
        if let BusEvent::Error(error) = &event {
            complaint.lock().get_or_insert_with(|| error.sentence.clone());
        }
        tell(event);
    });
    first
}

fn read(message: &gst::Message) -> Option<BusEvent> {
    let complaint = |error: gst::glib::Error, details: Option<gst::glib::GString>| {
        let element = message.src().map(|source| source.name().to_string()).unwrap_or_default();
        tracing::debug!(element, %error, details = details.as_deref().unwrap_or_default(), "a pipeline complains");
        Complaint {
            element,
            place: message.src().map(|source| source.path_string().to_string()).unwrap_or_default(),
            malformed: error.matches(gst::StreamError::Decode),
            sentence: error.message().to_owned(),
        }
    };

    match message.view() {
        gst::MessageView::Eos(_) => Some(BusEvent::Ended),
        gst::MessageView::Error(error) => Some(BusEvent::Error(complaint(error.error(), error.debug()))),
        gst::MessageView::Warning(warning) => {
            Some(BusEvent::Warning(complaint(warning.error(), warning.debug())))
        }
        gst::MessageView::Element(element) => {
            let structure = element.structure()?;
            match structure.name().as_str() {
                MEETING_JOINED => Some(BusEvent::MeetingJoined),
                MEETING_ENDED => Some(BusEvent::MeetingOver(structure.get("message").unwrap_or_default())),
                RECORDER_HEAD => head(structure).map(BusEvent::RecordingHead),
                TALKERS => Some(BusEvent::Talkers(numbers(structure))),
                _ => None,
            }
        }
        _ => None,
    }
}

fn head(told: &gst::StructureRef) -> Option<Bytes> {
    let head = told.get::<gst::Buffer>("head").ok()?;
    head.into_mapped_buffer_readable().ok().map(Bytes::from_owner)
}

fn numbers(talkers: &gst::StructureRef) -> Vec<u32> {
    let sinks = talkers.get::<gst::Array>("sinks").map(|sinks| sinks.as_slice().to_vec()).unwrap_or_default();
    let number = |sink: &gst::glib::SendValue| sink.get::<&str>().ok()?.strip_prefix("sink_")?.parse().ok();
    sinks.iter().filter_map(number).collect()
}

/// Asking all elements for their latency takes locks that the posting thread may hold, so it happens in a thread of GStreamer's.
fn redistribute_latency(message: &gst::Message) {
    let mut top = message.src().cloned();
    while let Some(parent) = top.as_ref().and_then(|object| object.parent()) {
        top = Some(parent);
    }
    if let Some(pipeline) = top.and_then(|object| object.downcast::<gst::Pipeline>().ok()) {
        pipeline.call_async(|pipeline| {
            // A pipeline that cannot spread its latency plays as before; nothing is lost.
            let _ = pipeline.recalculate_latency();
        });
    }
}
