//! The element `conferencemixer`: everybody hears all the others and not themselves.
//!
//! SECTION:element-conferencemixer
//!
//! Each participant has a pair of request pads with one number: what comes in on `sink_3` is heard on every `src_%u` but `src_3`. `mix` has
//! everybody, for a recorder. Only the loudest few are decoded and mixed; all who do not speak share one encode.
//!
//! ```text
//! gst-launch-1.0 conferencemixer name=mixer mixer.mix ! queue ! wavenc ! filesink location=all.wav \
//!     filesrc location=ann.ogg ! oggdemux ! queue ! mixer.sink_0 \
//!     filesrc location=bob.wav ! wavparse ! audioconvert ! audioresample ! mixer.sink_1 \
//!     audiotestsrc num-buffers=200 ! mixer.sink_2
//! ```
//!
//! A program and a telephone, each hearing the other, by RTP:
//!
//! ```text
//! gst-launch-1.0 conferencemixer name=mixer \
//!     udpsrc port=5000 caps=application/x-rtp,media=audio,encoding-name=OPUS,clock-rate=48000,payload=111 ! mixer.sink_0 \
//!     udpsrc port=5002 caps=application/x-rtp,media=audio,encoding-name=PCMU,clock-rate=8000 ! mixer.sink_1 \
//!     mixer.src_0 ! application/x-rtp,encoding-name=OPUS ! udpsink sync=false async=false port=6000 \
//!     mixer.src_1 ! application/x-rtp,encoding-name=PCMU ! udpsink sync=false async=false port=6002
//! ```
//!
//! One thread mixes and pushes to all pads, so what follows them must not block: put a `queue` before what does.

use gst::glib;
use gst::prelude::*;

mod form;
mod hall;
mod imp;
mod inbox;
mod run;
mod serve;
mod sink;
mod sinkpad;
mod solo;
mod srcpad;

glib::wrapper! {
    /// Everybody hears all the others and not themselves.
    pub struct ConferenceMixer(ObjectSubclass<imp::ConferenceMixer>)
        @extends gst::Element, gst::Object, @implements gst::ChildProxy;
}

glib::wrapper! {
    /// Where one participant's sound comes in.
    pub struct ConferenceMixerSinkPad(ObjectSubclass<sinkpad::ConferenceMixerSinkPad>) @extends gst::Pad, gst::Object;
}

glib::wrapper! {
    /// Where one listener's mix comes out.
    pub struct ConferenceMixerSrcPad(ObjectSubclass<srcpad::ConferenceMixerSrcPad>) @extends gst::Pad, gst::Object;
}

pub(crate) fn register(plugin: &gst::Plugin) -> Result<(), glib::BoolError> {
    ConferenceMixerSinkPad::static_type().mark_as_plugin_api(gst::PluginAPIFlags::empty());
    ConferenceMixerSrcPad::static_type().mark_as_plugin_api(gst::PluginAPIFlags::empty());
    gst::Element::register(Some(plugin), "conferencemixer", gst::Rank::NONE, ConferenceMixer::static_type())
}
