//! How the relay's orders are carried out: by a thread for each pad, and by one for all pads that acknowledge.

use gst::prelude::*;
use gst::subclass::prelude::*;
use parking_lot::Condvar;
use std::time::Duration;

use super::ScreenRelayPad;
use super::desk::Order;
use super::imp::{CAT, ScreenRelay};
use crate::stream;

/// How long a pad that is released may still be in a push before downstream is flushed to get it out.
const LAST_PUSH_MAX: Duration = Duration::from_millis(100);
/// How long a thread rests between two looks at whether it has been stopped.
const REST: Duration = Duration::from_millis(5);

impl ScreenRelay {
    /// One round of a pad's own thread.
    pub(super) fn serve(&self, pad: &ScreenRelayPad) {
        let seat = pad.imp().seat();
        let order = {
            let mut office = self.office.lock();
            loop {
                if !office.desk.is_open(seat) {
                    // Whoever closed the place is about to stop this thread. Pausing it could come after that, and undo it.
                    pad.imp().bell().wait_for(&mut office, REST);
                    return;
                }
                let now = self.now();
                // A pad may be linked again to somebody who acknowledges: then the worker serves it.
                let is_workers = office.desk.acknowledges(seat);
                match if is_workers { Order::Wait(None) } else { office.desk.order(seat, now) } {
                    Order::Wait(until) => wait(pad.imp().bell(), &mut office, until, now),
                    order => break order,
                }
            }
        };
        self.carry_out(pad, order);
    }

    /// One round of the thread for all acknowledging pads.
    pub(super) fn work(&self) {
        let orders = {
            let mut office = self.office.lock();
            loop {
                if !office.working {
                    // This thread is stopped already; it only had to come home.
                    return;
                }
                let now = self.now();
                let mut orders = Vec::new();
                let mut until: Option<Duration> = None;
                for seat in office.desk.acknowledging_seats() {
                    match office.desk.order(seat, now) {
                        Order::Wait(None) => {}
                        Order::Wait(Some(then)) => until = Some(until.map_or(then, |until| until.min(then))),
                        order => orders.extend(office.pads.get(&seat).cloned().map(|pad| (pad, order))),
                    }
                }
                if !orders.is_empty() {
                    break orders;
                }
                let bell = office.desk.worker_bell.clone();
                wait(&bell, &mut office, until, now);
            }
        };
        for (pad, order) in orders {
            self.carry_out(&pad, order);
        }
    }

    /// Gets a pad's own thread out of downstream, so that the pad can go.
    pub(super) fn call_home(&self, pad: &ScreenRelayPad) {
        let seat = pad.imp().seat();
        let is_stuck = {
            let mut office = self.office.lock();
            office.desk.close(seat, self.now());
            let pushing = |office: &mut super::imp::Office| office.desk.is_pushing(seat);
            pad.imp().bell().wait_while_for(&mut office, pushing, LAST_PUSH_MAX);
            office.desk.is_pushing(seat)
        };
        if is_stuck {
            gst::debug!(CAT, obj = pad, "Downstream does not give our thread back; flushing it");
            pad.push_event(gst::event::FlushStart::new());
            let _ = pad.stop_task();
            pad.push_event(gst::event::FlushStop::new(false));
        }
    }

    fn carry_out(&self, pad: &ScreenRelayPad, order: Order) {
        match order {
            Order::Push { piece, first } => {
                if first {
                    self.introduce(pad);
                }
                gst::trace!(CAT, obj = pad, "Pushing {} bytes", piece.len());
                let pushed = pad.push(stream::buffer(piece, self.obj().current_running_time()));
                self.account(pad, pushed);
            }
            Order::PushEnd { first } => {
                if first {
                    self.introduce(pad);
                }
                gst::debug!(CAT, obj = pad, "All is sent");
                pad.push_event(gst::event::Eos::new());
            }
            Order::Wait(_) => {}
        }
    }

    /// What every stream begins with.
    fn introduce(&self, pad: &ScreenRelayPad) {
        let id = pad.create_stream_id(&*self.obj(), Some(pad.name().as_str()));
        let group = self.office.lock().group.unwrap_or_else(gst::GroupId::next);
        pad.push_event(gst::event::StreamStart::builder(&id).group_id(group).build());
        pad.push_event(gst::event::Caps::new(&stream::caps()));
        pad.push_event(gst::event::Segment::new(&gst::FormattedSegment::<gst::ClockTime>::new()));
    }

    fn account(&self, pad: &ScreenRelayPad, pushed: Result<gst::FlowSuccess, gst::FlowError>) {
        let seat = pad.imp().seat();
        let now = self.now();
        let mut office = self.office.lock();
        match pushed {
            Ok(_) => office.desk.pushed(seat, now),
            Err(gst::FlowError::Flushing) => office.desk.flushed(seat, now),
            Err(error) => {
                office.desk.failed(seat, now);
                drop(office);
                self.report(pad, error);
            }
        }
    }

    /// One viewer's trouble does not end the others' meeting, unless nobody else would tell of it.
    fn report(&self, pad: &ScreenRelayPad, error: gst::FlowError) {
        let name = pad.name();
        match error {
            gst::FlowError::NotLinked | gst::FlowError::Eos => {
                gst::debug!(CAT, obj = pad, "Nobody watches any longer: {error}")
            }
            gst::FlowError::NotNegotiated => gst::element_imp_error!(
                self,
                gst::StreamError::Format,
                ("What is linked to {name} does not take a screen stream.")
            ),
            error => gst::element_imp_warning!(
                self,
                gst::StreamError::Failed,
                ("What is linked to {name} has failed and gets no more of the screen: {error}.")
            ),
        }
    }
}

fn wait(
    bell: &Condvar,
    office: &mut parking_lot::MutexGuard<'_, super::imp::Office>,
    until: Option<Duration>,
    now: Duration,
) {
    match until {
        Some(until) => drop(bell.wait_for(office, until.saturating_sub(now))),
        None => bell.wait(office),
    }
}
