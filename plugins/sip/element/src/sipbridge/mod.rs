//! The element `sipbridge`: telephone calls by SIP, each a pair of pads.
//!
//! SECTION:element-sipbridge
//!
//! Answers calls by TLS, TCP and UDP. Each caller takes a seat: `call_src_3` gives the voice of the one on seat 3 as RTP, and what comes in on
//! `call_sink_3` that one hears. RTP goes through in the call's codec; `conferencemixer` knows them. All bridges of a process that name the same
//! ports share them, each with a room of its own that callers reach by its nine-digit code.
//!
//! A telephone conference for three; without a `room`, whoever calls is in it at once:
//!
//! ```text
//! gst-launch-1.0 sipbridge name=sip udp-port=5060 conferencemixer name=mixer stay-open=true \
//!     sip.call_src_0 ! mixer.sink_0   mixer.src_0 ! sip.call_sink_0 \
//!     sip.call_src_1 ! mixer.sink_1   mixer.src_1 ! sip.call_sink_1 \
//!     sip.call_src_2 ! mixer.sink_2   mixer.src_2 ! sip.call_sink_2
//! ```
//!
//! All source pads are pushed by one thread, so what follows them must not block: put a `queue` where it might.

use gst::glib;
use gst::prelude::*;

mod form;
mod imp;
mod pads;
mod pusher;
mod record;
mod seats;
mod settings;
mod signals;
mod told;

glib::wrapper! {
    /// Telephone calls by SIP, each a pair of pads.
    pub struct SipBridge(ObjectSubclass<imp::SipBridge>) @extends gst::Element, gst::Object;
}

pub(crate) fn register(plugin: &gst::Plugin) -> Result<(), glib::BoolError> {
    gst::Element::register(Some(plugin), "sipbridge", gst::Rank::NONE, SipBridge::static_type())
}
