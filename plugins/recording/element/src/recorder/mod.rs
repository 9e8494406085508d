//! SECTION:element-meetingrecorder
//!
//! Makes one seekable WebM (VP8 and Opus) of a screen, faces and sound, block by block, while they happen.
//!
//! ```text
//! gst-launch-1.0 videotestsrc num-buffers=300 ! meetingrecorder ! filesink location=talk.webm
//! ```

use gst::glib;
use gst::prelude::*;

mod chain;
mod imp;
mod pad;
mod pads;
mod settings;

glib::wrapper! {
    /// The element `meetingrecorder`.
    pub struct MeetingRecorder(ObjectSubclass<imp::MeetingRecorder>)
        @extends gst::Bin, gst::Element, gst::Object, @implements gst::ChildProxy;
}

glib::wrapper! {
    /// A `screen` or `feed_%u` pad: what is written on it, and whether it is shown.
    pub struct RecorderPad(ObjectSubclass<pad::RecorderPad>) @extends gst::GhostPad, gst::ProxyPad, gst::Pad, gst::Object;
}

pub(crate) fn register(plugin: &gst::Plugin) -> Result<(), glib::BoolError> {
    gst::Element::register(Some(plugin), "meetingrecorder", gst::Rank::NONE, MeetingRecorder::static_type())
}
