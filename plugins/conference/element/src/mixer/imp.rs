//! The hands of `conferencemixer`.
//!
//! Locks, in the order in which they may be taken; none is held across a push, an event, a query, a message or the end of a thread:
//! 1. `worker`
//! 2. `hall`: the conference; only the mixing thread holds it for long
//! 3. `inbox`: what the mixing thread is told; `bell` wakes it, `room` wakes those who wait to tell it more
//! 4. a sink pad's `stream`

use std::sync::LazyLock;
use std::time::Duration;

use convene_conference::{Ear, Seat, TICK, Volume};
use gst::glib;
use gst::prelude::*;
use gst::subclass::prelude::*;
use parking_lot::{Condvar, Mutex};

use super::hall::{Hall, Settings};
use super::inbox::{Inbox, Letter};
use super::run::Timing;
use super::{ConferenceMixerSinkPad, ConferenceMixerSrcPad, form};

/// The event by which a listener's side says that packets were lost on the way there.
const VOICE_LOST: &str = "convene-voice-lost";

pub(super) static CAT: LazyLock<gst::DebugCategory> = LazyLock::new(|| {
    gst::DebugCategory::new("conferencemixer", gst::DebugColorFlags::empty(), Some("Conference mixer"))
});

#[derive(glib::Properties)]
#[properties(wrapper_type = super::ConferenceMixer)]
pub struct ConferenceMixer {
    #[property(
        name = "bitrate", nick = "Bitrate", get, set, type = u32, member = bitrate,
        minimum = 6_000, maximum = 256_000, default = 40_000,
        blurb = "Bits a second of Opus for each listener and channel; read when the element starts"
    )]
    #[property(
        name = "complexity", nick = "Complexity", get, set, type = u32, member = complexity,
        minimum = 0, maximum = 10, default = 5,
        blurb = "How much work an Opus encode is, from 0 to 10; read when the element starts"
    )]
    #[property(
        name = "expected-loss", nick = "Expected loss", get, set, type = u32, member = expected_loss,
        minimum = 0, maximum = 100, default = 5,
        blurb = "Percent of lost packets for which Opus adds redundancy for those whose line loses some, 0 for none; \
                 read when the element starts"
    )]
    #[property(
        name = "stereo", nick = "Stereo", get, set, type = bool, member = stereo, default = false,
        blurb = "Mix in two channels, for music; read when the element starts"
    )]
    #[property(
        name = "follow-stereo", nick = "Follow stereo", get, set, type = bool, member = follow_stereo, default = false,
        blurb = "Mix in two channels while a participant's Opus has two, and in one otherwise; stereo is not looked at then. Read \
                 when the element starts"
    )]
    #[property(
        name = "stay-open", nick = "Stay open", get, set, type = bool, member = stay_open, default = false,
        blurb = "Go on when all sinks are at their end: somebody may join later"
    )]
    settings: std::sync::Mutex<Settings>,
    mix: OnceMix,
    worker: Mutex<Option<gst::Task>>,
    pub(super) hall: Mutex<Hall>,
    pub(super) inbox: Mutex<Inbox>,
    pub(super) bell: Condvar,
    pub(super) room: Condvar,
}

/// The pad that is always there.
struct OnceMix(ConferenceMixerSrcPad);

impl ConferenceMixer {
    pub(super) fn settings(&self) -> Settings {
        self.settings.lock().expect("no holder of the settings panics").clone()
    }

    /// The running time, by which live frames are due.
    pub(super) fn now(&self) -> Duration {
        self.obj().current_running_time().map_or(Duration::ZERO, Duration::from)
    }

    pub(super) fn post(&self, letter: Letter) {
        let now = self.now();
        let mut inbox = self.inbox.lock();
        if inbox.is_open {
            inbox.letters.push((now, letter));
            self.bell.notify_all();
        }
    }

    /// When a pad is both active and linked, somebody listens.
    pub(super) fn begin_listening(&self, pad: &ConferenceMixerSrcPad) {
        if pad.imp().is_open() && pad.is_linked() {
            gst::debug!(CAT, obj = pad, "Somebody listens");
            self.post(Letter::Listen(pad.clone()));
        }
    }

    pub(super) fn cease_listening(&self, ear: Ear) {
        self.post(Letter::Unlisten(ear));
    }

