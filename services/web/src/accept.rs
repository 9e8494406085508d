//! The accept loop: TCP; what is no TLS but media (ICE-TCP) goes to the relay; TLS with a time limit, then TURN, or HTTP 1 and 2 to warp's routes.

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use convene_pipelines::MediaPort;
use hyper::body::Incoming;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{debug, warn};
use warp::http::Request;
use warp::reply::Response;

use crate::http::{Peer, protect, routes};
use crate::service::Service;
use crate::turn::{ALPN, Stream, Turn, is_turn};

/// Who takes longer for the handshake is no client of ours.
const HANDSHAKE_MAX: Duration = Duration::from_secs(10);

/// How long a request's head may take, and how long an idle connection is kept.
const HEAD_MAX: Duration = Duration::from_secs(30);

/// How long answers that are under way may take when the service is being stopped.
const CLOSE_MAX: Duration = Duration::from_secs(5);

/// Connections at once. A process may have 1,024 files open by default on many systems; an operator who raises that gets as many.
const CONNECTIONS_MAX: usize = 4096;

/// How long to wait when the system has no file left for another connection.
const PAUSE: Duration = Duration::from_millis(100);

/// Streams of one HTTP/2 connection at once.
const STREAMS_MAX: u32 = 100;

type Handler = Arc<dyn Fn(Request<Incoming>) -> Answer + Send + Sync>;
type Answer = std::pin::Pin<Box<dyn Future<Output = Result<Response, std::convert::Infallible>> + Send>>;

/// Where connections come in.
pub(crate) struct Door {
    tls: TlsAcceptor,
    media: MediaPort,
    turn: Option<Arc<Turn>>,
    handler: Handler,
    http: auto::Builder<TokioExecutor>,
    places: Arc<Semaphore>,
    connections: TaskTracker,
    stop: CancellationToken,
}

impl Door {
    pub(crate) fn new(tls: TlsAcceptor, service: &Arc<Service>, stop: CancellationToken) -> Self {
        let routes = TowerToHyperService::new(warp::service(routes(service)));
        let handler: Handler = Arc::new(move |request| Box::pin(routes.call(request)));
        let mut http = auto::Builder::new(TokioExecutor::new());
        http.http1().timer(TokioTimer::new()).header_read_timeout(HEAD_MAX);
        http.http2()
            .timer(TokioTimer::new())
            .keep_alive_interval(HEAD_MAX)
            .max_concurrent_streams(STREAMS_MAX);
        let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        let (media, turn) = (service.media.clone(), service.turn.clone());
        Self { tls, media, turn, handler, http, places, connections: TaskTracker::new(), stop }
    }

    /// Lets connections in until the future is dropped.
    pub(crate) async fn serve(&self, listener: &TcpListener) {
        loop {
            let place = self.places.clone().acquire_owned().await.expect("the semaphore is never closed");
            let (stream, address) = match listener.accept().await {
                Ok(accepted) => accepted,
                Err(error) => {
                    pause_after(&error).await;
                    continue;
                }
            };
            let peer = Peer::new(address.ip(), place);
            let (tls, handler, http) = (self.tls.clone(), self.handler.clone(), self.http.clone());
            let (media, turn, stop) = (self.media.clone(), self.turn.clone(), self.stop.clone());
            self.connections.spawn(async move {
                let Some(stream) = without_media(&media, stream).await else {
                    return;
                };
                let Some(stream) = shake_hands(tls, stream).await else {
                    return;
                };
                match (turn, sort(stream, &stop).await) {
                    (_, Some(Talk::Http(stream))) => converse(http, stream, handler, peer, stop).await,
                    (Some(turn), Some(Talk::Turn(stream))) => {
                        tokio::select! {
                            () = turn.serve(*stream, address) => {}
                            () = stop.cancelled() => {}
                        }
                    }
                    _ => debug!("a connection is for nothing that we serve"),
                }
            });
        }
    }

