//! The private element that decides which picture the encoder gets, and when.
//!
//! Live, it runs by the clock in a streaming thread of its own and never keeps the screen's thread waiting;
//! otherwise it runs in the thread that brings the pictures, by their times.

use std::time::Duration;

use convene_recording::VideoSize;
use gst::glib;
use gst::prelude::*;
use gst::subclass::prelude::*;

mod canvas;
mod imp;
mod stage;

glib::wrapper! {
    pub(crate) struct Composer(ObjectSubclass<imp::Composer>) @extends gst::Element, gst::Object;
}

/// What is recorded of the screen.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    /// The running time at which a live recording begins; `None` when it follows the pictures.
    pub live_from: Option<Duration>,
    /// The recorded size; `None` for that of the first picture.
    pub size: Option<VideoSize>,
    /// The shortest time between two pictures.
    pub gap: Duration,
    /// The time between keyframes.
    pub cluster: Duration,
}

impl Composer {
    pub fn new() -> Self {
        glib::Object::builder().property("name", "composer").build()
    }

    /// Begins to record; pictures that come before wait. Only the first call counts.
    pub fn begin(&self, plan: Plan) -> Result<(), glib::BoolError> {
        self.imp().begin(plan)
    }

    /// Tells when the recording ends, in its running time, before its last pictures go out.
    pub fn connect_end(&self, tell: impl Fn(Duration) + Send + 'static) {
        self.imp().connect_end(Box::new(tell));
    }

    /// Where the screen's pictures go in.
    pub fn sink_pad(&self) -> gst::Pad {
        self.static_pad("sink").expect("the composer has a sink pad")
    }
}
