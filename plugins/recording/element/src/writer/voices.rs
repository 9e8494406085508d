//! Participants' own tracks: pads that come and go, and whose track is whose.

use std::time::Duration;

use bytes::Bytes;
use convene_recording::{RecordingError, VOICES_MAX};
use gst::prelude::*;
use gst::subclass::prelude::*;

use super::imp::{CAT, Writer};
use super::state::{Out, Stage, State};

/// The pads, and the tracks.
#[derive(Default)]
pub(super) struct Voices {
    inlets: Vec<Inlet>,
    /// Those that somebody has had, in the order of the tracks.
    tracks: Vec<Taken>,
    /// The first of them all, in the core's count.
    pub first: usize,
}

struct Inlet {
    pad: gst::Pad,
    name: String,
    segment: gst::FormattedSegment<gst::ClockTime>,
    seat: Seat,
    ended: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Seat {
    /// It has said nothing yet.
    Open,
    /// It has this track.
    Track(usize),
    /// All tracks were others'.
    None,
}

struct Taken {
    name: String,
    /// Its pad is there.
    is_used: bool,
}

impl Voices {
    fn inlet(&mut self, pad: &gst::Pad) -> Option<&mut Inlet> {
        self.inlets.iter_mut().find(|inlet| inlet.pad == *pad)
    }

    /// The track of somebody of this name who has left, or else another one.
    fn take_track(&mut self, name: &str) -> Seat {
        let back = self.tracks.iter().position(|track| !track.is_used && track.name == name);
        let at = back.unwrap_or(self.tracks.len());
        if at == VOICES_MAX {
            return Seat::None;
        }
        if at == self.tracks.len() {
            self.tracks.push(Taken { name: name.to_owned(), is_used: true });
        }
        self.tracks[at].is_used = true;
        Seat::Track(at)
    }
}

impl Writer {
    /// A way in for one participant's packets; at any time.
    pub(super) fn add_voice(&self, name: &str, display_name: &str) -> gst::Pad {
        let pad = gst::Pad::builder(gst::PadDirection::Sink)
            .name(name)
            .chain_function(|pad, parent, buffer| {
                Self::catch_panic_pad_function(
                    parent,
                    || Err(gst::FlowError::Error),
                    |this| this.chain_voice(pad, buffer),
                )
            })
            .event_function(|pad, parent, event| {
                Self::catch_panic_pad_function(parent, || false, |this| this.voice_event(pad, &event))
            })
            .build();
        self.state.lock().voices.inlets.push(Inlet {
            pad: pad.clone(),
            name: display_name.to_owned(),
            segment: gst::FormattedSegment::new(),
            seat: Seat::Open,
            ended: false,
        });
        let _ = pad.set_active(self.obj().current_state() >= gst::State::Paused);
        self.obj().add_pad(&pad).expect("each voice has a name of its own");
        pad
    }

    /// The participant has gone. Whoever comes back by the same name has the same track.
    pub(super) fn remove_voice(&self, pad: &gst::Pad) {
        let _ = pad.set_active(false);
        self.end_voice(pad);
        let mut state = self.state.lock();
        if let Some(at) = state.voices.inlets.iter().position(|inlet| inlet.pad == *pad)
            && let Seat::Track(track) = state.voices.inlets.remove(at).seat
        {
            state.voices.tracks[track].is_used = false;
        }
        drop(state);
        // It is refused when the pad never came in.
        let _ = self.obj().remove_pad(pad);
    }

    pub(super) fn name_voice(&self, pad: &gst::Pad, name: &str) {
        let mut state = self.state.lock();
        let Some(inlet) = state.voices.inlet(pad) else { return };
        inlet.name = name.to_owned();
        if let Seat::Track(track) = inlet.seat {
            state.voices.tracks[track].name = name.to_owned();
            // An error is on the bus.
            let _ = self.entitle(&mut state, track);
        }
    }

    /// Where time does not press, those who are there from the beginning are waited for.
    pub(super) fn seat_those_there(&self, state: &mut State) -> Result<(), gst::FlowError> {
        let there = state.voices.inlets.iter().filter(|inlet| !inlet.ended && is_fed(&inlet.pad));
        let pads: Vec<gst::Pad> = there.map(|inlet| inlet.pad.clone()).collect();
        pads.iter().try_for_each(|pad| self.seat(state, pad).map(drop))
    }

