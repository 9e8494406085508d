//! Links to one recording: `/api/recordings/ID/links` gives them out, `/api/watch/TOKEN` shows what they are for.

use std::sync::Arc;

use convene_recordings::{Link, LinkError, Recording, RecordingLayout};
use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};
use warp::http::header::CACHE_CONTROL;
use warp::http::uri::Authority;
use warp::http::{HeaderMap, StatusCode};
use warp::reply::Response;
use warp::{Filter, Rejection, Reply};

use super::media::{Audience, Request, media, request};
use super::origin::same_origin;
use super::pictures::{Picture, picture};
use super::recordings::{find, id, kept};
use super::{ApiError, Peer, answer, base_url, body, peer, with};
use crate::recording::WatchError;
use crate::service::Service;

/// How long a link leads somewhere unless somebody says otherwise, and at most.
const LINK_DEFAULT: Duration = Duration::days(7);
const LINK_MAX: Duration = Duration::days(366);

/// Who knows the password is let in for so long: long enough for any recording, with breaks.
const ADMISSION: Duration = Duration::hours(24);

/// The characters of a password.
const PASSWORD_CHARACTERS: std::ops::RangeInclusive<usize> = 4..=100;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wish {
    #[serde(default, with = "time::serde::rfc3339::option")]
    until: Option<OffsetDateTime>,
    #[serde(default)]
    password: Option<String>,
}

#[derive(Serialize)]
struct Given {
    link: String,
    #[serde(with = "time::serde::rfc3339")]
    until: OffsetDateTime,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Knock {
    #[serde(default)]
    password: Option<String>,
}

/// What somebody with a link learns of a recording.
#[derive(Serialize)]
struct Shown {
    title: String,
    #[serde(with = "time::serde::rfc3339")]
    started: OffsetDateTime,
    layout: RecordingLayout,
    duration_ms: u64,
    /// Where the media and the pictures are, until then.
    address: String,
    #[serde(with = "time::serde::rfc3339")]
    until: OffsetDateTime,
}

pub(super) fn routes(
    service: &Arc<Service>,
) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone + use<> {
    let give = warp::path!("api" / "recordings" / String / "links")
        .and(warp::post())
        .and(same_origin())
        .and(body::json())
        .and(warp::host::optional())
        .and(with(service))
        .and_then(|text, wish, host, service| answer(give(service, text, wish, host)));
    let take_back = warp::path!("api" / "recordings" / String / "links")
        .and(warp::delete())
        .and(same_origin())
        .and(with(service))
        .and_then(|text, service| answer(take_back(service, text)));
    let knock = warp::path!("api" / "watch" / String)
        .and(warp::post())
        .and(body::json())
        .and(peer())
        .and(with(service))
        .and_then(|token, knock, peer, service| answer(show(service, token, knock, peer)));
    let play = warp::path!("api" / "watch" / String / "media")
        .and(request())
        .and(peer())
        .and(with(service))
        .and_then(|token, request, peer, service| answer(play(service, token, request, peer)));
    let look = warp::path!("api" / "watch" / String / Picture)
        .and(warp::get())
        .and(warp::header::headers_cloned())
        .and(peer())
        .and(with(service))
        .and_then(|token, what, headers, peer, service| answer(look(service, token, (what, headers), peer)));
    give.or(take_back).unify().or(knock).unify().or(play).unify().or(look).unify()
}

async fn give(
    service: Arc<Service>,
    text: String,
    Wish { until, password }: Wish,
    host: Option<Authority>,
) -> Result<impl Reply, ApiError> {
    let recording = find(&service, id(&text)?).await?.id;
    let now = service.clock.date();
    let until = until.unwrap_or(now + LINK_DEFAULT);
    if until <= now || now + LINK_MAX < until {
        let days = LINK_MAX.whole_days();
        return Err(ApiError::BadRequest(format!("a link ends between now and {days} days from now")));
    }
    if password.as_ref().is_some_and(|password| !PASSWORD_CHARACTERS.contains(&password.chars().count())) {
        let (least, most) = PASSWORD_CHARACTERS.into_inner();
        return Err(ApiError::BadRequest(format!("a password has {least} to {most} characters")));
    }
    let generation = service.catalogue.call(move |store| store.link_generation(recording)).await?;
    let generation = generation.ok_or(ApiError::NoRecording { id: text })?;
    let token = service.links.sign(&Link { recording, generation, until }, password.as_deref());
    let link = format!("{}/watch/{token}", base_url(&service, host)?);
    Ok(warp::reply::with_status(warp::reply::json(&Given { link, until }), StatusCode::CREATED))
}

async fn take_back(service: Arc<Service>, text: String) -> Result<impl Reply, ApiError> {
    let id = id(&text)?;
    if !service.catalogue.call(move |store| store.take_links_back(id)).await? {
        return Err(ApiError::NoRecording { id: text });
    }
    Ok(StatusCode::NO_CONTENT)
}

/// The link and what it shows, if it shows something now: it may have been taken back, and the recording may be gone.
async fn watch(
    service: &Service,
    token: &str,
    password: Option<&str>,
    peer: &Peer,
) -> Result<(Link, Recording), ApiError> {
    let link = service.links.read(token, password, peer.ip(), service.clock)?;
    let generation = service.catalogue.call(move |store| store.link_generation(link.recording)).await?;
    if generation != Some(link.generation) {
        return Err(WatchError::from(LinkError::Ended).into());
    }
    Ok((link, kept(service, link.recording).await?))
}

/// The token that is given for a password carries none, and so the player need not know it.
async fn show(
    service: Arc<Service>,
    token: String,
    knock: Knock,
    peer: Peer,
) -> Result<impl Reply, ApiError> {
    let password = knock.password.as_deref();
    let (link, recording) = watch(&service, &token, password, &peer).await?;
    let Recording { title, started, layout, duration_ms, .. } = recording;
    let admitted = match password {
        None => link,
        Some(_) => Link { until: link.until.min(service.clock.date() + ADMISSION), ..link },
    };
    let address = match password {
        None => format!("/api/watch/{token}"),
        Some(_) => format!("/api/watch/{}", service.links.sign(&admitted, None)),
    };
    let shown = Shown { title, started, layout, duration_ms, address, until: admitted.until };
    Ok(warp::reply::with_header(warp::reply::json(&shown), CACHE_CONTROL, "no-store"))
}

async fn play(
    service: Arc<Service>,
    token: String,
    request: Request,
    peer: Peer,
) -> Result<impl Reply, ApiError> {
    let (_, recording) = watch(&service, &token, None, &peer).await?;
    media(&service, &recording, request, Audience::Linked).await
}

async fn look(
    service: Arc<Service>,
    token: String,
    (what, headers): (Picture, HeaderMap),
    peer: Peer,
) -> Result<impl Reply, ApiError> {
    let (_, recording) = watch(&service, &token, None, &peer).await?;
    picture(&service, &recording, what, &headers, Audience::Linked).await
}
