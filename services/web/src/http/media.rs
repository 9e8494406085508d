//! `…/media` of a recording: the WebM, in ranges, also while it grows.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use convene_recordings::{Recording, RecordingLayout, RecordingState};
use convene_recordings_store::{MediaReader, ReadError};
use tokio::sync::mpsc;
use warp::http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG,
};
use warp::http::{HeaderMap, HeaderValue, Method, StatusCode};
use warp::reply::Response;
use warp::{Filter, Rejection, Reply};

use super::range::{Wanted, wanted};
use super::{ApiError, ascii};
use crate::service::Service;

/// How much is read at once, and how many pieces wait for a slow client: 2 MiB a download.
const PIECE_BYTES: u64 = 1024 * 1024;
const PIECES_WAITING: usize = 1;

/// For whom something of a recording is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Audience {
    /// Who may look at all recordings. What is between may keep nothing for others.
    Everyone,
    /// Who has a link. A content delivery network in between may keep it, as its address is as secret as the link.
    Linked,
}

/// How a recording's bytes are asked for.
pub(super) struct Request {
    method: Method,
    headers: HeaderMap,
    download: bool,
}

/// Takes GET and HEAD.
pub(super) fn request() -> impl Filter<Extract = (Request,), Error = Rejection> + Copy {
    let query = warp::query::raw().or(warp::any().map(String::new)).unify();
    warp::get()
        .or(warp::head())
        .unify()
        .and(warp::method())
        .and(query)
        .and(warp::header::headers_cloned())
        .map(|method, query: String, headers| Request { method, headers, download: is_download(&query) })
}

/// `?download`, with whatever value.
fn is_download(query: &str) -> bool {
    query.split('&').any(|pair| pair.split('=').next() == Some("download"))
}

/// The bytes that are asked for.
pub(super) async fn media(
    service: &Arc<Service>,
    recording: &Recording,
    request: Request,
    audience: Audience,
) -> Result<Response, ApiError> {
    let reader = MediaReader::open(recording.id, &service.regions).await?;
    let size = reader.size();
    let etag = format!("\"{}\"", reader.etag());

    let whole = 0..size;
    let (status, range) = match wanted(&request.headers, &etag, size) {
        Wanted::Everything => (StatusCode::OK, Some(whole)),
        Wanted::Part(range) => (StatusCode::PARTIAL_CONTENT, Some(range)),
        Wanted::NotModified => (StatusCode::NOT_MODIFIED, None),
        Wanted::PreconditionFailed => (StatusCode::PRECONDITION_FAILED, None),
        Wanted::Unsatisfiable => (StatusCode::RANGE_NOT_SATISFIABLE, None),
    };
    let mut response = match &range {
        Some(range) if request.method == Method::GET => {
            warp::reply::stream(pieces(reader, range.clone())).into_response()
        }
        _ => Response::default(),
    };
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type(recording.layout)));
    headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(CACHE_CONTROL, cache_control(recording, audience));
    headers.insert(ETAG, ascii(etag));
    if let Some(range) = range {
        headers.insert(CONTENT_LENGTH, (range.end - range.start).into());
        if status == StatusCode::PARTIAL_CONTENT {
            let part = format!("bytes {}-{}/{size}", range.start, range.end - 1);
            headers.insert(CONTENT_RANGE, ascii(part));
        }
        if request.download {
            let name = format!("attachment; filename=\"{}\"", file_name(recording));
            headers.insert(CONTENT_DISPOSITION, ascii(name));
        }
    } else if status == StatusCode::RANGE_NOT_SATISFIABLE {
        headers.insert(CONTENT_RANGE, ascii(format!("bytes */{size}")));
    }
    Ok(response)
}

/// A WebM without pictures has a type of its own.
fn media_type(layout: RecordingLayout) -> &'static str {
    if layout.has_pictures() { "video/webm" } else { "audio/webm" }
}

/// One that still grows must be asked for again; a whole one is asked for by its tag, behind a link after five minutes: so long may what was
/// deleted, or whose link was taken back, still be seen by those who have the link.
pub(super) fn cache_control(recording: &Recording, audience: Audience) -> HeaderValue {
    let grows = !matches!(recording.state, RecordingState::Ready | RecordingState::Degraded);
    HeaderValue::from_static(match audience {
        _ if grows => "no-store",
        Audience::Everyone => "private, no-cache",
        Audience::Linked => "public, max-age=300",
    })
}

/// Made of digits, a date and our own words.
fn file_name(recording: &Recording) -> String {
    let code: String = recording.code.chars().filter(char::is_ascii_digit).collect();
    format!("convene-{code}-{}.webm", recording.started.date())
}

/// Reads ahead by one piece; stops when the client is gone. An error cuts the answer short, so that nobody takes it for whole.
fn pieces(
    reader: MediaReader,
    range: Range<u64>,
) -> impl futures_util::Stream<Item = Result<Bytes, ReadError>> + Send + Sync + 'static {
    let (sender, mut receiver) = mpsc::channel(PIECES_WAITING);
    tokio::spawn(async move {
        let mut at = range.start;
        while at < range.end {
            let piece = reader.read_range(at..range.end.min(at + PIECE_BYTES)).await;
            at += piece.as_ref().map_or(0, |piece| piece.len() as u64);
            let failed = piece.as_ref().map_or(true, Bytes::is_empty);
            if let Err(error) = &piece {
                tracing::warn!(%error, "a recording cannot be read to its end");
            }
            if sender.send(piece).await.is_err() || failed {
                return;
            }
        }
    });
    futures_util::stream::poll_fn(move |context| receiver.poll_recv(context))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_wish_for_a_download_is_one() {
        for (query, download) in [
            ("download", true),
            ("download=1", true),
            ("x=1&download", true),
            ("", false),
            ("downloads", false),
        ] {
            assert_eq!(is_download(query), download, "{query}");
        }
    }
}
