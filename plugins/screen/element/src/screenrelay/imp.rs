//! The hands of `screenrelay`.
//!
//! Locks, in the order in which they may be taken; none is held across a push, an event, a message or the end of a thread:
//! 1. `worker`
//! 2. `office`; condition variables ("bells") wake the threads that wait under it

use std::collections::BTreeMap;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use gst::glib;
use gst::prelude::*;
use gst::subclass::prelude::*;
use parking_lot::Mutex;

use super::ScreenRelayPad;
use super::desk::{Desk, Seat};
use crate::{events, stream};

pub(super) static CAT: LazyLock<gst::DebugCategory> = LazyLock::new(|| {
    gst::DebugCategory::new("screenrelay", gst::DebugColorFlags::empty(), Some("Screen relay"))
});

pub struct ScreenRelay {
    sinkpad: gst::Pad,
    began: Instant,
    pub(super) office: Mutex<Office>,
    /// The thread for all pads that acknowledge; there is none while there are no such pads.
    worker: Mutex<Option<gst::Task>>,
}

#[derive(Default)]
pub(super) struct Office {
    pub(super) desk: Desk,
    pub(super) pads: BTreeMap<Seat, ScreenRelayPad>,
    pub(super) group: Option<gst::GroupId>,
    /// The worker shall go on.
    pub(super) working: bool,
}

impl ScreenRelay {
    /// The desk's clock.
    pub(super) fn now(&self) -> Duration {
        self.began.elapsed()
    }

    /// When a pad is both active and linked, somebody watches.
    pub(super) fn begin_watching(&self, pad: &ScreenRelayPad) {
        if !pad.is_linked() {
            return;
        }
        let seat = pad.imp().seat();
        let habits = pad.imp().habits();
        {
            let mut office = self.office.lock();
            if !office.desk.is_open(seat) || office.desk.is_taken(seat) {
                return;
            }
            office.desk.sit_down(seat, habits, self.now());
        }
        gst::debug!(CAT, obj = pad, "Somebody watches: {habits:?}");
        let started = if habits.acknowledges { self.start_worker() } else { self.start_own_thread(pad) };
        if started.is_err() {
            gst::element_imp_error!(
                self,
                gst::CoreError::Thread,
                ("No thread can be started for {}.", pad.name())
            );
        }
    }

    pub(super) fn cease_watching(&self, pad: &ScreenRelayPad) {
        gst::debug!(CAT, obj = pad, "Nobody watches");
        let now = self.now();
        self.office.lock().desk.stand_up(pad.imp().seat(), now);
    }

    fn start_own_thread(&self, pad: &ScreenRelayPad) -> Result<(), glib::BoolError> {
        let relay = self.obj().downgrade();
        let weak_pad = pad.downgrade();
        pad.start_task(move || {
            if let (Some(relay), Some(pad)) = (relay.upgrade(), weak_pad.upgrade()) {
                relay.imp().serve(&pad);
            }
        })
    }

    fn start_worker(&self) -> Result<(), glib::BoolError> {
        let mut worker = self.worker.lock();
        self.office.lock().working = true;
        if worker.is_none() {
            let relay = self.obj().downgrade();
            let task = gst::Task::builder(move |_task| {
                if let Some(relay) = relay.upgrade() {
                    relay.imp().work();
                }
            })
            .build();
            task.start()?;
            *worker = Some(task);
        }
        Ok(())
    }

    fn stop_worker(&self) {
        let Some(task) = ({ self.worker.lock().take() }) else {
            return;
        };
        // First it is told to stop and then called home, so that it runs no further round.
        let _ = task.stop();
        {
            let mut office = self.office.lock();
            office.working = false;
            office.desk.worker_bell.notify_all();
        }
        // Fails only for a task that never ran.
        let _ = task.join();
    }

    fn activate_src(&self, pad: &ScreenRelayPad, active: bool) -> Result<(), gst::LoggableError> {
        let seat = pad.imp().seat();
        if active {
            self.office.lock().desk.open(seat);
            self.begin_watching(pad);
        } else {
            let now = self.now();
            self.office.lock().desk.close(seat, now);
            pad.stop_task()?;
        }
        Ok(())
    }

    fn chain(&self, buffer: gst::Buffer) -> Result<gst::FlowSuccess, gst::FlowError> {
        let (taken, refused) = {
            let bytes = buffer.map_readable().map_err(|_| gst::FlowError::Error)?;
            let now = self.now();
            self.office.lock().desk.stream(&bytes, now)
        };
        gst::trace!(CAT, imp = self, "{} bytes in, {taken} taken in all", buffer.size());
        self.sinkpad.push_event(events::painted(taken));
        if let Some(error) = refused {
            gst::element_imp_warning!(
                self,
                gst::StreamError::Decode,
                ("The presenter's stream is refused, and viewers keep the screen as it is: {error}.")
            );
            // An encoder can begin anew, and then all is well again.
            self.sinkpad.push_event(events::begin_anew());
        }
        Ok(gst::FlowSuccess::Ok)
    }

    /// Viewers have streams of their own, so nearly nothing goes through.
    fn sink_event(&self, event: gst::Event) -> bool {
        use gst::EventView;
        let now = self.now();
        match event.view() {
            EventView::StreamStart(start) => {
                let pads: Vec<_> = {
                    let mut office = self.office.lock();
                    office.group = start.group_id();
                    office.desk.presenter_changed(now);
                    office.pads.values().cloned().collect()
                };
                // Those who had got the end of the last stream watch again.
                for pad in pads {
                    self.begin_watching(&pad);
                }
            }
            EventView::FlushStop(_) => self.office.lock().desk.presenter_changed(now),
            EventView::Eos(_) => self.office.lock().desk.end(now),
            _ => gst::log!(CAT, imp = self, "Not passed on: {event:?}"),
        }
        true
    }

