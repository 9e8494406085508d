//! Publishing by WHIP and watching by WHEP, with the relay's own server between.

use std::io::{Read, Write};
use std::net::TcpStream;

use gst::prelude::*;

use crate::client::{Client, Wanted};
use crate::media::sees;
use crate::support::{LIMIT, Relay};

/// An answer: status, headers and body.
pub struct Answer {
    pub status: u16,
    head: String,
    pub body: String,
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        let start = format!("{name}: ");
        let line = self.head.lines().find(|line| line.to_ascii_lowercase().starts_with(&start));
        line.map_or("", |line| &line[start.len()..])
    }
}

fn ask(relay: &Relay, method: &str, path: &str, body: &str) -> Answer {
    ask_at(&relay.element.property::<String>("actual-http"), method, path, body)
}

/// Asks whoever listens there.
pub fn ask_at(address: &str, method: &str, path: &str, body: &str) -> Answer {
    let mut stream = TcpStream::connect(address).expect("the server listens");
    stream.set_read_timeout(Some(LIMIT)).expect("a time limit can be set");
    let length = body.len();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nhost: relay\r\nconnection: close\r\ncontent-type: application/sdp\r\n\
         content-length: {length}\r\n\r\n{body}"
    )
    .expect("the server reads");
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("the server answers");
    let (head, body) = text.split_once("\r\n\r\n").expect("a head and a body");
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    Answer { status, head: head.to_owned(), body: body.to_owned() }
}

#[test]
fn a_camera_is_published_and_watched_over_http() {
    let relay = Relay::with("workers=2 http=127.0.0.1:0");
    let ann = Client::new(&Wanted { camera: Some(5), voice: true, slots: 0 });
    let published = ask(&relay, "POST", "/whip/ann", &ann.offer());
    assert_eq!(published.status, 201, "{}", published.body);
    assert_eq!(published.header("content-type"), "application/sdp");
    ann.accept(&published.body);

    let bob = Client::new(&Wanted { camera: None, voice: false, slots: 1 });
    let watched = ask(&relay, "POST", "/whep", &bob.offer());
    assert_eq!(watched.status, 201, "{}", watched.body);
    bob.accept(&watched.body);
    sees(&bob, 5, 10);

    let place = published.header("location").to_owned();
    assert!(place.starts_with("/whip/ann/"), "{place}");
    assert_eq!(ask(&relay, "DELETE", &place, "").status, 200);
    relay.signals.wait_for("the end of the feed", |signal| signal == "feeds-changed peers=");
    assert_eq!(ask(&relay, "DELETE", &place, "").status, 404);
}

#[test]
fn what_is_no_offer_is_refused() {
    let relay = Relay::with("workers=1 http=127.0.0.1:0");
    let refused = ask(&relay, "POST", "/whip/ann", "nonsense");
    assert_eq!(refused.status, 400);
    assert!(
        refused.body.starts_with("The offer cannot be read: it is no session description"),
        "{}",
        refused.body
    );
    assert_eq!(refused.body.lines().count(), 1, "a sentence, and nothing of this process: {}", refused.body);
    assert_eq!(ask(&relay, "GET", "/whip/ann", "").status, 405);
    let long = "a".repeat(convene_relay::OFFER_BYTES_MAX + 1);
    assert_eq!(ask(&relay, "POST", "/whip/ann", &long).status, 413);
}
