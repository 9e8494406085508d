//! A talk from offer to end, without a browser: what is answered, what is refused, and that whoever comes again is seated again. Voices and
//! pictures themselves are in the stories.

use std::time::Duration;

use convene_pipelines::{MediaPort, ShownFeed, TalkEvent, TalkPipeline};
use tokio::sync::mpsc::{UnboundedReceiver, channel};
use tokio::time::timeout;

/// Whoever waits longer waits in vain.
const WAIT_MAX: Duration = Duration::from_secs(20);

/// A browser's offer: a voice, a camera, and so many slots.
fn offer(session: u64, slots: usize) -> String {
    let mids: Vec<String> = (0..slots + 2).map(|mid| mid.to_string()).collect();
    let mut sdp = format!(
        "v=0\r\no=- {session} 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE {}\r\na=msid-semantic: WMS\r\n",
        mids.join(" ")
    );
    for (number, mid) in mids.iter().enumerate() {
        let (kind, payload, codec, direction) = match number {
            0 => ("audio", 111, "opus/48000/2", "sendrecv"),
            1 => ("video", 96, "VP8/90000", "sendonly"),
            _ => ("video", 96, "VP8/90000", "recvonly"),
        };
        let fingerprint = vec!["AB"; 32].join(":");
        sdp += &format!(
            "m={kind} 9 UDP/TLS/RTP/SAVPF {payload}\r\nc=IN IP4 0.0.0.0\r\na=rtcp:9 IN IP4 0.0.0.0\r\na=ice-ufrag:u{session}\r\n\
             a=ice-pwd:a-password-of-24-letters\r\na=ice-options:trickle\r\na=fingerprint:sha-256 {fingerprint}\r\n\
             a=setup:actpass\r\na=mid:{mid}\r\na=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\r\na={direction}\r\n\
             a=rtcp-mux\r\na=rtpmap:{payload} {codec}\r\n"
        );
    }
    sdp
}

fn start() -> TalkPipeline {
    start_and_listen().0
}

fn start_and_listen() -> (TalkPipeline, UnboundedReceiver<TalkEvent>) {
    let address = "127.0.0.1".parse().expect("an address");
    let at = MediaPort { port: 0, bind: Some(address), addresses: vec![address], tcp_port: None };
    TalkPipeline::start(&at, None).expect("it starts")
}

#[test]
fn an_offer_is_answered_with_all_its_lines_and_our_address() {
    let talk = start();
    let answer = talk.answer(3, "Ann", &offer(1, 10)).expect("an answer");
    assert_eq!(answer.lines().filter(|line| line.starts_with("m=")).count(), 12, "{answer}");
    assert!(answer.contains("a=ice-lite"), "{answer}");
    let candidate = format!(" 127.0.0.1 {} typ host", talk.port());
    assert!(answer.contains(&candidate), "{candidate} is missing in {answer}");
}

#[test]
fn what_is_no_offer_is_refused_with_a_sentence_and_leaves_nobody_behind() {
    let talk = start();
    for nonsense in [
        "",
        "v=0",
        "v=0\0",
        "v=0\r\nm=video\r\n",
        "hello",
        "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n",
    ] {
        let refused = talk.answer(3, "Ann", nonsense).expect_err(nonsense).to_string();
        assert!(20 < refused.len(), "{refused}");
    }
    talk.answer(3, "Ann", &offer(1, 10)).expect("an answer");
}

#[test]
fn whoever_offers_again_on_the_same_connection_stays_and_on_another_begins_anew() {
    let talk = start();
    let first = talk.answer(3, "Ann", &offer(1, 10)).expect("an answer");
    let restarted = offer(1, 10).replace("a=ice-ufrag:u1", "a=ice-ufrag:u9");
    let second = talk.answer(3, "Ann", &restarted).expect("a new way");
    assert_eq!(first.matches("m=").count(), second.matches("m=").count());
    talk.answer(3, "Ann", &offer(2, 10)).expect("another connection");
    talk.answer(4, "Ann", &offer(3, 10)).expect("somebody else");
    for person in [3, 4, 4, 77] {
        talk.remove(person);
    }
    talk.answer(3, "Ann", &offer(4, 10)).expect("back again");
}

/// The end of the former connection is told late, and must not end the new one.
#[test]
fn the_end_of_a_former_connection_is_nobodys_end() {
    let (talk, mut events) = start_and_listen();
    for session in 1..=5 {
        talk.answer(3, "Ann", &offer(session, 10)).expect("another connection each time");
    }
    // Each worker has told what it knew when it answers the second one after it.
    for person in 10..20 {
        talk.answer(person, "Ann", &offer(100 + u64::from(person), 10)).expect("an answer");
    }
    let told: Vec<TalkEvent> = std::iter::from_fn(|| events.try_recv().ok()).collect();
    assert!(!told.contains(&TalkEvent::Gone(3)), "{told:?}");
}

#[test]
fn people_come_and_go_while_the_talk_goes_on() {
    let talk = start();
    for round in 0..5u64 {
        for person in 0..10u32 {
            talk.answer(person, "Ann", &offer(100 * round + u64::from(person), 10)).expect("an answer");
            talk.show(person, &[ShownFeed { person: 0, height: 240 }]);
            talk.silence(person, true);
            talk.limit_cameras(500);
        }
        for person in 0..10 {
            talk.remove(person);
        }
    }
    talk.show(1, &[]);
    talk.silence(1, false);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_only_listens_has_a_place_until_they_leave() {
    let talk = start();
    talk.answer(3, "Ann", &offer(1, 10)).expect("an answer");
    for _ in 0..3 {
        let (packets, mut heard) = channel(10);
        let listener = talk.listen(packets).expect("a place");
        drop(listener);
        let rest = async { while heard.recv().await.is_some() {} };
        timeout(WAIT_MAX, rest).await.expect("the channel is closed");
    }
}

#[test]
fn a_taken_port_is_a_sentence() {
    let taken = std::net::UdpSocket::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("an address");
    let at =
        MediaPort { port: port.port(), bind: Some(port.ip()), addresses: vec![port.ip()], tcp_port: None };
    let refused = TalkPipeline::start(&at, None).err().expect("it is taken").to_string();
    assert!(refused.contains(&port.port().to_string()), "{refused}");
}
