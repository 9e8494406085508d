//! The thread that mixes: it takes in what the inbox holds, waits for the next frame to be due, and carries out what the conference orders.
//!
//! With a live source, or a listener alone, frames are due by the pipeline's clock. When all sources are files, a frame is due as soon as
//! each of them can fill it, so that a mix is made as fast as downstream takes it.

use std::sync::atomic::Ordering;
use std::time::Duration;

use convene_conference::{Ear, Input, Output, Pace, TICK, Wire};
use gst::prelude::*;
use gst::subclass::prelude::*;
use parking_lot::MutexGuard;

use super::form::Form;
use super::imp::{CAT, ConferenceMixer};
use super::inbox::{Inbox, Letter, Sound};
use super::sink::pace_of;
use super::{ConferenceMixerSinkPad, ConferenceMixerSrcPad};

/// Who gives the time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Timing {
    /// Nobody has sent anything yet.
    #[default]
    Open,
    /// The pipeline's clock.
    Clock,
    /// The sources: all are files.
    Files,
}

impl ConferenceMixer {
    /// One round of the mixing thread.
    pub(super) fn work(&self) {
        let Some(letters) = self.await_work() else {
            return;
        };
        self.take_in(letters);
        self.decide_timing();
        let (timing, due) = self.outlook();
        match timing {
            Timing::Open => {}
            Timing::Files => self.mix_files(),
            Timing::Clock => {
                let now = self.now();
                if due.is_some_and(|due| due <= now) && self.inbox.lock().is_playing {
                    self.handle(Input::Timeout, now);
                }
            }
        }
        self.carry_out();
        self.tell_room();
        self.end_if_over();
    }

    /// Who gives the time, and when the next frame is due.
    fn outlook(&self) -> (Timing, Option<Duration>) {
        let hall = self.hall.lock();
        (hall.timing, hall.conference.due())
    }

    /// Sleeps until there are letters or a frame is due; `None` when the thread has to go home.
    fn await_work(&self) -> Option<Vec<(Duration, Letter)>> {
        let (timing, due) = self.outlook();
        let mut inbox = self.inbox.lock();
        while inbox.is_open {
            if timing == Timing::Clock && inbox.is_playing && due.is_some() {
                self.sleep_until(due, &mut inbox);
                return inbox.is_open.then(|| inbox.take());
            }
            if !inbox.letters.is_empty() {
                return Some(inbox.take());
            }
            self.bell.wait(&mut inbox);
        }
        None
    }

    /// Sleeps by the clock; whoever stops or pauses the thread rings the alarm early.
    fn sleep_until(&self, due: Option<Duration>, inbox: &mut MutexGuard<'_, Inbox>) {
        let element = self.obj();
        let (Some(due), Some(clock), Some(base)) = (due, element.clock(), element.base_time()) else {
            // Between two clocks.
            self.bell.wait_for(inbox, TICK);
            return;
        };
        let due = base + gst::ClockTime::from_nseconds(due.as_nanos() as u64);
        let alarm = clock.new_single_shot_id(due);
        inbox.alarm = Some(alarm.clone());
        let _ = MutexGuard::unlocked(inbox, || alarm.wait());
        inbox.alarm = None;
    }

    /// Letters in the order in which they came.
    fn take_in(&self, letters: Vec<(Duration, Letter)>) {
        for (arrival, letter) in letters {
            match letter {
                Letter::Join(pad, pace) => {
                    let seat = pad.imp().seat();
                    self.handle(Input::Join(seat, pace), arrival);
                    self.handle(Input::Mute(seat, pad.imp().is_muted()), arrival);
                    self.hall.lock().paces.insert(seat, pace);
                }
                Letter::Leave(seat) => {
                    self.handle(Input::Leave(seat), arrival);
                    self.hall.lock().paces.remove(&seat);
                }
                Letter::Listen(pad) => self.seat_listener(&pad, arrival),
                Letter::Unlisten(ear) => self.unseat_listener(ear, arrival),
                Letter::Sound(sound) => self.hear(&sound, arrival),
                Letter::End(seat) => self.handle(Input::End(seat), arrival),
                Letter::Flush(seat) => self.handle(Input::Flush(seat), arrival),
                Letter::Mute(seat, mute) => self.handle(Input::Mute(seat, mute), arrival),
                Letter::Turn(ear, volume) => self.handle(Input::Turn(ear, volume), arrival),
                Letter::Lost(ear) => self.handle(Input::Lost(ear), arrival),
                Letter::Solo(seat, pad) => self.set_solo(seat, pad, arrival),
            }
        }
    }

    fn hear(&self, sound: &Sound, arrival: Duration) {
        let Sound { seat, form, ref buffer, time } = *sound;
        let Ok(bytes) = buffer.map_readable() else {
            return;
        };
        match form {
            Form::Rtp(wire) => {
                let wire = Wire { captured: captured(buffer), ..wire };
                self.handle(Input::Rtp(seat, wire, &bytes), arrival);
            }
            Form::Opus => self.handle(Input::Opus(seat, time, &bytes), arrival),
            Form::Whole(channels) => {
                self.handle(Input::Samples(seat, time, channels, &whole(&bytes)), arrival);
            }
            Form::Float(channels) => {
                self.handle(Input::Samples(seat, time, channels, &float(&bytes)), arrival);
            }
        }
    }

    /// Time never goes back for the conference, whatever clock it came from.
    pub(super) fn handle(&self, input: Input, now: Duration) {
        let mut hall = self.hall.lock();
        let now = if hall.timing == Timing::Files { hall.clock } else { now.max(hall.clock) };
        hall.clock = now;
        if let Err(error) = hall.conference.handle(input, now) {
            hall.refused += 1;
            gst::log!(CAT, imp = self, "Refused: {error}");
        }
    }

