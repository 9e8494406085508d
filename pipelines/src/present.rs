//! Presents a screen to a meeting.
//!
//! ```text
//! ximagesrc show-pointer=false ! video/x-raw,framerate=30/1 ! videoconvert ! screenenc ! screensink location=https://HOST/CODE
//! ```

use tokio::sync::mpsc::UnboundedReceiver;

use crate::{Connection, PipelineError};

/// What is presented.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PresentSource {
    /// An X11 display, or a part of it.
    X11 {
        /// For example `:1`; without it, `DISPLAY`.
        display: Option<String>,
        /// Which part.
        area: Area,
    },
    /// A PipeWire node that shows a screen, as a Wayland portal hands it out.
    PipeWire {
        /// The node's id.
        node: u32,
    },
}

/// Which part of a display is presented.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Area {
    /// All of it.
    #[default]
    Whole,
    /// One window.
    Window(u32),
    /// A rectangle, for example one monitor.
    Rect {
        /// Its left edge.
        x: u16,
        /// Its upper edge.
        y: u16,
        /// Its width.
        width: u16,
        /// Its height.
        height: u16,
    },
}

/// What a presenter's pipeline tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PresentEvent {
    /// It has ended as it was told to.
    Ended,
    /// It cannot go on.
    Failed(String),
}

/// Captures a screen and sends it to a meeting.
pub struct PresentPipeline {}

impl PresentPipeline {
    /// Joins the meeting and presents.
    pub fn start(
        _source: &PresentSource,
        _fps: u32,
        _target: &Connection,
    ) -> Result<(Self, UnboundedReceiver<PresentEvent>), PipelineError> {
        Err(PipelineError::Build("not yet".into()))
    }

    /// Sends what is outstanding, leaves, and then tells `Ended`.
    pub fn finish(&self) {}
}

/// Says what to do when the display cannot be reached.
pub fn check_x11(_display: Option<&str>) -> Result<(), PipelineError> {
    Ok(())
}
