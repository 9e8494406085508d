//! What a request is refused with: a status, a name for programs, a sentence for people.

use std::convert::Infallible;

use convene_recordings::{LinkError, RecordingId};
use convene_recordings_store::ReadError;
use convene_store::StoreError;
use serde::Serialize;
use tracing::error;
use warp::Rejection;
use warp::Reply;
use warp::body::BodyDeserializeError;
use warp::http::StatusCode;
use warp::http::header::RETRY_AFTER;
use warp::reject::{LengthRequired, MethodNotAllowed, PayloadTooLarge};
use warp::reply::Response;

use super::BODY_BYTES_MAX;
use crate::meeting::{FoundingError, MEETINGS_MAX};
use crate::recording::WatchError;

/// Why a request is refused.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApiError {
    #[error("There is nothing at this address.")]
    NotFound,
    #[error("There is no recording {id:?}.")]
    NoRecording { id: String },
    #[error("Nothing of this recording can be played yet. Try again in some seconds.")]
    NothingToPlay,
    #[error("This recording is being deleted.")]
    Deleting,
    #[error("This recording is still being made. Stop recording first, then delete it.")]
    StillRecording { id: RecordingId },
    #[error("This recording has no pictures, or none yet.")]
    NoPicture,
    #[error(transparent)]
    Watch(#[from] WatchError),
    #[error("This request comes from another site ({origin}); only the service's own pages may make it.")]
    ForeignOrigin { origin: String },
    #[error("This method is not allowed here.")]
    Method,
    #[error("The request's body is too large; {BODY_BYTES_MAX} bytes are allowed.")]
    BodyTooLarge,
    #[error("The request is not understood: {0}.")]
    BadRequest(String),
    #[error("A WebSocket is served here; this request does not ask for one.")]
    NoWebSocket,
    #[error("Too many meetings were started from your address. Try again in {seconds} s.")]
    TooManyFromYou { seconds: u64 },
    #[error("This server holds {MEETINGS_MAX} meetings and takes no more. Try again later.")]
    TooManyMeetings,
    #[error("The server is being stopped. Try again in a minute.")]
    ShuttingDown,
    #[error("The catalogue of recordings does not answer just now. Try again in a minute.")]
    Catalogue(#[from] StoreError),
    #[error("The recording cannot be read just now. Try again in a minute.")]
    Unreadable(ReadError),
}

impl warp::reject::Reject for ApiError {}

impl From<FoundingError> for ApiError {
    fn from(error: FoundingError) -> Self {
        match error {
            FoundingError::ShuttingDown => Self::ShuttingDown,
            FoundingError::TooManyFromYou { wait } => Self::TooManyFromYou { seconds: wait.as_secs().max(1) },
            FoundingError::TooManyMeetings => Self::TooManyMeetings,
        }
    }
}

impl From<ReadError> for ApiError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::NotFound { .. } => Self::NothingToPlay,
            other => Self::Unreadable(other),
        }
    }
}

impl ApiError {
    fn status(&self) -> (StatusCode, &'static str) {
        match self {
            Self::NotFound => (StatusCode::NOT_FOUND, "not-found"),
            Self::NoRecording { .. } => (StatusCode::NOT_FOUND, "no-recording"),
            Self::NothingToPlay => (StatusCode::NOT_FOUND, "nothing-to-play"),
            Self::Deleting => (StatusCode::GONE, "deleting"),
            Self::StillRecording { .. } => (StatusCode::CONFLICT, "still-recording"),
            Self::NoPicture => (StatusCode::NOT_FOUND, "no-picture"),
            Self::Watch(WatchError::Link(LinkError::Unknown)) => (StatusCode::NOT_FOUND, "no-link"),
            Self::Watch(WatchError::Link(LinkError::Ended)) => (StatusCode::GONE, "link-ended"),
            Self::Watch(WatchError::Link(LinkError::PasswordNeeded)) => {
                (StatusCode::FORBIDDEN, "password-needed")
            }
            Self::Watch(WatchError::Link(LinkError::PasswordWrong)) => {
                (StatusCode::FORBIDDEN, "password-wrong")
            }
            Self::Watch(WatchError::TooManyTries) => (StatusCode::TOO_MANY_REQUESTS, "too-many-tries"),
            Self::ForeignOrigin { .. } => (StatusCode::FORBIDDEN, "foreign-origin"),
            Self::Method => (StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed"),
            Self::BodyTooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "body-too-large"),
            Self::BadRequest(_) => (StatusCode::BAD_REQUEST, "bad-request"),
            Self::NoWebSocket => (StatusCode::UPGRADE_REQUIRED, "no-websocket"),
            Self::TooManyFromYou { .. } => (StatusCode::TOO_MANY_REQUESTS, "too-many-from-you"),
            Self::TooManyMeetings => (StatusCode::SERVICE_UNAVAILABLE, "too-many-meetings"),
            Self::ShuttingDown => (StatusCode::SERVICE_UNAVAILABLE, "shutting-down"),
            Self::Catalogue(_) => (StatusCode::SERVICE_UNAVAILABLE, "catalogue-away"),
            Self::Unreadable(_) => (StatusCode::BAD_GATEWAY, "unreadable"),
        }
    }

    fn response(&self) -> Response {
        #[derive(Serialize)]
        struct Body {
            error: &'static str,
            message: String,
        }
        match self {
            Self::Catalogue(why) => error!(%why, "a request failed"),
            Self::Unreadable(why) => error!(%why, "a request failed"),
            _ => {}
        }
        let (status, name) = self.status();
        let body = warp::reply::json(&Body { error: name, message: self.to_string() });
        let mut response = warp::reply::with_status(body, status).into_response();
        if let Self::TooManyFromYou { seconds } = self {
            response.headers_mut().insert(RETRY_AFTER, (*seconds).into());
        }
        if let Self::NoWebSocket = self {
            let websocket = warp::http::HeaderValue::from_static("websocket");
            response.headers_mut().insert(warp::http::header::UPGRADE, websocket);
        }
        response
    }
}

/// Every refusal of the service, ours and warp's, becomes an answer here.
pub(crate) async fn recover(rejection: Rejection) -> Result<Response, Infallible> {
    if let Some(error) = rejection.find::<ApiError>() {
        return Ok(error.response());
    }
    if let Some(error) = rejection.find::<BodyDeserializeError>() {
        return Ok(ApiError::BadRequest(body_trouble(error)).response());
    }
    let error =
        if rejection.find::<PayloadTooLarge>().is_some() || rejection.find::<LengthRequired>().is_some() {
            ApiError::BodyTooLarge
        } else if rejection.find::<MethodNotAllowed>().is_some() {
            ApiError::Method
        } else {
            ApiError::NotFound
        };
    Ok(error.response())
}

/// What serde has to say about a body, without the type that it failed for.
fn body_trouble(error: &BodyDeserializeError) -> String {
    use std::error::Error;
    error.source().map_or_else(|| "its body is no JSON".into(), |why| format!("its body says {why}"))
}
