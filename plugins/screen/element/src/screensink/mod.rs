//! The element `screensink`: presents a screen stream to a meeting.
//!
//! SECTION:element-screensink
//!
//! Joins the meeting at `location`, asks to present, and sends the stream as `services/web/PROTOCOL.md` has it. While the server has
//! enough it blocks: a live source then leaves frames out by itself.
//!
//! ```text
//! gst-launch-1.0 -e ximagesrc show-pointer=false ! videoconvert ! screenenc ! screensink location=https://host:8443/123456789
//! ```
//!
//! At the end of the stream it waits until the server has taken everything in, stops presenting and leaves. When the meeting ends it posts
//! end-of-stream; when the meeting refuses it, or takes the screen from it, an error with the server's sentence.

use gst::glib;
use gst::prelude::*;

mod imp;
mod pieces;

glib::wrapper! {
    /// Presents a screen stream to a meeting.
    pub struct ScreenSink(ObjectSubclass<imp::ScreenSink>) @extends gst_base::BaseSink, gst::Element, gst::Object;
}

pub(crate) fn register(plugin: &gst::Plugin) -> Result<(), glib::BoolError> {
    gst::Element::register(Some(plugin), "screensink", gst::Rank::NONE, ScreenSink::static_type())
}
