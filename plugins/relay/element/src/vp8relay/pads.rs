//! What goes through a relay's pads, and how they answer.

use convene_relay::Input;
use gst::prelude::*;
use gst::subclass::prelude::*;

use super::imp::CAT;
use super::pad::Kind;
use super::{Vp8Relay, Vp8RelayPad, imp, streams};

impl imp::Vp8Relay {
    /// Pushes what waited; on the pusher's thread.
    pub(super) fn push(&self, pad: &Vp8RelayPad, buffer: gst::Buffer) {
        if pad.sticky_event::<gst::event::Segment>(0).is_none() {
            self.introduce(pad);
        }
        gst::trace!(CAT, obj = pad, "Pushing {} bytes", buffer.size());
        match pad.push(buffer) {
            Ok(_) => {}
            Err(gst::FlowError::NotLinked | gst::FlowError::Flushing | gst::FlowError::Eos) => {
                gst::trace!(CAT, obj = pad, "Nobody takes it");
            }
            Err(error) => {
                // One branch's trouble does not end the meeting.
                self.state.lock().detach(pad, &pad.imp().peer());
                let name = pad.name();
                gst::element_imp_warning!(
                    self,
                    gst::StreamError::Failed,
                    ("What is linked to {name} has failed and gets nothing more: {error}.")
                );
            }
        }
    }

    /// What every stream begins with.
    fn introduce(&self, pad: &Vp8RelayPad) {
        let caps = match pad.imp().kind() {
            Kind::Feed(_) => &*streams::FEED_CAPS,
            Kind::H264Out => &*streams::H264_CAPS,
            _ => &*streams::VOICE_CAPS,
        };
        // By hand: GStreamer makes ids only for elements with at most one sink pad.
        let id = format!("{}/{}", self.obj().name(), pad.name());
        pad.push_event(gst::event::StreamStart::builder(&id).group_id(gst::GroupId::next()).build());
        pad.push_event(gst::event::Caps::new(caps));
        pad.push_event(gst::event::Segment::new(&gst::FormattedSegment::<gst::ClockTime>::new()));
    }

    /// A pad is another peer's from now on.
    pub(super) fn pad_changes_hands(&self, pad: &Vp8RelayPad, before: &str) {
        let mut state = self.state.lock();
        state.detach(pad, before);
        state.attach(pad);
    }

    fn chain(&self, pad: &Vp8RelayPad, buffer: &gst::Buffer) -> Result<gst::FlowSuccess, gst::FlowError> {
        let no_rtp = || {
            let name = pad.name();
            gst::element_imp_error!(self, gst::StreamError::Format, ("What comes in on {name} is no RTP."));
            gst::FlowError::Error
        };
        let place = {
            let state = self.state.lock();
            state.seat.clone().zip(pad.imp().with_peer(|peer| state.members.id(peer)))
        };
        match pad.imp().kind() {
            Kind::FeedIn => {
                let packet = streams::supplied(buffer, pad.imp().is_screen()).ok_or_else(no_rtp)?;
                if let Some((seat, id)) = place {
                    seat.supply(id, packet);
                }
            }
            _ => {
                let packet = streams::heard(buffer).ok_or_else(no_rtp)?;
                if let Some((seat, id)) = place {
                    seat.tell_lossy(id, Input::Voice { peer: id, packet });
                }
            }
        }
        Ok(gst::FlowSuccess::Ok)
    }

    /// What ends or flushes on a sink pad is of no interest to anybody else, but a camera that ends is over.
    fn sink_event(&self, pad: &Vp8RelayPad, event: &gst::Event) -> bool {
        let ends = matches!(event.type_(), gst::EventType::Eos | gst::EventType::FlushStart);
        if ends && pad.imp().kind() == Kind::FeedIn {
            let state = self.state.lock();
            if let (Some(seat), Some(id)) = (&state.seat, state.members.id(&pad.imp().peer())) {
                seat.end_supply(id);
            }
        }
        true
    }

    fn src_event(&self, pad: &Vp8RelayPad, event: &gst::Event) -> bool {
        if !is_force_key_unit(event) {
            return matches!(event.type_(), gst::EventType::Latency | gst::EventType::Reconfigure);
        }
        gst::debug!(CAT, obj = pad, "Asked for a key frame");
        let state = self.state.lock();
        let Some(seat) = &state.seat else { return true };
        match pad.imp().kind() {
            Kind::Feed(tap) => {
                if let Some((_, peer)) = state.taps.get(&tap) {
                    seat.tap_keyframe(tap, *peer);
                }
            }
            Kind::H264Out => {
                if let Some(peer) = state.members.id(&pad.imp().peer()) {
                    seat.tell(peer, Input::Keyframe(peer));
                }
            }
            Kind::FeedIn | Kind::VoiceOut | Kind::VoiceIn => return false,
        }
        true
    }

    fn src_query(&self, pad: &Vp8RelayPad, query: &mut gst::QueryRef) -> bool {
        match query.view_mut() {
            gst::QueryViewMut::Latency(latency) => {
                latency.set(true, gst::ClockTime::ZERO, gst::ClockTime::NONE);
                true
            }
            _ => gst::Pad::query_default(pad, Some(&*self.obj()), query),
        }
    }

    /// A new pad.
    pub(super) fn make_pad(&self, template: &gst::PadTemplate, name: &str) -> Vp8RelayPad {
        let builder = gst::PadBuilder::<Vp8RelayPad>::from_template(template)
            .name(name)
            .iterate_internal_links_function(|_, _| gst::Iterator::from_vec(Vec::new()));
        match template.direction() {
            gst::PadDirection::Sink => builder
                .chain_function(move |pad, parent, buffer| {
                    let relay = relay_of(parent).ok_or(gst::FlowError::Error)?;
                    relay.imp().catch_panic_chain(pad, &buffer)
                })
                .event_function(move |pad, parent, event| {
                    relay_of(parent).is_some_and(|relay| relay.imp().sink_event(pad, &event))
                })
                .build(),
            _ => builder
                .event_function(move |pad, parent, event| {
                    relay_of(parent).is_some_and(|relay| relay.imp().src_event(pad, &event))
                })
                .query_function(move |pad, parent, query| {
                    relay_of(parent).is_some_and(|relay| relay.imp().src_query(pad, query))
                })
                .build(),
        }
    }

    fn catch_panic_chain(
        &self,
        pad: &Vp8RelayPad,
        buffer: &gst::Buffer,
    ) -> Result<gst::FlowSuccess, gst::FlowError> {
        gst::panic_to_error!(self, Err(gst::FlowError::Error), { self.chain(pad, buffer) })
    }
}

fn is_force_key_unit(event: &gst::Event) -> bool {
    event.structure().is_some_and(|structure| structure.name() == "GstForceKeyUnit")
}

fn relay_of(parent: Option<&gst::Object>) -> Option<&Vp8Relay> {
    parent?.downcast_ref()
}
