#![doc = include_str!("../README.md")]

pub mod bus;
mod connection;
mod line;
mod location;
mod message;
mod trust;

use std::path::PathBuf;
use std::sync::{Arc, LazyLock};

use rustls::ClientConfig;
use tokio::runtime::{Builder, Runtime};

pub use connection::{Seat, Socket, join};
pub use line::{Ears, End, Heard, Mouth, farewell, next_message, ping, say};
pub use location::{Location, LocationError};
pub use message::{Hear, Participant, Say, Slot};
pub use tokio_tungstenite::tungstenite::{Bytes, Message};

/// The most that the protocol lets a binary message have.
pub const MESSAGE_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Who joins which meeting, and whom the line trusts: all that can be checked before the network is touched.
pub struct Invitation {
    location: Location,
    name: String,
    token: Option<String>,
    tls: Arc<ClientConfig>,
}

/// The same as it stands in an element's properties. No `Debug`: names and tokens are not for logs.
#[derive(Clone)]
pub struct Settings {
    /// `https://host:port/123456789`
    pub location: Option<String>,
    /// The name in the list of participants.
    pub display_name: String,
    /// The host's or the recorder's token.
    pub token: Option<String>,
    /// PEM certificates to trust besides the system's.
    pub ca_file: Option<PathBuf>,
    /// Whether the server's certificate is checked.
    pub tls_verify: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            location: None,
            display_name: "GStreamer".into(),
            token: None,
            ca_file: None,
            tls_verify: true,
        }
    }
}

/// Why there is no line to the meeting, or no longer.
#[derive(Debug, thiserror::Error)]
pub enum MeetingError {
    /// The address is not one of a meeting.
    #[error(transparent)]
    Location(#[from] LocationError),
    /// The file of certificates to trust cannot be used.
    #[error("The certificates in the ca-file {} cannot be used: {reason}. Give a PEM file with at least one certificate.", path.display())]
    CaFile {
        /// The file.
        path: PathBuf,
        /// What was wrong.
        reason: String,
    },
    /// Nobody answers there.
    #[error(
        "The server {server} cannot be reached: {reason}. Check the address, and that the service is running."
    )]
    Unreachable {
        /// Host and port.
        server: String,
        /// What the system said.
        reason: String,
    },
    /// Somebody answers, but not securely.
    #[error(
        "The secure connection to {server} failed: {reason}. If the server's certificate is its own, name it in the property ca-file."
    )]
    Tls {
        /// Host and port.
        server: String,
        /// What TLS said.
        reason: String,
    },
    /// Somebody answers securely, but it is no meeting service.
    #[error("{server} does not speak the meeting protocol: {reason}.")]
    NotAService {
        /// Host and port.
        server: String,
        /// What the handshake said.
        reason: String,
    },
    /// A step of joining took too long.
    #[error("The server {server} did not answer within {seconds} s.")]
    TooSlow {
        /// Host and port.
        server: String,
        /// The limit.
        seconds: u64,
    },
    /// The meeting does not take us.
    #[error("The meeting refused to let this client join ({reason}): {message}")]
    Refused {
        /// The protocol's word for it.
        reason: String,
        /// The server's sentence.
        message: String,
    },
    /// The server does not let us present, or no longer.
    #[error("The meeting no longer shows this screen: {message}")]
    PresentEnded {
        /// The server's sentence.
        message: String,
    },
    /// The server does not take our camera: ten are there.
    #[error("The meeting does not take this camera: {message}")]
    CameraRefused {
        /// The server's sentence.
        message: String,
    },
    /// Voices and faces cannot be carried, or no longer.
    #[error("Voices and faces cannot be carried: {message}")]
    NoMedia {
        /// The server's sentence, or what went wrong here.
        message: String,
    },
    /// The line broke.
    #[error("The connection to {server} was lost: {reason}.")]
    Lost {
        /// Host and port.
        server: String,
        /// What the system said.
        reason: String,
    },
}

impl Invitation {
    /// Why the line is no more.
    #[must_use]
    pub fn lost(&self, reason: String) -> MeetingError {
        MeetingError::Lost { server: self.location.server(), reason }
    }

    /// Checks the properties; the network is not touched.
    pub fn new(settings: &Settings) -> Result<Self, MeetingError> {
        let location = settings.location.as_deref().ok_or(LocationError::Missing)?;
        Ok(Self {
            location: Location::parse(location)?,
            name: settings.display_name.clone(),
            token: settings.token.clone().filter(|token| !token.is_empty()),
            tls: trust::client_config(settings.ca_file.as_deref(), settings.tls_verify)?,
        })
    }
}

/// One thread carries all lines of this process: they wait nearly always.
pub fn runtime() -> &'static Runtime {
    static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
        Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("convene-line")
            .enable_all()
            .build()
            .expect("a process that can run a pipeline can start one more thread")
    });
    &RUNTIME
}
