//! The hands of the writer.
//!
//! Tracks come in on threads of their own; blocks go out on another, so that a slow disk does not keep an encoder.
//! There is one lock, `state`; it is not held across a push, an event or a query.

use std::collections::VecDeque;
use std::sync::LazyLock;
use std::time::Duration;

use bytes::Bytes;
use convene_recording::{Finished, Frame, LATE_MAX, Pauses, RecordingError, Settings, Track, VOICES_MAX};
use gst::glib;
use gst::prelude::*;
use gst::subclass::prelude::*;
use parking_lot::{Condvar, Mutex, MutexGuard};

use super::outbox::{self, Parcel};
use super::state::{Lane, Out, Plan, Stage, State};
use super::tracks::{head_message, sentence, track_of, wall_clock, webm_caps};
use super::voices::Voices;

/// Blocks that wait to be pushed; then the encoders wait.
const BLOCKS_WAITING_MAX: usize = 8;
/// Where nothing is live, a track waits when it is so far ahead of another one.
const LEAD_MAX: Duration = Duration::from_secs(1);

pub(super) static CAT: LazyLock<gst::DebugCategory> = LazyLock::new(|| {
    gst::DebugCategory::new(
        "meetingrecorder-writer",
        gst::DebugColorFlags::empty(),
        Some("Writes the recording's blocks"),
    )
});

pub(crate) struct Writer {
    srcpad: gst::Pad,
    pub(super) state: Mutex<State>,
    pub(super) changed: Condvar,
}

#[glib::object_subclass]
impl ObjectSubclass for Writer {
    const NAME: &'static str = "ConveneRecordingWriter";
    type Type = super::Writer;
    type ParentType = gst::Element;

    fn with_class(class: &Self::Class) -> Self {
        let template = class.pad_template("src").expect("the class has this template");
        let srcpad = gst::Pad::builder_from_template(&template)
            .activatemode_function(|pad, parent, mode, active| {
                Self::catch_panic_pad_function(
                    parent,
                    || Err(gst::loggable_error!(CAT, "panic while activating the source pad")),
                    |this| this.src_activate_mode(pad, mode, active),
                )
            })
            .build();
        let state = State {
            plan: Plan { live: false, cluster: Duration::from_secs(2), replaces_header: true, voices: false },
            lanes: Vec::new(),
            voices: Voices::default(),
            stage: Stage::Gathering,
            lasts_until: Duration::ZERO,
            pauses: Pauses::default(),
            outbox: VecDeque::new(),
            flushing: true,
            flow: Ok(gst::FlowSuccess::Ok),
        };
        Self { srcpad, state: Mutex::new(state), changed: Condvar::new() }
    }
}

impl ObjectImpl for Writer {
    fn constructed(&self) {
        self.parent_constructed();
        self.obj().add_pad(&self.srcpad).expect("a new element takes its pads");
    }
}

impl GstObjectImpl for Writer {}

impl ElementImpl for Writer {
    fn metadata() -> Option<&'static gst::subclass::ElementMetadata> {
        static METADATA: LazyLock<gst::subclass::ElementMetadata> = LazyLock::new(|| {
            gst::subclass::ElementMetadata::new(
                "Recording writer",
                "Codec/Muxer",
                "Writes a WebM block by block",
                "The Convene authors",
            )
        });
        Some(&*METADATA)
    }

    fn pad_templates() -> &'static [gst::PadTemplate] {
        static TEMPLATES: LazyLock<Vec<gst::PadTemplate>> = LazyLock::new(|| {
            let src =
                gst::PadTemplate::new("src", gst::PadDirection::Src, gst::PadPresence::Always, &webm_caps());
            vec![src.expect("the template is well formed")]
        });
        TEMPLATES.as_ref()
    }
}

impl Writer {
    pub(super) fn plan(&self, change: impl FnOnce(&mut Plan)) {
        change(&mut self.state.lock().plan);
    }

    pub(super) fn lasts_until(&self, time: Duration) {
        let mut state = self.state.lock();
        let until = state.pauses.until(time);
        state.lasts_until = state.lasts_until.max(until);
    }

    pub(super) fn pauses<T>(&self, change: impl FnOnce(&mut Pauses) -> T) -> T {
        let mut state = self.state.lock();
        let changed = change(&mut state.pauses);
        state.lanes.iter_mut().for_each(|lane| lane.rests = false);
        changed
    }

