//! Presents a screen to a meeting.
//!
//! ```text
//! ximagesrc show-pointer=false use-damage=false ! video/x-raw,framerate=30/1 ! videoconvert ! screenenc
//!     ! screensink location=https://HOST/CODE
//! ```
//!
//! On Wayland `pipewiresrc path=NODE` stands in front instead. The pointer never is part of the pixels: a small thread follows it and
//! tells the encoder, so that a moving pointer costs a few bytes.

use std::sync::Arc;
use std::time::Duration;

use gst::prelude::*;
use parking_lot::Mutex;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::bus::{self, BusEvent};
use crate::cursor::{Display, Part};
use crate::init::{factory, init};
use crate::pointer::PointerThread;
use crate::{Connection, PipelineError};

/// Frames a second when nothing else is said: what a shared screen needs to feel alive.
pub const FPS_DEFAULT: u32 = 30;

/// More than this no screen shows and no line carries.
pub const FPS_MAX: u32 = 120;

/// How often PipeWire repeats a frame of a screen that rests, in milliseconds.
const KEEPALIVE_MS: i32 = 200;

/// What is presented.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PresentSource {
    /// An X11 display, or a part of it.
    X11 {
        /// For example `:1`; without it, `DISPLAY`.
        display: Option<String>,
        /// Which part.
        area: Area,
    },
    /// A PipeWire node that shows a screen, as a Wayland portal hands it out.
    PipeWire {
        /// The node's id.
        node: u32,
    },
}

/// Which part of a display is presented.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Area {
    /// All of it.
    #[default]
    Whole,
    /// One window.
    Window(u32),
    /// One monitor, by the name that RandR gives it: what it shows when the presentation begins.
    Monitor(String),
    /// A rectangle.
    Rect {
        /// Its left edge.
        x: u16,
        /// Its upper edge.
        y: u16,
        /// Its width.
        width: u16,
        /// Its height.
        height: u16,
    },
}

/// What a presenter's pipeline tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PresentEvent {
    /// It has ended as it was told to.
    Ended,
    /// The server has ended the meeting, with this sentence.
    MeetingOver(String),
    /// It cannot go on.
    Failed(String),
}

/// Captures a screen and sends it to a meeting. Dropping it stops at once; [`finish`](Self::finish) first sends what is outstanding.
pub struct PresentPipeline {
    pipeline: gst::Pipeline,
    source: gst::Element,
    /// Ends before the pipeline does, so that no event meets a stopped encoder.
    pointer: Option<PointerThread>,
}

impl PresentPipeline {
    /// Joins the meeting and presents.
    pub fn start(
        source: &PresentSource,
        fps: u32,
        meeting: &Connection,
    ) -> Result<(Self, UnboundedReceiver<PresentEvent>), PipelineError> {
        init()?;
        let sink = meeting.configure(&factory("screensink")?, "meeting").map_err(PipelineError::build)?;
        Self::present(source, fps.clamp(1, FPS_MAX), &sink)
    }

    /// Sends what is outstanding, leaves, and then tells `Ended`.
    pub fn finish(&self) {
        if !self.source.send_event(gst::event::Eos::new()) {
            tracing::debug!("the presentation has ended already");
        }
    }

