//! The routes: each parses, asks, and replies.

mod body;
mod error;
mod headers;
mod links;
mod media;
mod meetings;
mod origin;
mod page;
mod pictures;
mod range;
mod recordings;
mod socket;
mod streams;
mod whip;

use std::convert::Infallible;
use std::future::Future;
use std::net::IpAddr;
use std::sync::Arc;

use convene_domain::Redacted;
use tokio::sync::OwnedSemaphorePermit;
use warp::http::HeaderValue;
use warp::http::uri::Authority;
use warp::reply::Response;
use warp::{Filter, Rejection, Reply};

use crate::service::Service;
pub(crate) use error::ApiError;
pub(crate) use headers::protect;

/// The largest body that a request may have; none of ours needs one.
const BODY_BYTES_MAX: u64 = 1024;

/// Who sent the request; the accept loop puts it with every one.
#[derive(Debug, Clone)]
pub(crate) struct Peer {
    address: Redacted<IpAddr>,
    /// The connection's place among all; what outlives its HTTP, a WebSocket, keeps it.
    _place: Arc<OwnedSemaphorePermit>,
}

impl Peer {
    pub(crate) fn new(address: IpAddr, place: OwnedSemaphorePermit) -> Self {
        Self { address: Redacted(address), _place: Arc::new(place) }
    }

    fn ip(&self) -> IpAddr {
        self.address.0
    }
}

/// All routes of the service.
pub(crate) fn routes(
    service: &Arc<Service>,
) -> impl Filter<Extract = (impl Reply + use<>,), Error = Infallible> + Clone + Send + Sync + 'static + use<>
{
    let health =
        warp::path!("healthz").and(warp::get().or(warp::head()).unify()).map(|| "ok".into_response());
    let api = meetings::routes(service)
        .or(streams::routes(service))
        .unify()
        .or(recordings::routes(service))
        .unify()
        .or(links::routes(service))
        .unify()
        .or(whip::routes(service))
        .unify();
    let all = api.or(socket::routes(service)).unify().or(health).unify().or(page::routes()).unify();
    all.recover(error::recover).unify()
}

/// A filter that brings the service to a handler.
fn with(
    service: &Arc<Service>,
) -> impl Filter<Extract = (Arc<Service>,), Error = Infallible> + Clone + use<> {
    let service = service.clone();
    warp::any().map(move || service.clone())
}

/// What links begin with.
fn base_url(service: &Service, host: Option<Authority>) -> Result<String, ApiError> {
    match (&service.public_url, host) {
        (Some(url), _) => Ok(url.clone()),
        (None, Some(host)) => Ok(format!("https://{host}")),
        (None, None) => Err(ApiError::BadRequest("it does not say which host it is for".into())),
    }
}

/// A header's value of our own making.
fn ascii(text: String) -> HeaderValue {
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static(""))
}

fn peer() -> impl Filter<Extract = (Peer,), Error = Rejection> + Copy {
    warp::ext::get::<Peer>()
}

/// What a handler answers, in warp's words.
async fn answer<R: Reply>(reply: impl Future<Output = Result<R, ApiError>>) -> Result<Response, Rejection> {
    match reply.await {
        Ok(reply) => Ok(reply.into_response()),
        // What another route has to say about the request is worth more than this.
        Err(ApiError::NotFound) => Err(warp::reject::not_found()),
        Err(error) => Err(warp::reject::custom(error)),
    }
}
