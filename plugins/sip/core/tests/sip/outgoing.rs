//! Calls of ours, from the first ring to each of their ends.

use convene_conference::Codec;
use convene_sip::{
    CALLED_MAX, CALLED_PATIENCE, CallId, DIALLING_MAX, Failure, Hop, Message, Progress, Prompt, RINGING_MAX,
    Transport,
};
use proptest::prelude::*;

use crate::callee::{OURS, SDP, SECOND, call, methods, next, progress, reply, reply_as, request, way, world};
use crate::world::{ROOM, World};

const BOB: &str = "sip:bob@192.0.2.7";

/// Answers, and has the answer acknowledged.
fn answer(world: &mut World, invite: &Message) -> Message {
    reply(world, invite, 200, "", SDP);
    next(world, "ACK")
}

fn failed(world: &mut World) -> Option<Failure> {
    match progress(world).pop() {
        Some(Progress::Failed(why)) => Some(why),
        _ => None,
    }
}

/// Time passes, and nothing is left of any call.
fn assert_over(world: &mut World) {
    world.pass(100 * SECOND);
    world.sent.clear();
    world.pass(100 * SECOND);
    assert!(world.sent.is_empty() && world.exchange.due().is_none() && world.lines.is_empty());
}

#[test]
fn who_is_called_hears_it_ring_answers_and_joins_by_a_key() {
    for transport in [Transport::Udp, Transport::Tcp] {
        let mut world = world(transport);
        let invite = call(&mut world, BOB);
        assert_eq!(
            world.hops[0],
            Hop { transport: Transport::Udp, host: "192.0.2.7".to_owned(), port: 5060 }
        );
        let offer = String::from_utf8_lossy(&invite.body).into_owned();
        assert!(
            offer.contains("m=audio 7800 RTP/AVP 96 9 0 8 101\r\n") && !offer.contains("crypto"),
            "{offer}"
        );
        reply(&mut world, &invite, 100, "", "");
        assert!(progress(&mut world).is_empty(), "it does not ring yet");
        for _ in 0..2 {
            reply(&mut world, &invite, 180, "", "");
        }
        assert_eq!(progress(&mut world), [Progress::Ringing]);
        let ack = answer(&mut world, &invite);
        assert_eq!(ack.cseq().map(|cseq| cseq.number), invite.cseq().map(|cseq| cseq.number));
        assert_eq!(progress(&mut world), [Progress::Answered]);
        assert_eq!((world.said(), world.joined.len()), (vec![Prompt::Called], 0));
        world.key("0*#9");
        assert!(world.joined.is_empty(), "only one key leads in");
        world.key("1");
        let (room, id, about) = world.joined[0].clone();
        assert_eq!((room, id, about.codec, about.number.as_str()), (ROOM, OURS, Codec::Pcma, "bob"));
        assert_eq!(world.said(), [Prompt::Joined]);
        // And is a caller like any other.
        world.key("*6");
        assert_eq!(world.wishes.len(), 1);
        assert_eq!(
            request(&mut world, &invite, "INVITE", 0, SDP),
            200,
            "numbers of the other end begin anywhere"
        );
        assert_eq!(request(&mut world, &invite, "BYE", 1, ""), 200);
        assert_eq!((progress(&mut world).len(), world.left.as_slice()), (0, &[(OURS, "hung-up")][..]));
        assert_over(&mut world);
    }
}

#[test]
fn we_hang_up_by_way_of_the_proxies_that_stay_in_between() {
    let mut world = world(Transport::Tcp);
    let invite = call(&mut world, BOB);
    let more =
        "Record-Route: <sip:far.example;lr>, <sip:near.example;lr>\r\nContact: <sip:bob@198.51.100.9>\r\n";
    reply(&mut world, &invite, 200, more, SDP);
    let ack = next(&mut world, "ACK");
    world.key("1");
    world.exchange.hang_up(OURS, world.now);
    world.carry_out();
    let bye = next(&mut world, "BYE");
    for message in [&ack, &bye] {
        let routes: Vec<&str> = message.list("route").collect();
        assert_eq!(routes, ["<sip:near.example;lr>", "<sip:far.example;lr>"]);
        assert_eq!(message.address("to").expect("it has a To").tag(), Some("callee"));
        let convene_sip::Start::Request { uri, .. } = &message.start else { panic!("it is a request") };
        assert_eq!(uri, "sip:bob@198.51.100.9");
    }
    reply(&mut world, &bye, 200, "", "");
    assert_eq!(world.left, [(OURS, "dismissed")]);
    assert_over(&mut world);
}

#[test]
fn an_invite_is_repeated_until_anybody_answers() {
    let mut silent = world(Transport::Udp);
    call(&mut silent, BOB);
    silent.pass(31 * SECOND);
    assert_eq!(methods(&mut silent).len(), 5, "after 0.5, 1.5, 3.5, 7.5 and 15.5 seconds");
    assert!(progress(&mut silent).is_empty());
    silent.pass(SECOND);
    assert_eq!(failed(&mut silent), Some(Failure::Unreachable));
    assert_over(&mut silent);
    let mut connected = world(Transport::Tls);
    call(&mut connected, BOB);
    connected.pass(31 * SECOND);
    assert!(connected.sent.is_empty(), "a connection loses nothing");
    let mut slow = world(Transport::Udp);
    let invite = call(&mut slow, BOB);
    slow.pass(SECOND);
    reply(&mut slow, &invite, 183, "", "");
    slow.sent.clear();
    slow.pass(40 * SECOND);
    assert!(slow.sent.is_empty(), "whoever rings has it");
}

