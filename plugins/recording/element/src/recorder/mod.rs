//! SECTION:element-meetingrecorder
//!
//! Makes one seekable WebM (VP8 and Opus) of a screen and of sound, block by block, while they happen.
//!
//! ```text
//! gst-launch-1.0 videotestsrc num-buffers=300 ! meetingrecorder ! filesink location=talk.webm
//! ```

use gst::glib;
use gst::prelude::*;

mod chain;
mod imp;
mod pads;
mod settings;

glib::wrapper! {
    /// The element `meetingrecorder`.
    pub struct MeetingRecorder(ObjectSubclass<imp::MeetingRecorder>) @extends gst::Bin, gst::Element, gst::Object;
}

pub(crate) fn register(plugin: &gst::Plugin) -> Result<(), glib::BoolError> {
    gst::Element::register(Some(plugin), "meetingrecorder", gst::Rank::NONE, MeetingRecorder::static_type())
}
