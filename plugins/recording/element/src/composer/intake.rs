//! What comes into the composer: pads that come and go, and the pictures that they bring.

use std::sync::Arc;
use std::time::Duration;

use gst::glib;
use gst::prelude::*;
use gst::subclass::prelude::*;
use parking_lot::Mutex;

use super::canvas::Picture;
use super::decoder::{Decoded, FeedDecoder};
use super::imp::{CAT, Composer, State};
use super::inputs::{Format, Input};
use super::scene::Role;
use super::{feed_caps, screen_caps};

/// How often it is looked whether a pad that others wait for was unlinked.
const UNLINKED_INTERVAL: Duration = Duration::from_millis(100);

impl Composer {
    pub(super) fn add_input(&self, role: Role, name: &str, shows: bool) -> Result<gst::Pad, glib::BoolError> {
        let (pad_name, caps) = match role {
            Role::Screen => ("screen".to_owned(), screen_caps()),
            Role::Feed(number) => (format!("feed_{number}"), feed_caps()),
        };
        let template =
            gst::PadTemplate::new(&pad_name, gst::PadDirection::Sink, gst::PadPresence::Always, &caps)?;
        let pad = gst::Pad::builder_from_template(&template)
            .name(pad_name)
            .chain_function(|pad, parent, buffer| {
                Self::catch_panic_pad_function(
                    parent,
                    || Err(gst::FlowError::Error),
                    |this| this.chain(pad, buffer),
                )
            })
            .event_function(|pad, parent, event| {
                Self::catch_panic_pad_function(parent, || false, |this| this.sink_event(pad, event))
            })
            .query_function(|pad, parent, query| {
                Self::catch_panic_pad_function(parent, || false, |this| this.sink_query(pad, query))
            })
            .build();
        {
            let mut state = self.state.lock();
            if let Role::Feed(number) = role {
                let joined = state.scene.faces.join(number, name.to_owned());
                joined.map_err(|error| glib::bool_error!("{error}"))?;
            }
            state.scene.describe(role, name, shows);
            state.inputs.0.push(Input::new(pad.clone(), role));
        }
        pad.set_active(self.obj().current_state() >= gst::State::Paused)?;
        self.obj().add_pad(&pad)?;
        Ok(pad)
    }

    pub(super) fn remove_input(&self, pad: &gst::Pad) {
        self.leave(pad);
        // Whoever waits in its chain function finds it gone.
        self.state.lock().inputs.remove(pad);
        self.wake.notify_all();
        // It is ours, as nobody else asks for one to be removed.
        let _ = pad.set_active(false);
        let _ = self.obj().remove_pad(pad);
    }

    pub(super) fn describe(&self, pad: &gst::Pad, name: &str, shows: bool) {
        let mut state = self.state.lock();
        let Some(role) = state.inputs.of(pad).map(|input| input.role) else { return };
        if state.scene.describe(role, name, shows) {
            self.scene_changed(&mut state);
        }
    }

    /// Nothing of this one is to be seen any more: at once, or where pictures tell the time as soon as others are later.
    pub(super) fn leave(&self, pad: &gst::Pad) {
        let mut state = self.state.lock();
        let Some(input) = state.inputs.of(pad) else { return };
        let role = input.role;
        if state.ended {
            return;
        }
        if state.is_live() {
            if state.scene.leave(role) {
                self.scene_changed(&mut state);
            }
        } else {
            let end = state.pictures_end;
            state.scene.leave_at(role, end);
        }
    }

    /// The picture is another one from now on.
    fn scene_changed(&self, state: &mut State) {
        let now = if state.is_live() { self.now() } else { state.pictures_end };
        if let Some(pace) = state.pace.as_mut() {
            pace.picture(now);
        }
        self.wake(state);
    }

    fn chain(&self, pad: &gst::Pad, buffer: gst::Buffer) -> Result<gst::FlowSuccess, gst::FlowError> {
        let (format, time, plan) = {
            let mut state = self.state.lock();
            // Whether the recording is live is known when it begins to play.
            while state.plan.is_none() && !state.flushing && !state.ended && state.inputs.of(pad).is_some() {
                self.wake.wait(&mut state);
            }
            state.flow?;
            if state.ended {
                return Err(gst::FlowError::Eos);
            }
            let plan = state.plan.clone().ok_or(gst::FlowError::Flushing)?;
            let input = state.inputs.of(pad).ok_or(gst::FlowError::Flushing)?;
            let time = buffer.pts().and_then(|pts| input.segment.to_running_time(pts)).map(Duration::from);
            (input.format.clone().ok_or(gst::FlowError::NotNegotiated)?, time, plan)
        };
        let length = buffer.duration().map_or(plan.gap, Duration::from);
        let picture = match format {
            Format::Raw(info) => Some(Picture { buffer, info }),
            Format::Vp8(decoder) => self.decode(pad, &decoder, &buffer)?,
        };
        let Some(origin) = plan.live_from else {
            return self.in_turn(pad, time, picture.map(|picture| (picture, length)));
        };
        if let Some(picture) = picture {
            let now = self.now();
            let time = time.map_or(now, |time| time.min(now)).max(origin);
            gst::trace!(CAT, obj = pad, "picture of {time:?}, now {now:?}");
            let mut state = self.state.lock();
            if state.take(pad, picture, time) {
                self.wake(&mut state);
            }
        }
        Ok(gst::FlowSuccess::Ok)
    }