    pub(super) fn mute(&self, seat: Seat, mute: bool) {
        self.post(Letter::Mute(seat, mute));
    }

    pub(super) fn turn(&self, ear: Ear, volume: Volume) {
        self.post(Letter::Turn(ear, volume));
    }

    pub(super) fn source_stats(&self, seat: Seat) -> gst::Structure {
        let hall = self.hall.lock();
        let stats = hall.conference.source_stats(seat).unwrap_or_default();
        let level = hall.conference.level(seat).map_or(-127, |level| level.dbov());
        gst::Structure::builder("conference-source-stats")
            .field("packets", stats.packets)
            .field("expected", stats.expected)
            .field("missing", stats.missing())
            .field("late", stats.late)
            .field("refused", stats.refused + stats.strange)
            .field("decoded", stats.decoded)
            .field("played", stats.played)
            .field("lost", stats.lost)
            .field("concealed", stats.concealed)
            .field("jitter-ms", milliseconds(stats.jitter))
            .field("packet-ms", milliseconds(stats.packet))
            .field("delay-ms", stats.delay.as_millis() as u64)
            .field("level", level)
            .build()
    }

    pub(super) fn capture_offset(&self, seat: Seat) -> Option<i64> {
        self.hall.lock().conference.capture_offset(seat)
    }

    fn stats(&self) -> gst::Structure {
        let hall = self.hall.lock();
        let stats = hall.conference.stats();
        gst::Structure::builder("conference-stats")
            .field("ticks", stats.ticks)
            .field("encodes", stats.encodes)
            .field("decodes", stats.decodes)
            .field("outputs", stats.outputs)
            .field("refused", hall.refused)
            .field("participants", hall.paces.len() as u64)
            .field("listeners", hall.listeners.len() as u64)
            .field("channels", hall.conference.channels().count() as u64)
            .build()
    }

    fn start(&self) -> Result<(), gst::StateChangeError> {
        let settings = self.settings();
        *self.hall.lock() = Hall::new(&settings);
        self.inbox.lock().is_open = true;
        let mixer = self.obj().downgrade();
        let task = gst::Task::builder(move |_task| {
            if let Some(mixer) = mixer.upgrade() {
                mixer.imp().work();
            }
        })
        .build();
        task.start().map_err(|_| gst::StateChangeError)?;
        *self.worker.lock() = Some(task);
        Ok(())
    }

    fn stop(&self) {
        let Some(task) = ({ self.worker.lock().take() }) else {
            return;
        };
        // First it is told to stop and then called home, so that it runs no further round.
        let _ = task.stop();
        self.inbox.lock().is_open = false;
        self.ring();
        // Fails only for a task that never ran.
        let _ = task.join();
        *self.inbox.lock() = Inbox::default();
        self.hall.lock().listeners.clear();
    }

    fn set_playing(&self, is_playing: bool) {
        self.inbox.lock().is_playing = is_playing;
        self.ring();
    }

    /// Wakes whoever waits for anything.
    fn ring(&self) {
        let alarm = self.inbox.lock().alarm.take();
        if let Some(alarm) = alarm {
            alarm.unschedule();
        }
        self.bell.notify_all();
        self.room.notify_all();
    }

    fn activate_src(&self, pad: &ConferenceMixerSrcPad, active: bool) {
        pad.imp().open(active);
        if active {
            self.begin_listening(pad);
        } else {
            self.cease_listening(pad.imp().ear());
        }
    }

    fn src_event(&self, pad: &ConferenceMixerSrcPad, event: gst::Event) -> bool {
        match event.type_() {
            gst::EventType::Latency | gst::EventType::Reconfigure => {
                gst::Pad::event_default(pad, Some(&*self.obj()), event)
            }
            gst::EventType::CustomUpstream if event.has_name(VOICE_LOST) => {
                self.post(Letter::Lost(pad.imp().ear()));
                true
            }
            // A listener's seek or its quality of service are nobody else's business.
            _ => false,
        }
    }

