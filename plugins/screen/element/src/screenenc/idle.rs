//! Sharpening while a live source says nothing.
//!
//! A source that captures only what changes is silent on a resting screen, so that no picture comes with which the rest could be sent. A task on
//! the source pad waits for the time at which the encoder has something to do, then takes the sink pad's stream lock and does it as if a picture
//! had come. In a pipeline that is not live, times are no times of the day: the next picture comes when there is room for it.

use std::time::Duration;

use gst::prelude::*;
use parking_lot::Mutex;

/// What the task waits for.
#[derive(Default)]
pub struct Idle(Mutex<Waiting>);

#[derive(Default)]
enum Waiting {
    #[default]
    No,
    For(gst::SingleShotClockId),
    /// The element stops.
    NoMore,
}

impl Idle {
    /// Waits until the running time of what comes from a source of this latency is `due`; `false` if that was interrupted, or if there is no clock.
    pub fn wait_until(&self, element: &gst::Element, due: Duration, latency: gst::ClockTime) -> bool {
        let due = gst::ClockTime::try_from(due).ok().zip(element.base_time());
        let Some((clock, (due, base))) = element.clock().zip(due) else { return false };
        let id = clock.new_single_shot_id(base + due + latency);
        {
            let mut waiting = self.0.lock();
            if matches!(*waiting, Waiting::NoMore) {
                return false;
            }
            *waiting = Waiting::For(id.clone());
        }
        // What is late already is not waited for.
        matches!(id.wait().0, Ok(_) | Err(gst::ClockError::Early))
    }

    /// From now on nothing waits.
    pub fn stop(&self) {
        if let Waiting::For(id) = std::mem::replace(&mut *self.0.lock(), Waiting::NoMore) {
            id.unschedule();
        }
    }

    /// The element starts again.
    pub fn reset(&self) {
        *self.0.lock() = Waiting::No;
    }
}

/// The least latency of a live source; `None` if it is not live.
pub fn live_latency(sinkpad: &gst::Pad) -> Option<gst::ClockTime> {
    let mut query = gst::query::Latency::new();
    let is_known = sinkpad.peer_query(&mut query);
    let (is_live, least, _) = query.result();
    (is_known && is_live).then_some(least)
}
