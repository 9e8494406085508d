//! The hands of `screendec`.

use std::sync::LazyLock;

use convene_screen::{Decoder, SCREEN_SIDE_MAX, ScreenSize, StreamError};
use gst::glib;
use gst::prelude::*;
use gst::subclass::prelude::*;
use gst_video::VideoFormat;
use parking_lot::Mutex;

use super::pointer;
use super::timeline::Timeline;
use crate::{events, stream};

static CAT: LazyLock<gst::DebugCategory> = LazyLock::new(|| {
    gst::DebugCategory::new("screendec", gst::DebugColorFlags::empty(), Some("Screen decoder"))
});

#[derive(Debug, Clone)]
struct Settings {
    draw_cursor: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self { draw_cursor: true }
    }
}

#[derive(glib::Properties)]
#[properties(wrapper_type = super::ScreenDec)]
pub struct ScreenDec {
    #[property(
        name = "draw-cursor",
        nick = "Draw cursor",
        blurb = "Draw the pointer into the pictures",
        get,
        set,
        type = bool,
        member = draw_cursor,
        default = true
    )]
    settings: std::sync::Mutex<Settings>,
    sinkpad: gst::Pad,
    srcpad: gst::Pad,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    decoder: Decoder,
    timeline: Timeline,
    /// Bytes of this stream since the last flush or stream start.
    received: u64,
    /// Bytes before that; upstream counts on.
    acknowledged_before: u64,
    /// Upstream was asked to begin anew and has not done so yet.
    asked_to_begin: bool,
    /// Upstream's segment counts bytes, as a file's does, or anything but time.
    segment: Option<gst::Segment>,
    /// What may only follow the caps, which the first update brings.
    held_back: Vec<gst::Event>,
    screen: Option<Screen>,
}

/// What the downstream caps say, and the memory for such pictures.
struct Screen {
    size: ScreenSize,
    pool: gst::BufferPool,
}

/// One picture, and what has to go downstream before it.
struct Showing {
    events: Vec<gst::Event>,
    picture: gst::Buffer,
    painted: u64,
}

impl ScreenDec {
    fn chain(&self, buffer: gst::Buffer) -> Result<gst::FlowSuccess, gst::FlowError> {
        gst::trace!(CAT, imp = self, "{} bytes at {:?}", buffer.size(), buffer.pts());
        if self.cannot_begin_with(&buffer) {
            return Ok(gst::FlowSuccess::Ok);
        }
        {
            let bytes = buffer.map_readable().map_err(|_| gst::FlowError::Error)?;
            let mut state = self.state.lock();
            state.decoder.push(&bytes);
            state.received += bytes.len() as u64;
        }
        while let Some(showing) = self.next_showing(buffer.pts())? {
            for event in showing.events {
                self.srcpad.push_event(event);
            }
            self.srcpad.push(showing.picture)?;
            self.sinkpad.push_event(events::painted(showing.painted));
        }
        Ok(gst::FlowSuccess::Ok)
    }

    /// In the middle of a stream, as behind a `tee`: ask for the beginning, and wait for it.
    fn cannot_begin_with(&self, buffer: &gst::Buffer) -> bool {
        let ask = {
            let mut state = self.state.lock();
            if state.received != 0 || !buffer.flags().contains(gst::BufferFlags::DELTA_UNIT) {
                state.asked_to_begin = false;
                return false;
            }
            !std::mem::replace(&mut state.asked_to_begin, true)
        };
        if ask {
            gst::debug!(
                CAT,
                imp = self,
                "Cannot begin in the middle of a stream; asking upstream to begin anew"
            );
            self.sinkpad.push_event(events::begin_anew());
        }
        true
    }

