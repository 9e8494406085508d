//! What comes in: events and buffers of the sinks, on their own threads.

use std::sync::atomic::Ordering;
use std::time::Duration;

use convene_conference::{Pace, Seat};
use gst::prelude::*;
use gst::subclass::prelude::*;

use super::ConferenceMixerSinkPad;
use super::form::Form;
use super::imp::{CAT, ConferenceMixer};
use super::inbox::{Letter, Sound};

/// A source of our pace is held up when so much of it waits.
const HELD_MAX: Duration = Duration::from_millis(100);

impl ConferenceMixer {
    pub(super) fn chain(
        &self,
        pad: &ConferenceMixerSinkPad,
        buffer: gst::Buffer,
    ) -> Result<gst::FlowSuccess, gst::FlowError> {
        let seat = pad.imp().seat();
        let Some((form, pace)) = self.welcome(pad) else {
            return Err(gst::FlowError::NotNegotiated);
        };
        let time = match (form, pace) {
            (Form::Rtp(_), _) | (_, Pace::Ours) => None,
            _ => {
                let stream = pad.imp().stream.lock();
                buffer.pts().and_then(|pts| stream.segment.to_running_time(pts)).map(Duration::from)
            }
        };
        gst::trace!(CAT, obj = pad, "{} bytes in", buffer.size());
        let arrival = self.now();
        let mut inbox = self.inbox.lock();
        if !inbox.put_sound(Sound { seat, form, buffer, time }, arrival) {
            gst::debug!(CAT, obj = pad, "The mix does not get round to it; a buffer is dropped");
        }
        self.bell.notify_all();
        if pace == Pace::Live {
            return Ok(gst::FlowSuccess::Ok);
        }
        loop {
            if !inbox.is_open || inbox.flushing.contains(&seat) {
                return Err(gst::FlowError::Flushing);
            }
            if inbox.has_room(seat, HELD_MAX) {
                return Ok(gst::FlowSuccess::Ok);
            }
            self.room.wait(&mut inbox);
        }
    }

    /// Lets the conference know of a source when its first buffer comes: by then it can say whether it is live.
    fn welcome(&self, pad: &ConferenceMixerSinkPad) -> Option<(Form, Pace)> {
        let (form, joined) = {
            let stream = pad.imp().stream.lock();
            (stream.form?, stream.joined)
        };
        if let Some(pace) = joined {
            return Some((form, pace));
        }
        // RTP of which nobody knows comes from a network.
        let unknown = if matches!(form, Form::Rtp(_)) { Pace::Live } else { Pace::Ours };
        let pace = pace_of(pad).unwrap_or(unknown);
        gst::debug!(CAT, obj = pad, "Joins: {form:?}, {pace:?}");
        pad.imp().stream.lock().joined = Some(pace);
        pad.imp().is_at_end.store(false, Ordering::Relaxed);
        self.post(Letter::Join(pad.clone(), pace));
        Some((form, pace))
    }

    /// Listeners have streams of their own, so nothing goes through.
    pub(super) fn sink_event(&self, pad: &ConferenceMixerSinkPad, event: gst::Event) -> bool {
        use gst::EventView;
        let imp = pad.imp();
        let seat = imp.seat();
        match event.view() {
            EventView::Caps(caps) => {
                let form = Form::of(caps.caps());
                gst::debug!(CAT, obj = pad, "{form:?} by {:?}", caps.caps());
                imp.stream.lock().form = form;
                return form.is_some();
            }
            EventView::Segment(segment) => {
                let segment = segment.segment().downcast_ref::<gst::ClockTime>().cloned();
                imp.stream.lock().segment = segment.unwrap_or_default();
            }
            EventView::StreamStart(_) if imp.is_at_end.swap(false, Ordering::Relaxed) => {
                imp.stream.lock().joined = None;
            }
            EventView::FlushStart(_) => self.call_home(seat),
            EventView::FlushStop(_) => {
                self.inbox.lock().flushing.remove(&seat);
                imp.is_at_end.store(false, Ordering::Relaxed);
                self.post(Letter::Flush(seat));
            }
            EventView::Eos(_) => {
                gst::debug!(CAT, obj = pad, "No more comes");
                imp.is_at_end.store(true, Ordering::Relaxed);
                self.post(Letter::End(seat));
            }
            _ => gst::log!(CAT, obj = pad, "Not passed on: {event:?}"),
        }
        true
    }

    pub(super) fn activate_sink(&self, pad: &ConferenceMixerSinkPad, active: bool) {
        let imp = pad.imp();
        let seat = imp.seat();
        if active {
            self.inbox.lock().flushing.remove(&seat);
        } else {
            self.call_home(seat);
            imp.is_at_end.store(false, Ordering::Relaxed);
            *imp.stream.lock() = Default::default();
            self.post(Letter::Leave(seat));
        }
    }

    /// A thread that waits for room in `chain` comes back.
    fn call_home(&self, seat: Seat) {
        self.inbox.lock().flushing.insert(seat);
        self.room.notify_all();
    }
}

/// What says that it is not live can wait for us. `None` while upstream cannot tell, as an encoder before its first buffer.
pub(super) fn pace_of(pad: &ConferenceMixerSinkPad) -> Option<Pace> {
    let joined = pad.imp().stream.lock().joined;
    joined.or_else(|| {
        let mut query = gst::query::Latency::new();
        let is_told = pad.peer_query(&mut query);
        is_told.then(|| if query.result().0 { Pace::Live } else { Pace::Ours })
    })
}