    /// Decodes what a feed sends. What cannot be decoded is not shown, and nothing else suffers from it.
    fn decode(
        &self,
        pad: &gst::Pad,
        decoder: &Mutex<FeedDecoder>,
        buffer: &gst::Buffer,
    ) -> Result<Option<Picture>, gst::FlowError> {
        let frame = buffer.map_readable().map_err(|_| gst::FlowError::Error)?;
        let (decoded, needs_key_frame) = {
            let mut decoder = decoder.lock();
            (decoder.decode(&frame), decoder.needs_key_frame())
        };
        if needs_key_frame {
            gst::debug!(CAT, obj = pad, "asks for a key frame");
            pad.push_event(gst_video::UpstreamForceKeyUnitEvent::builder().all_headers(true).build());
        }
        match decoded {
            Ok(Decoded::Picture(picture)) => Ok(Some(picture)),
            Ok(Decoded::Nothing) => Ok(None),
            Ok(Decoded::Broken(error)) => {
                let name = pad.name();
                gst::element_imp_warning!(
                    self,
                    gst::StreamError::Decode,
                    ("What comes into {name} is shown again from its next key frame on: {error}.")
                );
                Ok(None)
            }
            Err(error) => {
                gst::element_imp_error!(self, gst::StreamError::Failed, ("A feed is not shown: {error}."));
                Err(gst::FlowError::Error)
            }
        }
    }

    /// Where pictures tell the time, the earliest of all pads is shown first.
    fn in_turn(
        &self,
        pad: &gst::Pad,
        time: Option<Duration>,
        picture: Option<(Picture, Duration)>,
    ) -> Result<gst::FlowSuccess, gst::FlowError> {
        let time = {
            let mut state = self.state.lock();
            let time = time.unwrap_or(state.pictures_end);
            state.inputs.of(pad).ok_or(gst::FlowError::Flushing)?.turn = Some(time);
            self.wake.notify_all();
            while !state.inputs.is_turn_of(pad) {
                state.flow?;
                if state.flushing || state.inputs.of(pad).is_none() {
                    return Err(gst::FlowError::Flushing);
                }
                self.wake.wait_for(&mut state, UNLINKED_INTERVAL);
            }
            time
        };
        let shown = self.show_due(time).and_then(|()| {
            if let Some((picture, length)) = picture {
                let mut state = self.state.lock();
                state.pictures_end = state.pictures_end.max(time + length);
                state.take(pad, picture, time);
            }
            self.show_due(time)
        });
        if let Some(input) = self.state.lock().inputs.of(pad) {
            input.turn = None;
        }
        self.wake.notify_all();
        shown.map(|()| gst::FlowSuccess::Ok)
    }

    fn sink_event(&self, pad: &gst::Pad, event: gst::Event) -> bool {
        gst::debug!(CAT, obj = pad, "event {event:?}");
        match event.view() {
            gst::EventView::Caps(caps) => self.set_caps(pad, caps.caps()),
            gst::EventView::Segment(segment) => {
                // Without times, a live picture counts as of now, and others follow one another.
                let segment = segment.segment().downcast_ref::<gst::ClockTime>().cloned();
                if let Some(input) = self.state.lock().inputs.of(pad) {
                    input.segment = segment.unwrap_or_default();
                }
                true
            }
            gst::EventView::Eos(_) => {
                let (all_ended, is_live) = {
                    let mut state = self.state.lock();
                    let (is_live, end) = (state.is_live(), state.pictures_end);
                    let role = state.inputs.of(pad).map(|input| {
                        input.ended = true;
                        input.role
                    });
                    // Before others go on, who are later.
                    if let Some(role) = role.filter(|_| !is_live) {
                        state.scene.leave_at(role, end);
                    }
                    (state.inputs.all_ended(), is_live)
                };
                self.wake.notify_all();
                if all_ended {
                    self.end();
                } else if is_live {
                    self.leave(pad);
                }
                true
            }
            // The picture stays through a gap or a flush. Everything else is of the screen, not of the recording.
            _ => true,
        }
    }

    fn set_caps(&self, pad: &gst::Pad, caps: &gst::CapsRef) -> bool {
        let is_vp8 = caps.structure(0).is_some_and(|structure| structure.name() == "video/x-vp8");
        let format = if is_vp8 {
            Format::Vp8(Arc::new(Mutex::new(FeedDecoder::default())))
        } else {
            match gst_video::VideoInfo::from_caps(caps) {
                Ok(info) => Format::Raw(info),
                Err(_) => {
                    gst::element_imp_error!(
                        self,
                        gst::StreamError::Format,
                        ("The screen comes in a format that cannot be recorded: {caps}.")
                    );
                    return false;
                }
            }
        };
        if let Some(input) = self.state.lock().inputs.of(pad) {
            // Frames that follow one another are one film, also if their caps are told again.
            match (&input.format, &format) {
                (Some(Format::Vp8(_)), Format::Vp8(_)) => {}
                _ => input.format = Some(format),
            }
        }
        true
    }

    fn sink_query(&self, pad: &gst::Pad, query: &mut gst::QueryRef) -> bool {
        if let gst::QueryViewMut::Allocation(allocation) = query.view_mut() {
            allocation.add_allocation_meta::<gst_video::VideoMeta>(None);
            return true;
        }
        gst::Pad::query_default(pad, Some(&*self.obj()), query)
    }
}