    fn next_showing(&self, pts: Option<gst::ClockTime>) -> Result<Option<Showing>, gst::FlowError> {
        let draw_cursor = self.settings.lock().expect("no holder of the settings panics").draw_cursor;
        let mut state = self.state.lock();
        loop {
            match state.decoder.next_update() {
                Ok(Some(shown)) => {
                    let placed = state.timeline.place(shown.time_us);
                    let pts = pts.unwrap_or(gst::ClockTime::from_useconds(placed));
                    if let Some(showing) = self.show(&mut state, pts, draw_cursor)? {
                        return Ok(Some(showing));
                    }
                }
                Ok(None) => return Ok(None),
                Err(error) => {
                    drop(state);
                    self.refuse(&error);
                    return Err(gst::FlowError::Error);
                }
            }
        }
    }

    /// `None` for an update of a stream that has not named its size yet.
    fn show(
        &self,
        state: &mut State,
        pts: gst::ClockTime,
        draw_cursor: bool,
    ) -> Result<Option<Showing>, gst::FlowError> {
        let Some(size) = state.decoder.canvas().map(|canvas| canvas.size()) else {
            return Ok(None);
        };
        let mut events = Vec::new();
        if state.screen.as_ref().is_none_or(|screen| screen.size != size) {
            gst::debug!(CAT, imp = self, "The screen has {} x {} pixels", size.width(), size.height());
            let (screen, caps) = Screen::new(size)?;
            state.screen = Some(screen);
            events.push(gst::event::Caps::new(&caps));
        }
        if state.segment.as_ref().is_some_and(|segment| segment.format() != gst::Format::Time) {
            // A stream that was recorded late begins late by its own times; it is to be shown at once.
            let mut segment = gst::FormattedSegment::<gst::ClockTime>::new();
            segment.set_start(pts);
            events.push(gst::event::Segment::new(&segment));
            state.segment = None;
        }
        events.append(&mut state.held_back);

        let screen = state.screen.as_ref().expect("made above");
        let mut picture = screen.pool.acquire_buffer(None)?;
        {
            let fresh = picture.get_mut().expect("nobody else has seen the buffer yet");
            fresh.set_pts(pts);
            let mut pixels = fresh.map_writable().map_err(|_| gst::FlowError::Error)?;
            pixels.copy_from_slice(state.decoder.canvas().expect("seen above").pixels());
            if draw_cursor {
                pointer::draw(&mut pixels, size, state.decoder.cursor());
            }
        }
        let painted = state.acknowledged_before + state.decoder.painted_bytes();
        Ok(Some(Showing { events, picture, painted }))
    }

    fn refuse(&self, error: &StreamError) {
        gst::element_imp_error!(
            self,
            gst::StreamError::Decode,
            ("The screen cannot be shown any further: {error}.")
        );
    }

    fn sink_event(&self, event: gst::Event) -> bool {
        use gst::EventView;
        match event.view() {
            EventView::Caps(_) => return true,
            EventView::Segment(segment) => return self.take_segment(segment.segment(), &event),
            EventView::StreamStart(_) | EventView::FlushStop(_) => self.state.lock().begin(),
            EventView::Eos(_) => self.finish(),
            _ if event.is_sticky() => {
                let mut state = self.state.lock();
                if state.screen.is_none() {
                    state.held_back.push(event);
                    return true;
                }
            }
            // Nobody can do anything with a gap in something that they do not know yet.
            EventView::Gap(_) if self.state.lock().screen.is_none() => return true,
            _ => {}
        }
        gst::Pad::event_default(&self.sinkpad, Some(&*self.obj()), event)
    }

    /// A segment in time is upstream's business and goes on; for any other we make our own with the first picture.
    fn take_segment(&self, segment: &gst::Segment, event: &gst::Event) -> bool {
        let mut state = self.state.lock();
        state.segment = Some(segment.clone());
        if segment.format() != gst::Format::Time {
            return true;
        }
        if state.screen.is_none() {
            state.held_back.push(event.clone());
            return true;
        }
        drop(state);
        self.srcpad.push_event(event.clone())
    }