    /// Lets the answers that are under way end.
    pub(crate) async fn close(&self) {
        self.connections.close();
        if tokio::time::timeout(CLOSE_MAX, self.connections.wait()).await.is_err() {
            debug!("some connections did not come to an end in time");
        }
    }
}

/// A connection that was reset before we took it concerns nobody; without files we wait for some.
async fn pause_after(error: &io::Error) {
    if matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset) {
        return;
    }
    warn!(%error, "no connection can be taken just now");
    tokio::time::sleep(PAUSE).await;
}

/// Whoever has no way for media but TCP comes to this port as well, and begins with the length of a STUN message (RFC 4571), which is below 256;
/// TLS begins with a record of type 22 (RFC 8446, section 5.1). Hands such a connection to the relay, and returns any other.
async fn without_media(media: &MediaPort, stream: TcpStream) -> Option<TcpStream> {
    let mut first = [0];
    let peeked = tokio::time::timeout(HANDSHAKE_MAX, stream.peek(&mut first)).await;
    if !matches!(peeked, Ok(Ok(1))) {
        debug!("a connection said nothing");
        return None;
    }
    if first != [0] || media.tcp_port.is_none() {
        return Some(stream);
    }
    if let Err(error) = stream.into_std().and_then(|stream| media.take_connection(stream)) {
        debug!(%error, "a connection for media was over at once");
    }
    None
}

async fn shake_hands(
    tls: TlsAcceptor,
    stream: TcpStream,
) -> Option<tokio_rustls::server::TlsStream<TcpStream>> {
    // Small messages go out at once; where that cannot be set, they only come later.
    let _ = stream.set_nodelay(true);
    match tokio::time::timeout(HANDSHAKE_MAX, tls.accept(stream)).await {
        Ok(Ok(stream)) => Some(stream),
        Ok(Err(error)) => {
            debug!(%error, "a TLS handshake failed");
            None
        }
        Err(_) => {
            debug!("a TLS handshake took too long");
            None
        }
    }
}

/// What is spoken within TLS.
enum Talk {
    Http(Box<Stream>),
    Turn(Box<Stream>),
}

/// Who agreed on a protocol speaks it. Browsers agree on none for TURN, so there the first bytes tell.
async fn sort(stream: tokio_rustls::server::TlsStream<TcpStream>, stop: &CancellationToken) -> Option<Talk> {
    let agreed = stream.get_ref().1.alpn_protocol().map(<[u8]>::to_vec);
    let mut stream = Box::new(BufReader::new(stream));
    match agreed.as_deref() {
        Some(protocol) if protocol == ALPN => return Some(Talk::Turn(stream)),
        Some(_) => return Some(Talk::Http(stream)),
        None => {}
    }
    let first = tokio::select! {
        first = tokio::time::timeout(HEAD_MAX, stream.fill_buf()) => first,
        () = stop.cancelled() => return None,
    };
    let is_turn = is_turn(first.ok()?.ok()?);
    Some(if is_turn { Talk::Turn(stream) } else { Talk::Http(stream) })
}

async fn converse(
    http: auto::Builder<TokioExecutor>,
    stream: Box<Stream>,
    handler: Handler,
    peer: Peer,
    stop: CancellationToken,
) {
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(peer.clone());
        let is_local = is_local(&request);
        let answer = handler(request);
        async move {
            let mut response = answer.await?;
            protect(response.headers_mut(), is_local);
            Ok::<_, std::convert::Infallible>(response)
        }
    });
    let mut connection = pin!(http.serve_connection_with_upgrades(TokioIo::new(*stream), service));
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        debug!(error = %error, "a connection ended with an error");
    }
}

fn is_local(request: &Request<Incoming>) -> bool {
    let host = request.headers().get(hyper::header::HOST).and_then(|host| host.to_str().ok());
    let host = host.or_else(|| request.uri().host()).unwrap_or_default();
    host.split(':').next().is_some_and(|name| name.eq_ignore_ascii_case("localhost"))
}
