//! The socket and the thread of the server.

use std::convert::Infallible;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::sync::{Semaphore, oneshot};

use super::answer::{Request, Sessions, answer, refuse};
use super::{Desk, HttpError};

/// Connections at once; more wait.
const CONNECTIONS_MAX: usize = 64;
/// A client that has not sent its headers by then is let go, and so is one whose request takes longer altogether.
const HEADERS_MAX: Duration = Duration::from_secs(10);
const REQUEST_MAX: Duration = Duration::from_secs(20);
/// An offer is no longer.
const BODY_BYTES_MAX: usize = convene_relay::OFFER_BYTES_MAX;
/// Chance in a session's secret.
const SESSION_BYTES: usize = 16;

/// A running server.
pub struct Server {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Opens the address and serves on a thread of its own.
    pub fn start(address: SocketAddr, desk: Arc<dyn Desk>) -> Result<Self, HttpError> {
        let failed = |reason| HttpError::Bind { address, reason };
        let listener = TcpListener::bind(address).map_err(failed)?;
        listener.set_nonblocking(true).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(HttpError::Thread)?;
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::Builder::new().name("vp8relay-http".to_owned()).spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    () = accept(listener, desk) => {}
                    _ = stopped => {}
                }
            });
            // A request that still waits for an answer is not waited for.
            runtime.shutdown_background();
        });
        let thread = thread.map_err(HttpError::Thread)?;
        Ok(Self { address, stop: Some(stop), thread: Some(thread) })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn accept(listener: TcpListener, desk: Arc<dyn Desk>) {
    let Ok(listener) = tokio::net::TcpListener::from_std(listener) else {
        return;
    };
    let sessions = Arc::new(Sessions::default());
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else {
            return;
        };
        // Out of file descriptors, say: the next may do better.
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let (desk, sessions) = (Arc::clone(&desk), Arc::clone(&sessions));
        tokio::spawn(async move {
            let serving = service_fn(move |request| serve(request, Arc::clone(&desk), Arc::clone(&sessions)));
            let connection = hyper::server::conn::http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEADERS_MAX)
                .serve_connection(TokioIo::new(stream), serving);
            // What a client does wrong is its own matter.
            let _ = connection.await;
            drop(place);
        });
    }
}

async fn serve(
    request: hyper::Request<Incoming>,
    desk: Arc<dyn Desk>,
    sessions: Arc<Sessions>,
) -> Result<Response<String>, Infallible> {
    let answered = tokio::time::timeout(REQUEST_MAX, async {
        let (head, body) = request.into_parts();
        let Ok(body) = Limited::new(body, BODY_BYTES_MAX).collect().await else {
            return refuse(StatusCode::PAYLOAD_TOO_LARGE, "An offer is not that long.");
        };
        let request = Request {
            method: head.method,
            path: head.uri.path().to_owned(),
            headers: head.headers,
            body: body.to_bytes().to_vec(),
        };
        let session = secret();
        // The relay's worker answers, and this thread has others to serve meanwhile.
        let answering = tokio::task::spawn_blocking(move || answer(&request, &sessions, &*desk, &session));
        answering.await.unwrap_or_else(|_| refuse(StatusCode::INTERNAL_SERVER_ERROR, "That went wrong."))
    });
    Ok(answered.await.unwrap_or_else(|_| refuse(StatusCode::REQUEST_TIMEOUT, "That took too long.")))
}

/// Nobody guesses it.
fn secret() -> String {
    rand::random::<[u8; SESSION_BYTES]>().iter().map(|byte| format!("{byte:02x}")).collect()
}