#[test]
fn it_rings_only_for_so_long() {
    let mut world = world(Transport::Udp);
    let invite = call(&mut world, BOB);
    reply(&mut world, &invite, 180, "", "");
    world.pass(RINGING_MAX - SECOND);
    assert_eq!((world.sent.len(), progress(&mut world).len()), (0, 1));
    world.pass(SECOND);
    assert_eq!(failed(&mut world), Some(Failure::NoAnswer));
    assert!(world.lines.is_empty(), "its ports are free again");
    let cancel = next(&mut world, "CANCEL");
    assert_eq!(cancel.header("via"), invite.header("via"), "by the same branch");
    assert_eq!(cancel.cseq().map(|cseq| cseq.number), invite.cseq().map(|cseq| cseq.number));
    reply(&mut world, &cancel, 200, "", "");
    reply(&mut world, &invite, 487, "", "");
    let ack = next(&mut world, "ACK");
    assert_eq!(ack.header("via"), invite.header("via"), "the ACK of a refusal belongs to its INVITE");
    assert!(progress(&mut world).is_empty(), "that is told already");
    assert_over(&mut world);
}

#[test]
fn a_call_is_taken_back() {
    // Before anything has come of it, as soon as something comes.
    let mut early = world(Transport::Udp);
    let invite = call(&mut early, BOB);
    early.exchange.cancel(OURS, early.now);
    early.carry_out();
    assert_eq!((early.sent.len(), failed(&mut early)), (0, Some(Failure::Cancelled)));
    reply(&mut early, &invite, 100, "", "");
    next(&mut early, "CANCEL");
    reply(&mut early, &invite, 180, "", "");
    assert!(progress(&mut early).is_empty());
    assert_over(&mut early);
    // Too late: it has just been answered.
    let mut late = world(Transport::Tcp);
    let invite = call(&mut late, BOB);
    reply(&mut late, &invite, 180, "", "");
    late.exchange.cancel(OURS, late.now);
    late.carry_out();
    next(&mut late, "CANCEL");
    reply(&mut late, &invite, 200, "", SDP);
    next(&mut late, "ACK");
    next(&mut late, "BYE");
    assert!(late.said().is_empty() && late.sessions.is_empty());
    assert_over(&mut late);
    // By the end of the meeting, at each stage.
    for stage in 0..3 {
        let mut world = world(Transport::Tcp);
        let invite = call(&mut world, BOB);
        if 0 < stage {
            reply(&mut world, &invite, 180, "", "");
        }
        if 1 < stage {
            answer(&mut world, &invite);
        }
        world.exchange.close(ROOM, world.now);
        world.carry_out();
        let word = ["", "CANCEL", "BYE"][stage];
        assert_eq!(
            (methods(&mut world).concat().as_str(), failed(&mut world)),
            (word, Some(Failure::Cancelled))
        );
        assert_over(&mut world);
    }
}

#[test]
fn a_refusal_is_acknowledged_and_told_in_a_word() {
    for (status, why) in [
        (486, Failure::Busy),
        (600, Failure::Busy),
        (603, Failure::Declined),
        (408, Failure::NoAnswer),
        (480, Failure::Unavailable),
        (404, Failure::Unknown),
        (403, Failure::Forbidden),
        (401, Failure::Forbidden),
        (488, Failure::NoSound),
        (503, Failure::Unreachable),
        (302, Failure::Failed),
        (500, Failure::Failed),
    ] {
        let mut world = world(Transport::Udp);
        let invite = call(&mut world, BOB);
        for _ in 0..2 {
            reply(&mut world, &invite, status, "", "");
            next(&mut world, "ACK");
        }
        assert_eq!(progress(&mut world), [Progress::Failed(why)], "{status}");
        assert_over(&mut world);
    }
}

#[test]
fn an_answer_is_acknowledged_as_often_as_it_comes_and_only_one_of_several_is_taken() {
    for transport in [Transport::Udp, Transport::Tls] {
        let mut world = world(transport);
        let invite = call(&mut world, "sip:bob@192.0.2.7;transport=udp");
        let sdp = if transport == Transport::Tls { encrypted(SDP) } else { SDP.to_owned() };
        for _ in 0..3 {
            reply(&mut world, &invite, 200, "", &sdp);
            next(&mut world, "ACK");
        }
        assert_eq!((world.said().len(), progress(&mut world)), (1, vec![Progress::Answered]));
        reply_as(&mut world, &invite, (200, "other"), "", &sdp);
        next(&mut world, "ACK");
        let bye = next(&mut world, "BYE");
        assert_eq!(bye.address("to").expect("it has a To").tag(), Some("other"));
        reply_as(&mut world, &bye, (200, "other"), "", "");
        world.key("1");
        assert_eq!(world.joined.len(), 1);
    }
}

