//! `GET /api/meetings/CODE/sound`, `…/voices` and `…/faces`: everything that is said, what each says, and everybody who is seen, for the meeting's recorder.

use std::str::FromStr;
use std::sync::Arc;

use bytes::Bytes;
use convene_domain::Token;
use futures_util::stream;
use tokio::sync::mpsc::Receiver;
use tokio::sync::oneshot;
use warp::http::HeaderValue;
use warp::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use warp::reply::Response;
use warp::{Filter, Rejection, Reply};

use super::{ApiError, Peer, answer, peer, with};
use crate::meeting::Letter;
use crate::service::Service;

pub(super) fn routes(
    service: &Arc<Service>,
) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone + use<> {
    warp::path!("api" / "meetings" / String / Stream)
        .and(warp::get())
        .and(warp::header::optional("authorization"))
        .and(with(service))
        .and(peer())
        .and_then(|code: String, what: Stream, authorization: Option<String>, service, peer| {
            answer(async move { stream_of(service, (&code, what), authorization.as_deref(), &peer).await })
        })
}

/// What a recorder gets.
#[derive(Clone, Copy)]
enum Stream {
    Sound,
    Voices,
    Faces,
}

impl FromStr for Stream {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "sound" => Ok(Self::Sound),
            "voices" => Ok(Self::Voices),
            "faces" => Ok(Self::Faces),
            _ => Err(()),
        }
    }
}

/// An unknown meeting and a wrong token get one answer, so that nobody learns from it.
async fn stream_of(
    service: Arc<Service>,
    (code, what): (&str, Stream),
    authorization: Option<&str>,
    peer: &Peer,
) -> Result<Response, ApiError> {
    let token = bearer(authorization).ok_or(ApiError::NotFound)?;
    let room =
        service.directory.find(code, peer.ip(), service.clock.elapsed()).map_err(|_| ApiError::NotFound)?;
    let (sender, packets) = oneshot::channel();
    let letter = match what {
        Stream::Sound => Letter::Listen { token, ear: sender },
        Stream::Voices => Letter::Separate { token, ear: sender },
        Stream::Faces => Letter::Look { token, eye: sender },
    };
    room.send(letter).await;
    // A room that is closed, or does not know the token, answers by letting go.
    let packets = packets.await.map_err(|_| ApiError::NotFound)?;

    let mut response = warp::reply::stream(pieces(packets)).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// The token of a request that has one (RFC 6750, section 2.1).
pub(super) fn bearer(authorization: Option<&str>) -> Option<Token> {
    Token::try_from(authorization?.strip_prefix("Bearer ")?.trim().to_owned()).ok()
}

fn pieces(
    packets: Receiver<Bytes>,
) -> impl futures_util::Stream<Item = Result<Bytes, std::convert::Infallible>> {
    stream::unfold(
        packets,
        |mut packets| async move { packets.recv().await.map(|packet| (Ok(packet), packets)) },
    )
}
