//! The element `screensrc`: watches the screen of a meeting.
//!
//! SECTION:element-screensrc
//!
//! Joins the meeting at `location` as a viewer. The stream begins with the whole screen as it is; a buffer's time is that of its arrival.
//! What downstream has taken counts as painted, so that the server keeps to the pace of this pipeline.
//!
//! ```text
//! gst-launch-1.0 screensrc location=https://host:8443/123456789 ! screendec ! videoconvert ! autovideosink sync=false
//! ```
//!
//! The end of the meeting is the end of the stream; a refusal or a lost connection is an error with a sentence.

use gst::glib;
use gst::prelude::*;

mod imp;

glib::wrapper! {
    /// Watches the screen of a meeting.
    pub struct ScreenSrc(ObjectSubclass<imp::ScreenSrc>)
        @extends gst_base::PushSrc, gst_base::BaseSrc, gst::Element, gst::Object;
}

pub(crate) fn register(plugin: &gst::Plugin) -> Result<(), glib::BoolError> {
    gst::Element::register(Some(plugin), "screensrc", gst::Rank::NONE, ScreenSrc::static_type())
}
