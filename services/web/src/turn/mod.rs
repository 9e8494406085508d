//! TURN (RFC 8656) over TLS at the port of the page, for networks that let nothing else through. It relays to our own media port alone.

mod access;
mod addresses;
mod desk;
mod frames;
mod places;
mod serve;
mod ways;

use std::net::SocketAddr;
use std::sync::Arc;

use convene_domain::MediaRelay;
use convene_pipelines::MediaPort;
use time::OffsetDateTime;
use tokio::io::BufReader;
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;
use tracing::debug;

use access::Secret;
use addresses::OwnAddresses;
pub(crate) use frames::is_turn;
use places::Places;

/// What a client that agrees on a protocol says (RFC 7443, section 3).
pub(crate) const ALPN: &[u8] = b"stun.turn";

/// A connection whose first bytes may be looked at.
pub(crate) type Stream = BufReader<TlsStream<TcpStream>>;

/// The TURN server of the service.
pub(crate) struct Turn {
    media: MediaPort,
    secret: Secret,
    places: Arc<Places>,
    own: OwnAddresses,
}

impl Turn {
    /// Nothing where no one port takes all media, as it would not be known where to relay to.
    pub(crate) fn new(media: &MediaPort) -> Option<Arc<Self>> {
        media.tcp_port?;
        let (media, secret) = (media.clone(), Secret::random(&mut rand::rng()));
        Some(Arc::new(Self { media, secret, places: Arc::default(), own: OwnAddresses::default() }))
    }

    /// What opens it from now on for some hours.
    pub(crate) fn access(&self, now: OffsetDateTime) -> MediaRelay {
        self.secret.access(now.unix_timestamp(), &mut rand::rng())
    }

    /// Where on this machine that comes in which is for this address, if it is one of the media port's.
    fn way_to(&self, peer: SocketAddr) -> Option<SocketAddr> {
        self.media.way_to(peer, || self.own.now())
    }

    /// Serves a connection until its end.
    pub(crate) async fn serve(&self, stream: Stream, client: SocketAddr) {
        if let Err(error) = serve::serve(self, stream, client).await {
            debug!(%error, "a TURN connection is over");
        }
    }
}
