//! The element's signals: what applications ask of it, and what they are told.

use gst::glib;
use gst::prelude::*;
use gst::subclass::prelude::*;

use super::{Vp8Relay, structures};

/// All of them.
pub fn signals() -> Vec<glib::subclass::Signal> {
    use glib::subclass::Signal;
    let text = String::static_type();
    let structure = gst::Structure::static_type();
    let action =
        |name: &str, types: &[glib::Type]| Signal::builder(name).param_types(types.iter().copied()).action();
    let told =
        |name: &str, types: &[glib::Type]| Signal::builder(name).param_types(types.iter().copied()).build();
    vec![
        action("offer", &[text, text])
            .return_type::<gst::Structure>()
            .class_handler(|arguments| {
                let (relay, peer) = relay_and_peer(arguments)?;
                let sdp = arguments.get(2)?.get::<String>().ok()?;
                Some(structures::answer(relay.imp().offer(&peer, &sdp)).to_value())
            })
            .build(),
        action("remove", &[text])
            .class_handler(|arguments| {
                let (relay, peer) = relay_and_peer(arguments)?;
                relay.imp().remove(&peer);
                None
            })
            .build(),
        action("select", &[text, structure])
            .class_handler(|arguments| {
                let (relay, peer) = relay_and_peer(arguments)?;
                let wish = arguments.get(2)?.get::<gst::Structure>().ok()?;
                relay.imp().select(&peer, &wish);
                None
            })
            .build(),
        action("stats", &[])
            .return_type::<gst::Structure>()
            .class_handler(|arguments| {
                let relay = arguments.first()?.get::<Vp8Relay>().ok()?;
                Some(relay.imp().stats().to_value())
            })
            .build(),
        action("limit-feeds", &[u32::static_type()])
            .class_handler(|arguments| {
                let relay = arguments.first()?.get::<Vp8Relay>().ok()?;
                let bitrate = arguments.get(1)?.get::<u32>().ok()?;
                if let Some(seat) = relay.imp().seat() {
                    seat.limit_feeds(bitrate);
                }
                None
            })
            .build(),
        told("slots-changed", &[text, structure]),
        told("peer-state", &[text, text]),
        told("feeds-changed", &[structure]),
        told("speakers-changed", &[structure]),
    ]
}

fn relay_and_peer(arguments: &[glib::Value]) -> Option<(Vp8Relay, String)> {
    let relay = arguments.first()?.get().ok()?;
    let peer = arguments.get(1)?.get().ok()?;
    Some((relay, peer))
}
