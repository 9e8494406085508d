//! The hands of the composer.
//!
//! Locks: `state`, `stage` and `tell_end`, one at a time. None is held across a push.

use std::sync::LazyLock;
use std::time::Duration;

use convene_recording::{Pace, Show, Step};
use gst::glib;
use gst::prelude::*;
use gst::subclass::prelude::*;
use parking_lot::{Condvar, Mutex};

use super::Plan;
use super::canvas::Picture;
use super::stage::{Stage, clock_time};

static CAT: LazyLock<gst::DebugCategory> = LazyLock::new(|| {
    gst::DebugCategory::new(
        "meetingrecorder-composer",
        gst::DebugColorFlags::empty(),
        Some("Chooses what the recording shows"),
    )
});

pub(crate) struct Composer {
    sinkpad: gst::Pad,
    srcpad: gst::Pad,
    state: Mutex<State>,
    wake: Condvar,
    stage: Mutex<Stage>,
    tell_end: Mutex<Option<TellEnd>>,
}

type TellEnd = Box<dyn Fn(Duration) + Send>;

/// What comes in, and when to go on.
struct State {
    plan: Option<Plan>,
    pace: Option<Pace>,
    segment: gst::FormattedSegment<gst::ClockTime>,
    input: Option<gst_video::VideoInfo>,
    newest: Option<Picture>,
    /// When the last picture ends, where pictures tell the time.
    pictures_end: Duration,
    playing: bool,
    flushing: bool,
    ended: bool,
    alarm: Option<gst::SingleShotClockId>,
    flow: Result<gst::FlowSuccess, gst::FlowError>,
}

/// What the streaming thread does next.
enum Turn {
    Show(Show, Option<Picture>),
    End(Duration, Vec<Show>, Option<Picture>),
    Again,
    Pause,
}

#[glib::object_subclass]
impl ObjectSubclass for Composer {
    const NAME: &'static str = "ConveneRecordingComposer";
    type Type = super::Composer;
    type ParentType = gst::Element;

    fn with_class(class: &Self::Class) -> Self {
        let template = |name| class.pad_template(name).expect("the class has this template");
        let sinkpad = gst::Pad::builder_from_template(&template("sink"))
            .chain_function(|pad, parent, buffer| {
                Self::catch_panic_pad_function(
                    parent,
                    || Err(gst::FlowError::Error),
                    |this| this.chain(pad, buffer),
                )
            })
            .event_function(|pad, parent, event| {
                Self::catch_panic_pad_function(parent, || false, |this| this.sink_event(pad, event))
            })
            .query_function(|pad, parent, query| {
                Self::catch_panic_pad_function(parent, || false, |this| this.sink_query(pad, query))
            })
            .build();
        let srcpad = gst::Pad::builder_from_template(&template("src"))
            .activatemode_function(|pad, parent, mode, active| {
                Self::catch_panic_pad_function(
                    parent,
                    || Err(gst::loggable_error!(CAT, "panic while activating the source pad")),
                    |this| this.src_activate_mode(pad, mode, active),
                )
            })
            .build();
        let state = State {
            plan: None,
            pace: None,
            segment: gst::FormattedSegment::new(),
            input: None,
            newest: None,
            pictures_end: Duration::ZERO,
            playing: false,
            flushing: true,
            ended: false,
            alarm: None,
            flow: Ok(gst::FlowSuccess::Ok),
        };
        Self {
            sinkpad,
            srcpad,
            state: Mutex::new(state),
            wake: Condvar::new(),
            stage: Mutex::default(),
            tell_end: Mutex::default(),
        }
    }
}

impl ObjectImpl for Composer {
    fn constructed(&self) {
        self.parent_constructed();
        let element = self.obj();
        element.add_pad(&self.sinkpad).expect("a new element takes its pads");
        element.add_pad(&self.srcpad).expect("a new element takes its pads");
    }
}

impl GstObjectImpl for Composer {}

impl ElementImpl for Composer {
    fn metadata() -> Option<&'static gst::subclass::ElementMetadata> {
        static METADATA: LazyLock<gst::subclass::ElementMetadata> = LazyLock::new(|| {
            gst::subclass::ElementMetadata::new(
                "Recording composer",
                "Filter/Video",
                "Chooses what a recording shows",
                "The Convene authors",
            )
        });
        Some(&*METADATA)
    }

    fn pad_templates() -> &'static [gst::PadTemplate] {
        static TEMPLATES: LazyLock<Vec<gst::PadTemplate>> = LazyLock::new(|| {
            let raw = gst_video::VideoCapsBuilder::new().build();
            let template = |name, direction, caps| {
                gst::PadTemplate::new(name, direction, gst::PadPresence::Always, caps)
                    .expect("the template is well formed")
            };
            vec![
                template("sink", gst::PadDirection::Sink, &raw),
                template("src", gst::PadDirection::Src, &raw),
            ]
        });
        TEMPLATES.as_ref()
    }

    fn change_state(
        &self,
        change: gst::StateChange,
    ) -> Result<gst::StateChangeSuccess, gst::StateChangeError> {
        if change == gst::StateChange::PlayingToPaused {
            self.set_playing(false);
        }
        let success = self.parent_change_state(change)?;
        if change == gst::StateChange::PausedToPlaying {
            self.set_playing(true);
        }
        Ok(success)
    }
}

