//! `/api/recordings`: the list, one of it, and deleting.

use std::sync::Arc;

use convene_recordings::{Recording, RecordingId, RegionName};
use serde::Serialize;
use warp::http::StatusCode;
use warp::http::header::CACHE_CONTROL;
use warp::reply::Response;
use warp::{Filter, Rejection, Reply};

use super::origin::same_origin;
use super::{ApiError, answer, media, with};
use crate::recording::{Deletion, delete};
use crate::service::Service;

#[derive(Serialize)]
struct List {
    recordings: Vec<Recording>,
}

#[derive(Serialize)]
struct Deleted {
    deleted: bool,
    regions: Vec<RegionName>,
}

pub(super) fn routes(
    service: &Arc<Service>,
) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone + use<> {
    let all = warp::path!("api" / "recordings")
        .and(warp::get())
        .and(with(service))
        .and_then(|service| answer(list(service)));
    let one = warp::path!("api" / "recordings" / String)
        .and(warp::get())
        .and(with(service))
        .and_then(|text, service| answer(show(service, text)));
    let remove = warp::path!("api" / "recordings" / String)
        .and(warp::delete())
        .and(same_origin())
        .and(with(service))
        .and_then(|text, service| answer(remove(service, text)));
    all.or(one).unify().or(remove).unify().or(media::routes(service)).unify()
}

async fn list(service: Arc<Service>) -> Result<impl Reply, ApiError> {
    let recordings = service.catalogue.call(|store| store.recordings()).await?;
    Ok(fresh(&List { recordings }))
}

async fn show(service: Arc<Service>, text: String) -> Result<impl Reply, ApiError> {
    Ok(fresh(&find(&service, id(&text)?).await?))
}

async fn remove(service: Arc<Service>, text: String) -> Result<impl Reply, ApiError> {
    let id = id(&text)?;
    let (status, deleted, regions) = match delete(&service, id).await? {
        Deletion::Unknown => return Err(ApiError::NoRecording { id: text }),
        Deletion::Running => return Err(ApiError::StillRecording { id }),
        Deletion::Done { regions } => (StatusCode::OK, true, regions),
        Deletion::Away { regions } => (StatusCode::ACCEPTED, false, regions),
    };
    Ok(warp::reply::with_status(warp::reply::json(&Deleted { deleted, regions }), status))
}

/// The recording's id in an address; anything else is no recording's.
pub(super) fn id(text: &str) -> Result<RecordingId, ApiError> {
    text.parse().map_err(|_| ApiError::NoRecording { id: text.chars().take(64).collect() })
}

/// The recording with this id.
pub(super) async fn find(service: &Service, id: RecordingId) -> Result<Recording, ApiError> {
    let found = service.catalogue.call(move |store| store.recording(id)).await?;
    found.ok_or_else(|| ApiError::NoRecording { id: id.to_string() })
}

/// The state of things changes from one second to the next, so nobody keeps it.
fn fresh<T: Serialize>(body: &T) -> impl Reply + use<T> {
    warp::reply::with_header(warp::reply::json(body), CACHE_CONTROL, "no-store")
}
