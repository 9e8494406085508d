//! The hands of the composer.
//!
//! Locks: `state`, a feed's decoder, `stage` and `tell_end`, one at a time. None is held across a push.

use std::sync::LazyLock;
use std::time::Duration;

use convene_recording::{Pace, Show, Step};
use gst::glib;
use gst::prelude::*;
use gst::subclass::prelude::*;
use parking_lot::{Condvar, Mutex};

use super::Plan;
use super::canvas::Picture;
use super::inputs::Inputs;
use super::scene::{Role, Scene};
use super::stage::{Stage, clock_time};

pub(super) static CAT: LazyLock<gst::DebugCategory> = LazyLock::new(|| {
    gst::DebugCategory::new(
        "meetingrecorder-composer",
        gst::DebugColorFlags::empty(),
        Some("Chooses what the recording shows"),
    )
});

/// For so long it is seen that a recording was paused; what is said meanwhile is heard.
const PAUSE_CARD_TIME: Duration = Duration::from_secs(1);

pub(crate) struct Composer {
    srcpad: gst::Pad,
    pub(super) state: Mutex<State>,
    pub(super) wake: Condvar,
    stage: Mutex<Stage>,
    tell_end: Mutex<Option<TellEnd>>,
}

type TellEnd = Box<dyn Fn(Duration) + Send>;

/// What comes in, and when to go on.
pub(super) struct State {
    pub plan: Option<Plan>,
    pub pace: Option<Pace>,
    pub inputs: Inputs,
    pub scene: Scene,
    /// Something was recorded.
    begun: bool,
    /// When the last picture ends, where pictures tell the time.
    pub pictures_end: Duration,
    playing: bool,
    /// A pause has begun, and the writer does not know yet that no picture comes.
    tells_pause: bool,
    /// Until then the picture says that there was a pause.
    card_until: Option<Duration>,
    pub flushing: bool,
    pub ended: bool,
    alarm: Option<gst::SingleShotClockId>,
    pub flow: Result<gst::FlowSuccess, gst::FlowError>,
}

/// What the streaming thread does next.
enum Turn {
    Show(Show, Scene),
    End(Duration, Vec<Show>, Scene),
    /// Nothing comes after this time.
    Rest(Duration),
    Again,
    Pause,
}

#[glib::object_subclass]
impl ObjectSubclass for Composer {
    const NAME: &'static str = "ConveneRecordingComposer";
    type Type = super::Composer;
    type ParentType = gst::Element;

    fn with_class(class: &Self::Class) -> Self {
        let template = class.pad_template("src").expect("the class has this template");
        let srcpad = gst::Pad::builder_from_template(&template)
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
            inputs: Inputs::default(),
            scene: Scene::default(),
            begun: false,
            pictures_end: Duration::ZERO,
            playing: false,
            tells_pause: false,
            card_until: None,
            flushing: true,
            ended: false,
            alarm: None,
            flow: Ok(gst::FlowSuccess::Ok),
        };
        Self {
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
        self.obj().add_pad(&self.srcpad).expect("a new element takes its pads");
    }
}

impl GstObjectImpl for Composer {}

