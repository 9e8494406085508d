//! The element `vp8relay`: a meeting's cameras to all who watch, through one UDP port, and its voices by pads.
//!
//! SECTION:element-vp8relay
//!
//! Browsers and other WebRTC peers join by the action signal `offer`. Each sends a VP8 camera and an Opus voice if it likes, and sees the
//! cameras of the others in the receiving lines of its offer; nothing is decoded. All relays of a process that name the same port share it.
//!
//! ```text
//! gst-launch-1.0 vp8relay name=relay http=127.0.0.1:8080 \
//!     feed_0::peer=ann relay.feed_0 ! rtpvp8depay ! vp8dec ! videoconvert ! autovideosink
//! ```
//!
//! With `http`, browsers and GStreamer publish VP8 by WHIP to `http://127.0.0.1:8080/whip/ann`, and players watch by WHEP at
//! `http://127.0.0.1:8080/whep`.
//!
//! Request pads: `feed_%u` gives a peer's camera, `voice_src_%u` its voice, and what comes in on `voice_sink_%u` it hears. Their property `peer`
//! says whose they are; it may be set before the peer is there, and a pad without it is for the peer that is named like the pad's number.
//! All source pads are pushed by one thread, so what follows them must not block: put a `queue` where it might.

use gst::glib;
use gst::prelude::*;

mod imp;
mod members;
mod pad;
mod pads;
mod pusher;
mod settings;
mod signals;
mod state;
mod streams;
mod structures;
mod told;

glib::wrapper! {
    /// A meeting's cameras to all who watch, and its voices by pads.
    pub struct Vp8Relay(ObjectSubclass<imp::Vp8Relay>)
        @extends gst::Element, gst::Object, @implements gst::ChildProxy;
}

glib::wrapper! {
    /// Where one peer's camera or voice comes out, or what it hears goes in.
    pub struct Vp8RelayPad(ObjectSubclass<pad::Vp8RelayPad>) @extends gst::Pad, gst::Object;
}

pub(crate) fn register(plugin: &gst::Plugin) -> Result<(), glib::BoolError> {
    Vp8RelayPad::static_type().mark_as_plugin_api(gst::PluginAPIFlags::empty());
    gst::Element::register(Some(plugin), "vp8relay", gst::Rank::NONE, Vp8Relay::static_type())
}
