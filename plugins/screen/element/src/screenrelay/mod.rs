//! The element `screenrelay`: one presenter, many viewers, each at its own pace.
//!
//! SECTION:element-screenrelay
//!
//! Holds the screen that comes in on `sink` and gives every request pad `src_%u` a stream of its own: first the whole screen, then what
//! changes. A viewer that cannot keep up never holds the others, and what it misses is not queued: it gets the newest content when there
//! is room again.
//!
//! ```text
//! gst-launch-1.0 -e ximagesrc show-pointer=false ! videoconvert ! screenenc ! screenrelay name=relay \
//!     relay. ! filesink location=talk.screen \
//!     relay. ! screendec ! videoconvert ! autovideosink sync=false
//! ```
//!
//! A pad with `acknowledge=false` has a streaming thread, and a push that returns counts as painted. All pads with `acknowledge=true` share
//! one thread; what is downstream of them must not block, and says with the upstream event `convene-screen-painted` what was painted.
//! A pad with `video=true` gets films as they are, which `screendec` plays; one with `video=false` gets them as pictures.
//! With `series=true` it gets series of graphics, which take less and which `screendec` reads, too.

use gst::glib;
use gst::prelude::*;

mod desk;
mod imp;
mod pad;
mod serve;

glib::wrapper! {
    /// One presenter, many viewers, each at its own pace.
    pub struct ScreenRelay(ObjectSubclass<imp::ScreenRelay>)
        @extends gst::Element, gst::Object, @implements gst::ChildProxy;
}

glib::wrapper! {
    /// Where one viewer's stream comes out.
    pub struct ScreenRelayPad(ObjectSubclass<pad::ScreenRelayPad>) @extends gst::Pad, gst::Object;
}

pub(crate) fn register(plugin: &gst::Plugin) -> Result<(), glib::BoolError> {
    ScreenRelayPad::static_type().mark_as_plugin_api(gst::PluginAPIFlags::empty());
    gst::Element::register(Some(plugin), "screenrelay", gst::Rank::NONE, ScreenRelay::static_type())
}
