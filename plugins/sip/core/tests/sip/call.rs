//! A call from its beginning to each of its ends.

use std::time::Duration;

use convene_conference::Codec;
use convene_sip::{Received, Transport};

use crate::world::{PCMU, Phone, World};

const SECOND: Duration = Duration::from_secs(1);

fn rtp(payload_type: u8, sequence: u16, payload: &[u8]) -> Vec<u8> {
    let header = convene_conference::rtp::Header {
        payload_type,
        marker: false,
        sequence,
        timestamp: u32::from(sequence) * 160,
        ssrc: 77,
    };
    header.write(payload)
}

#[test]
fn a_call_comes_and_goes() {
    for transport in [Transport::Udp, Transport::Tcp, Transport::Tls] {
        let mut world = World::new("");
        let mut ann = Phone::new("ann", transport);
        assert_eq!(ann.call(&mut world, PCMU), 200);
        let (_, call, about) = world.joined[0].clone();
        assert_eq!(
            (about.codec, about.name.as_str(), about.number.as_str()),
            (Codec::Pcmu, "ann", "+4930ann")
        );
        assert!(!format!("{about:?}").contains("ann"), "names are not for logs");
        let bye = ann.request("BYE", "");
        assert_eq!(ann.ask(&mut world, &bye), 200);
        assert_eq!(world.left, [(call, "hung-up")]);
        assert!(world.lines.is_empty());
        // The same again is answered the same again.
        assert_eq!(ann.ask(&mut world, &bye), 200);
        world.sent.clear();
        world.pass(100 * SECOND);
        assert!(world.sent.is_empty() && world.exchange.due().is_none(), "nothing is left");
    }
}

#[test]
fn an_answer_is_repeated_until_it_is_acknowledged_and_the_call_ended_if_never() {
    let mut world = World::new("");
    let mut ann = Phone::new("ann", Transport::Udp);
    let invite = ann.request("INVITE", PCMU);
    assert_eq!(ann.ask(&mut world, &invite), 200);
    assert_eq!(ann.ask(&mut world, &invite), 200, "an INVITE that comes again is answered again");
    world.sent.clear();
    world.pass(4 * SECOND);
    assert_eq!(world.answers(), ["200", "200", "200"], "after 0.5, 1.5 and 3.5 seconds");
    let ack = ann.ack("");
    let mut other = World::new("");
    other.receive(ann.flow, ack.as_bytes());
    assert!(other.sent.is_empty(), "an ACK for nothing is not answered");
    world.pass(29 * SECOND);
    assert!(world.answers().ends_with(&["BYE".to_owned()]), "after 64 T1");
    assert_eq!(world.left[0].1, "lost");
    assert!(world.lines.is_empty());
    world.pass(10 * SECOND);
    assert!(world.answers().iter().all(|word| word == "BYE"), "over UDP it is said again");
    world.pass(60 * SECOND);
    world.sent.clear();
    world.pass(60 * SECOND);
    assert!(world.sent.is_empty() && world.exchange.due().is_none(), "and then no more");
}

#[test]
fn a_refusal_is_repeated_until_it_is_acknowledged() {
    let mut world = World::new("");
    world.seats = 0;
    let mut ann = Phone::new("ann", Transport::Udp);
    let invite = ann.request("INVITE", PCMU);
    assert_eq!(ann.ask(&mut world, &invite), 486);
    world.sent.clear();
    world.pass(2 * SECOND);
    assert_eq!(world.answers(), ["486", "486"]);
    let ack = ann.write("ACK", ann.cseq, "", "");
    world.receive(ann.flow, ack.as_bytes());
    world.pass(60 * SECOND);
    assert!(world.answers().is_empty() && world.exchange.due().is_none());
}

