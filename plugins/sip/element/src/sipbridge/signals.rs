//! The element's signals: what applications ask of it, and what they are told.

use gst::glib;
use gst::prelude::*;
use gst::subclass::prelude::*;

use super::SipBridge;

/// All of them.
pub fn signals() -> Vec<glib::subclass::Signal> {
    use glib::subclass::Signal;
    let seat = u32::static_type();
    let id = u64::static_type();
    let text = String::static_type();
    let structure = gst::Structure::static_type();
    let told =
        |name: &str, types: &[glib::Type]| Signal::builder(name).param_types(types.iter().copied()).build();
    vec![
        told("call-joined", &[seat, structure]),
        told("call-left", &[seat, text]),
        told("command", &[seat, text]),
        told("call-progress", &[id, text]),
        told("call-failed", &[id, text]),
        told("trunk-changed", &[text]),
        told("call-ended", &[structure]),
        Signal::builder("call")
            .param_types([text])
            .return_type::<u64>()
            .action()
            .class_handler(|arguments| {
                let bridge = arguments.first()?.get::<SipBridge>().ok()?;
                Some(bridge.imp().call(arguments.get(1)?.get().ok()?).to_value())
            })
            .build(),
        Signal::builder("cancel")
            .param_types([id])
            .action()
            .class_handler(|arguments| {
                let bridge = arguments.first()?.get::<SipBridge>().ok()?;
                bridge.imp().cancel(arguments.get(1)?.get().ok()?);
                None
            })
            .build(),
        Signal::builder("hang-up")
            .param_types([seat])
            .action()
            .class_handler(|arguments| {
                let bridge = arguments.first()?.get::<SipBridge>().ok()?;
                bridge.imp().hang_up(arguments.get(1)?.get().ok()?);
                None
            })
            .build(),
        Signal::builder("hang-up-all")
            .action()
            .class_handler(|arguments| {
                arguments.first()?.get::<SipBridge>().ok()?.imp().hang_up_all();
                None
            })
            .build(),
        Signal::builder("announce")
            .param_types([seat, text])
            .action()
            .class_handler(|arguments| {
                let bridge = arguments.first()?.get::<SipBridge>().ok()?;
                bridge.imp().announce(arguments.get(1)?.get().ok()?, arguments.get(2)?.get().ok()?);
                None
            })
            .build(),
        Signal::builder("stats")
            .return_type::<gst::Structure>()
            .action()
            .class_handler(|arguments| {
                let bridge = arguments.first()?.get::<SipBridge>().ok()?;
                Some(bridge.imp().stats().to_value())
            })
            .build(),
    ]
}
