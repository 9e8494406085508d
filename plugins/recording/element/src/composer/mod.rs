//! The private element that decides which picture is recorded, and when, and encodes it.
//!
//! Live, it runs by the clock in a streaming thread of its own and never keeps the screen's thread waiting;
//! otherwise it runs in the threads that bring the pictures, by their times.

use std::time::Duration;

use convene_recording::VideoSize;
use gst::glib;
use gst::subclass::prelude::*;

mod canvas;
mod decoder;
mod imp;
mod inputs;
mod intake;
mod label;
mod scene;
mod stage;

pub(crate) use canvas::Look;
pub(crate) use scene::Role;

glib::wrapper! {
    pub(crate) struct Composer(ObjectSubclass<imp::Composer>) @extends gst::Element, gst::Object;
}

/// How the picture is recorded.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    /// The running time at which a live recording begins; `None` when it follows the pictures.
    pub live_from: Option<Duration>,
    /// The recorded size; `None` for that of the first screen.
    pub size: Option<VideoSize>,
    /// The shortest time between two pictures.
    pub gap: Duration,
    /// The time between keyframes.
    pub cluster: Duration,
    /// Bits a second, of what moves.
    pub bitrate: u32,
    /// What is shown.
    pub look: Look,
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

    /// Where the screen's or another face's pictures go in, what is written on it, and whether it is shown. Refused is a face too many.
    pub fn add_input(&self, role: Role, name: &str, shows: bool) -> Result<gst::Pad, glib::BoolError> {
        self.imp().add_input(role, name, shows)
    }

    /// Nothing comes from there any more.
    pub fn remove_input(&self, pad: &gst::Pad) {
        self.imp().remove_input(pad);
    }

    /// One is not to be seen any more, though its pad stays.
    pub fn end_input(&self, pad: &gst::Pad) {
        self.imp().leave(pad);
    }

    /// Another name is written on a face from now on, or something is shown or hidden.
    pub fn describe_input(&self, pad: &gst::Pad, name: &str, shows: bool) {
        self.imp().describe(pad, name, shows);
    }

    /// No pictures are recorded from here on. What comes is looked at all the same.
    pub fn pause(&self) {
        self.imp().pause();
    }

    /// Pictures are recorded again from this running time on; the first is a keyframe.
    pub fn resume(&self, at: Duration) {
        self.imp().resume(at);
    }

    /// Ends the recording of pictures here.
    pub fn end(&self) {
        self.imp().end();
    }
}

/// What can be recorded as a screen.
pub(crate) fn screen_caps() -> gst::Caps {
    gst_video::VideoCapsBuilder::new().build()
}

/// What can be recorded as a face.
pub(crate) fn feed_caps() -> gst::Caps {
    let mut caps = gst::Caps::builder("video/x-vp8").build();
    let raw = gst_video::VideoCapsBuilder::new().format(gst_video::VideoFormat::I420).build();
    caps.make_mut().append(raw);
    caps
}