    /// Says what is missing; all whole updates are shown already.
    fn finish(&self) {
        let (result, empty_file, held_back) = {
            let mut state = self.state.lock();
            let is_file =
                state.segment.as_ref().is_some_and(|segment| segment.format() == gst::Format::Bytes);
            (state.decoder.finish(), is_file && state.received == 0, std::mem::take(&mut state.held_back))
        };
        match result {
            Err(error) => self.refuse(&error),
            Ok(()) if empty_file => {
                gst::element_imp_error!(
                    self,
                    gst::StreamError::WrongType,
                    ("This is not a screen stream: it is empty.")
                );
            }
            Ok(()) => {}
        }
        for event in held_back {
            self.srcpad.push_event(event);
        }
    }
}

impl State {
    /// Forgets the stream so far: what comes next begins one.
    fn begin(&mut self) {
        self.decoder = Decoder::new();
        self.acknowledged_before += std::mem::take(&mut self.received);
        self.asked_to_begin = false;
    }
}

impl Screen {
    fn new(size: ScreenSize) -> Result<(Self, gst::Caps), gst::FlowError> {
        let info =
            gst_video::VideoInfo::builder(VideoFormat::Bgrx, size.width().into(), size.height().into())
                .fps(gst::Fraction::new(0, 1))
                .build()
                .map_err(|_| gst::FlowError::NotNegotiated)?;
        let caps = info.to_caps().map_err(|_| gst::FlowError::NotNegotiated)?;

        let pool = gst::BufferPool::new();
        let mut config = pool.config();
        config.set_params(Some(&caps), info.size() as u32, 0, 0);
        pool.set_config(config).and_then(|()| pool.set_active(true)).map_err(|_| gst::FlowError::Error)?;
        Ok((Self { size, pool }, caps))
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // Pictures that are still out there are freed when they come back; a pool that will not stop is freed with the last of them.
        let _ = self.pool.set_active(false);
    }
}

#[glib::object_subclass]
impl ObjectSubclass for ScreenDec {
    const NAME: &'static str = "ConveneScreenDec";
    type Type = super::ScreenDec;
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
            .build();

        let template = klass.pad_template("src").expect("the class has this template");
        let srcpad = gst::Pad::builder_from_template(&template).flags(gst::PadFlags::FIXED_CAPS).build();

        Self { settings: Default::default(), sinkpad, srcpad, state: Mutex::default() }
    }
}

#[glib::derived_properties]
impl ObjectImpl for ScreenDec {
    fn constructed(&self) {
        self.parent_constructed();
        let obj = self.obj();
        obj.add_pad(&self.sinkpad).expect("a new element has no pads yet");
        obj.add_pad(&self.srcpad).expect("a new element has one pad of another name");
    }
}

impl GstObjectImpl for ScreenDec {}

impl ElementImpl for ScreenDec {
    fn metadata() -> Option<&'static gst::subclass::ElementMetadata> {
        static METADATA: LazyLock<gst::subclass::ElementMetadata> = LazyLock::new(|| {
            gst::subclass::ElementMetadata::new(
                "Convene screen decoder",
                "Codec/Decoder/Video",
                "Shows a screen stream: one picture an update",
                "Convene",
            )
        });
        Some(&METADATA)
    }

    fn pad_templates() -> &'static [gst::PadTemplate] {
        static TEMPLATES: LazyLock<Vec<gst::PadTemplate>> = LazyLock::new(|| {
            let sides = 1..=i32::from(SCREEN_SIDE_MAX);
            let pictures = gst_video::VideoCapsBuilder::new()
                .format(VideoFormat::Bgrx)
                .width_range(sides.clone())
                .height_range(sides)
                .build();
            vec![
                gst::PadTemplate::new(
                    "sink",
                    gst::PadDirection::Sink,
                    gst::PadPresence::Always,
                    &stream::caps(),
                )
                .expect("a good template"),
                gst::PadTemplate::new("src", gst::PadDirection::Src, gst::PadPresence::Always, &pictures)
                    .expect("a good template"),
            ]
        });
        &TEMPLATES
    }

    fn change_state(
        &self,
        transition: gst::StateChange,
    ) -> Result<gst::StateChangeSuccess, gst::StateChangeError> {
        let success = self.parent_change_state(transition)?;
        if transition == gst::StateChange::PausedToReady {
            *self.state.lock() = State::default();
        }
        Ok(success)
    }
}
