//! What goes through a bridge's pads, and how they answer.

use gst::prelude::*;
use gst::subclass::prelude::*;

use super::imp::{CAT, SipBridge};
use super::pusher::Letter;
use super::{form, imp};

/// The event that goes upstream from where what a caller hears comes in, when packets of that were lost on the way to the caller.
const VOICE_LOST: &str = "convene-voice-lost";

impl imp::SipBridge {
    /// What waited; on the pusher's thread.
    pub(super) fn carry_out(&self, letter: Letter) {
        match letter {
            Letter::Signal(name, arguments) => {
                let arguments: Vec<gst::glib::Value> = arguments.into_iter().map(Into::into).collect();
                self.obj().emit_by_name_with_values(name, &arguments);
            }
            Letter::Introduce(number) => self.introduce(number),
            Letter::Lost(call) => {
                let sink = {
                    let state = self.state.lock();
                    let number = state.seats.number(call);
                    number.and_then(|number| state.seats.seat(number)?.sink.clone())
                };
                if let Some(pad) = sink {
                    let loss = gst::Structure::new_empty(VOICE_LOST);
                    pad.push_event(gst::event::CustomUpstream::new(loss));
                }
            }
            Letter::Voice(call, buffer) => {
                let src = {
                    let state = self.state.lock();
                    let number = state.seats.number(call);
                    number.and_then(|number| Some((number, state.seats.seat(number)?.src.clone()?)))
                };
                if let Some((number, pad)) = src {
                    self.push(number, &pad, buffer);
                }
            }
        }
    }

    fn push(&self, number: u32, pad: &gst::Pad, buffer: gst::Buffer) {
        if pad.sticky_event::<gst::event::Segment>(0).is_none() {
            self.introduce(number);
        }
        gst::trace!(CAT, obj = pad, "Pushing {} bytes", buffer.size());
        match pad.push(buffer) {
            Ok(_) => {}
            Err(gst::FlowError::NotLinked | gst::FlowError::Flushing | gst::FlowError::Eos) => {
                gst::trace!(CAT, obj = pad, "Nobody takes it");
            }
            Err(error) => {
                // One branch's trouble does not end the meeting, but this call has no use any longer.
                self.hang_up(number);
                let name = pad.name();
                gst::element_imp_warning!(
                    self,
                    gst::StreamError::Failed,
                    ("What is linked to {name} has failed, so its call is ended: {error}.")
                );
            }
        }
    }

    /// Both sides are told the codec of who sits here.
    fn introduce(&self, number: u32) {
        let (src, sink, caps) = {
            let state = self.state.lock();
            let Some(seat) = state.seats.seat(number) else {
                return;
            };
            let Some(caller) = &seat.caller else {
                return;
            };
            (seat.src.clone(), seat.sink.clone(), form::caps(caller.codec, caller.payload_type))
        };
        if let Some(pad) = src.filter(|pad| pad.is_active()) {
            if pad.sticky_event::<gst::event::StreamStart>(0).is_none() {
                // By hand: GStreamer makes ids only for elements with at most one sink pad.
                let id = format!("{}/{}", self.obj().name(), pad.name());
                pad.push_event(gst::event::StreamStart::builder(&id).group_id(gst::GroupId::next()).build());
            }
            if pad.current_caps().as_ref() != Some(&caps) {
                gst::debug!(CAT, obj = pad, "Gives {caps}");
                pad.push_event(gst::event::Caps::new(&caps));
            }
            if pad.sticky_event::<gst::event::Segment>(0).is_none() {
                pad.push_event(gst::event::Segment::new(&gst::FormattedSegment::<gst::ClockTime>::new()));
            }
        }
        if let Some(pad) = sink {
            pad.push_event(gst::event::Reconfigure::new());
        }
    }

    fn chain(&self, number: u32, buffer: &gst::Buffer) -> Result<gst::FlowSuccess, gst::FlowError> {
        let to = {
            let state = self.state.lock();
            let seat = state.seats.seat(number);
            seat.and_then(|seat| Some((seat.caller.as_ref()?.line.clone(), seat.form?)))
        };
        if let Some((line, codec)) = to {
            let map = buffer.map_readable().map_err(|_| gst::FlowError::Error)?;
            line.send(&map, codec);
        }
        Ok(gst::FlowSuccess::Ok)
    }

    /// What ends or flushes here is of no interest to anybody else.
    fn sink_event(&self, number: u32, event: &gst::Event) -> bool {
        if let gst::EventView::Caps(caps) = event.view() {
            let codec = form::codec(caps.caps());
            self.state.lock().seats.seat_mut(number).form = codec;
            return codec.is_some();
        }
        true
    }

    fn sink_query(&self, number: u32, pad: &gst::Pad, query: &mut gst::QueryRef) -> bool {
        match query.view_mut() {
            gst::QueryViewMut::Caps(caps) => {
                let wanted = {
                    let state = self.state.lock();
                    let caller = state.seats.caller(number);
                    caller.map_or_else(form::any_caps, |caller| form::caps(caller.codec, caller.payload_type))
                };
                let wanted = match caps.filter() {
                    Some(filter) => filter.intersect_with_mode(&wanted, gst::CapsIntersectMode::First),
                    None => wanted,
                };
                caps.set_result(&wanted);
                true
            }
            gst::QueryViewMut::AcceptCaps(accept) => {
                // Also those of who sat here before: what upstream has begun is dropped until it has been told the new ones.
                let is_known = form::codec(accept.caps()).is_some();
                accept.set_result(is_known);
                true
            }
            _ => gst::Pad::query_default(pad, Some(&*self.obj()), query),
        }
    }

    fn src_query(&self, pad: &gst::Pad, query: &mut gst::QueryRef) -> bool {
        match query.view_mut() {
            gst::QueryViewMut::Latency(latency) => {
                latency.set(true, gst::ClockTime::ZERO, gst::ClockTime::NONE);
                true
            }
            _ => gst::Pad::query_default(pad, Some(&*self.obj()), query),
        }
    }

    /// A new pad of a seat.
    pub(super) fn make_pad(template: &gst::PadTemplate, name: &str, number: u32) -> gst::Pad {
        let builder = gst::Pad::builder_from_template(template)
            .name(name)
            .iterate_internal_links_function(|_, _| gst::Iterator::from_vec(Vec::new()));
        if template.direction() == gst::PadDirection::Src {
            return builder
                .event_function(|_, _, event| {
                    matches!(event.type_(), gst::EventType::Latency | gst::EventType::Reconfigure)
                })
                .query_function(|pad, parent, query| {
                    SipBridge::catch_panic_pad_function(parent, || false, |this| this.src_query(pad, query))
                })
                .build();
        }
        builder
            .chain_function(move |_, parent, buffer| {
                let failed = || Err(gst::FlowError::Error);
                SipBridge::catch_panic_pad_function(parent, failed, |this| this.chain(number, &buffer))
            })
            .event_function(move |_, parent, event| {
                SipBridge::catch_panic_pad_function(parent, || false, |this| this.sink_event(number, &event))
            })
            .query_function(move |pad, parent, query| {
                SipBridge::catch_panic_pad_function(
                    parent,
                    || false,
                    |this| this.sink_query(number, pad, query),
                )
            })
            .build()
    }
}