impl Composer {
    pub(super) fn begin(&self, plan: Plan) -> Result<(), glib::BoolError> {
        {
            let mut state = self.state.lock();
            if state.plan.is_some() || state.ended {
                return Ok(());
            }
            state.pace = Some(match plan.live_from {
                Some(origin) => Pace::live(plan.gap, plan.cluster, origin),
                None => Pace::by_pictures(plan.gap, plan.cluster),
            });
            state.plan = Some(plan);
            self.wake(&mut state);
        }
        if plan.live_from.is_none() {
            return Ok(());
        }
        let element = self.obj().downgrade();
        self.srcpad.start_task(move || {
            if let Some(element) = element.upgrade() {
                element.imp().turn();
            }
        })
    }

    pub(super) fn connect_end(&self, tell: TellEnd) {
        *self.tell_end.lock() = Some(tell);
    }

    fn tell_end(&self, end: Duration) {
        if let Some(tell) = &*self.tell_end.lock() {
            tell(end);
        }
    }

    fn set_playing(&self, playing: bool) {
        let mut state = self.state.lock();
        state.playing = playing;
        self.wake(&mut state);
    }

    fn wake(&self, state: &mut State) {
        if let Some(alarm) = state.alarm.take() {
            alarm.unschedule();
        }
        self.wake.notify_all();
    }

    fn src_activate_mode(
        &self,
        pad: &gst::Pad,
        _mode: gst::PadMode,
        active: bool,
    ) -> Result<(), gst::LoggableError> {
        {
            let mut state = self.state.lock();
            state.flushing = !active;
            self.wake(&mut state);
        }
        if active {
            return Ok(());
        }
        pad.stop_task().map_err(|error| gst::loggable_error!(CAT, "{error}"))
    }

    // What comes in.

    fn chain(&self, pad: &gst::Pad, buffer: gst::Buffer) -> Result<gst::FlowSuccess, gst::FlowError> {
        let mut state = self.state.lock();
        // Whether the recording is live is known when it begins to play.
        while state.plan.is_none() && !state.flushing && !state.ended {
            self.wake.wait(&mut state);
        }
        state.flow?;
        if state.ended {
            return Err(gst::FlowError::Eos);
        }
        let plan = state.plan.ok_or(gst::FlowError::Flushing)?;
        let now = self.now();
        let info = state.input.clone().ok_or(gst::FlowError::NotNegotiated)?;
        let time = buffer.pts().and_then(|pts| state.segment.to_running_time(pts)).map(Duration::from);

        if let Some(origin) = plan.live_from {
            let time = time.map_or(now, |time| time.min(now)).max(origin);
            gst::trace!(CAT, obj = pad, "picture of {time:?}, now {now:?}");
            if state.take(Picture { buffer, info }, time) {
                self.wake(&mut state);
            }
            return Ok(gst::FlowSuccess::Ok);
        }
        let time = time.unwrap_or(state.pictures_end);
        let length = buffer.duration().map_or(plan.gap, Duration::from);
        drop(state);
        self.show_due(time)?;
        {
            let mut state = self.state.lock();
            state.pictures_end = state.pictures_end.max(time + length);
            state.take(Picture { buffer, info }, time);
        }
        self.show_due(time)?;
        Ok(gst::FlowSuccess::Ok)
    }

    fn sink_event(&self, pad: &gst::Pad, event: gst::Event) -> bool {
        gst::debug!(CAT, obj = pad, "event {event:?}");
        match event.view() {
            gst::EventView::Caps(caps) => match gst_video::VideoInfo::from_caps(caps.caps()) {
                Ok(info) => {
                    self.state.lock().input = Some(info);
                    true
                }
                Err(_) => {
                    gst::element_imp_error!(
                        self,
                        gst::StreamError::Format,
                        ("The screen comes in a format that cannot be recorded: {}.", caps.caps())
                    );
                    false
                }
            },
            gst::EventView::Segment(segment) => {
                // Without times, a live picture counts as of now, and others follow one another.
                let segment = segment.segment().downcast_ref::<gst::ClockTime>().cloned();
                self.state.lock().segment = segment.unwrap_or_default();
                true
            }
            gst::EventView::Eos(_) => self.end(),
            // The picture stays through a gap or a flush. Everything else is of the screen, not of the recording.
            _ => true,
        }
    }

