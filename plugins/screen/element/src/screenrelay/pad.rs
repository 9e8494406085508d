//! The hands of a `screenrelay` pad: its property, and the moments at which somebody begins or ceases to watch.

use std::sync::{Arc, OnceLock};

use gst::glib;
use gst::prelude::*;
use gst::subclass::prelude::*;
use parking_lot::Condvar;

use super::desk::{Habits, Seat};

#[derive(Debug, Clone, Default)]
struct Settings {
    acknowledge: bool,
    video: bool,
    series: bool,
}

#[derive(Default, glib::Properties)]
#[properties(wrapper_type = super::ScreenRelayPad)]
pub struct ScreenRelayPad {
    #[property(
        name = "acknowledge",
        nick = "Acknowledge",
        blurb = "Downstream never blocks and says with convene-screen-painted events what it has painted; \
                 read when the pad is linked",
        get,
        set,
        type = bool,
        member = acknowledge,
        default = false
    )]
    #[property(
        name = "video",
        nick = "Video",
        blurb = "Downstream decodes films, which are VP8; else it gets them as pictures; read when the pad is linked",
        get,
        set,
        type = bool,
        member = video,
        default = false
    )]
    #[property(
        name = "series",
        nick = "Series",
        blurb = "Downstream reads series of graphics; else it gets each by itself; read when the pad is linked",
        get,
        set,
        type = bool,
        member = series,
        default = false
    )]
    settings: std::sync::Mutex<Settings>,
    place: OnceLock<(Seat, Arc<Condvar>)>,
}

impl ScreenRelayPad {
    /// Gives the new pad its place; once.
    pub fn take_place(&self, seat: Seat, bell: Arc<Condvar>) {
        assert!(self.place.set((seat, bell)).is_ok(), "a pad gets its place when it is made");
    }

    pub fn seat(&self) -> Seat {
        self.place().0
    }

    /// Rings whenever there may be something new to do for this pad.
    pub fn bell(&self) -> &Condvar {
        &self.place().1
    }

    /// How whoever is linked now watches.
    pub fn habits(&self) -> Habits {
        let settings = self.settings.lock().expect("no holder of the settings panics");
        Habits {
            acknowledges: settings.acknowledge,
            plays_films: settings.video,
            reads_series: settings.series,
        }
    }

    fn place(&self) -> &(Seat, Arc<Condvar>) {
        self.place.get().expect("a pad gets its place when it is made")
    }

    fn relay(&self) -> Option<super::ScreenRelay> {
        self.obj().parent_element().and_downcast()
    }
}

#[glib::object_subclass]
impl ObjectSubclass for ScreenRelayPad {
    const NAME: &'static str = "ConveneScreenRelayPad";
    type Type = super::ScreenRelayPad;
    type ParentType = gst::Pad;
}

#[glib::derived_properties]
impl ObjectImpl for ScreenRelayPad {}

impl GstObjectImpl for ScreenRelayPad {}

impl PadImpl for ScreenRelayPad {
    fn linked(&self, peer: &gst::Pad) {
        self.parent_linked(peer);
        if let Some(relay) = self.relay() {
            relay.imp().begin_watching(&self.obj());
        }
    }

    fn unlinked(&self, peer: &gst::Pad) {
        self.parent_unlinked(peer);
        if let Some(relay) = self.relay() {
            relay.imp().cease_watching(&self.obj());
        }
    }
}