#[test]
fn cancel_comes_too_late_and_unknown_calls_are_unknown() {
    let mut world = World::new("");
    let mut ann = Phone::new("ann", Transport::Tcp);
    let cancel = ann.write("CANCEL", 1, "", "");
    assert_eq!(ann.ask(&mut world, &cancel), 481);
    let invite = ann.request("INVITE", PCMU);
    let cancel = ann.write("CANCEL", ann.cseq, "", "");
    assert_eq!(ann.ask(&mut world, &invite), 200);
    assert_eq!(ann.ask(&mut world, &cancel), 200);
    assert!(world.left.is_empty(), "the call goes on");
    let mut bob = Phone::new("bob", Transport::Tcp);
    bob.tag = "nobody".to_owned();
    for method in ["BYE", "INFO", "UPDATE", "INVITE", "OPTIONS", "REFER"] {
        let request = bob.request(method, "");
        assert_eq!(bob.ask(&mut world, &request), 481, "{method}");
    }
    bob.tag.clear();
    for (method, status) in [("REFER", 603), ("OPTIONS", 200), ("REGISTER", 405), ("FROB", 501)] {
        let request = bob.request(method, "");
        assert_eq!(bob.ask(&mut world, &request), status, "{method}");
    }
    assert_eq!(ann.cseq, 1);
    let merged = ann.write("INVITE", 1, PCMU, "").replace("branch=z9hG4bK", "branch=z9hG4bKother");
    let merged =
        merged.replace(&format!("{};tag={}", "sip:convene@192.0.2.1>", ann.tag), "sip:convene@192.0.2.1>");
    assert_eq!(ann.ask(&mut world, &merged), 482, "the same by another way");
    let wants = bob.write("INVITE", 90, PCMU, "Require: 100rel, x\r\n");
    assert_eq!(bob.ask(&mut world, &wants), 420);
    assert!(String::from_utf8_lossy(&world.sent[0].1).contains("Unsupported: 100rel, x"));
}

#[test]
fn the_best_common_codec_is_chosen() {
    let offer = |formats: &str, maps: &str| {
        format!(
            "v=0\r\no=- 1 1 IN IP4 192.0.2.7\r\ns=-\r\nc=IN IP4 192.0.2.7\r\nt=0 0\r\nm=video 5 RTP/AVP 96\r\n\
             m=audio 4000 RTP/AVP {formats}\r\n{maps}"
        )
    };
    for (formats, maps, status, codec) in [
        ("0 8", "", 200, Some(Codec::Pcmu)),
        ("8", "", 200, Some(Codec::Pcma)),
        ("0 8 9", "", 200, Some(Codec::G722)),
        ("0 9 107", "a=rtpmap:107 OPUS/48000/2\r\n", 200, Some(Codec::Opus)),
        ("97", "a=rtpmap:97 PCMU/8000/1\r\n", 200, Some(Codec::Pcmu)),
        ("0", "a=rtpmap:0 L16/8000\r\n", 488, None),
        ("18 97", "a=rtpmap:97 AMR/8000\r\n", 488, None),
    ] {
        let mut world = World::new("");
        let mut ann = Phone::new("ann", Transport::Tcp);
        assert_eq!(ann.call(&mut world, &offer(formats, maps)), status, "{formats}");
        assert_eq!(world.joined.first().map(|(_, _, about)| about.codec), codec, "{formats}");
    }
    for (maps, answered) in [
        ("a=rtpmap:101 telephone-event/8000\r\n", "RTP/AVP 96 101\r\n"),
        ("a=rtpmap:101 telephone-event/8000\r\na=rtpmap:102 telephone-event/48000\r\n", "RTP/AVP 96 102\r\n"),
        ("", "RTP/AVP 96\r\n"),
    ] {
        let mut world = World::new("");
        let mut ann = Phone::new("ann", Transport::Tcp);
        let invite =
            ann.request("INVITE", &offer("96 101 102", &format!("a=rtpmap:96 opus/48000/2\r\n{maps}")));
        ann.ask(&mut world, &invite);
        let answer = String::from_utf8_lossy(&world.sent[0].1).into_owned();
        assert!(answer.contains(answered), "{answer}");
    }
    let mut world = World::new("");
    let mut ann = Phone::new("ann", Transport::Tcp);
    let invite = ann.request("INVITE", &offer("0", ""));
    ann.ask(&mut world, &invite);
    let answer = String::from_utf8_lossy(&world.sent[0].1).into_owned();
    assert!(answer.contains("m=video 0 RTP/AVP 96\r\nm=audio 7800 RTP/AVP 0\r\n"), "{answer}");
}