    fn sink_query(&self, pad: &gst::Pad, query: &mut gst::QueryRef) -> bool {
        if let gst::QueryViewMut::Allocation(allocation) = query.view_mut() {
            allocation.add_allocation_meta::<gst_video::VideoMeta>(None);
            return true;
        }
        gst::Pad::query_default(pad, Some(&*self.obj()), query)
    }

    fn end(&self) -> bool {
        let (end, shows, picture) = {
            let mut state = self.state.lock();
            if state.ended {
                return true;
            }
            state.ended = true;
            self.wake(&mut state);
            if state.plan.is_some_and(|plan| plan.live_from.is_some()) {
                return true;
            }
            let end = state.pictures_end;
            let shows = state.pace.as_mut().map(|pace| pace.end(end)).unwrap_or_default();
            (end, shows, state.newest.clone())
        };
        self.tell_end(end);
        for show in shows {
            if let Err(error) = self.show(show, picture.as_ref()) {
                gst::debug!(CAT, imp = self, "the last pictures were not taken: {error}");
                break;
            }
        }
        self.push_eos()
    }

    /// Records all that is due when this time comes, where pictures tell the time.
    fn show_due(&self, time: Duration) -> Result<(), gst::FlowError> {
        loop {
            let (show, picture) = {
                let mut state = self.state.lock();
                let pace = state.pace.as_mut().ok_or(gst::FlowError::Flushing)?;
                let Step::Show(show) = pace.poll(time) else { return Ok(()) };
                (show, state.newest.clone())
            };
            self.show(show, picture.as_ref())?;
        }
    }

    // The streaming thread of a live recording.

    fn turn(&self) {
        let flow = match self.next_turn() {
            Turn::Again => Ok(()),
            Turn::Show(show, picture) => self.show(show, picture.as_ref()),
            Turn::End(end, shows, picture) => {
                self.tell_end(end);
                let shown = shows.into_iter().try_for_each(|show| self.show(show, picture.as_ref()));
                self.push_eos();
                shown.and(Err(gst::FlowError::Eos))
            }
            Turn::Pause => Err(gst::FlowError::Flushing),
        };
        if let Err(error) = flow {
            gst::debug!(CAT, imp = self, "the streaming thread ends: {error}");
            self.state.lock().flow = Err(error);
            // It fails only when the task was stopped already.
            let _ = self.srcpad.pause_task();
        }
    }

    fn next_turn(&self) -> Turn {
        let now = self.now();
        let mut state = self.state.lock();
        if state.flushing {
            return Turn::Pause;
        }
        let picture = state.newest.clone();
        let (ended, playing) = (state.ended, state.playing);
        let Some(pace) = state.pace.as_mut() else { return Turn::Pause };
        if ended {
            return Turn::End(now, pace.end(now), picture);
        }
        let until = match pace.poll(now) {
            Step::Show(show) if playing => return Turn::Show(show, picture),
            Step::Show(_) | Step::Wait { until: None } => None,
            Step::Wait { until } => until,
        };
        let clock = self.obj().clock().zip(self.obj().base_time());
        let (Some((clock, base)), Some(until), true) = (clock, until, playing) else {
            self.wake.wait(&mut state);
            return Turn::Again;
        };
        let alarm = clock.new_single_shot_id(base + clock_time(until));
        state.alarm = Some(alarm.clone());
        drop(state);
        // Whether it rang or was unscheduled, the pace says what to do.
        let _ = alarm.wait();
        self.state.lock().alarm = None;
        Turn::Again
    }

    fn now(&self) -> Duration {
        self.obj().current_running_time().map_or(Duration::ZERO, Duration::from)
    }

    // What goes out.

    fn show(&self, show: Show, picture: Option<&Picture>) -> Result<(), gst::FlowError> {
        let Some(plan) = self.state.lock().plan else { return Err(gst::FlowError::Flushing) };
        let painted = self.stage.lock().paint(plan, show, picture);
        let (events, buffer) = painted.map_err(|error| {
            gst::element_imp_error!(
                self,
                gst::StreamError::Failed,
                ("The picture was not recorded: {error}.")
            );
            gst::FlowError::Error
        })?;
        for event in events {
            self.srcpad.push_event(event);
        }
        gst::trace!(CAT, imp = self, "{show:?}");
        self.srcpad.push(buffer).map(|_| ())
    }

    fn push_eos(&self) -> bool {
        let start = self.stage.lock().stream_start();
        if let Some(start) = start {
            self.srcpad.push_event(start);
        }
        self.srcpad.push_event(gst::event::Eos::new())
    }
}

impl State {
    /// Says whether it is another picture than the one before.
    fn take(&mut self, picture: Picture, time: Duration) -> bool {
        if self.newest.as_ref().is_some_and(|newest| newest.equals(&picture)) {
            return false;
        }
        self.newest = Some(picture);
        if let Some(pace) = self.pace.as_mut() {
            pace.picture(time);
        }
        true
    }
}
