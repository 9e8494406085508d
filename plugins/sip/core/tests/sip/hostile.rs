//! What nobody should send: no panic, no growth, no answer that would help.

use std::time::Duration;

use convene_sip::{
    Agreement, CALLS_MAX, Crypto, Framer, INVITES_MAX, LINES_MAX, MEDIA_MAX, MESSAGES_MAX, Message, Received,
    SdpError, Session, Transport,
};
use proptest::prelude::*;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::world::{PCMU, Phone, World};

/// Some bytes of it are others, are missing, or are there twice.
fn damaged(text: &[u8], chance: &mut StdRng) -> Vec<u8> {
    let mut bytes = text.to_vec();
    for _ in 0..chance.random_range(1..6) {
        let at = chance.random_range(0..bytes.len());
        match chance.random_range(0..4) {
            0 => bytes[at] = chance.random(),
            1 => drop(bytes.remove(at)),
            2 => bytes.insert(at, b"\r\n:;,<>\"@%=0\xff"[chance.random_range(0..13)]),
            _ => {
                let end = chance.random_range(at..bytes.len().min(at + 40));
                let piece = bytes[at..end].to_vec();
                bytes.splice(at..at, piece);
            }
        }
    }
    bytes
}

#[test]
fn damaged_messages_leave_nothing_behind() {
    let mut chance = StdRng::seed_from_u64(5);
    let mut world = World::new("");
    world.seats = usize::MAX;
    for number in 0..1500_u32 {
        let mut ann = Phone::new(&format!("ann{number}"), Transport::Udp);
        ann.flow.peer.set_ip(std::net::Ipv4Addr::from(number % 512).into());
        let method = ["INVITE", "BYE", "INFO", "UPDATE", "OPTIONS", "CANCEL"][number as usize % 6];
        let message = damaged(ann.request(method, PCMU).as_bytes(), &mut chance);
        world.receive(ann.flow, &message);
        world.sent.clear();
    }
    world.pass(Duration::from_secs(120));
    assert!(world.exchange.due().is_none() && world.lines.is_empty(), "all is over and forgotten");
}

#[test]
fn damaged_answers_to_our_offers_end_calls_and_nothing_else() {
    let mut chance = StdRng::seed_from_u64(6);
    for number in 0..500 {
        let mut world = World::new("");
        let mut ann = Phone::new("ann", Transport::Tcp);
        let invite = ann.request("INVITE", "");
        ann.ask(&mut world, &invite);
        let sdp = damaged(PCMU.as_bytes(), &mut chance);
        let ack = ann.ack(&String::from_utf8_lossy(&sdp));
        world.receive(ann.flow, ack.as_bytes());
        assert_eq!(world.sessions.len(), world.lines.len(), "{number}: a call has a session or is over");
    }
}

#[test]
fn a_flood_of_messages_is_not_answered() {
    let mut world = World::new("");
    let mut ann = Phone::new("ann", Transport::Udp);
    for _ in 0..MESSAGES_MAX + 500 {
        let request = ann.request("OPTIONS", "");
        world.receive(ann.flow, request.as_bytes());
    }
    assert_eq!(world.sent.len() as u32, MESSAGES_MAX);
    let mut bob = Phone::new("bob", Transport::Udp);
    bob.flow.peer = "198.51.100.1:5060".parse().expect("an address");
    assert_eq!(bob.call(&mut world, PCMU), 200, "others are");
    world.pass(Duration::from_secs(10));
    assert_eq!(ann.call(&mut world, PCMU), 200, "and later the same one");
}

#[test]
fn a_flood_of_calls_is_refused() {
    let mut world = World::new("");
    world.seats = usize::MAX;
    let mut statuses = Vec::new();
    for number in 0..=INVITES_MAX {
        let mut ann = Phone::new(&format!("ann{number}"), Transport::Tcp);
        statuses.push(ann.call(&mut world, PCMU));
    }
    assert_eq!(statuses.iter().filter(|status| **status == 200).count() as u32, INVITES_MAX);
    assert_eq!(statuses.last(), Some(&503));
}

#[test]
fn only_so_many_calls_are_held() {
    let mut world = World::new("");
    world.seats = usize::MAX;
    let mut call = |number: u32| {
        let mut ann = Phone::new(&format!("ann{number}"), Transport::Tcp);
        ann.flow.peer.set_ip(std::net::Ipv4Addr::from(number / 100).into());
        ann.call(&mut world, PCMU)
    };
    assert!((0..CALLS_MAX as u32).all(|number| call(number) == 200));
    assert_eq!(call(CALLS_MAX as u32), 503);
}

#[test]
fn descriptions_have_limits() {
    let with = |count: usize, line: &str| {
        Agreement::choose(&(PCMU.to_owned() + &line.repeat(count)), None).map(|_| ())
    };
    assert_eq!(with(MEDIA_MAX - 1, "m=video 9 RTP/AVP 96\r\n"), Ok(()));
    assert_eq!(with(MEDIA_MAX, "m=video 9 RTP/AVP 96\r\n"), Err(SdpError::Syntax));
    let lines = LINES_MAX - PCMU.lines().count();
    assert_eq!(with(lines, "a=x\r\n"), Ok(()));
    assert_eq!(with(lines + 1, "a=x\r\n"), Err(SdpError::Syntax));
}

#[test]
fn strangers_packets_do_not_take_over_a_call() {
    let mut world = World::new("");
    let mut ann = Phone::new("ann", Transport::Tcp);
    let crypto = Crypto::parse("1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz")
        .expect("RFC 4568's own example");
    let secure = PCMU.replace("RTP/AVP", "RTP/SAVP") + &format!("a=crypto:{}\r\n", crypto.write());
    assert_eq!(ann.call(&mut world, &secure), 200);
    let session = world.sessions.values_mut().next().expect("the call has a session");
    let mut chance = StdRng::seed_from_u64(7);
    for number in 0..5000_u16 {
        let mut packet = vec![0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11];
        chance.fill(&mut packet[2..]);
        let from = std::net::SocketAddr::from(([198, 51, 100, 1], number));
        assert_eq!(session.receive(from, &packet, world.now), Received::Nothing);
    }
    assert_eq!((session.stats().refused, session.stats().received), (5000, 0));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = Message::parse(&bytes);
        let _ = Agreement::choose(&String::from_utf8_lossy(&bytes), None);
        let _ = Crypto::parse(&String::from_utf8_lossy(&bytes));
        let mut framer = Framer::default();
        framer.push(&bytes);
        while let Ok(Some(_)) = framer.cut() {}
        let mut session = Session::new(Agreement::choose(PCMU, None)?, None, (1, 2, 3), World::new("").now);
        let from = "192.0.2.1:9".parse()?;
        let _ = session.receive(from, &bytes, World::new("").now);
        session.receive_report(from, &bytes, World::new("").now);
    }

    #[test]
    fn what_looks_like_a_description_is_read_or_refused(lines in "([vocmat]=[ -~]{0,60}\r\n){0,20}") {
        let _ = Agreement::choose(&format!("v=0\r\n{lines}"), None);
        let _ = Agreement::choose(&format!("{PCMU}{lines}"), None).map(|agreement| agreement.digits);
    }
}
