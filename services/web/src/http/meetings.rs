//! `POST /api/meetings`.

use std::sync::Arc;

use serde::Serialize;
use warp::http::StatusCode;
use warp::http::uri::Authority;
use warp::reply::Response;
use warp::{Filter, Rejection, Reply};

use super::origin::same_origin;
use super::{ApiError, BODY_BYTES_MAX, Peer, answer, base_url, peer, with};
use crate::meeting::Founded;
use crate::service::Service;

#[derive(Serialize)]
struct Started {
    code: String,
    token: String,
    link: String,
}

pub(super) fn routes(
    service: &Arc<Service>,
) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone + use<> {
    warp::path!("api" / "meetings")
        .and(warp::post())
        .and(same_origin())
        .and(bounded_body())
        .and(with(service))
        .and(peer())
        .and(warp::host::optional())
        .and_then(|service, peer, host| answer(start(service, peer, host)))
}

/// A body is neither needed nor read; one that says it is large is refused.
fn bounded_body() -> impl Filter<Extract = (), Error = Rejection> + Copy {
    warp::header::optional::<u64>("content-length")
        .and_then(|length: Option<u64>| async move {
            match length {
                Some(length) if BODY_BYTES_MAX < length => Err(warp::reject::custom(ApiError::BodyTooLarge)),
                _ => Ok(()),
            }
        })
        .untuple_one()
}

async fn start(service: Arc<Service>, peer: Peer, host: Option<Authority>) -> Result<impl Reply, ApiError> {
    let Founded { code, token } = service.directory.found(&service, peer.ip())?;
    let base = base_url(&service, host)?;
    let started =
        Started { code: code.to_string(), token: token.reveal().to_owned(), link: format!("{base}/{code}") };
    Ok(warp::reply::with_status(warp::reply::json(&started), StatusCode::CREATED))
}