    pub(super) fn add_track(&self, name: &str) -> gst::Pad {
        let lane = {
            let mut state = self.state.lock();
            state.lanes.push(Lane {
                segment: gst::FormattedSegment::new(),
                track: None,
                index: None,
                rests: false,
                ended: false,
            });
            state.lanes.len() - 1
        };
        let pad = gst::Pad::builder(gst::PadDirection::Sink)
            .name(name)
            .chain_function(move |pad, parent, buffer| {
                Self::catch_panic_pad_function(
                    parent,
                    || Err(gst::FlowError::Error),
                    |this| this.chain(pad, lane, buffer),
                )
            })
            .event_function(move |pad, parent, event| {
                Self::catch_panic_pad_function(parent, || false, |this| this.sink_event(pad, lane, event))
            })
            .build();
        self.obj().add_pad(&pad).expect("each track has a name of its own");
        pad
    }

    fn src_activate_mode(
        &self,
        pad: &gst::Pad,
        _mode: gst::PadMode,
        active: bool,
    ) -> Result<(), gst::LoggableError> {
        self.state.lock().flushing = !active;
        self.changed.notify_all();
        if !active {
            return pad.stop_task().map_err(|error| gst::loggable_error!(CAT, "{error}"));
        }
        let element = self.obj().downgrade();
        let mut begun = false;
        let turn = move || {
            if let Some(element) = element.upgrade() {
                element.imp().turn(&mut begun);
            }
        };
        pad.start_task(turn).map_err(|error| gst::loggable_error!(CAT, "{error}"))
    }

    // Tracks in.

    fn chain(
        &self,
        pad: &gst::Pad,
        lane: usize,
        buffer: gst::Buffer,
    ) -> Result<gst::FlowSuccess, gst::FlowError> {
        let mut state = self.state.lock();
        self.await_beginning(&mut state)?;
        let keyframe = !buffer.flags().contains(gst::BufferFlags::DELTA_UNIT);
        let (pts, length) = (buffer.pts(), buffer.duration());
        gst::trace!(CAT, obj = pad, "frame at {pts:?}, keyframe {keyframe}");
        let lane_state = &state.lanes[lane];
        let (Some(index), Some(pts)) = (lane_state.index, pts) else {
            return Err(gst::FlowError::NotNegotiated);
        };
        let Some(time) = lane_state.segment.to_running_time(pts) else {
            gst::debug!(CAT, obj = pad, "a frame at {pts} is outside of its segment");
            return Ok(gst::FlowSuccess::Ok);
        };
        let Some(time) = state.pauses.place(time.into()) else {
            self.rest(&mut state, lane)?;
            return Ok(gst::FlowSuccess::Ok);
        };
        let data = buffer.into_mapped_buffer_readable().map_err(|_| gst::FlowError::Error)?;
        let frame = Frame {
            time,
            length: length.map_or(Duration::ZERO, Duration::from),
            keyframe,
            data: Bytes::from_owner(data),
        };
        let Stage::Writing(writer) = &mut state.stage else { return Err(gst::FlowError::Eos) };
        let pushed = writer.push(index, frame);
        self.settle(&mut state, pushed)?;
        self.wait_for_the_others(state, Some(index))
    }

    /// The tracks stand in block 0, so the first frame waits until all of them are known.
    pub(super) fn await_beginning(&self, state: &mut MutexGuard<'_, State>) -> Result<(), gst::FlowError> {
        while matches!(state.stage, Stage::Gathering) && !state.gathered() {
            state.check()?;
            self.changed.wait(state);
        }
        state.check()?;
        self.begin(state)
    }

    /// A track has come to a pause. When all have, what was recorded goes out: nobody knows how long the pause is.
    fn rest(&self, state: &mut State, lane: usize) -> Result<(), gst::FlowError> {
        let Some(since) = state.pauses.since() else { return Ok(()) };
        if std::mem::replace(&mut state.lanes[lane].rests, true) {
            return Ok(());
        }
        let until = state.pauses.until(since);
        let all_rest = state.lanes.iter().all(|lane| lane.rests || lane.ended || lane.index.is_none());
        let index = state.lanes[lane].index;
        let (Stage::Writing(writer), Some(index)) = (&mut state.stage, index) else { return Ok(()) };
        let rested = writer.gap(index, until).and_then(|()| if all_rest { writer.cut() } else { Ok(()) });
        self.settle(state, rested)
    }