#[test]
fn hold_silences_both_ways_and_resume_brings_them_back() {
    let mut world = World::new("");
    let mut ann = Phone::new("ann", Transport::Tcp);
    ann.call(&mut world, PCMU);
    let call = world.joined[0].1;
    let now = world.now;
    let caller = "192.0.2.7:4000".parse().expect("an address");
    let voice = rtp(0, 1, b"voice");
    let session = |world: &mut World| world.sessions.remove(&call).expect("the call has a session");
    let mut sound = session(&mut world);
    assert_eq!(sound.receive(caller, &voice, now), Received::Voice(voice.clone()));
    assert!(sound.send(&voice, Codec::Pcmu, now).is_some());
    world.sessions.insert(call, sound);
    for (attribute, comes, goes) in [
        ("inactive", false, false),
        ("sendonly", true, false),
        ("recvonly", false, true),
        ("sendrecv", true, true),
    ] {
        let request = ann.request("INVITE", &format!("{PCMU}a={attribute}\r\n"));
        assert_eq!(ann.ask(&mut world, &request), 200);
        let ack = ann.ack("");
        world.receive(ann.flow, ack.as_bytes());
        let mut sound = session(&mut world);
        let hears = matches!(sound.receive(caller, &rtp(0, 2, b"voice"), now), Received::Voice(_));
        assert_eq!((hears, sound.send(&voice, Codec::Pcmu, now).is_some()), (comes, goes), "{attribute}");
        world.sessions.insert(call, sound);
    }
    // By RFC 2543 and by UPDATE.
    let request = ann.request("UPDATE", &PCMU.replace("c=IN IP4 192.0.2.7", "c=IN IP4 0.0.0.0"));
    assert_eq!(ann.ask(&mut world, &request), 200);
    assert!(session(&mut world).send(&voice, Codec::Pcmu, now).is_none());
}

#[test]
fn whoever_offers_nothing_is_offered_all() {
    let mut world = World::new("");
    let mut ann = Phone::new("ann", Transport::Tls);
    let invite = ann.request("INVITE", "");
    assert_eq!(ann.ask(&mut world, &invite), 200);
    let offer = String::from_utf8_lossy(&world.sent[0].1).into_owned();
    assert!(offer.contains("m=audio 7800 RTP/AVP 96 9 0 8 101") && offer.contains("a=crypto:1 "), "{offer}");
    assert!(world.sessions.is_empty());
    let ack = ann.ack(PCMU);
    world.receive(ann.flow, ack.as_bytes());
    let session = world.sessions.values().next().expect("now there is one");
    assert_eq!(session.agreement().codec, Codec::Pcmu);
}

#[test]
fn a_session_timer_that_is_not_refreshed_ends_the_call() {
    let mut world = World::new("");
    let mut ann = Phone::new("ann", Transport::Tcp);
    let invite = |ann: &mut Phone, expires: &str| {
        ann.cseq += 1;
        ann.write(
            "INVITE",
            ann.cseq,
            PCMU,
            &format!("Supported: timer\r\nAllow: UPDATE\r\nSession-Expires: {expires}\r\n"),
        )
    };
    let short = invite(&mut ann, "89");
    assert_eq!(ann.ask(&mut world, &short), 422);
    let mut ann = Phone::new("ann2", Transport::Tcp);
    let good = invite(&mut ann, "90;refresher=uac");
    assert_eq!(ann.ask(&mut world, &good), 200);
    assert!(String::from_utf8_lossy(&world.sent[0].1).contains("Session-Expires: 90;refresher=uac"));
    let ack = ann.ack("");
    world.receive(ann.flow, ack.as_bytes());
    world.pass(50 * SECOND);
    let update = ann.write("UPDATE", 50, "", "Supported: timer\r\nSession-Expires: 90;refresher=uac\r\n");
    ann.cseq = 50;
    assert_eq!(ann.ask(&mut world, &update), 200);
    world.pass(50 * SECOND);
    assert!(world.left.is_empty());
    world.pass(20 * SECOND);
    assert_eq!(world.left[0].1, "lost");
    // When it is on us, we refresh; and who knows of no call any more has none.
    let mut bob = Phone::new("bob", Transport::Tcp);
    let good = invite(&mut bob, "90;refresher=uas");
    assert_eq!(bob.ask(&mut world, &good), 200);
    let ack = bob.ack("");
    world.receive(bob.flow, ack.as_bytes());
    world.sent.clear();
    world.pass(46 * SECOND);
    let (_, update) = world.sent.pop().expect("we refresh at half the time");
    assert!(update.starts_with(b"UPDATE sip:bob@192.0.2.7:5060 SIP/2.0"));
    let gone = String::from_utf8_lossy(&update).replacen(
        "UPDATE sip:bob@192.0.2.7:5060 SIP/2.0",
        "SIP/2.0 481 Gone",
        1,
    );
    world.receive(bob.flow, gone.as_bytes());
    assert_eq!(world.left[1].1, "lost");
}
