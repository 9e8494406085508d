//! A meeting's recording.
//!
//! ```text
//! screensrc location=https://HOST/CODE ! screendec ! meetingrecorder ! appsink sync=false
//! ```

use std::time::Duration;

use bytes::Bytes;

use crate::{Connection, PipelineError};

/// What a recording's pipeline brings forth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecordingEvent {
    /// The next block of the file.
    Block {
        /// Counted from 0.
        number: u32,
        /// Its bytes.
        bytes: Bytes,
    },
    /// Block 0 once more, larger, with everything that is only known at the end.
    FirstAgain(Bytes),
    /// The meeting was lost; the file is being finished with what there is: blocks, `FirstAgain` and `Ended` still follow.
    Lost(String),
    /// The file is whole.
    Ended {
        /// How long it plays.
        duration: Duration,
    },
    /// Nothing more follows, and the file is not whole.
    Failed(String),
}

/// The blocks of a recording, in order.
pub struct RecordingEvents {}

impl RecordingEvents {
    /// The next event; `None` after the pipeline is gone.
    pub async fn next(&mut self) -> Option<RecordingEvent> {
        None
    }
}

/// Watches a meeting and makes one WebM of it, block by block.
pub struct RecordingPipeline {}

impl RecordingPipeline {
    /// Joins the meeting and begins.
    pub fn start(_source: &Connection) -> Result<(Self, RecordingEvents), PipelineError> {
        Err(PipelineError::Build("not yet".into()))
    }

    /// Ends the file where it is now. Blocks, `FirstAgain` and `Ended` still come.
    pub fn finish(&self) {}
}
