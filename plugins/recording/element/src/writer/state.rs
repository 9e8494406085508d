//! What the writer holds between its calls.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use convene_recording::{Block, Finished, Pauses, RecordingError, Track};

use super::voices::Voices;

/// Everything that changes.
pub(super) struct State {
    pub plan: Plan,
    pub lanes: Vec<Lane>,
    pub voices: Voices,
    pub stage: Stage,
    pub lasts_until: Duration,
    pub pauses: Pauses,
    pub outbox: VecDeque<Out>,
    pub flushing: bool,
    pub flow: Result<gst::FlowSuccess, gst::FlowError>,
}

/// How the blocks are made.
pub(super) struct Plan {
    pub live: bool,
    pub cluster: Duration,
    pub replaces_header: bool,
    /// Participants may have tracks of their own.
    pub voices: bool,
}

/// A sink pad.
pub(super) struct Lane {
    pub segment: gst::FormattedSegment<gst::ClockTime>,
    pub track: Option<Track>,
    /// Its place in the writer, which has only the tracks that began.
    pub index: Option<usize>,
    /// It has come to a pause that goes on.
    pub rests: bool,
    pub ended: bool,
}

pub(super) enum Stage {
    /// Not every track has said what it is.
    Gathering,
    Writing(Box<convene_recording::Writer>),
    Done,
}

pub(super) enum Out {
    Block(Block),
    Finish(Finished),
    /// What the file should begin with if it was cut off from here on.
    Head(Bytes),
    /// Somebody speaks who has no track.
    NoTrack,
    /// What is wrong, after all that was right.
    Failed(RecordingError),
}

impl State {
    pub fn check(&self) -> Result<(), gst::FlowError> {
        if self.flushing {
            return Err(gst::FlowError::Flushing);
        }
        self.flow.map(|_| ())
    }

    pub fn gathered(&self) -> bool {
        self.lanes.iter().all(|lane| lane.ended || lane.track.is_some())
    }
}
