//! What is kept of calls that are over: one record for each, whatever became of it.

use convene_conference::Codec;
use convene_sip::{CallId, CallRecord, Crypto, Encryption, RoomId, RoomRules, Transport};

use crate::callee::{OURS, SDP, SECOND, call, next, reply, request, world};
use crate::world::{CODE, PCMU, Phone, ROOM, World};

/// Holds the ports open, and keeps records.
const KEEPER: RoomId = RoomId(9);

fn keep(world: &mut World) {
    let keeper = RoomRules { code: "000000000".to_owned(), keeps_records: true, ..RoomRules::default() };
    world.exchange.open(KEEPER, keeper);
    let room = RoomRules { code: CODE.to_owned(), label: "meeting-7".to_owned(), ..RoomRules::default() };
    world.exchange.open(ROOM, room);
}

fn only(world: &mut World) -> CallRecord {
    assert_eq!(world.records.len(), 1, "one for each call");
    world.records.remove(0)
}

#[test]
fn a_call_that_comes_in_is_recorded_when_it_is_over() {
    let mut world = World::new("");
    keep(&mut world);
    let mut ann = Phone::new("ann", Transport::Tls);
    let began = world.now;
    assert_eq!(ann.call(&mut world, PCMU), 200);
    world.pass(3 * SECOND);
    world.key("123456789");
    world.pass(60 * SECOND);
    assert!(world.records.is_empty(), "it is not over");
    let bye = ann.request("BYE", "");
    ann.ask(&mut world, &bye);
    let record = only(&mut world);
    assert!(!record.is_outgoing && !record.is_trunk);
    assert_eq!((record.transport, record.codec), (Some(Transport::Tls), Some(Codec::Pcmu)));
    assert_eq!((record.label.as_str(), record.number.as_str()), ("meeting-7", "+4930ann"));
    assert_eq!((record.began, record.answered, record.ended - began), (began, Some(began), 63 * SECOND));
    assert_eq!((record.end.by, record.end.why, record.end.status), ("telephone", "hung-up", None));
    assert!(!format!("{record:?}").contains("ann"), "names are not for logs");
    // The same again is no call.
    ann.ask(&mut world, &bye);
    assert!(world.records.is_empty());
}

#[test]
fn each_end_of_a_call_has_its_word() {
    let mut world = World::new("");
    keep(&mut world);
    let end = |world: &mut World| {
        let record = only(world);
        (record.end.by, record.end.why, record.end.status, record.answered.is_some(), record.label)
    };
    let none = String::new;
    let label = || "meeting-7".to_owned();

    let mut ann = Phone::new("ann", Transport::Udp);
    assert_eq!(ann.call(&mut world, "v=0\r\n"), 488);
    assert_eq!(end(&mut world), ("service", "refused", Some(488), false, none()));

    let mut bob = Phone::new("bob", Transport::Udp);
    bob.call(&mut world, PCMU);
    for code in ["111111111", "222222222", "333333333"] {
        world.key(code);
    }
    world.pass(30 * SECOND);
    assert_eq!(end(&mut world), ("service", "dismissed", None, true, none()), "three wrong codes");

    let mut cem = Phone::new("cem", Transport::Udp);
    cem.call(&mut world, PCMU);
    world.key(CODE);
    world.exchange.close(ROOM, world.now);
    world.carry_out();
    world.pass(30 * SECOND);
    assert_eq!(end(&mut world), ("service", "dismissed", None, true, label()), "the meeting is over");

    keep(&mut world);
    let mut dan = Phone::new("dan", Transport::Udp);
    dan.call(&mut world, PCMU);
    world.key(CODE);
    let call = *world.lines.last().expect("there is a call");
    world.exchange.lose(call, world.now);
    world.carry_out();
    assert_eq!(end(&mut world), ("line", "lost", None, true, label()));
}

#[test]
fn calls_of_ours_are_recorded_whatever_becomes_of_them() {
    let mut world = world(Transport::Tcp);
    keep(&mut world);
    let invite = call(&mut world, "sip:bob@192.0.2.7");
    reply(&mut world, &invite, 486, "", "");
    let record = only(&mut world);
    assert!(record.is_outgoing && record.answered.is_none() && record.codec.is_none());
    assert_eq!((record.end.by, record.end.why, record.end.status), ("telephone", "busy", Some(486)));
    assert_eq!(record.label, "meeting-7");

    // Nobody presses the key.
    world.sent.clear();
    let invite = call(&mut world, "sip:bob@192.0.2.7");
    reply(&mut world, &invite, 200, "", SDP);
    next(&mut world, "ACK");
    assert_eq!(request(&mut world, &invite, "BYE", 1, ""), 200);
    let record = only(&mut world);
    assert!(record.answered.is_some());
    assert_eq!((record.end.by, record.end.why), ("telephone", "not-joined"));
    assert_eq!((record.codec, record.transport), (Some(Codec::Pcma), Some(Transport::Tcp)));

    // There is no way.
    world.way = None;
    world.exchange.call(CallId(OURS.0 + 1), ROOM, "sip:bob@192.0.2.7", world.now);
    world.carry_out();
    let record = only(&mut world);
    assert_eq!((record.transport, record.end.by, record.end.why), (None, "line", "unreachable"));
}

#[test]
fn how_it_was_encrypted_is_recorded_and_nothing_where_nobody_keeps_records() {
    let mut world = World::new("");
    let key = Crypto::parse("1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz");
    let sdp = PCMU.replace("RTP/AVP", "RTP/SAVP") + &format!("a=crypto:{}\r\n", key.expect("a key").write());
    for (keeps, sdp, encryption) in [
        (true, sdp.as_str(), Some(Encryption::Sdes)),
        (true, PCMU, Some(Encryption::None)),
        (false, PCMU, None),
    ] {
        world.exchange.open(ROOM, RoomRules { keeps_records: keeps, ..RoomRules::default() });
        let mut ann = Phone::new("ann", Transport::Tls);
        ann.call(&mut world, sdp);
        let bye = ann.request("BYE", "");
        ann.ask(&mut world, &bye);
        assert_eq!(world.records.pop().map(|record| record.encryption), encryption);
        world = World::new("");
    }
}