    /// Keeps memory bounded: waits for the disk, and for slower tracks where time does not press.
    pub(super) fn wait_for_the_others(
        &self,
        mut state: MutexGuard<'_, State>,
        index: Option<usize>,
    ) -> Result<gst::FlowSuccess, gst::FlowError> {
        loop {
            state.check()?;
            let lead = match (&state.stage, index) {
                (Stage::Writing(writer), Some(index)) if !state.plan.live => writer.lead(index),
                _ => Duration::ZERO,
            };
            if lead <= LEAD_MAX && state.outbox.len() < BLOCKS_WAITING_MAX {
                return Ok(gst::FlowSuccess::Ok);
            }
            self.changed.wait(&mut state);
        }
    }

    fn sink_event(&self, pad: &gst::Pad, lane: usize, event: gst::Event) -> bool {
        gst::debug!(CAT, obj = pad, "event {event:?}");
        match event.view() {
            gst::EventView::Caps(caps) => self.set_caps(lane, caps.caps()),
            gst::EventView::Segment(segment) => {
                if let Some(segment) = segment.segment().downcast_ref::<gst::ClockTime>() {
                    self.state.lock().lanes[lane].segment = segment.clone();
                }
                true
            }
            // The composer's word that there are no pictures in a pause.
            gst::EventView::Gap(_) => self.rest(&mut self.state.lock(), lane).is_ok(),
            gst::EventView::Eos(_) => {
                self.end_lane(lane);
                true
            }
            // The file has a beginning, a segment and tags of its own.
            _ => true,
        }
    }

    fn set_caps(&self, lane: usize, caps: &gst::CapsRef) -> bool {
        let track = match track_of(caps) {
            Ok(track) => track,
            Err(error) => {
                gst::element_imp_error!(self, gst::StreamError::Format, ("{}.", sentence(&error)));
                return false;
            }
        };
        let mut state = self.state.lock();
        let begun = !matches!(state.stage, Stage::Gathering);
        let lane = &mut state.lanes[lane];
        if begun && lane.track.as_ref() != Some(&track) {
            drop(state);
            gst::element_imp_error!(
                self,
                gst::StreamError::Format,
                ("A track of the recording changed in the middle: {caps}.")
            );
            return false;
        }
        lane.track = Some(track);
        self.changed.notify_all();
        true
    }

    fn end_lane(&self, lane: usize) {
        let mut state = self.state.lock();
        if std::mem::replace(&mut state.lanes[lane].ended, true) || state.flow.is_err() {
            return;
        }
        if matches!(state.stage, Stage::Gathering) && state.gathered() && self.begin(&mut state).is_err() {
            return;
        }
        let index = state.lanes[lane].index;
        let ended = match (&mut state.stage, index) {
            (Stage::Writing(writer), Some(index)) => writer.end_track(index),
            _ => Ok(()),
        };
        // An error is on the bus; nothing comes after the end that could be told.
        let _ = self.settle(&mut state, ended);
    }

    /// Makes the writer when all tracks are known.
    fn begin(&self, state: &mut State) -> Result<(), gst::FlowError> {
        if !matches!(state.stage, Stage::Gathering) {
            return Ok(());
        }
        let mut tracks = Vec::new();
        for lane in &mut state.lanes {
            if let Some(track) = &lane.track {
                lane.index = Some(tracks.len());
                tracks.push(track.clone());
            }
        }
        if tracks.is_empty() {
            return self.fail(state, &RecordingError::Empty);
        }
        if state.plan.voices {
            state.voices.first = tracks.len();
            tracks.extend(std::iter::repeat_n(Track::Voice, VOICES_MAX));
        }
        let settings = Settings {
            cluster: state.plan.cluster,
            patience: state.plan.live.then_some(LATE_MAX),
            started: wall_clock(),
            application: concat!("Convene meetingrecorder ", env!("CARGO_PKG_VERSION")).into(),
        };
        match convene_recording::Writer::new(tracks, settings) {
            Ok(mut writer) => {
                // A track may have ended before the others had begun.
                let ended = state.lanes.iter().filter(|lane| lane.ended).filter_map(|lane| lane.index);
                for index in ended {
                    writer.end_track(index).expect("nothing was pushed yet that could fail");
                }
                state.stage = Stage::Writing(Box::new(writer));
                if !state.plan.live {
                    self.seat_those_there(state)?;
                }
                self.settle(state, Ok(()))
            }
            Err(error) => self.fail(state, &error),
        }
    }