    /// Decides when the first source has sent something. When the first live one comes later, the clock takes over.
    fn decide_timing(&self) {
        let (before, has_source) = {
            let hall = self.hall.lock();
            (hall.timing, !hall.paces.is_empty())
        };
        if before == Timing::Clock || !has_source {
            return;
        }
        let timing = if self.has_live_sink() { Timing::Clock } else { Timing::Files };
        if timing == before {
            return;
        }
        gst::debug!(CAT, imp = self, "Time is given by: {timing:?}");
        self.hall.lock().timing = timing;
        if timing == Timing::Clock {
            let _ = self.obj().post_message(gst::message::Latency::builder().src(&*self.obj()).build());
        }
    }

    /// Something upstream is known to be live.
    pub(super) fn has_live_sink(&self) -> bool {
        self.sinks().iter().filter(|pad| pad.is_linked()).any(|pad| pace_of(pad) == Some(Pace::Live))
    }

    /// Frames as long as each source can fill one.
    fn mix_files(&self) {
        loop {
            let is_waiting = self.sinks().iter().any(|pad| self.is_expected(pad));
            let due = {
                let hall = self.hall.lock();
                let is_ready = !is_waiting && !hall.conference.is_short() && !hall.conference.is_over();
                hall.conference.due().filter(|_| is_ready)
            };
            let Some(due) = due else {
                return;
            };
            self.hall.lock().clock = due;
            self.handle(Input::Timeout, due);
            self.carry_out();
            if !self.inbox.lock().is_open {
                return;
            }
        }
    }

    /// Somebody will speak here who has no seat yet: also one whose first words are still in the inbox.
    fn is_expected(&self, pad: &ConferenceMixerSinkPad) -> bool {
        let has_left_unheard =
            pad.imp().stream.lock().joined.is_none() && pad.imp().is_at_end.load(Ordering::Relaxed);
        pad.is_linked() && !has_left_unheard && !self.hall.lock().paces.contains_key(&pad.imp().seat())
    }

    /// Pushes and posts what the conference has ordered.
    fn carry_out(&self) {
        let outputs = {
            let mut hall = self.hall.lock();
            let mut outputs = Vec::new();
            loop {
                match hall.conference.poll() {
                    Output::Timeout(_) => break outputs,
                    output => outputs.push(output),
                }
            }
        };
        for output in outputs {
            self.serve(output);
        }
    }

    /// Sources of our pace may bring more.
    fn tell_room(&self) {
        let held: Vec<_> = {
            let hall = self.hall.lock();
            let ours = hall.paces.iter().filter(|(_, pace)| **pace == Pace::Ours);
            ours.filter_map(|(seat, _)| Some((*seat, hall.conference.ready(*seat)?))).collect()
        };
        if !held.is_empty() {
            self.inbox.lock().held = held.into_iter().collect();
            self.room.notify_all();
        }
    }

    /// The end of all sinks is the end, unless the application wants to go on.
    fn end_if_over(&self) {
        // Most of the time it is not over, and then there is nothing more to look at.
        if self.settings().stay_open || !self.hall.lock().conference.is_over() {
            return;
        }
        let sinks = self.sinks();
        let mut linked = sinks.iter().filter(|pad| pad.is_linked()).peekable();
        let is_at_end =
            linked.peek().is_some() && linked.all(|pad| pad.imp().is_at_end.load(Ordering::Relaxed));
        let listeners: Vec<_> = {
            let mut hall = self.hall.lock();
            if !is_at_end || std::mem::replace(&mut hall.has_ended, true) {
                return;
            }
            hall.listeners.values().cloned().collect()
        };
        gst::debug!(CAT, imp = self, "All sources have ended");
        for pad in listeners {
            pad.push_event(gst::event::Eos::new());
        }
        self.end_solos();
    }

    fn sinks(&self) -> Vec<ConferenceMixerSinkPad> {
        self.obj().sink_pads().into_iter().filter_map(|pad| pad.downcast().ok()).collect()
    }

    fn unseat_listener(&self, ear: Ear, arrival: Duration) {
        self.handle(Input::Unlisten(ear), arrival);
        self.hall.lock().listeners.remove(&ear);
    }

    pub(super) fn seat_listener(&self, pad: &ConferenceMixerSrcPad, arrival: Duration) {
        let ear = pad.imp().ear();
        let Some(delivery) = self.introduce(pad) else {
            return;
        };
        self.handle(Input::Listen(ear, delivery), arrival);
        self.handle(Input::Turn(ear, pad.imp().volume()), arrival);
        self.hall.lock().listeners.insert(ear, pad.clone());
    }
}

/// When the sender's clock says that this was captured, where upstream knows (`vp8relay`, or `rtpjitterbuffer` with
/// `add-reference-timestamp-meta`).
fn captured(buffer: &gst::Buffer) -> Option<Duration> {
    let mut times = buffer.iter_meta::<gst::ReferenceTimestampMeta>();
    let time = times.find(|time| {
        time.reference().structure(0).is_some_and(|reference| reference.name() == "timestamp/x-ntp")
    });
    time.map(|time| time.timestamp().into())
}

fn whole(bytes: &[u8]) -> Vec<i16> {
    bytes.as_chunks::<2>().0.iter().map(|bytes| i16::from_le_bytes(*bytes)).collect()
}

fn float(bytes: &[u8]) -> Vec<i16> {
    let samples = bytes.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes));
    samples.map(|sample| (sample * 32_768.0).round() as i16).collect()
}
