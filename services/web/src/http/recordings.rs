//! `/api/recordings`: the list, one of it with its media and pictures, changing, and deleting.

use std::sync::Arc;

use convene_recordings::{Recording, RecordingId, RegionName};
use serde::{Deserialize, Deserializer, Serialize};
use time::OffsetDateTime;
use warp::http::header::CACHE_CONTROL;
use warp::http::{HeaderMap, StatusCode};
use warp::reply::Response;
use warp::{Filter, Rejection, Reply};

use super::media::{Audience, Request, media, request};
use super::origin::same_origin;
use super::pictures::{Picture, picture};
use super::{ApiError, answer, body, with};
use crate::recording::{Deletion, delete};
use crate::service::Service;

#[derive(Serialize)]
struct List {
    recordings: Vec<Recording>,
}

/// The characters of a title.
const TITLE_CHARACTERS_MAX: usize = 120;

/// What is to be otherwise; what is left out stays.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    title: Option<String>,
    /// `null` is for ever.
    #[serde(default, deserialize_with = "some_date")]
    keep_until: Option<Option<OffsetDateTime>>,
}

fn some_date<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Option<OffsetDateTime>>, D::Error> {
    time::serde::rfc3339::option::deserialize(from).map(Some)
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
    let change = warp::path!("api" / "recordings" / String)
        .and(warp::patch())
        .and(same_origin())
        .and(body::json())
        .and(with(service))
        .and_then(|text, change, service| answer(change_it(service, text, change)));
    let play = warp::path!("api" / "recordings" / String / "media")
        .and(request())
        .and(with(service))
        .and_then(|text, request, service| answer(play(service, text, request)));
    let look = warp::path!("api" / "recordings" / String / Picture)
        .and(warp::get())
        .and(warp::header::headers_cloned())
        .and(with(service))
        .and_then(|text, what, headers, service| answer(look(service, text, what, headers)));
    let remove = warp::path!("api" / "recordings" / String)
        .and(warp::delete())
        .and(same_origin())
        .and(with(service))
        .and_then(|text, service| answer(remove(service, text)));
    all.or(one).unify().or(change).unify().or(remove).unify().or(play).unify().or(look).unify()
}

async fn list(service: Arc<Service>) -> Result<impl Reply, ApiError> {
    let recordings = service.catalogue.call(|store| store.recordings()).await?;
    Ok(fresh(&List { recordings }))
}

async fn show(service: Arc<Service>, text: String) -> Result<impl Reply, ApiError> {
    Ok(fresh(&find(&service, id(&text)?).await?))
}

async fn change_it(service: Arc<Service>, text: String, change: Change) -> Result<impl Reply, ApiError> {
    let id = id(&text)?;
    let Change { title, keep_until } = change;
    let title = title.map(|title| title_of(&title)).transpose()?;
    if keep_until.flatten().is_some_and(|until| until <= service.clock.date()) {
        return Err(ApiError::BadRequest("a recording is kept until a time that is still to come".into()));
    }
    let is_there = service
        .catalogue
        .call(move |store| {
            let titled = title.map(|title| store.rename_recording(id, &title)).transpose()?;
            let kept = keep_until.map(|until| store.keep_recording(id, until)).transpose()?;
            Ok(titled.unwrap_or(true) && kept.unwrap_or(true))
        })
        .await?;
    let recording = find(&service, id).await?;
    if is_there { Ok(fresh(&recording)) } else { Err(ApiError::Deleting) }
}

/// A title is one line that can be seen.
fn title_of(text: &str) -> Result<String, ApiError> {
    let title: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let characters = title.chars().count();
    if characters == 0 || TITLE_CHARACTERS_MAX < characters || title.chars().any(char::is_control) {
        let why = format!("a title is one line of 1 to {TITLE_CHARACTERS_MAX} characters");
        return Err(ApiError::BadRequest(why));
    }
    Ok(title)
}

async fn play(service: Arc<Service>, text: String, request: Request) -> Result<impl Reply, ApiError> {
    let recording = kept(&service, id(&text)?).await?;
    media(&service, &recording, request, Audience::Everyone).await
}

async fn look(
    service: Arc<Service>,
    text: String,
    what: Picture,
    headers: HeaderMap,
) -> Result<impl Reply, ApiError> {
    let recording = kept(&service, id(&text)?).await?;
    picture(&service, &recording, what, &headers, Audience::Everyone).await
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

/// The same, of which something is to be seen: not of one that is to go.
pub(super) async fn kept(service: &Service, id: RecordingId) -> Result<Recording, ApiError> {
    let recording = find(service, id).await?;
    if service.catalogue.call(move |store| store.is_being_deleted(id)).await? {
        return Err(ApiError::Deleting);
    }
    Ok(recording)
}

/// The state of things changes from one second to the next, so nobody keeps it.
fn fresh<T: Serialize>(body: &T) -> impl Reply + use<T> {
    warp::reply::with_header(warp::reply::json(body), CACHE_CONTROL, "no-store")
}