    fn src_query(&self, pad: &ConferenceMixerSrcPad, query: &mut gst::QueryRef) -> bool {
        match query.view_mut() {
            gst::QueryViewMut::Latency(latency) => {
                let is_live = self.is_live();
                // A frame is stamped with the time at which it is made, and pushed within a tick.
                let least = if is_live { TICK } else { Duration::ZERO };
                latency.set(is_live, gst::ClockTime::from_nseconds(least.as_nanos() as u64), None);
                true
            }
            _ => gst::Pad::query_default(pad, Some(&*self.obj()), query),
        }
    }

    fn is_live(&self) -> bool {
        let timing = self.hall.lock().timing;
        match timing {
            Timing::Clock => true,
            Timing::Files => false,
            Timing::Open => self.has_live_sink(),
        }
    }

    fn src_pad(template: &gst::PadTemplate, name: &str, ear: Ear) -> ConferenceMixerSrcPad {
        let pad = gst::PadBuilder::<ConferenceMixerSrcPad>::from_template(template)
            .name(name)
            .activatemode_function(|pad, parent, _mode, active| {
                Self::catch_panic_pad_function(
                    parent,
                    || Err(gst::loggable_error!(CAT, "Panicked")),
                    |this| {
                        this.activate_src(pad, active);
                        Ok(())
                    },
                )
            })
            .event_function(|pad, parent, event| {
                Self::catch_panic_pad_function(parent, || false, |this| this.src_event(pad, event))
            })
            .query_function(|pad, parent, query| {
                Self::catch_panic_pad_function(parent, || false, |this| this.src_query(pad, query))
            })
            .flags(gst::PadFlags::FIXED_CAPS)
            .build();
        pad.imp().take_ear(ear);
        pad
    }

    fn sink_pad(template: &gst::PadTemplate, seat: Seat) -> ConferenceMixerSinkPad {
        let pad = gst::PadBuilder::<ConferenceMixerSinkPad>::from_template(template)
            .name(format!("sink_{}", seat.0))
            .activatemode_function(|pad, parent, _mode, active| {
                Self::catch_panic_pad_function(
                    parent,
                    || Err(gst::loggable_error!(CAT, "Panicked")),
                    |this| {
                        this.activate_sink(pad, active);
                        Ok(())
                    },
                )
            })
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
            .build();
        pad.imp().take_seat(seat);
        pad
    }
}

#[glib::object_subclass]
impl ObjectSubclass for ConferenceMixer {
    const NAME: &'static str = "ConveneConferenceMixer";
    type Type = super::ConferenceMixer;
    type ParentType = gst::Element;
    type Interfaces = (gst::ChildProxy,);

    fn with_class(klass: &Self::Class) -> Self {
        let template = klass.pad_template("mix").expect("the class has this template");
        let settings = Settings::default();
        Self {
            mix: OnceMix(Self::src_pad(&template, "mix", Ear::All)),
            worker: Mutex::default(),
            hall: Mutex::new(Hall::new(&settings)),
            settings: std::sync::Mutex::new(settings),
            inbox: Mutex::default(),
            bell: Condvar::new(),
            room: Condvar::new(),
        }
    }
}

impl ObjectImpl for ConferenceMixer {
    fn properties() -> &'static [glib::ParamSpec] {
        static PROPERTIES: LazyLock<Vec<glib::ParamSpec>> = LazyLock::new(|| {
            let stats = glib::ParamSpecBoxed::builder::<gst::Structure>("stats")
                .nick("Statistics")
                .blurb(
                    "ticks, encodes, decodes, outputs, refused, participants and listeners since the element \
                     started, and the channels of the mix just now",
                )
                .read_only();
            with(ConferenceMixer::derived_properties(), stats.build())
        });
        &PROPERTIES
    }

    fn property(&self, id: usize, spec: &glib::ParamSpec) -> glib::Value {
        if spec.name() == "stats" { self.stats().to_value() } else { self.derived_property(id, spec) }
    }

    fn set_property(&self, id: usize, value: &glib::Value, spec: &glib::ParamSpec) {
        self.derived_set_property(id, value, spec);
    }

    fn constructed(&self) {
        self.parent_constructed();
        self.obj().add_pad(&self.mix.0).expect("a new element has no pads yet");
    }
}

impl GstObjectImpl for ConferenceMixer {}

