//! The element `screenenc`: pictures of a screen in, a screen stream out.
//!
//! SECTION:element-screenenc
//!
//! Compares each picture with the one before and writes what changed as a stream of records (`FORMAT.md`): one buffer an update, nothing
//! when nothing changed. Text stays exact to the pixel.
//!
//! ```text
//! gst-launch-1.0 -e ximagesrc show-pointer=false ! videoconvert ! screenenc ! filesink location=talk.screen
//! ```
//!
//! The pointer is no part of the pixels. Whoever captures it sends the custom downstream events `convene-screen-cursor` and
//! `convene-screen-cursor-shape`, serialized or out of band. An upstream force-key-unit event makes the next buffer one that a reader can
//! begin with.

use gst::glib;
use gst::prelude::*;

mod hands;
mod idle;
mod imp;

glib::wrapper! {
    /// Pictures of a screen in, a screen stream out.
    pub struct ScreenEnc(ObjectSubclass<imp::ScreenEnc>) @extends gst::Element, gst::Object;
}

pub(crate) fn register(plugin: &gst::Plugin) -> Result<(), glib::BoolError> {
    gst::Element::register(Some(plugin), "screenenc", gst::Rank::NONE, ScreenEnc::static_type())
}
