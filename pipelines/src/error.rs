//! What can keep a pipeline from starting or going on, as sentences.

/// Why a pipeline could not be made, started or fed.
#[derive(Debug, thiserror::Error)]
pub enum PipelineError {
    /// GStreamer itself or one of our plugins did not start.
    #[error("GStreamer did not start: {0}")]
    Init(String),
    /// An element is not installed.
    #[error("The GStreamer element `{element}` is missing. Install it with: apt-get install {package}")]
    MissingElement {
        /// The factory that was asked for.
        element: &'static str,
        /// The Debian package that brings it.
        package: &'static str,
    },
    /// Two elements could not be put together.
    #[error("The pipeline could not be put together: {0}")]
    Build(String),
    /// The pipeline was put together, and then refused to run.
    #[error("{0}")]
    Start(String),
    /// The pipeline has been stopped, so it takes nothing any more.
    #[error("The pipeline takes no more data ({0}).")]
    Closed(String),
    /// What somebody offers to send or receive cannot be taken.
    #[error("{0}")]
    Refused(String),
    /// There is no screen to present.
    #[error("{0}")]
    NoScreen(String),
}

impl PipelineError {
    /// Two elements could not be made or joined.
    pub(crate) fn build(error: impl std::fmt::Display) -> Self {
        Self::Build(error.to_string())
    }

    /// The element that refused has said why on the bus, or else `otherwise` is all there is to say.
    pub(crate) fn start(complaint: Option<String>, otherwise: &str) -> Self {
        Self::Start(complaint.unwrap_or_else(|| format!("{otherwise} The log says which element refused.")))
    }
}