impl ElementImpl for Composer {
    fn metadata() -> Option<&'static gst::subclass::ElementMetadata> {
        static METADATA: LazyLock<gst::subclass::ElementMetadata> = LazyLock::new(|| {
            gst::subclass::ElementMetadata::new(
                "Recording composer",
                "Codec/Encoder/Video",
                "Chooses what a recording shows, and encodes it",
                "The Convene authors",
            )
        });
        Some(&*METADATA)
    }

    fn pad_templates() -> &'static [gst::PadTemplate] {
        static TEMPLATES: LazyLock<Vec<gst::PadTemplate>> = LazyLock::new(|| {
            let (source, always) = (gst::PadDirection::Src, gst::PadPresence::Always);
            let template =
                gst::PadTemplate::new("src", source, always, &gst::Caps::new_empty_simple("video/x-vp8"));
            vec![template.expect("the template is well formed")]
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
        let is_live = plan.live_from.is_some();
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
        if !is_live {
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

    pub(super) fn pause(&self) {
        let mut state = self.state.lock();
        if let Some(pace) = state.pace.as_mut() {
            pace.pause();
            state.tells_pause = true;
            self.wake(&mut state);
        }
    }

    pub(super) fn resume(&self, at: Duration) {
        let mut state = self.state.lock();
        if let Some(pace) = state.pace.as_mut() {
            pace.resume(at);
            state.tells_pause = false;
            let has_card =
                state.begun && state.plan.as_ref().is_some_and(|plan| !plan.look.pause_card.is_empty());
            state.card_until = has_card.then_some(at + PAUSE_CARD_TIME);
            self.wake(&mut state);
        }
    }

    pub(super) fn wake(&self, state: &mut State) {
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

    pub(super) fn end(&self) {
        let (end, shows, scene) = {
            let mut state = self.state.lock();
            if std::mem::replace(&mut state.ended, true) {
                return;
            }
            self.wake(&mut state);
            if state.is_live() {
                return;
            }
            let end = state.pictures_end;
            let shows = state.pace.as_mut().map(|pace| pace.end(end)).unwrap_or_default();
            (end, shows, state.scene.clone())
        };
        self.tell_end(end);
        for show in shows {
            if let Err(error) = self.show(show, &scene) {
                gst::debug!(CAT, imp = self, "the last pictures were not taken: {error}");
                break;
            }
        }
        self.push_eos();
    }

    /// Records all that is due when this time comes, where pictures tell the time.
    pub(super) fn show_due(&self, time: Duration) -> Result<(), gst::FlowError> {
        loop {
            let (show, scene) = {
                let mut state = self.state.lock();
                let changed = state.scene.poll(time);
                let pace = state.pace.as_mut().ok_or(gst::FlowError::Flushing)?;
                if changed {
                    pace.picture(time);
                }
                let Step::Show(show) = pace.poll(time) else { return Ok(()) };
                (show, state.scene.clone())
            };
            self.show(show, &scene)?;
        }
    }

    // The streaming thread of a live recording.

    fn turn(&self) {
        let flow = match self.next_turn() {
            Turn::Again => Ok(()),
            Turn::Show(show, scene) => self.show(show, &scene),
            Turn::Rest(now) => {
                self.srcpad.push_event(gst::event::Gap::builder(clock_time(now)).build());
                Ok(())
            }
            Turn::End(end, shows, scene) => {
                self.tell_end(end);
                let shown = shows.into_iter().try_for_each(|show| self.show(show, &scene));
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
        let (ended, playing) = (state.ended, state.playing);
        if state.begun && std::mem::take(&mut state.tells_pause) {
            return Turn::Rest(now);
        }
        let card_is_over = state.card_until.take_if(|until| *until <= now).is_some();
        let changed = !ended && (state.scene.poll(now) | card_is_over);
        let card_until = state.card_until;
        let scene = state.scene.clone();
        let Some(pace) = state.pace.as_mut() else { return Turn::Pause };
        if ended {
            return Turn::End(now, pace.end(now), scene);
        }
        if changed {
            pace.picture(now);
        }
        let until = match pace.poll(now) {
            Step::Show(show) if playing => {
                state.begun = true;
                return Turn::Show(show, scene);
            }
            Step::Show(_) | Step::Wait { until: None } => None,
            Step::Wait { until } => {
                until.into_iter().chain(scene.faces.next_change()).chain(card_until).min()
            }
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

    pub(super) fn now(&self) -> Duration {
        self.obj().current_running_time().map_or(Duration::ZERO, Duration::from)
    }

    // What goes out.

    fn show(&self, show: Show, scene: &Scene) -> Result<(), gst::FlowError> {
        let (plan, card_until) = {
            let state = self.state.lock();
            (state.plan.clone().ok_or(gst::FlowError::Flushing)?, state.card_until)
        };
        let is_card = card_until.is_some_and(|until| show.time < until);
        let painted = self.stage.lock().paint(&plan, show, scene, is_card);
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
    pub fn is_live(&self) -> bool {
        self.plan.as_ref().is_some_and(|plan| plan.live_from.is_some())
    }

    /// Says whether there is something else to show than before.
    pub fn take(&mut self, pad: &gst::Pad, picture: Picture, time: Duration) -> bool {
        let Some(role) = self.inputs.of(pad).map(|input| input.role) else { return false };
        if !self.scene.take(role, picture, time) {
            return false;
        }
        // A live recording begins with its screen if that comes soon, as the size is the screen's.
        let waits_for_screen =
            role != Role::Screen && self.is_live() && !self.begun && self.inputs.has_screen();
        let is_beside = role != Role::Screen && self.scene.screen().is_some();
        match self.pace.as_mut().filter(|_| !waits_for_screen) {
            Some(pace) if is_beside => pace.face(time),
            Some(pace) => pace.picture(time),
            None => {}
        }
        true
    }
}
