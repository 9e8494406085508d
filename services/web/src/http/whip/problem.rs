//! Why a program's request is refused: a problem (RFC 9457), whose detail says what was wrong and what to do.

use convene_domain::{OFFER_BYTES_MAX, StreamRefusal};
use convene_pipelines::PipelineError;
use serde::Serialize;
use warp::Reply;
use warp::http::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use warp::http::{HeaderValue, StatusCode};
use warp::reply::Response;

use crate::meeting::StreamError;

#[derive(Debug, thiserror::Error)]
pub(super) enum Problem {
    #[error("{}", StreamRefusal::NoPass)]
    NoPass,
    #[error("{0}")]
    TooManyTries(String),
    #[error("{0}")]
    Away(String),
    #[error("This method is not served here; {allowed} are.")]
    Method { allowed: &'static str },
    #[error("The body must be {wanted}, and its Content-Type must say so.")]
    Type { wanted: &'static str },
    #[error("The body is too long; {OFFER_BYTES_MAX} bytes are allowed.")]
    TooLong,
    #[error("The body did not arrive within {seconds} s. Try again.")]
    TooSlow { seconds: u64 },
    #[error("{0}")]
    Malformed(String),
    #[error(
        "The request has no If-Match. Put the session's ETag there for candidates, and * to restart ICE."
    )]
    NoTag,
    #[error("A restart of ICE needs a new a=ice-ufrag and a=ice-pwd, and the fragment has none.")]
    NoCredentials,
    #[error(transparent)]
    Session(StreamError),
}

#[derive(Serialize)]
struct Body<'a> {
    title: &'a str,
    status: u16,
    detail: String,
}

impl Problem {
    fn status(&self) -> StatusCode {
        match self {
            Self::NoPass => StatusCode::UNAUTHORIZED,
            Self::TooManyTries(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Away(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Method { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Self::Type { .. } => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooLong => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow { .. } => StatusCode::REQUEST_TIMEOUT,
            Self::Malformed(_) => StatusCode::BAD_REQUEST,
            Self::NoTag => StatusCode::PRECONDITION_REQUIRED,
            Self::NoCredentials => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Session(error) => status_of(error),
        }
    }

    pub(super) fn response(&self) -> Response {
        let status = self.status();
        let title = status.canonical_reason().unwrap_or_default();
        let body = Body { title, status: status.as_u16(), detail: self.to_string() };
        let mut response = warp::reply::with_status(warp::reply::json(&body), status).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        match self {
            Self::NoPass => {
                headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            Self::Method { allowed } => {
                headers.insert(ALLOW, HeaderValue::from_static(allowed));
            }
            Self::Session(StreamError::Refused(StreamRefusal::TooFast { wait })) => {
                headers.insert(RETRY_AFTER, wait.as_secs().max(1).into());
            }
            _ => {}
        }
        response
    }
}

fn status_of(error: &StreamError) -> StatusCode {
    match error {
        StreamError::NoSession => StatusCode::NOT_FOUND,
        StreamError::Stale => StatusCode::PRECONDITION_FAILED,
        StreamError::NoAnswer(PipelineError::Refused(_)) => StatusCode::BAD_REQUEST,
        StreamError::NoAnswer(_) => StatusCode::SERVICE_UNAVAILABLE,
        StreamError::Refused(refusal) => match refusal {
            StreamRefusal::NoPass => StatusCode::UNAUTHORIZED,
            StreamRefusal::Full | StreamRefusal::TooManyCameras => StatusCode::SERVICE_UNAVAILABLE,
            StreamRefusal::TooFast { .. } => StatusCode::TOO_MANY_REQUESTS,
            StreamRefusal::Nothing { .. } | StreamRefusal::Sound { .. } | StreamRefusal::Video { .. } => {
                StatusCode::UNPROCESSABLE_ENTITY
            }
        },
    }
}