    fn present(
        source: &PresentSource,
        fps: u32,
        sink: &gst::Element,
    ) -> Result<(Self, UnboundedReceiver<PresentEvent>), PipelineError> {
        let (capture, display) = capture(source)?;
        let encoder = factory("screenenc")?.create().name("encoder").build().map_err(PipelineError::build)?;
        let mut chain = vec![capture.clone()];
        if display.is_some() {
            let rate = i32::try_from(fps).unwrap_or(i32::MAX);
            let caps =
                gst::Caps::builder("video/x-raw").field("framerate", gst::Fraction::new(rate, 1)).build();
            chain.push(
                factory("capsfilter")?
                    .create()
                    .property("caps", caps)
                    .build()
                    .map_err(PipelineError::build)?,
            );
        }
        chain.push(factory("videoconvert")?.create().build().map_err(PipelineError::build)?);
        chain.extend([encoder.clone(), sink.clone()]);

        let pipeline = gst::Pipeline::with_name("present");
        pipeline.add_many(&chain).map_err(PipelineError::build)?;
        gst::Element::link_many(&chain).map_err(PipelineError::build)?;
        let (events, receiver) = unbounded_channel();
        let complaint = listen(&pipeline, events);

        let mut presentation = Self { pipeline, source: capture, pointer: None };
        if presentation.pipeline.set_state(gst::State::Playing).is_err() {
            return Err(PipelineError::start(complaint.lock().take(), "The presentation did not start."));
        }
        presentation.pointer = display.map(|display| {
            let pad = encoder.static_pad("sink").expect("screenenc has a sink pad");
            PointerThread::start(display, pad, Duration::from_secs(1) / fps)
        });
        Ok((presentation, receiver))
    }
}

impl Drop for PresentPipeline {
    fn drop(&mut self) {
        self.pointer = None;
        if let Err(error) = self.pipeline.set_state(gst::State::Null) {
            tracing::warn!(%error, "a presentation's pipeline did not stop");
        }
    }
}

/// Says what to do when the display cannot be reached.
pub fn check_x11(display: Option<&str>) -> Result<(), PipelineError> {
    Display::open(display, &Area::Whole).map(|_| ())
}

/// The element that captures, and the display whose pointer is to be followed.
fn capture(source: &PresentSource) -> Result<(gst::Element, Option<Display>), PipelineError> {
    match source {
        PresentSource::X11 { display, area } => {
            let reached = Display::open(display.as_deref(), area)?;
            // Whole frames through shared memory are exact at one instant; gathering damaged pieces is not, and saves nothing.
            let ximagesrc = factory("ximagesrc")?;
            let mut builder = ximagesrc
                .create()
                .name("screen")
                .property("show-pointer", false)
                .property("use-damage", false)
                .property_if_some("display-name", display.as_ref());
            match reached.part() {
                Part::Whole => {}
                Part::Window(window) => builder = builder.property("xid", u64::from(window)),
                Part::Rect { x, y, width, height } => {
                    builder = builder
                        .property("startx", u32::from(x))
                        .property("starty", u32::from(y))
                        .property("endx", u32::from(x) + u32::from(width) - 1)
                        .property("endy", u32::from(y) + u32::from(height) - 1);
                }
            }
            Ok((builder.build().map_err(PipelineError::build)?, Some(reached)))
        }
        PresentSource::PipeWire { node } => {
            let capture = factory("pipewiresrc")?
                .create()
                .name("screen")
                .property("path", node.to_string())
                .property("do-timestamp", true)
                // PipeWire sends changes only; what was sent lossy is sharpened with a frame that brings none.
                .property("keepalive-time", KEEPALIVE_MS)
                .build()
                .map_err(PipelineError::build)?;
            Ok((capture, None))
        }
    }
}

/// Tells how it ends, once. The first complaint is kept for a pipeline that does not even start.
fn listen(pipeline: &gst::Pipeline, events: UnboundedSender<PresentEvent>) -> Arc<Mutex<Option<String>>> {
    let complaint = Arc::new(Mutex::new(None));
    let first = complaint.clone();
    bus::listen(pipeline, move |event| {
        let told = match event {
            BusEvent::Ended => PresentEvent::Ended,
            BusEvent::MeetingOver(sentence) => PresentEvent::MeetingOver(sentence),
            // Only `screensrc` says it.
            BusEvent::MeetingJoined | BusEvent::Talkers(_) | BusEvent::RecordingHead(_) => return,
            BusEvent::Warning(complaint) => {
                tracing::warn!(complaint.element, complaint.sentence, "the presentation goes on");
                return;
            }
            BusEvent::Error(complaint) => {
                first.lock().get_or_insert_with(|| complaint.sentence.clone());
                PresentEvent::Failed(complaint.sentence)
            }
        };
        // Nobody listens any more once the presentation is dropped.
        let _ = events.send(told);
    });
    complaint
}

#[cfg(test)]
mod tests;
