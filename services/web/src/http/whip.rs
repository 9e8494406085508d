//! `/whip/CODE` and `/whep/CODE`: programs send into a meeting (RFC 9725), and watch it (draft-ietf-wish-whep), with a pass of its host's.

mod body;
mod fragment;
mod problem;

use std::str::FromStr;
use std::sync::Arc;

use bytes::Buf;
use convene_domain::{
    IceCredentials, MediaOffer, ParticipantId, RefusalReason, StreamKind, StreamRefusal, Token,
};
use futures_util::Stream;
use tokio::sync::oneshot;
use warp::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, AUTHORIZATION, CONTENT_TYPE, ETAG, HeaderMap,
    HeaderName, IF_MATCH, LINK, LOCATION,
};
use warp::http::uri::Authority;
use warp::http::{HeaderValue, Method, StatusCode};
use warp::path::Tail;
use warp::reply::Response;
use warp::{Filter, Rejection};

use super::streams::bearer;
use super::{Peer, peer, with};
use crate::meeting::{Letter, StreamAnswer, StreamAsk, StreamError, StreamLetter};
use crate::service::Service;
use problem::Problem;

const SDP: &str = "application/sdp";
const FRAGMENT: &str = "application/trickle-ice-sdpfrag";

/// What may be asked of an address that begins, and of a session's.
const ENDPOINT_METHODS: &str = "POST, OPTIONS";
const SESSION_METHODS: &str = "PATCH, DELETE, OPTIONS";

/// How long a browser may remember what other sites' pages may do, in seconds.
const PREFLIGHT_SECONDS: &str = "3600";

pub(super) fn routes(
    service: &Arc<Service>,
) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone + use<> {
    let query = warp::query::raw().or(warp::any().map(String::new)).unify();
    let asked = warp::path::param::<Protocol>()
        .and(warp::path::param::<String>())
        .and(warp::path::tail())
        .and(query)
        .and(warp::method())
        .and(warp::header::headers_cloned())
        .and(warp::host::optional())
        .and(peer())
        .map(|Protocol(kind), code, tail: Tail, query, method, headers, host, peer| {
            let session = Some(tail.as_str().to_owned()).filter(|session| !session.is_empty());
            Asked { kind, code, session, query, method, headers, host, peer }
        });
    asked.and(with(service)).and(warp::body::stream()).then(|asked: Asked, service, body| async move {
        let mut response = match asked.answer(service, body).await {
            Ok(response) => response,
            Err(problem) => problem.response(),
        };
        share(response.headers_mut());
        response
    })
}

/// The first part of the path.
struct Protocol(StreamKind);

impl FromStr for Protocol {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "whip" => Ok(Self(StreamKind::Send)),
            "whep" => Ok(Self(StreamKind::Watch)),
            _ => Err(()),
        }
    }
}

/// A request but for its body.
struct Asked {
    kind: StreamKind,
    code: String,
    session: Option<String>,
    query: String,
    method: Method,
    headers: HeaderMap,
    host: Option<Authority>,
    peer: Peer,
}

impl Asked {
    async fn answer(
        self,
        service: Arc<Service>,
        body: impl Stream<Item = Result<impl Buf, warp::Error>>,
    ) -> Result<Response, Problem> {
        let allowed = if self.session.is_some() { SESSION_METHODS } else { ENDPOINT_METHODS };
        if self.method == Method::OPTIONS {
            return Ok(preflight(allowed));
        }
        let begins = match (&self.session, &self.method) {
            (None, &Method::POST) => true,
            (Some(_), &Method::PATCH | &Method::DELETE) => false,
            _ => return Err(Problem::Method { allowed }),
        };
        let authorization = self.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let token = bearer(authorization).ok_or(Problem::NoPass)?;
        let ask = if begins {
            self.expect_type(SDP)?;
            let offer = MediaOffer::parse(body::text(body).await?)
                .map_err(|error| Problem::Malformed(error.to_string()))?;
            StreamAsk::Begin { offer, whom: whom(&self.query)? }
        } else {
            // What is no token names no session.
            let session = self.session.as_deref().unwrap_or_default();
            let session: Token = session.parse().map_err(|_| Problem::Session(StreamError::NoSession))?;
            if self.method == Method::DELETE {
                StreamAsk::End { session }
            } else {
                self.patch(session, body).await?
            }
        };
        let answered = self.ask(&service, token, ask).await?;
        self.reply(&service, answered)
    }

    /// Candidates come with the tag of the way that they are for, a restart with none in particular (RFC 9725, section 4.3).
    async fn patch(
        &self,
        session: Token,
        body: impl Stream<Item = Result<impl Buf, warp::Error>>,
    ) -> Result<StreamAsk, Problem> {
        self.expect_type(FRAGMENT)?;
        let tag = self.headers.get(IF_MATCH).and_then(|tag| tag.to_str().ok()).ok_or(Problem::NoTag)?;
        let text = body::text(body).await?;
        if tag != "*" {
            return Ok(StreamAsk::Trickle { session, tag: tag.trim_matches('"').to_owned() });
        }
        let ice = IceCredentials::find(&text).ok_or(Problem::NoCredentials)?;
        Ok(StreamAsk::Restart { session, ice })
    }

