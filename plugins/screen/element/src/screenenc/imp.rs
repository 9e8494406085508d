//! The hands of `screenenc`.

use std::num::NonZero;
use std::sync::LazyLock;
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use convene_screen::{Encoder, Frame, PixelOrder, SCREEN_SIDE_MAX, ScreenSize};
use gst::glib;
use gst::prelude::*;
use gst::subclass::prelude::*;
use gst_video::{VideoFormat, VideoFrameExt, VideoFrameRef, VideoInfo};
use parking_lot::Mutex;

use super::hands::Hands;
use super::idle::{self, Idle};
use crate::events::{self, Cursor};
use crate::stream;

static CAT: LazyLock<gst::DebugCategory> = LazyLock::new(|| {
    gst::DebugCategory::new("screenenc", gst::DebugColorFlags::empty(), Some("Screen encoder"))
});

const FORMATS: [VideoFormat; 8] = [
    VideoFormat::Bgrx,
    VideoFormat::Bgra,
    VideoFormat::Rgbx,
    VideoFormat::Rgba,
    VideoFormat::Xrgb,
    VideoFormat::Argb,
    VideoFormat::Xbgr,
    VideoFormat::Abgr,
];

/// More do not help: a 1080p screen has twelve blocks.
const THREADS_MAX: u32 = 16;
/// How long a picture is new when it does not say so itself.
const FRAME: gst::ClockTime = gst::ClockTime::from_mseconds(33);
/// What an element takes of a machine without being asked.
const THREADS_UNASKED: usize = 2;

#[derive(Debug, Clone, Default)]
struct Settings {
    threads: u32,
}

#[derive(glib::Properties)]
#[properties(wrapper_type = super::ScreenEnc)]
pub struct ScreenEnc {
    #[property(
        name = "threads",
        nick = "Threads",
        blurb = "How many threads may work at a large update, from the next start on; 0 for two, or one where there is but one core",
        get,
        set,
        type = u32,
        member = threads,
        maximum = THREADS_MAX
    )]
    settings: std::sync::Mutex<Settings>,
    sinkpad: gst::Pad,
    srcpad: gst::Pad,
    state: Mutex<State>,
    idle: Idle,
}

#[derive(Default)]
struct State {
    encoder: Encoder,
    picture: Option<Picture>,
    segment: gst::FormattedSegment<gst::ClockTime>,
    /// Of the last picture; an update between two pictures has it too.
    pts: Option<gst::ClockTime>,
    time: Duration,
    /// The task does nothing before: a picture that waited while it sent something comes first.
    rests_until: Duration,
    /// Of a live source; asked for when something is to be sharpened first.
    latency: Option<Option<gst::ClockTime>>,
}

/// What the caps say about the pictures.
#[derive(Clone)]
struct Picture {
    info: VideoInfo,
    size: ScreenSize,
    order: PixelOrder,
}

impl ScreenEnc {
    fn chain(&self, buffer: gst::Buffer) -> Result<gst::FlowSuccess, gst::FlowError> {
        gst::trace!(CAT, imp = self, "Picture at {:?}", buffer.pts());
        let came_at = self.obj().current_running_time();
        let update = self.encode(&buffer)?;
        if let Some(update) = update {
            self.push(update, buffer.pts(), buffer.duration())?;
        }
        self.pay_while_new(came_at.zip(buffer.duration().or(Some(FRAME))));
        self.sharpen_when_idle();
        Ok(gst::FlowSuccess::Ok)
    }

    fn encode(&self, buffer: &gst::Buffer) -> Result<Option<Bytes>, gst::FlowError> {
        let mut state = self.state.lock();
        let picture = state.picture.clone().ok_or(gst::FlowError::NotNegotiated)?;
        if let Some(time) = buffer.pts().and_then(|pts| state.segment.to_running_time(pts)) {
            // What was sharpened in an idle moment may have been later.
            state.time = state.time.max(time.into());
            state.pts = buffer.pts();
        }
        let time = state.time;

        let frame = VideoFrameRef::from_buffer_ref_readable(buffer, &picture.info).map_err(|_| {
            gst::error!(CAT, imp = self, "A buffer of {} bytes is no picture of these caps", buffer.size());
            gst::FlowError::Error
        })?;
        let frame = Frame {
            size: picture.size,
            stride: usize::try_from(frame.plane_stride()[0]).map_err(|_| gst::FlowError::NotSupported)?,
            order: picture.order,
            pixels: frame.plane_data(0).map_err(|_| gst::FlowError::Error)?,
        };
        Ok(state.encoder.frame(frame, time))
    }