    fn src_event(&self, pad: &ScreenRelayPad, event: gst::Event) -> bool {
        let seat = pad.imp().seat();
        let now = self.now();
        if let Some(bytes) = events::parse_painted(&event) {
            let mut office = self.office.lock();
            if office.desk.acknowledges(seat) {
                office.desk.painted(seat, bytes, now);
            }
            return true;
        }
        if gst_video::ForceKeyUnitEvent::is(&event) {
            gst::debug!(CAT, obj = pad, "Asked to begin anew");
            self.office.lock().desk.begin_anew(seat, now);
            return true;
        }
        // A viewer's seek or its quality of service are not the presenter's business.
        match event.type_() {
            gst::EventType::Latency | gst::EventType::Reconfigure => {
                gst::Pad::event_default(pad, Some(&*self.obj()), event)
            }
            _ => false,
        }
    }
}

#[glib::object_subclass]
impl ObjectSubclass for ScreenRelay {
    const NAME: &'static str = "ConveneScreenRelay";
    type Type = super::ScreenRelay;
    type ParentType = gst::Element;
    type Interfaces = (gst::ChildProxy,);

    #[expect(clippy::disallowed_methods, reason = "the one place where the relay reads the real clock")]
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
        Self { sinkpad, began: Instant::now(), office: Mutex::default(), worker: Mutex::default() }
    }
}

impl ObjectImpl for ScreenRelay {
    fn constructed(&self) {
        self.parent_constructed();
        self.obj().add_pad(&self.sinkpad).expect("a new element has no pads yet");
    }
}

impl GstObjectImpl for ScreenRelay {}

impl ElementImpl for ScreenRelay {
    fn metadata() -> Option<&'static gst::subclass::ElementMetadata> {
        static METADATA: LazyLock<gst::subclass::ElementMetadata> = LazyLock::new(|| {
            gst::subclass::ElementMetadata::new(
                "Convene screen relay",
                "Generic",
                "Gives one presenter's screen to many viewers, to each at its own pace, and to late ones at once",
                "Convene",
            )
        });
        Some(&METADATA)
    }

    fn pad_templates() -> &'static [gst::PadTemplate] {
        static TEMPLATES: LazyLock<Vec<gst::PadTemplate>> = LazyLock::new(|| {
            let caps = stream::caps();
            vec![
                gst::PadTemplate::new("sink", gst::PadDirection::Sink, gst::PadPresence::Always, &caps)
                    .expect("a good template"),
                gst::PadTemplate::with_gtype(
                    "src_%u",
                    gst::PadDirection::Src,
                    gst::PadPresence::Request,
                    &caps,
                    ScreenRelayPad::static_type(),
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
        let success = self.parent_change_state(transition)?;
        if transition == gst::StateChange::PausedToReady {
            self.stop_worker();
            self.office.lock().desk.clear();
        }
        Ok(success)
    }

    fn request_new_pad(
        &self,
        template: &gst::PadTemplate,
        name: Option<&str>,
        _caps: Option<&gst::Caps>,
    ) -> Option<gst::Pad> {
        let pad = {
            let mut office = self.office.lock();
            let seat = free_seat(&office, name)?;
            let pad = gst::PadBuilder::<ScreenRelayPad>::from_template(template)
                .name(seat.to_string())
                .activatemode_function(|pad, parent, _mode, active| {
                    Self::catch_panic_pad_function(
                        parent,
                        || Err(gst::loggable_error!(CAT, "Panicked")),
                        |this| this.activate_src(pad, active),
                    )
                })
                .event_function(|pad, parent, event| {
                    Self::catch_panic_pad_function(parent, || false, |this| this.src_event(pad, event))
                })
                .flags(gst::PadFlags::FIXED_CAPS)
                .build();
            pad.imp().take_place(seat, office.desk.add(seat));
            office.pads.insert(seat, pad.clone());
            pad
        };
        self.obj().add_pad(&pad).expect("the seat was free, so no pad has its name");
        self.obj().child_added(&pad, &pad.name());
        Some(pad.upcast())
    }

    fn release_pad(&self, pad: &gst::Pad) {
        let Some(pad) = pad.downcast_ref::<ScreenRelayPad>() else {
            return;
        };
        self.call_home(pad);
        // Fails only for a pad that was not active.
        let _ = pad.set_active(false);
        let now = self.now();
        let seat = pad.imp().seat();
        self.office.lock().desk.remove(seat, now);
        let _ = self.obj().remove_pad(pad);
        self.obj().child_removed(pad, &pad.name());
        // Only now, or somebody else would be given the seat while a pad still has its name.
        self.office.lock().pads.remove(&seat);
    }
}

impl ChildProxyImpl for ScreenRelay {
    fn child_by_name(&self, name: &str) -> Option<glib::Object> {
        self.obj().pads().into_iter().find(|pad| pad.name() == name).map(|pad| pad.upcast())
    }

    fn child_by_index(&self, index: u32) -> Option<glib::Object> {
        self.obj().pads().into_iter().nth(index as usize).map(|pad| pad.upcast())
    }

    fn children_count(&self) -> u32 {
        u32::from(self.obj().num_pads())
    }
}

/// The one that was asked for, if it is free; without a wish the first free one.
fn free_seat(office: &Office, name: Option<&str>) -> Option<Seat> {
    let is_free = |seat: &Seat| !office.pads.contains_key(seat);
    match name.and_then(|name| name.strip_prefix("src_")).filter(|number| *number != "%u") {
        Some(number) => number.parse().ok().map(Seat).filter(is_free),
        None => (0..).map(Seat).find(is_free),
    }
}
