//! Why the service cannot start.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Why the service cannot start, each with what to do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// Somebody else listens there.
    #[error(
        "Port {} is in use on {}. Another service listens there, maybe an earlier start of this one; \
         stop it or configure another `listen` address.", address.port(), address.ip()
    )]
    PortInUse {
        /// Where we wanted to listen.
        address: SocketAddr,
    },
    /// Ports below 1024 and foreign addresses.
    #[error("The service cannot listen on {address}: {error}. Configure another `listen` address.")]
    Listen {
        /// Where we wanted to listen.
        address: SocketAddr,
        /// What the system said.
        error: io::Error,
    },
    /// The key of links to recordings.
    #[error(
        "The key of links to recordings, {}, cannot be used: {why}. Delete it; links that were given out end then.",
        path.display()
    )]
    LinkKey {
        /// Where it is.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// Whom hosts may have called.
    #[error("Nobody can be called as it is configured. {0}")]
    CallOut(String),
    /// The operators' port.
    #[error("The metrics cannot be served at {address}: {error}. Configure another `metrics` address.")]
    Metrics {
        /// Where we wanted to listen.
        address: SocketAddr,
        /// What the system said.
        error: io::Error,
    },
    /// The telephone's ports.
    #[error("The telephone cannot be used. {0} Look at `sip_tls_port`, `sip_trunk` and the like.")]
    Telephone(String),
    /// Media of others comes in there, or the port is a privileged one.
    #[error(
        "UDP port {} cannot be used for voices and faces on {}: {error}. Another service has it, maybe an earlier start of \
         this one; stop it or configure another `media_port`.", address.port(), address.ip()
    )]
    MediaPort {
        /// Where we wanted to listen.
        address: SocketAddr,
        /// What the system said.
        error: io::Error,
    },
    /// The data folder or something in it.
    #[error(
        "{} cannot be written: {error}. Give this user the right to write there, or configure another `data` folder.",
        path.display()
    )]
    Unwritable {
        /// Which file or folder.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// The certificate or its key.
    #[error(
        "The certificate in {} cannot be used: {why}. Put a matching cert.pem and key.pem there, \
         or remove both and a development certificate is made.", folder.display()
    )]
    Certificate {
        /// Where they are.
        folder: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// The public address is none.
    #[error("The public address {url:?} is none: {why}. It looks like https://meet.example.org.")]
    PublicUrl {
        /// What is configured.
        url: String,
        /// What is wrong.
        why: String,
    },
    /// The catalogue.
    #[error("The catalogue of recordings cannot be opened. {0}")]
    Catalogue(String),
    /// The spool.
    #[error("The recordings that wait cannot be looked after: {0}.")]
    Spool(String),
    /// A store.
    #[error("The region {region} cannot be used: {why}.")]
    Store {
        /// Which.
        region: String,
        /// What is wrong.
        why: String,
    },
    /// The list of stores.
    #[error("The configured stores cannot be: {0}.")]
    Stores(convene_recordings::ConfigError),
    /// Who shall record is not configured, and this program cannot tell where it is.
    #[error("The program that records cannot be found: {error}. Configure `recorder`.")]
    Recorder {
        /// What the system said.
        error: io::Error,
    },
    /// Media cannot be handled on this machine.
    #[error("The media pipelines cannot start. {0}")]
    Pipelines(String),
}