    fn chain_voice(&self, pad: &gst::Pad, buffer: gst::Buffer) -> Result<gst::FlowSuccess, gst::FlowError> {
        let mut state = self.state.lock();
        self.await_beginning(&mut state)?;
        let follows = !buffer.flags().contains(gst::BufferFlags::DISCONT);
        let inlet = state.voices.inlet(pad).ok_or(gst::FlowError::Flushing)?;
        let time = buffer.pts().and_then(|pts| inlet.segment.to_running_time(pts)).map(Duration::from);
        let Some(time) = time.and_then(|time| state.pauses.place(time)) else {
            return Ok(gst::FlowSuccess::Ok);
        };
        let data = buffer.into_mapped_buffer_readable().map_err(|_| gst::FlowError::Error)?;
        if is_header(&data) {
            return Ok(gst::FlowSuccess::Ok);
        }
        let Some(track) = self.seat(&mut state, pad)? else { return Ok(gst::FlowSuccess::Ok) };
        let data = Bytes::from_owner(data);
        let index = state.voices.first + track;
        let Stage::Writing(writer) = &mut state.stage else { return Err(gst::FlowError::Eos) };
        let pushed = writer.push_voice(index, time, follows, data);
        self.settle(&mut state, pushed)?;
        self.wait_for_the_others(state, Some(index))
    }

    /// The participant's track, from the first packet on; `None` where there is none left.
    fn seat(&self, state: &mut State, pad: &gst::Pad) -> Result<Option<usize>, gst::FlowError> {
        let inlet = state.voices.inlet(pad).ok_or(gst::FlowError::Flushing)?;
        match inlet.seat {
            Seat::Track(track) => return Ok(Some(track)),
            Seat::None => return Ok(None),
            Seat::Open => {}
        }
        let name = inlet.name.clone();
        let seat = state.voices.take_track(&name);
        if let Some(inlet) = state.voices.inlet(pad) {
            inlet.seat = seat;
        }
        let Seat::Track(track) = seat else {
            state.outbox.push_back(Out::NoTrack);
            self.changed.notify_all();
            return Ok(None);
        };
        gst::debug!(CAT, obj = pad, "has the voice's track {track}");
        self.entitle(state, track)?;
        let index = state.voices.first + track;
        if let Stage::Writing(writer) = &mut state.stage
            && !state.plan.live
        {
            let awaited = writer.await_voice(index);
            self.settle(state, awaited)?;
        }
        Ok(Some(track))
    }

    /// Gives a track its name; what the file should begin with, if it was cut off, is told before any block of it.
    fn entitle(&self, state: &mut State, track: usize) -> Result<(), gst::FlowError> {
        let index = state.voices.first + track;
        let name = state.voices.tracks[track].name.clone();
        let Stage::Writing(writer) = &mut state.stage else { return Ok(()) };
        let named = writer.name_voice(index, &name);
        let head = writer.cut_off();
        self.settle(state, named)?;
        state.outbox.push_back(Out::Head(head));
        self.changed.notify_all();
        Ok(())
    }

    fn voice_event(&self, pad: &gst::Pad, event: &gst::Event) -> bool {
        match event.view() {
            gst::EventView::Segment(segment) => {
                let segment = segment.segment().downcast_ref::<gst::ClockTime>().cloned();
                if let Some(inlet) = self.state.lock().voices.inlet(pad) {
                    inlet.segment = segment.unwrap_or_default();
                }
            }
            gst::EventView::Eos(_) => self.end_voice(pad),
            _ => {}
        }
        true
    }

    fn end_voice(&self, pad: &gst::Pad) {
        let mut state = self.state.lock();
        let Some(inlet) = state.voices.inlet(pad) else { return };
        let (seat, ended) = (inlet.seat, std::mem::replace(&mut inlet.ended, true));
        let Seat::Track(track) = seat else { return };
        let index = state.voices.first + track;
        let ended = match &mut state.stage {
            Stage::Writing(writer) if !ended => writer.end_track(index),
            _ => Ok::<(), RecordingError>(()),
        };
        // An error is on the bus; nothing comes after the end that could be told.
        let _ = self.settle(&mut state, ended);
    }
}

/// Something is linked to the recorder's pad which leads here.
fn is_fed(pad: &gst::Pad) -> bool {
    let outer = pad.peer().and_downcast::<gst::ProxyPad>().and_then(|proxy| proxy.internal());
    outer.is_none_or(|outer| outer.is_linked())
}

/// What a file of Opus begins with (RFC 7845, 5) is no sound.
fn is_header(packet: &[u8]) -> bool {
    packet.starts_with(b"OpusHead") || packet.starts_with(b"OpusTags")
}