    /// Takes what the writer has ready, and finishes it when all tracks have ended.
    pub(super) fn settle(
        &self,
        state: &mut State,
        result: Result<(), RecordingError>,
    ) -> Result<(), gst::FlowError> {
        if let Err(error) = result {
            return self.fail(state, &error);
        }
        let Stage::Writing(writer) = &mut state.stage else { return Ok(()) };
        let mut ready: Vec<Out> = std::iter::from_fn(|| writer.poll()).map(Out::Block).collect();
        if writer.all_ended() {
            let Stage::Writing(mut writer) = std::mem::replace(&mut state.stage, Stage::Done) else {
                unreachable!("it is writing, as just seen");
            };
            writer.lasts_until(state.lasts_until);
            if 0 < writer.lost() {
                gst::warning!(CAT, imp = self, "{} frames came too late", writer.lost());
            }
            match writer.finish() {
                Ok(mut finished) => {
                    ready.extend(std::iter::from_fn(|| finished.poll()).map(Out::Block));
                    ready.push(Out::Finish(finished));
                }
                Err(error) => return self.fail(state, &error),
            }
        }
        state.outbox.extend(ready);
        self.changed.notify_all();
        Ok(())
    }

    /// Ends the stream where it is. What is wrong goes to the bus once, behind the blocks that are ready.
    fn fail(&self, state: &mut State, error: &RecordingError) -> Result<(), gst::FlowError> {
        if state.flow.is_ok() {
            state.flow = Err(gst::FlowError::Error);
            state.stage = Stage::Done;
            state.outbox.push_back(Out::Failed(error.clone()));
            self.changed.notify_all();
        }
        Err(gst::FlowError::Error)
    }

    // Blocks out.

    fn turn(&self, begun: &mut bool) {
        let out = {
            let mut state = self.state.lock();
            loop {
                if state.flushing {
                    drop(state);
                    let _ = self.srcpad.pause_task();
                    return;
                }
                match state.outbox.pop_front() {
                    Some(out) => break out,
                    None => self.changed.wait(&mut state),
                }
            }
        };
        self.changed.notify_all();
        if !std::mem::replace(begun, true) {
            self.srcpad.push_event(gst::event::StreamStart::new("recording"));
            self.srcpad.push_event(gst::event::Caps::new(&webm_caps()));
            self.srcpad.push_event(gst::event::Segment::new(&outbox::bytes_segment()));
        }
        let pushed = match out {
            Out::Block(block) => {
                gst::debug!(CAT, imp = self, "block {}, {} bytes", block.number, block.bytes.len());
                self.srcpad.push(outbox::block_buffer(block)).map(|_| ())
            }
            Out::Head(head) => {
                let _ = self.obj().post_message(head_message(&self.obj(), head));
                Ok(())
            }
            Out::NoTrack => {
                gst::element_imp_warning!(
                    self,
                    gst::StreamError::Mux,
                    ("{VOICES_MAX} participants have tracks of their own; one more is heard in the mix alone.")
                );
                Ok(())
            }
            Out::Finish(finished) => self.finish(&finished).and(Err(gst::FlowError::Eos)),
            Out::Failed(error) => {
                gst::element_imp_error!(self, gst::StreamError::Mux, ("{}.", sentence(&error)));
                Err(gst::FlowError::Eos)
            }
        };
        if let Err(error) = pushed {
            self.stop(error);
        }
    }

    fn finish(&self, finished: &Finished) -> Result<(), gst::FlowError> {
        let seekable = outbox::is_seekable(&self.srcpad);
        gst::info!(CAT, imp = self, "{:?} in {} blocks", finished.duration(), finished.count());
        let parcels = if seekable {
            outbox::finish_in_place(finished)
        } else if self.state.lock().plan.replaces_header {
            outbox::finish_in_front(finished)
        } else {
            Vec::new()
        };
        for Parcel { segment, buffer } in parcels {
            if let Some(segment) = segment {
                self.srcpad.push_event(segment);
            }
            self.srcpad.push(buffer)?;
        }
        Ok(())
    }

    fn stop(&self, error: gst::FlowError) {
        gst::debug!(CAT, imp = self, "the streaming thread ends: {error}");
        {
            let mut state = self.state.lock();
            if state.flow.is_ok() {
                state.flow = Err(error);
            }
            state.outbox.clear();
        }
        self.changed.notify_all();
        if error == gst::FlowError::NotLinked {
            gst::element_imp_error!(
                self,
                gst::StreamError::Failed,
                ("The recording goes nowhere: link the recorder's src pad, for example to a filesink.")
            );
        }
        if error != gst::FlowError::Flushing {
            self.srcpad.push_event(gst::event::Eos::new());
        }
        // It fails only when the task was stopped already.
        let _ = self.srcpad.pause_task();
    }
}