    /// Sends what an update had no room for, until the next picture is due.
    fn pay_while_new(&self, frame: Option<(gst::ClockTime, gst::ClockTime)>) {
        let is_new = |(came_at, duration): (gst::ClockTime, gst::ClockTime)| {
            self.obj().current_running_time().is_some_and(|now| now < came_at + duration)
        };
        while self.state.lock().encoder.owes() && frame.is_some_and(is_new) {
            if !self.refine_at(Duration::ZERO) {
                return;
            }
        }
    }

    fn push(
        &self,
        update: Bytes,
        pts: Option<gst::ClockTime>,
        duration: Option<gst::ClockTime>,
    ) -> Result<gst::FlowSuccess, gst::FlowError> {
        gst::log!(CAT, imp = self, "Update of {} bytes at {pts:?}", update.len());
        let mut buffer = stream::buffer(update, pts);
        buffer.get_mut().expect("nobody else has seen the buffer yet").set_duration(duration);
        self.srcpad.push(buffer).inspect_err(|_| {
            // The update is lost, so a reader can no longer follow.
            self.state.lock().encoder.restart();
        })
    }

    fn sink_event(&self, event: gst::Event) -> bool {
        use gst::EventView;
        match event.view() {
            EventView::Caps(caps) => return self.take_caps(caps.caps()),
            EventView::Segment(segment) => {
                if let Ok(segment) = segment.segment().clone().downcast() {
                    self.state.lock().segment = segment;
                }
            }
            // Nothing changes any more, so there is time to sharpen what was sent lossy.
            EventView::Eos(_) => self.refine(),
            EventView::StreamStart(_) | EventView::FlushStop(_) => {
                let mut state = self.state.lock();
                state.encoder.forget();
                state.time = Duration::ZERO;
                state.rests_until = Duration::ZERO;
                state.latency = None;
            }
            EventView::CustomDownstream(custom) => {
                if let Some(cursor) = custom.structure().and_then(Cursor::parse) {
                    // Between two pictures, in the streaming thread: it need not wait for the next one.
                    return cursor.is_ok_and(|cursor| self.take_cursor(cursor)) && self.push_cursor();
                }
                if gst_video::ForceKeyUnitEvent::is(&event) {
                    self.state.lock().encoder.restart();
                }
            }
            EventView::CustomDownstreamOob(custom) => {
                if let Some(cursor) = custom.structure().and_then(Cursor::parse) {
                    return cursor.is_ok_and(|cursor| self.take_cursor(cursor));
                }
            }
            _ => {}
        }
        gst::Pad::event_default(&self.sinkpad, Some(&*self.obj()), event)
    }

    fn take_caps(&self, caps: &gst::CapsRef) -> bool {
        let picture = VideoInfo::from_caps(caps).ok().and_then(|info| {
            Some(Picture {
                size: ScreenSize::new(info.width(), info.height())?,
                order: pixel_order(info.format())?,
                info,
            })
        });
        let Some(picture) = picture else {
            gst::element_imp_error!(
                self,
                gst::StreamError::Format,
                ("A screen of these caps cannot be encoded: {caps}. The most is 16,384 pixels a side and 33,554,432 in all.")
            );
            return false;
        };
        gst::debug!(
            CAT,
            imp = self,
            "Pictures of {} x {} pixels",
            picture.info.width(),
            picture.info.height()
        );
        self.state.lock().picture = Some(picture);
        self.srcpad.push_event(gst::event::Caps::new(&stream::caps()))
    }

    fn take_cursor(&self, cursor: Cursor) -> bool {
        let mut state = self.state.lock();
        match cursor {
            Cursor::Place { x, y, visible } => state.encoder.move_cursor(x, y, visible),
            Cursor::Shape { hot, width, height, pixels } => {
                let Ok(pixels) = pixels.map_readable() else {
                    return false;
                };
                if let Err(error) = state.encoder.shape_cursor(hot, width, height, &pixels) {
                    drop(state);
                    gst::warning!(CAT, imp = self, "A cursor was refused: {error}");
                    return false;
                }
            }
        }
        true
    }

    fn push_cursor(&self) -> bool {
        let (update, pts) = {
            let mut state = self.state.lock();
            let time = state.time;
            (state.encoder.cursor_update(time), state.pts)
        };
        update.is_none_or(|update| self.push(update, pts, None).is_ok())
    }

