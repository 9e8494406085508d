//! Small bodies of requests, in JSON.

use serde::de::DeserializeOwned;
use warp::{Filter, Rejection};

use super::BODY_BYTES_MAX;

/// The body as this type. What is wrong with it is said by `recover`.
pub(super) fn json<T: DeserializeOwned + Send>() -> impl Filter<Extract = (T,), Error = Rejection> + Copy {
    warp::body::content_length_limit(BODY_BYTES_MAX).and(warp::body::json())
}