    fn expect_type(&self, wanted: &'static str) -> Result<(), Problem> {
        let said = self.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let said = said.split(';').next().unwrap_or_default().trim();
        if said.eq_ignore_ascii_case(wanted) { Ok(()) } else { Err(Problem::Type { wanted }) }
    }

    /// An unknown meeting and a wrong pass get one answer, so that nobody learns from it.
    async fn ask(&self, service: &Service, token: Token, ask: StreamAsk) -> Result<StreamAnswer, Problem> {
        let found = service.directory.find(&self.code, self.peer.ip(), service.clock.elapsed());
        let room = found.map_err(|refusal| match refusal.reason {
            RefusalReason::NoMeeting => Problem::NoPass,
            RefusalReason::TooManyTries => Problem::TooManyTries(refusal.message),
            _ => Problem::Away(refusal.message),
        })?;
        let (answer, answered) = oneshot::channel();
        room.send(Letter::Stream(StreamLetter { token, kind: self.kind, ask, answer })).await;
        // A room that is closed answers by letting go.
        match answered.await {
            Ok(Err(StreamError::Refused(StreamRefusal::NoPass))) | Err(_) => Err(Problem::NoPass),
            Ok(answered) => answered.map_err(Problem::Session),
        }
    }

    fn reply(&self, service: &Service, answer: StreamAnswer) -> Result<Response, Problem> {
        match answer {
            StreamAnswer::Begun { sdp, session, tag } => {
                let mut response = Response::new(sdp.into());
                *response.status_mut() = StatusCode::CREATED;
                let protocol = if self.kind == StreamKind::Send { "whip" } else { "whep" };
                let place = format!("/{protocol}/{}/{}", self.code, session.reveal());
                let headers = response.headers_mut();
                headers.insert(CONTENT_TYPE, HeaderValue::from_static(SDP));
                put(headers, LOCATION, &place);
                put(headers, ETAG, &format!("\"{tag}\""));
                if let Some(link) = self.relay(service) {
                    put(headers, LINK, &link);
                }
                Ok(response)
            }
            StreamAnswer::Restarted { sdp, tag } => {
                let mut response = Response::new(fragment::of(&sdp).into());
                let headers = response.headers_mut();
                headers.insert(CONTENT_TYPE, HeaderValue::from_static(FRAGMENT));
                put(headers, ETAG, &format!("\"{tag}\""));
                Ok(response)
            }
            StreamAnswer::Trickled => Ok(empty(StatusCode::NO_CONTENT)),
            StreamAnswer::Ended => Ok(empty(StatusCode::OK)),
        }
    }

    /// Our TURN server, for networks that let nothing but TLS through (RFC 9725, section 4.6).
    fn relay(&self, service: &Service) -> Option<String> {
        let access = service.turn.as_ref()?.access(service.clock.date());
        let public = service.public_url.as_deref().and_then(|url| url.strip_prefix("https://"));
        let host = match public {
            Some(public) => public.split('/').next()?.parse().ok()?,
            None => self.host.clone()?,
        };
        let port = host.port_u16().unwrap_or(443);
        let server = format!("<turns:{}:{port}?transport=tcp>; rel=\"ice-server\"", host.host());
        let (username, credential) = (access.username, access.credential);
        Some(format!(
            "{server}; username=\"{username}\"; credential=\"{credential}\"; credential-type=\"password\""
        ))
    }
}

/// Whom somebody who watches wants to see: whoever speaks, when they do not say.
fn whom(query: &str) -> Result<Option<ParticipantId>, Problem> {
    let Some(said) = query.split('&').find_map(|pair| pair.strip_prefix("participant=")) else {
        return Ok(None);
    };
    said.parse().map(|id| Some(ParticipantId(id))).map_err(|_| {
        Problem::Malformed(
            "The participant is a number, as the meeting's messages have it: ?participant=4.".into(),
        )
    })
}

fn preflight(allowed: &'static str) -> Response {
    let mut response = empty(StatusCode::NO_CONTENT);
    let headers = response.headers_mut();
    let accepted =
        if allowed == ENDPOINT_METHODS { ("accept-post", SDP) } else { ("accept-patch", FRAGMENT) };
    headers.insert(HeaderName::from_static(accepted.0), HeaderValue::from_static(accepted.1));
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(allowed));
    let asked = HeaderValue::from_static("Authorization, Content-Type, If-Match");
    headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, asked);
    headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static(PREFLIGHT_SECONDS));
    response
}

/// Other sites' pages may send and watch: what lets them in is the pass, which no browser adds by itself.
fn share(headers: &mut HeaderMap) {
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("Location, ETag, Link"));
}

fn empty(status: StatusCode) -> Response {
    let mut response = Response::new(String::new().into());
    *response.status_mut() = status;
    response
}

fn put(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}
