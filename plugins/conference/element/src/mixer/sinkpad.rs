//! The hands of a sink pad: its properties, and what is known of its stream.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{LazyLock, OnceLock};

use convene_conference::{Pace, Seat};
use gst::glib;
use gst::prelude::*;
use gst::subclass::prelude::*;
use parking_lot::Mutex;

use super::form::Form;
use super::imp::with;

/// What the events on this pad have said.
#[derive(Debug, Default)]
pub struct Stream {
    pub form: Option<Form>,
    pub segment: gst::FormattedSegment<gst::ClockTime>,
    /// The conference knows of this source, which has this pace.
    pub joined: Option<Pace>,
}

#[derive(Default, glib::Properties)]
#[properties(wrapper_type = super::ConferenceMixerSinkPad)]
pub struct ConferenceMixerSinkPad {
    #[property(
        name = "mute",
        nick = "Mute",
        blurb = "Nobody hears this participant, whatever comes in",
        get,
        set = Self::set_mute,
        type = bool,
        default = false
    )]
    mute: AtomicBool,
    #[property(
        name = "capture-offset",
        nick = "Capture offset",
        blurb = "Nanoseconds from the capture of this participant's sound, as buffers tell it in timestamp/x-ntp, to its running time in the mix; \
                 i64::MIN while they do not tell",
        get = Self::capture_offset,
        type = i64
    )]
    _capture_offset: (),
    seat: OnceLock<Seat>,
    pub stream: Mutex<Stream>,
    /// The last buffer has come.
    pub is_at_end: AtomicBool,
}

impl ConferenceMixerSinkPad {
    /// Gives the new pad its seat; once.
    pub fn take_seat(&self, seat: Seat) {
        assert!(self.seat.set(seat).is_ok(), "a pad gets its seat when it is made");
    }

    pub fn seat(&self) -> Seat {
        *self.seat.get().expect("a pad gets its seat when it is made")
    }

    pub fn is_muted(&self) -> bool {
        self.mute.load(Ordering::Relaxed)
    }

    fn mixer(&self) -> Option<super::ConferenceMixer> {
        self.obj().parent_element().and_downcast()
    }

    fn set_mute(&self, mute: bool) {
        self.mute.store(mute, Ordering::Relaxed);
        if let Some(mixer) = self.mixer() {
            mixer.imp().mute(self.seat(), mute);
        }
    }

    fn capture_offset(&self) -> i64 {
        self.mixer().and_then(|mixer| mixer.imp().capture_offset(self.seat())).unwrap_or(i64::MIN)
    }

    fn stats(&self) -> gst::Structure {
        self.mixer().map_or_else(
            || gst::Structure::new_empty("conference-source-stats"),
            |mixer| mixer.imp().source_stats(self.seat()),
        )
    }
}

#[glib::object_subclass]
impl ObjectSubclass for ConferenceMixerSinkPad {
    const NAME: &'static str = "ConveneConferenceMixerSinkPad";
    type Type = super::ConferenceMixerSinkPad;
    type ParentType = gst::Pad;
}

impl ObjectImpl for ConferenceMixerSinkPad {
    fn properties() -> &'static [glib::ParamSpec] {
        static PROPERTIES: LazyLock<Vec<glib::ParamSpec>> = LazyLock::new(|| {
            let stats = glib::ParamSpecBoxed::builder::<gst::Structure>("stats")
                .nick("Statistics")
                .blurb(
                    "Of this participant, since it joined: packets that came, expected by their numbers, missing of those, late, \
                     refused; frames of 20 ms that were decoded, played into the mix, lost when they were due, concealed; and as of \
                     now: jitter-ms (RFC 3550), packet-ms (sound in a packet), delay-ms (wait until it is mixed), level (dBov)",
                )
                .read_only();
            with(ConferenceMixerSinkPad::derived_properties(), stats.build())
        });
        &PROPERTIES
    }

    fn property(&self, id: usize, spec: &glib::ParamSpec) -> glib::Value {
        if spec.name() == "stats" { self.stats().to_value() } else { self.derived_property(id, spec) }
    }

    fn set_property(&self, id: usize, value: &glib::Value, spec: &glib::ParamSpec) {
        self.derived_set_property(id, value, spec);
    }
}

impl GstObjectImpl for ConferenceMixerSinkPad {}

impl PadImpl for ConferenceMixerSinkPad {}