    /// Sends all that is still to be exact, each piece with the time at which it would have been due.
    fn refine(&self) {
        // The encoder refines when it is due; whatever it does, this ends.
        while let Some(due) = self.next_refinement_at() {
            if !self.refine_at(due) {
                return;
            }
        }
    }

    fn next_refinement_at(&self) -> Option<Duration> {
        self.state.lock().encoder.next_refinement_at()
    }

    /// Sends what is due at this time; whether there was something, and somebody to take it.
    fn refine_at(&self, due: Duration) -> bool {
        let (update, pts) = {
            let mut state = self.state.lock();
            let time = due.max(state.time);
            let waited = gst::ClockTime::try_from(time - state.time).unwrap_or_default();
            state.time = time;
            state.pts = state.pts.map(|pts| pts + waited);
            (state.encoder.refine(time), state.pts)
        };
        update.is_some_and(|update| self.push(update, pts, None).is_ok())
    }

    /// The next picture may be long in coming.
    fn sharpen_when_idle(&self) {
        if self.next_refinement_at().is_none() || !self.is_live() {
            return;
        }
        let _state = self.state.lock();
        let this = self.downgrade();
        let started = self.srcpad.start_task(move || {
            if let Some(this) = this.upgrade() {
                Self::catch_panic_pad_function(Some(this.obj().upcast_ref()), || (), Self::sharpen);
            }
        });
        if started.is_err() {
            gst::warning!(
                CAT,
                imp = self,
                "No task can be started: what rests is sharpened with the next picture"
            );
        }
    }

    /// Nobody is asked while the state is locked.
    fn is_live(&self) -> bool {
        let known = self.state.lock().latency;
        let latency = known.unwrap_or_else(|| idle::live_latency(&self.sinkpad));
        self.state.lock().latency = Some(latency);
        latency.is_some()
    }

    /// One turn of the task.
    fn sharpen(&self) {
        let (due, latency) = {
            let state = self.state.lock();
            let due = state.encoder.next_refinement_at().map(|due| due.max(state.rests_until));
            let due = due.zip(state.latency.flatten());
            let Some(due) = due else {
                // While the state is locked, nobody finds that there is something to do.
                let _ = self.srcpad.pause_task();
                return;
            };
            due
        };
        if !self.idle.wait_until(self.obj().upcast_ref(), due, latency) {
            let _ = self.srcpad.pause_task();
            return;
        }
        let _streaming = self.sinkpad.stream_lock();
        // Meanwhile a picture may have come, and all is later.
        let is_due = self.next_refinement_at().is_some_and(|now_due| now_due <= due);
        if is_due && !self.refine_at(due) {
            let _ = self.srcpad.pause_task();
        }
        let now = self.obj().current_running_time();
        self.state.lock().rests_until = now.map_or(Duration::ZERO, |now| (now + FRAME).into());
    }

    /// As the property says.
    fn threads(&self) -> usize {
        let asked = self.settings.lock().expect("no property's setter panics").threads as usize;
        match asked {
            0 => thread::available_parallelism().map_or(1, NonZero::get).min(THREADS_UNASKED),
            asked => asked,
        }
    }

    fn sink_query(&self, query: &mut gst::QueryRef) -> bool {
        if let gst::QueryViewMut::Allocation(allocation) = query.view_mut() {
            // Rows may be padded.
            allocation.add_allocation_meta::<gst_video::VideoMeta>(None);
            return true;
        }
        gst::Pad::query_default(&self.sinkpad, Some(&*self.obj()), query)
    }

    fn src_event(&self, event: gst::Event) -> bool {
        if gst_video::ForceKeyUnitEvent::is(&event) {
            gst::debug!(CAT, imp = self, "Asked to begin anew");
            self.state.lock().encoder.restart();
            self.sharpen_when_idle();
            return true;
        }
        if let Some(line) = events::parse_line(&event) {
            gst::debug!(CAT, imp = self, "{line:?}");
            let encoder = &mut self.state.lock().encoder;
            encoder.set_line(line.bits_a_second.map(|bits| bits.try_into().unwrap_or(u32::MAX)));
            encoder.set_update_bytes(Some(line.update_bytes.try_into().unwrap_or(usize::MAX)));
            return true;
        }
        gst::Pad::event_default(&self.srcpad, Some(&*self.obj()), event)
    }
}