impl ElementImpl for ConferenceMixer {
    fn metadata() -> Option<&'static gst::subclass::ElementMetadata> {
        static METADATA: LazyLock<gst::subclass::ElementMetadata> = LazyLock::new(|| {
            gst::subclass::ElementMetadata::new(
                "Convene conference mixer",
                "Generic/Audio",
                "Lets everybody hear all the others and not themselves, by mixing the loudest few",
                "Convene",
            )
        });
        Some(&METADATA)
    }

    fn pad_templates() -> &'static [gst::PadTemplate] {
        static TEMPLATES: LazyLock<Vec<gst::PadTemplate>> = LazyLock::new(|| {
            let template = |name, direction, presence, caps, kind| {
                gst::PadTemplate::with_gtype(name, direction, presence, caps, kind).expect("a good template")
            };
            let sink = ConferenceMixerSinkPad::static_type();
            let src = ConferenceMixerSrcPad::static_type();
            let request = gst::PadPresence::Request;
            vec![
                template("sink_%u", gst::PadDirection::Sink, request, &form::sink_caps(), sink),
                template("src_%u", gst::PadDirection::Src, request, &form::src_caps(), src),
                gst::PadTemplate::new(
                    "solo_%u",
                    gst::PadDirection::Src,
                    request,
                    &form::solo_template_caps(),
                )
                .expect("a good template"),
                template("mix", gst::PadDirection::Src, gst::PadPresence::Always, &form::mix_caps(), src),
            ]
        });
        &TEMPLATES
    }

    fn change_state(
        &self,
        transition: gst::StateChange,
    ) -> Result<gst::StateChangeSuccess, gst::StateChangeError> {
        match transition {
            gst::StateChange::ReadyToPaused => self.start()?,
            gst::StateChange::PlayingToPaused => self.set_playing(false),
            _ => {}
        }
        let success = self.parent_change_state(transition)?;
        match transition {
            gst::StateChange::PausedToPlaying => self.set_playing(true),
            gst::StateChange::PausedToReady => self.stop(),
            _ => {}
        }
        Ok(success)
    }

    fn request_new_pad(
        &self,
        template: &gst::PadTemplate,
        name: Option<&str>,
        _caps: Option<&gst::Caps>,
    ) -> Option<gst::Pad> {
        let seat = self.free_seat(template, name)?;
        let pad: gst::Pad = match template.direction() {
            gst::PadDirection::Sink => Self::sink_pad(template, seat).upcast(),
            _ if template.name_template() == "solo_%u" => Self::solo_pad(template, seat),
            _ => Self::src_pad(template, &format!("src_{}", seat.0), Ear::Of(seat)).upcast(),
        };
        self.obj().add_pad(&pad).ok()?;
        self.obj().child_added(&pad, &pad.name());
        Some(pad)
    }

    fn release_pad(&self, pad: &gst::Pad) {
        // Fails only for a pad that was not active.
        let _ = pad.set_active(false);
        let _ = self.obj().remove_pad(pad);
        self.obj().child_removed(pad, &pad.name());
    }
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// Derived properties, and one of a type that cannot be derived.
pub(super) fn with(derived: &[glib::ParamSpec], more: glib::ParamSpec) -> Vec<glib::ParamSpec> {
    derived.iter().cloned().chain([more]).collect()
}

impl ConferenceMixer {
    /// The one that was asked for, if it is free; without a wish the first free one.
    fn free_seat(&self, template: &gst::PadTemplate, name: Option<&str>) -> Option<Seat> {
        let prefix = template.name_template().trim_end_matches("%u");
        let is_free = |seat: &u32| self.obj().static_pad(&format!("{prefix}{seat}")).is_none();
        match name.and_then(|name| name.strip_prefix(prefix)).filter(|number| *number != "%u") {
            Some(number) => number.parse().ok().filter(is_free).map(Seat),
            None => (0..).find(is_free).map(Seat),
        }
    }
}

impl ChildProxyImpl for ConferenceMixer {
    fn child_by_name(&self, name: &str) -> Option<glib::Object> {
        self.obj().static_pad(name).map(|pad| pad.upcast())
    }

    fn child_by_index(&self, index: u32) -> Option<glib::Object> {
        self.obj().pads().into_iter().nth(index as usize).map(|pad| pad.upcast())
    }

    fn children_count(&self) -> u32 {
        u32::from(self.obj().num_pads())
    }
}
