//! The element `screendec`: a screen stream in, pictures of the screen out.
//!
//! SECTION:element-screendec
//!
//! Takes the stream in pieces of any size, also from a file without caps, and shows each update as one picture. A picture's time is the
//! incoming buffer's where it has one, and else the time that the stream says. When the screen changes its size, the caps change.
//!
//! ```text
//! gst-launch-1.0 filesrc location=talk.screen ! screendec ! videoconvert ! autovideosink
//! ```
//!
//! A stream that ends inside a record, or breaks the format, is shown up to its last whole update; then an error says what was wrong.

use gst::glib;
use gst::prelude::*;

mod imp;
mod pointer;
mod timeline;

glib::wrapper! {
    /// A screen stream in, pictures of the screen out.
    pub struct ScreenDec(ObjectSubclass<imp::ScreenDec>) @extends gst::Element, gst::Object;
}

pub(crate) fn register(plugin: &gst::Plugin) -> Result<(), glib::BoolError> {
    gst::Element::register(Some(plugin), "screendec", gst::Rank::PRIMARY, ScreenDec::static_type())
}
