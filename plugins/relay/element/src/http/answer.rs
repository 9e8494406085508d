//! What is answered to a request, once it is read: the rules of RFC 9725, without a socket.

use std::collections::BTreeMap;

use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, Response, StatusCode};
use parking_lot::Mutex;

use super::Desk;
use super::path::Path;

/// Sessions that are remembered at once; those whose peers are gone make room.
pub const SESSIONS_MAX: usize = 512;
const SDP: &str = "application/sdp";
const FRAGMENT: &str = "application/trickle-ice-sdpfrag";

/// A request, read.
pub struct Request {
    pub method: Method,
    pub path: String,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

/// Which session is whose.
#[derive(Default)]
pub struct Sessions(Mutex<BTreeMap<String, String>>);

/// Answers a request; `session` is a secret for what it may make.
pub fn answer(request: &Request, sessions: &Sessions, desk: &dyn Desk, session: &str) -> Response<String> {
    let Some(path) = Path::parse(&request.path) else {
        return refuse(StatusCode::NOT_FOUND, "Publish at /whip/NAME, watch at /whep.");
    };
    let allowed = match path {
        Path::Session { .. } => "DELETE, PATCH, OPTIONS",
        _ => "POST, OPTIONS",
    };
    match (&path, request.method.as_str()) {
        (_, "OPTIONS") => {
            let mut response = empty(StatusCode::NO_CONTENT);
            put(&mut response, header::ACCESS_CONTROL_ALLOW_METHODS, allowed);
            put(&mut response, header::ACCESS_CONTROL_ALLOW_HEADERS, "Authorization, Content-Type, If-Match");
            put(&mut response, HeaderName::from_static("accept-post"), SDP);
            response
        }
        (Path::Whip(_) | Path::Whep, "POST") => begin(&path, request, sessions, desk, session),
        (Path::Session { peer, session }, "DELETE") => {
            if sessions.0.lock().remove(session).is_none_or(|whose| whose != *peer) {
                return refuse(StatusCode::NOT_FOUND, "There is no such session.");
            }
            desk.remove(peer);
            empty(StatusCode::OK)
        }
        (Path::Session { peer, session }, "PATCH") => patch(peer, session, request, sessions),
        _ => {
            let mut response = refuse(StatusCode::METHOD_NOT_ALLOWED, "That cannot be done here.");
            put(&mut response, header::ALLOW, allowed);
            response
        }
    }
}

fn begin(
    path: &Path,
    request: &Request,
    sessions: &Sessions,
    desk: &dyn Desk,
    session: &str,
) -> Response<String> {
    if !is_type(request, SDP) {
        return refuse(StatusCode::UNSUPPORTED_MEDIA_TYPE, "An offer is application/sdp.");
    }
    let Ok(offer) = std::str::from_utf8(&request.body) else {
        return refuse(StatusCode::BAD_REQUEST, "An offer is text.");
    };
    let Some((peer, place)) = path.begin(session) else {
        return refuse(StatusCode::NOT_FOUND, "There is no such place.");
    };
    {
        let mut sessions = sessions.0.lock();
        if SESSIONS_MAX <= sessions.len() {
            sessions.retain(|_, peer| desk.knows(peer));
        }
        if SESSIONS_MAX <= sessions.len() {
            return refuse(StatusCode::SERVICE_UNAVAILABLE, "There are too many sessions.");
        }
    }
    match desk.offer(&peer, offer) {
        Ok(answer) => {
            let mut sessions = sessions.0.lock();
            // Whoever publishes anew under a name takes the place of whoever did before.
            sessions.retain(|_, whose| *whose != peer);
            sessions.insert(session.to_owned(), peer);
            let mut response = Response::new(answer);
            *response.status_mut() = StatusCode::CREATED;
            put(&mut response, header::CONTENT_TYPE, SDP);
            put(&mut response, header::LOCATION, &place);
            put(&mut response, header::ETAG, &format!("\"{session}\""));
            share(&mut response);
            response
        }
        Err(sentence) => refuse(StatusCode::BAD_REQUEST, &sentence),
    }
}

/// An ICE-lite agent needs no candidates, so a trickle of them is taken and forgotten; an ICE restart takes a new offer.
fn patch(peer: &str, session: &str, request: &Request, sessions: &Sessions) -> Response<String> {
    if sessions.0.lock().get(session).is_none_or(|whose| whose != peer) {
        return refuse(StatusCode::NOT_FOUND, "There is no such session.");
    }
    if !is_type(request, FRAGMENT) {
        return refuse(StatusCode::UNSUPPORTED_MEDIA_TYPE, "A fragment is application/trickle-ice-sdpfrag.");
    }
    match request.headers.get(header::IF_MATCH).and_then(|tag| tag.to_str().ok()) {
        None => refuse(StatusCode::PRECONDITION_REQUIRED, "Name the session's ETag in If-Match."),
        Some("*") => {
            refuse(StatusCode::UNPROCESSABLE_ENTITY, "ICE cannot be restarted here; send a new offer.")
        }
        Some(tag) if tag.trim_matches('"') != session => {
            refuse(StatusCode::PRECONDITION_FAILED, "That is not the session's ETag.")
        }
        Some(_) => empty(StatusCode::NO_CONTENT),
    }
}

fn is_type(request: &Request, wanted: &str) -> bool {
    let said = request.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    said.and_then(|said| said.split(';').next()).is_some_and(|said| said.trim().eq_ignore_ascii_case(wanted))
}

fn empty(status: StatusCode) -> Response<String> {
    let mut response = Response::new(String::new());
    *response.status_mut() = status;
    share(&mut response);
    response
}

/// A refusal with its reason in a sentence.
pub fn refuse(status: StatusCode, sentence: &str) -> Response<String> {
    let mut response = Response::new(format!("{sentence}\n"));
    *response.status_mut() = status;
    put(&mut response, header::CONTENT_TYPE, "text/plain; charset=utf-8");
    share(&mut response);
    response
}

/// Pages of other sites may publish and watch (CORS).
fn share(response: &mut Response<String>) {
    put(response, header::ACCESS_CONTROL_ALLOW_ORIGIN, "*");
    put(response, header::ACCESS_CONTROL_EXPOSE_HEADERS, "Location, ETag");
}

fn put(response: &mut Response<String>, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers every offer but a bad one, and knows nobody afterwards.
    #[derive(Default)]
    struct Echo(Mutex<Vec<String>>);

    impl Desk for Echo {
        fn offer(&self, peer: &str, sdp: &str) -> Result<String, String> {
            if sdp == "bad" {
                Err("The offer cannot be read.".to_owned())
            } else {
                Ok(format!("{peer} {sdp}"))
            }
        }

        fn remove(&self, peer: &str) {
            self.0.lock().push(peer.to_owned());
        }

        fn knows(&self, _peer: &str) -> bool {
            true
        }
    }

    fn request(method: &str, path: &str, headers: &[(HeaderName, &str)], body: &str) -> Request {
        let headers =
            headers.iter().map(|(name, value)| (name.clone(), value.parse().expect("a header"))).collect();
        let method = method.parse().expect("a method");
        Request { method, path: path.to_owned(), headers, body: body.as_bytes().to_vec() }
    }

    /// The statuses of requests, one after the other, of sessions called `s0`, `s1` and so on.
    fn statuses(requests: &[Request]) -> (Vec<u16>, Vec<Response<String>>) {
        let (sessions, desk) = (Sessions::default(), Echo::default());
        let made = requests.iter().enumerate();
        let responses: Vec<_> =
            made.map(|(number, request)| answer(request, &sessions, &desk, &format!("s{number}"))).collect();
        (responses.iter().map(|response| response.status().as_u16()).collect(), responses)
    }

    fn sdp() -> (HeaderName, &'static str) {
        (header::CONTENT_TYPE, "application/sdp")
    }

    #[test]
    fn an_offer_is_answered_with_a_place_to_delete() {
        let (statuses, responses) = statuses(&[
            request("POST", "/whip/ann", &[sdp()], "offer"),
            request("DELETE", "/whip/ann/s9", &[], ""),
            request("DELETE", "/whip/ann/s0", &[], ""),
            request("DELETE", "/whip/ann/s0", &[], ""),
        ]);
        assert_eq!(statuses, [201, 404, 200, 404]);
        assert_eq!(responses[0].body(), "ann offer");
        assert_eq!(responses[0].headers()[header::LOCATION], "/whip/ann/s0");
        assert_eq!(responses[0].headers()[header::ACCESS_CONTROL_ALLOW_ORIGIN], "*");
    }

    #[test]
    fn what_is_wrong_with_an_offer_is_said() {
        let (statuses, responses) = statuses(&[
            request("POST", "/whep", &[], "offer"),
            request("POST", "/whep", &[sdp()], "bad"),
            request("GET", "/whip/ann", &[], ""),
            request("PUT", "/whep", &[], ""),
            request("POST", "/other", &[sdp()], "offer"),
        ]);
        assert_eq!(statuses, [415, 400, 405, 405, 404]);
        assert_eq!(responses[1].body(), "The offer cannot be read.\n");
        assert_eq!(responses[2].headers()[header::ALLOW], "POST, OPTIONS");
    }

    #[test]
    fn candidates_are_taken_and_restarts_are_not() {
        let fragment = (header::CONTENT_TYPE, "application/trickle-ice-sdpfrag");
        let place = "/whep/s0";
        let (statuses, _) = statuses(&[
            request("POST", "/whep", &[sdp()], "offer"),
            request("PATCH", place, std::slice::from_ref(&fragment), ""),
            request("PATCH", place, &[fragment.clone(), (header::IF_MATCH, "\"s0\"")], ""),
            request("PATCH", place, &[fragment.clone(), (header::IF_MATCH, "\"s1\"")], ""),
            request("PATCH", place, &[fragment.clone(), (header::IF_MATCH, "*")], ""),
            request("PATCH", place, &[sdp()], ""),
            request("PATCH", "/whep/s7", &[fragment], ""),
        ]);
        assert_eq!(statuses, [201, 428, 204, 412, 422, 415, 404]);
    }

    #[test]
    fn other_sites_may_ask() {
        let (statuses, responses) = statuses(&[request("OPTIONS", "/whip/ann", &[], "")]);
        assert_eq!(statuses, [204]);
        assert_eq!(responses[0].headers()["accept-post"], "application/sdp");
    }

    #[test]
    fn only_so_many_sessions_are_remembered() {
        let requests: Vec<Request> =
            (0..=SESSIONS_MAX).map(|_| request("POST", "/whep", &[sdp()], "offer")).collect();
        let (statuses, _) = statuses(&requests);
        assert_eq!((statuses[SESSIONS_MAX - 1], statuses[SESSIONS_MAX]), (201, 503));
    }
}
