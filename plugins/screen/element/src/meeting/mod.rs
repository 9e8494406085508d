//! A presenter's and a viewer's line to a meeting. The network lives in tasks; the streaming threads of the elements hand bytes over and wait on
//! conditions that `unlock()` ends. Nothing here knows GStreamer.

mod presenting;
mod watching;

use convene_meeting_line::End;
pub use presenting::Presenting;
pub use watching::Watching;

/// Why a streaming thread's wait came to nothing.
#[derive(Clone, Debug)]
pub enum Stopped {
    /// `unlock()` ended it.
    Unlocked,
    /// The line ended.
    Ended(End),
}

/// For logs: without what the server said, as people's names may be in it.
impl std::fmt::Display for Stopped {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Unlocked => "unlocked",
            Self::Ended(End::Over(_)) => "the meeting is over",
            Self::Ended(End::Failed(_)) => "the line failed",
            Self::Ended(End::Left) => "we left",
        })
    }
}
