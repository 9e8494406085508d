//! What the hub tells a bridge, and what applications are told of it.

use std::sync::Arc;

use convene_conference::Codec;
use convene_sip::{About, CallId, CallRecord, Progress, SessionStats, TrunkState, Wish};
use gst::glib;
use gst::prelude::*;
use gst::subclass::prelude::*;

use super::imp::{CAT, SipBridge};
use super::pusher::Letter;
use super::record;
use super::seats::Caller;
use crate::hub::{Line, RoomListener};

/// Hands on what the hub tells, as long as the element is there.
pub(super) struct Listener(pub(super) glib::WeakRef<super::SipBridge>);

impl RoomListener for Listener {
    fn joined(&self, call: CallId, about: &About, line: &Arc<Line>) -> bool {
        self.0.upgrade().is_some_and(|bridge| bridge.imp().joined(call, about, line))
    }

    fn changed(&self, call: CallId, codec: Codec, payload_type: u8) {
        if let Some(bridge) = self.0.upgrade() {
            bridge.imp().changed(call, codec, payload_type);
        }
    }

    fn voice(&self, call: CallId, packet: Vec<u8>) {
        if let Some(bridge) = self.0.upgrade() {
            bridge.imp().voice(call, packet);
        }
    }

    fn lost(&self, call: CallId) {
        if let Some(bridge) = self.0.upgrade() {
            bridge.imp().lost(call);
        }
    }

    fn wished(&self, call: CallId, wish: Wish) {
        if let Some(bridge) = self.0.upgrade() {
            bridge.imp().wished(call, wish);
        }
    }

    fn progressed(&self, call: CallId, progress: Progress) {
        if let Some(bridge) = self.0.upgrade() {
            bridge.imp().progressed(call, progress);
        }
    }

    fn trunk_changed(&self, state: TrunkState) {
        if let Some(bridge) = self.0.upgrade() {
            bridge.imp().trunk_changed(state);
        }
    }

    fn recorded(&self, call: CallId, record: &CallRecord, sound: Option<SessionStats>) {
        if let Some(bridge) = self.0.upgrade() {
            bridge.imp().recorded(call, record, sound);
        }
    }

    fn left(&self, call: CallId, why: &'static str) {
        if let Some(bridge) = self.0.upgrade() {
            bridge.imp().left(call, why);
        }
    }
}

impl SipBridge {
    pub(super) fn joined(&self, call: CallId, about: &About, line: &Arc<Line>) -> bool {
        let caller =
            Caller { call, line: Arc::clone(line), codec: about.codec, payload_type: about.payload_type };
        // Applications that listen request the pads when they are told.
        let signal = glib::subclass::SignalId::lookup("call-joined", super::SipBridge::static_type());
        let may_pads_come = signal.is_some_and(|signal| {
            glib::signal::signal_has_handler_pending(
                self.obj().upcast_ref::<glib::Object>(),
                signal,
                None,
                false,
            )
        });
        let mut state = self.state.lock();
        let Some(number) = state.seats.sit(caller, may_pads_come) else {
            gst::info!(CAT, imp = self, "A caller is turned away, as no seat is free");
            return false;
        };
        gst::info!(CAT, imp = self, "Seat {number}: {about:?}");
        let told = gst::Structure::builder("call")
            .field("id", call.0.to_string())
            .field("codec", about.codec.encoding_name())
            .field("name", &about.name)
            .field("number", &about.number)
            .field("encrypted", about.is_encrypted)
            .build();
        if let Some(inlet) = &state.inlet {
            inlet.put(Letter::Introduce(number));
            inlet.put(Letter::Signal("call-joined", vec![number.to_send_value(), told.to_send_value()]));
        }
        true
    }

    pub(super) fn changed(&self, call: CallId, codec: Codec, payload_type: u8) {
        let mut state = self.state.lock();
        let Some(caller) = state.seats.caller_mut(call) else {
            return;
        };
        if (caller.codec, caller.payload_type) != (codec, payload_type) {
            (caller.codec, caller.payload_type) = (codec, payload_type);
            if let (Some(number), Some(inlet)) = (state.seats.number(call), &state.inlet) {
                inlet.put(Letter::Introduce(number));
            }
        }
    }

    pub(super) fn voice(&self, call: CallId, packet: Vec<u8>) {
        let mut buffer = gst::Buffer::from_mut_slice(packet);
        buffer.get_mut().expect("a new buffer").set_pts(self.obj().current_running_time());
        if let Some(inlet) = &self.state.lock().inlet {
            inlet.put(Letter::Voice(call, buffer));
        }
    }

    pub(super) fn lost(&self, call: CallId) {
        if let Some(inlet) = &self.state.lock().inlet {
            inlet.put(Letter::Lost(call));
        }
    }

    pub(super) fn wished(&self, call: CallId, wish: Wish) {
        let state = self.state.lock();
        if let (Some(number), Some(inlet)) = (state.seats.number(call), &state.inlet) {
            gst::debug!(CAT, imp = self, "Seat {number} wants {}", wish.word());
            let arguments = vec![number.to_send_value(), wish.word().to_send_value()];
            inlet.put(Letter::Signal("command", arguments));
        }
    }

    /// A call is over. Told here, and not by the thread of the pads: that ends before the last calls do.
    pub(super) fn recorded(&self, call: CallId, record: &CallRecord, sound: Option<SessionStats>) {
        gst::debug!(CAT, imp = self, "Call {}: {record:?}", call.0);
        self.obj().emit_by_name::<()>("call-ended", &[&record::structure(call, record, sound)]);
    }

    pub(super) fn left(&self, call: CallId, why: &'static str) {
        let mut state = self.state.lock();
        let Some(number) = state.seats.stand_up(call) else {
            return;
        };
        gst::info!(CAT, imp = self, "Seat {number} is free: {why}");
        if let Some(inlet) = &state.inlet {
            inlet.put(Letter::Signal("call-left", vec![number.to_send_value(), why.to_send_value()]));
        }
    }

    /// A call of ours gets on, or comes to nothing.
    pub(super) fn progressed(&self, call: CallId, progress: Progress) {
        let (signal, word) = match progress {
            Progress::Ringing => ("call-progress", "ringing"),
            Progress::Answered => ("call-progress", "answered"),
            Progress::Failed(why) => ("call-failed", why.word()),
        };
        gst::info!(CAT, imp = self, "Call {}: {word}", call.0);
        self.tell(signal, vec![call.0.to_send_value(), word.to_send_value()]);
    }

    /// Whether the trunk brings calls.
    pub(super) fn trunk_changed(&self, state: TrunkState) {
        let words = match state {
            TrunkState::Registered => "registered".to_owned(),
            TrunkState::Unreachable => "unreachable".to_owned(),
            TrunkState::Refused(status) => format!("refused {status}"),
        };
        gst::debug!(CAT, imp = self, "The trunk: {words}");
        self.tell("trunk-changed", vec![words.to_send_value()]);
    }

    fn tell(&self, signal: &'static str, arguments: Vec<glib::SendValue>) {
        if let Some(inlet) = &self.state.lock().inlet {
            inlet.put(Letter::Signal(signal, arguments));
        }
    }
}
