//! The hands of a source pad: whose ear it is, and the moments at which somebody begins or ceases to listen.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};

use convene_conference::{Ear, Volume};
use gst::glib;
use gst::prelude::*;
use gst::subclass::prelude::*;

#[derive(Default, glib::Properties)]
#[properties(wrapper_type = super::ConferenceMixerSrcPad)]
pub struct ConferenceMixerSrcPad {
    #[property(
        name = "gain",
        nick = "Gain",
        blurb = "Decibels by which this listener hears the others louder or quieter",
        get,
        set = Self::set_gain,
        type = i32,
        minimum = -i32::from(Volume::DECIBELS_MAX),
        maximum = i32::from(Volume::DECIBELS_MAX),
        default = 0
    )]
    gain: AtomicI32,
    ear: OnceLock<Ear>,
    is_open: AtomicBool,
    /// Stream start, caps and segment were sent.
    is_introduced: AtomicBool,
}

impl ConferenceMixerSrcPad {
    /// Gives the new pad its ear; once.
    pub fn take_ear(&self, ear: Ear) {
        assert!(self.ear.set(ear).is_ok(), "a pad gets its ear when it is made");
    }

    pub fn ear(&self) -> Ear {
        *self.ear.get().expect("a pad gets its ear when it is made")
    }

    /// Whether the stream has begun before; from now on it has.
    pub fn introduce(&self) -> bool {
        self.is_introduced.swap(true, Ordering::Relaxed)
    }

    /// The pad is active from now on, or no longer; then it begins another stream the next time.
    pub fn open(&self, is_open: bool) {
        self.is_open.store(is_open, Ordering::Relaxed);
        self.is_introduced.store(false, Ordering::Relaxed);
    }

    pub fn is_open(&self) -> bool {
        self.is_open.load(Ordering::Relaxed)
    }

    pub fn volume(&self) -> Volume {
        Volume::of(self.gain.load(Ordering::Relaxed))
    }

    fn set_gain(&self, gain: i32) {
        self.gain.store(gain, Ordering::Relaxed);
        if let Some(mixer) = self.mixer() {
            mixer.imp().turn(self.ear(), self.volume());
        }
    }

    fn mixer(&self) -> Option<super::ConferenceMixer> {
        self.obj().parent_element().and_downcast()
    }
}

#[glib::object_subclass]
impl ObjectSubclass for ConferenceMixerSrcPad {
    const NAME: &'static str = "ConveneConferenceMixerSrcPad";
    type Type = super::ConferenceMixerSrcPad;
    type ParentType = gst::Pad;
}

#[glib::derived_properties]
impl ObjectImpl for ConferenceMixerSrcPad {}

impl GstObjectImpl for ConferenceMixerSrcPad {}

impl PadImpl for ConferenceMixerSrcPad {
    fn linked(&self, peer: &gst::Pad) {
        self.parent_linked(peer);
        if let Some(mixer) = self.mixer() {
            mixer.imp().begin_listening(&self.obj());
        }
    }

    fn unlinked(&self, peer: &gst::Pad) {
        self.parent_unlinked(peer);
        if let Some(mixer) = self.mixer() {
            mixer.imp().cease_listening(self.ear());
        }
    }
}
