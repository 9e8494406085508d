//! WHIP (RFC 9725) and WHEP, for encoders and players that speak nothing else: `POST` an offer, get the answer.
//!
//! `/whip/NAME` publishes as the peer NAME, `/whep` watches. What is made is at the `Location` of the answer until it is deleted.

mod answer;
mod path;
mod server;

use std::sync::Arc;

use thiserror::Error;

pub use server::Server;

/// Why the server cannot start, in a sentence for the bus.
#[derive(Debug, Error)]
pub enum HttpError {
    /// No address.
    #[error("The property http is an address and a port, like 127.0.0.1:8080, and \"{0}\" is none.")]
    NoAddress(String),
    /// It is taken, or not this machine's.
    #[error("{address} cannot be opened for HTTP: {reason}.")]
    Bind {
        /// Which.
        address: std::net::SocketAddr,
        /// What the system says.
        reason: std::io::Error,
    },
    /// The system gives no thread.
    #[error("The thread for HTTP cannot be started: {0}.")]
    Thread(std::io::Error),
}

/// What the server asks the relay for.
pub trait Desk: Send + Sync + 'static {
    /// Answers a peer's offer; the error is a sentence.
    fn offer(&self, peer: &str, sdp: &str) -> Result<String, String>;
    /// A peer is to go.
    fn remove(&self, peer: &str);
    /// Whether a peer of this name is there still.
    fn knows(&self, peer: &str) -> bool;
}

/// Starts serving; the address is in words.
pub fn serve(address: &str, desk: Arc<dyn Desk>) -> Result<Server, HttpError> {
    let parsed = address.parse().map_err(|_| HttpError::NoAddress(address.to_owned()))?;
    Server::start(parsed, desk)
}
