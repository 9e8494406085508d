//! `…/poster` and `…/filmstrip` of a recording, in WebP.

use bytes::Bytes;
use convene_recordings::{Recording, RecordingId};
use warp::Reply;
use warp::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG};
use warp::http::{HeaderMap, HeaderValue, StatusCode};
use warp::reply::Response;

use super::media::{Audience, cache_control};
use super::range::{Wanted, wanted};
use super::{ApiError, ascii};
use crate::recording::pictures;
use crate::service::Service;

/// Which.
#[derive(Debug, Clone, Copy)]
pub(super) enum Picture {
    Poster,
    Filmstrip,
}

impl std::str::FromStr for Picture {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "poster" => Ok(Self::Poster),
            "filmstrip" => Ok(Self::Filmstrip),
            _ => Err(()),
        }
    }
}

/// A picture of a recording that has ended.
pub(super) async fn picture(
    service: &Service,
    recording: &Recording,
    picture: Picture,
    asked: &HeaderMap,
    audience: Audience,
) -> Result<Response, ApiError> {
    let id: RecordingId = recording.id;
    if recording.is_running() || !recording.layout.has_pictures() {
        return Err(ApiError::NoPicture);
    }
    let set = pictures(service, id).await.map_err(|error| {
        tracing::debug!(recording = %id, %error, "a recording has no pictures");
        ApiError::NoPicture
    })?;
    let bytes: Bytes = match picture {
        Picture::Poster => set.poster.clone(),
        Picture::Filmstrip => set.strip.clone(),
    };
    let etag = format!("\"{}-{picture:?}\"", set.version);
    let mut response = match wanted(asked, &etag, bytes.len() as u64) {
        Wanted::NotModified => StatusCode::NOT_MODIFIED.into_response(),
        Wanted::PreconditionFailed => StatusCode::PRECONDITION_FAILED.into_response(),
        // A part of a picture is of no use to anybody, and need not be given (RFC 9110, 14.2).
        Wanted::Everything | Wanted::Part(_) | Wanted::Unsatisfiable => {
            warp::reply::Response::new(bytes.into())
        }
    };
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("image/webp"));
    headers.insert(CACHE_CONTROL, cache_control(recording, audience));
    headers.insert(ETAG, ascii(etag));
    Ok(response)
}
