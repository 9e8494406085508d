//! A meeting's screen: one presenter's bytes in, every viewer's bytes out.
//!
//! ```text
//! appsrc is-live=true format=time do-timestamp=true caps=video/x-convene-screen ! screenrelay name=relay
//!     relay. ! appsink sync=false async=false      (one a viewer, its pad acknowledge=true)
//! ```

use bytes::Bytes;
use tokio::sync::mpsc::UnboundedReceiver;

use crate::PipelineError;

/// What a meeting's pipeline tells the service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MeetingEvent {
    /// The relay has taken in so many bytes of the presenter's stream since [`MeetingPipeline::presenter_changed`].
    Taken(u64),
    /// The presenter's stream is malformed and is ignored until the presenter changes; viewers keep the last good screen.
    StreamRefused(String),
    /// The pipeline cannot go on.
    Failed(String),
}

/// The relay of one meeting's screen.
pub struct MeetingPipeline {}

impl MeetingPipeline {
    /// Starts the relay. Events come until the pipeline is stopped.
    pub fn start() -> Result<(Self, UnboundedReceiver<MeetingEvent>), PipelineError> {
        Err(PipelineError::Build("not yet".into()))
    }

    /// Hands over a piece of the presenter's stream, cut anywhere. Never blocks.
    pub fn push(&self, _bytes: Bytes) -> Result<(), PipelineError> {
        Ok(())
    }

    /// The next bytes come from another presenter: half a record is forgotten, the held screen stays.
    pub fn presenter_changed(&self) {}

    /// A new viewer and its bytes: whole records, first the whole screen as it is now.
    pub fn watch(&self) -> Result<(Viewer, UnboundedReceiver<Bytes>), PipelineError> {
        Err(PipelineError::Build("not yet".into()))
    }

    /// Stops the relay; every viewer's channel closes.
    pub fn stop(self) {}
}

/// A viewer's place at the relay. Dropping it leaves.
pub struct Viewer {}

impl Viewer {
    /// The viewer has painted so many bytes since it came.
    pub fn painted(&self, _bytes: u64) {}
}
