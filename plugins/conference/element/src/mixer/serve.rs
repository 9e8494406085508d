//! What goes out: a listener's stream begins, and gets its frames; the bus is told who speaks.

use std::time::Duration;

use convene_conference::{Delivery, Ear, Level, Output, Seat, TICK};
use gst::prelude::*;
use gst::subclass::prelude::*;
use rand::Rng;

use super::ConferenceMixerSrcPad;
use super::form;
use super::imp::{CAT, ConferenceMixer};

impl ConferenceMixer {
    /// Begins a listener's stream in the form that downstream likes best.
    pub(super) fn introduce(&self, pad: &ConferenceMixerSrcPad) -> Option<Delivery> {
        // Before it is asked: a wish that changes from here on is asked for again.
        let _ = pad.check_reconfigure();
        let wanted = pad.peer_query_caps(Some(&pad.pad_template_caps()));
        let inside = self.settings().channels();
        let mut chance = rand::rng();
        let Some((caps, delivery)) = form::choose(&wanted, inside, chance.random()) else {
            if pad.is_linked() {
                gst::element_imp_error!(
                    self,
                    gst::StreamError::Format,
                    ("What is linked to {} takes none of our forms.", pad.name())
                );
            }
            return None;
        };
        gst::debug!(CAT, obj = pad, "Gives {caps}");
        if !pad.imp().introduce() {
            let (id, group) = {
                let hall = self.hall.lock();
                (format!("{:016x}/{}", hall.stream, pad.name()), hall.group)
            };
            pad.push_event(gst::event::StreamStart::builder(&id).group_id(group).build());
        }
        pad.push_event(gst::event::Caps::new(&caps));
        pad.push_event(gst::event::Segment::new(&gst::FormattedSegment::<gst::ClockTime>::new()));
        Some(delivery)
    }

    pub(super) fn serve(&self, output: Output) {
        match output {
            Output::Samples { to, at, samples, is_silent } => {
                let bytes: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
                let mut buffer = gst::Buffer::from_mut_slice(bytes);
                if is_silent {
                    buffer.get_mut().expect("a new buffer").set_flags(gst::BufferFlags::GAP);
                }
                self.push(to, buffer, at);
            }
            Output::Opus { to, at, packet } => self.push(to, gst::Buffer::from_slice(packet), at),
            Output::Rtp { to, at, packet } => self.push(to, gst::Buffer::from_mut_slice(packet), at),
            Output::Solo { of, piece } => self.push_solo(of, piece),
            Output::Talkers(talkers) => self.post_talkers(&talkers),
            Output::Timeout(_) => {}
        }
    }

    fn push(&self, ear: Ear, mut buffer: gst::Buffer, at: Duration) {
        let Some(pad) = self.hall.lock().listeners.get(&ear).cloned() else {
            return;
        };
        if pad.check_reconfigure() && self.renegotiate(&pad) {
            return;
        }
        {
            let buffer = buffer.get_mut().expect("a new buffer");
            buffer.set_pts(gst::ClockTime::from_nseconds(at.as_nanos() as u64));
            buffer.set_duration(gst::ClockTime::from_nseconds(TICK.as_nanos() as u64));
        }
        match pad.push(buffer) {
            Ok(_) | Err(gst::FlowError::Flushing) => {}
            Err(error) => {
                self.unseat(ear);
                self.report(&pad, error);
            }
        }
    }

    /// Downstream would like another form, which it gets from the next frame on. Returns false when the present one will do.
    fn renegotiate(&self, pad: &ConferenceMixerSrcPad) -> bool {
        let wanted = pad.peer_query_caps(Some(&pad.pad_template_caps()));
        if pad.current_caps().is_some_and(|caps| wanted.can_intersect(&caps)) {
            return false;
        }
        let clock = self.hall.lock().clock;
        self.seat_listener(pad, clock);
        true
    }

    fn unseat(&self, ear: Ear) {
        let mut hall = self.hall.lock();
        let clock = hall.clock;
        let _ = hall.conference.handle(convene_conference::Input::Unlisten(ear), clock);
        hall.listeners.remove(&ear);
    }

    /// One listener's trouble does not end the others' conference.
    fn report(&self, pad: &ConferenceMixerSrcPad, error: gst::FlowError) {
        let name = pad.name();
        match error {
            gst::FlowError::NotLinked | gst::FlowError::Eos => {
                gst::debug!(CAT, obj = pad, "Nobody listens any longer: {error}")
            }
            gst::FlowError::NotNegotiated => gst::element_imp_error!(
                self,
                gst::StreamError::Format,
                ("What is linked to {name} does not take the sound that it asked for.")
            ),
            error => gst::element_imp_warning!(
                self,
                gst::StreamError::Failed,
                ("What is linked to {name} has failed and hears no more: {error}.")
            ),
        }
    }

    fn post_talkers(&self, talkers: &[(Seat, Level)]) {
        let sinks = gst::Array::new(talkers.iter().map(|(seat, _)| format!("sink_{}", seat.0)));
        let levels = gst::Array::new(talkers.iter().map(|(_, level)| level.dbov()));
        let message =
            gst::Structure::builder("convene-talkers").field("sinks", sinks).field("levels", levels);
        let message = gst::message::Element::builder(message.build()).src(&*self.obj()).build();
        let _ = self.obj().post_message(message);
    }
}