fn encrypted(sdp: &str) -> String {
    let key = "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5\r\n";
    format!("{}{key}", sdp.replace("RTP/AVP", "RTP/SAVP"))
}

#[test]
fn by_tls_sound_is_encrypted_or_there_is_none() {
    for (sdp, is_taken) in [(encrypted(SDP), true), (SDP.to_owned(), false), (String::new(), false)] {
        let mut world = world(Transport::Tls);
        let invite = call(&mut world, "sips:bob@192.0.2.7");
        let offer = String::from_utf8_lossy(&invite.body).into_owned();
        assert!(
            offer.contains("RTP/SAVP") && offer.contains("a=crypto:1 AES_CM_128_HMAC_SHA1_80"),
            "{offer}"
        );
        assert!(invite.header("contact").is_some_and(|contact| contact.starts_with("<sips:")));
        reply(&mut world, &invite, 200, "", &sdp);
        next(&mut world, "ACK");
        if is_taken {
            world.key("1");
            assert!(world.joined[0].2.is_encrypted);
        } else {
            next(&mut world, "BYE");
            assert_eq!(failed(&mut world), Some(Failure::NoSound));
        }
    }
}

#[test]
fn a_mailbox_does_not_join() {
    let mut world = world(Transport::Udp);
    let invite = call(&mut world, BOB);
    answer(&mut world, &invite);
    world.pass(CALLED_PATIENCE * (CALLED_MAX - 1) + SECOND);
    assert_eq!(world.said(), [Prompt::Called; CALLED_MAX as usize]);
    world.pass(CALLED_PATIENCE);
    assert_eq!(world.said(), [Prompt::Goodbye]);
    world.key("1");
    world.exchange.played(OURS, world.now);
    world.carry_out();
    next(&mut world, "BYE");
    assert_eq!((failed(&mut world), world.joined.len()), (Some(Failure::NotJoined), 0));
    // Nor does who hangs up at once.
    let mut world = self::world(Transport::Udp);
    let invite = call(&mut world, BOB);
    answer(&mut world, &invite);
    assert_eq!(request(&mut world, &invite, "BYE", 7, ""), 200);
    assert_eq!((failed(&mut world), world.left.len()), (Some(Failure::NotJoined), 0));
    assert_over(&mut world);
}

#[test]
fn where_there_is_no_way_nobody_is_reached() {
    let mut world = world(Transport::Tcp);
    world.way = None;
    world.exchange.call(OURS, ROOM, BOB, world.now);
    world.carry_out();
    assert_eq!(failed(&mut world), Some(Failure::Unreachable));
    let flow = crate::world::Phone::new("", Transport::Tcp).flow;
    world.way = Some(flow);
    call(&mut world, BOB);
    world.exchange.disconnected(flow.id + 1, world.now);
    world.carry_out();
    assert!(progress(&mut world).is_empty(), "that was another connection");
    world.exchange.disconnected(flow.id, world.now);
    world.carry_out();
    assert_eq!(failed(&mut world), Some(Failure::Unreachable));
    for nowhere in ["", "bob", "tel:bob", "+4930123", "sip:bob@x;transport=sctp"] {
        world.exchange.call(OURS, ROOM, nowhere, world.now);
        world.carry_out();
        assert_eq!(failed(&mut world), Some(Failure::Unknown), "{nowhere}: there is no trunk");
    }
    assert_over(&mut world);
}

#[test]
fn only_so_many_are_called_at_once() {
    let mut world = world(Transport::Tcp);
    for number in 0..=DIALLING_MAX as u64 {
        assert!(progress(&mut world).is_empty(), "{number}");
        world.exchange.call(CallId(OURS.0 + number), ROOM, BOB, world.now);
        world.carry_out();
    }
    assert_eq!(failed(&mut world), Some(Failure::Failed));
    assert_eq!(world.lines.len(), DIALLING_MAX);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    /// Whatever is answered, nothing panics and nothing is left behind.
    #[test]
    fn odd_answers_end_in_nothing(
        answers in prop::collection::vec((100_u16..700, "[a-z]{0,2}", any::<bool>(), 0_u64..20), 0..12),
        is_reliable in any::<bool>(),
    ) {
        let mut world = world(if is_reliable { Transport::Tcp } else { Transport::Udp });
        let invite = call(&mut world, BOB);
        for (status, tag, has_sdp, wait) in answers {
            let tag = if tag.is_empty() { "callee".to_owned() } else { tag };
            reply_as(&mut world, &invite, (status, &tag), "", if has_sdp { SDP } else { "" });
            world.pass(std::time::Duration::from_secs(wait));
        }
        world.exchange.cancel(OURS, world.now);
        world.carry_out();
        world.pass(300 * SECOND);
        prop_assert!(world.exchange.due().is_none() && world.lines.is_empty());
        prop_assert!(way(&world).peer.port() == 5060);
    }
}