fn pixel_order(format: VideoFormat) -> Option<PixelOrder> {
    match format {
        VideoFormat::Bgrx | VideoFormat::Bgra => Some(PixelOrder::Bgrx),
        VideoFormat::Rgbx | VideoFormat::Rgba => Some(PixelOrder::Rgbx),
        VideoFormat::Xrgb | VideoFormat::Argb => Some(PixelOrder::Xrgb),
        VideoFormat::Xbgr | VideoFormat::Abgr => Some(PixelOrder::Xbgr),
        _ => None,
    }
}

#[glib::object_subclass]
impl ObjectSubclass for ScreenEnc {
    const NAME: &'static str = "ConveneScreenEnc";
    type Type = super::ScreenEnc;
    type ParentType = gst::Element;

    fn with_class(klass: &Self::Class) -> Self {
        let template = klass.pad_template("sink").expect("the class has this template");
        let sinkpad = gst::Pad::builder_from_template(&template)
            .chain_function(|_, parent, buffer| {
                Self::catch_panic_pad_function(
                    parent,
                    || Err(gst::FlowError::Error),
                    |this| this.chain(buffer),
                )
            })
            .event_function(|_, parent, event| {
                Self::catch_panic_pad_function(parent, || false, |this| this.sink_event(event))
            })
            .query_function(|_, parent, query| {
                Self::catch_panic_pad_function(parent, || false, |this| this.sink_query(query))
            })
            .build();

        let template = klass.pad_template("src").expect("the class has this template");
        let srcpad = gst::Pad::builder_from_template(&template)
            .event_function(|_, parent, event| {
                Self::catch_panic_pad_function(parent, || false, |this| this.src_event(event))
            })
            .flags(gst::PadFlags::FIXED_CAPS)
            .build();

        Self {
            settings: std::sync::Mutex::default(),
            sinkpad,
            srcpad,
            state: Mutex::default(),
            idle: Idle::default(),
        }
    }
}

#[glib::derived_properties]
impl ObjectImpl for ScreenEnc {
    fn constructed(&self) {
        self.parent_constructed();
        let obj = self.obj();
        obj.add_pad(&self.sinkpad).expect("a new element has no pads yet");
        obj.add_pad(&self.srcpad).expect("a new element has one pad of another name");
    }
}

impl GstObjectImpl for ScreenEnc {}

impl ElementImpl for ScreenEnc {
    fn metadata() -> Option<&'static gst::subclass::ElementMetadata> {
        static METADATA: LazyLock<gst::subclass::ElementMetadata> = LazyLock::new(|| {
            gst::subclass::ElementMetadata::new(
                "Convene screen encoder",
                "Codec/Encoder/Video",
                "Turns pictures of a screen into a screen stream that carries what changes, exact to the pixel",
                "Convene",
            )
        });
        Some(&METADATA)
    }

    fn pad_templates() -> &'static [gst::PadTemplate] {
        static TEMPLATES: LazyLock<Vec<gst::PadTemplate>> = LazyLock::new(|| {
            let sides = 1..=i32::from(SCREEN_SIDE_MAX);
            let pictures = gst_video::VideoCapsBuilder::new()
                .format_list(FORMATS)
                .width_range(sides.clone())
                .height_range(sides)
                .build();
            vec![
                gst::PadTemplate::new("sink", gst::PadDirection::Sink, gst::PadPresence::Always, &pictures)
                    .expect("a good template"),
                gst::PadTemplate::new(
                    "src",
                    gst::PadDirection::Src,
                    gst::PadPresence::Always,
                    &stream::caps(),
                )
                .expect("a good template"),
            ]
        });
        &TEMPLATES
    }

    fn change_state(
        &self,
        transition: gst::StateChange,
    ) -> Result<gst::StateChangeSuccess, gst::StateChangeError> {
        if transition == gst::StateChange::ReadyToPaused {
            let encoder = Encoder::with_crew(Box::new(Hands { threads: self.threads() }));
            *self.state.lock() = State { encoder, ..State::default() };
            self.idle.reset();
        }
        if transition == gst::StateChange::PausedToReady {
            self.idle.stop();
        }
        let success = self.parent_change_state(transition)?;
        if transition == gst::StateChange::PausedToReady {
            let _ = self.srcpad.stop_task();
            *self.state.lock() = State::default();
        }
        Ok(success)
    }
}
