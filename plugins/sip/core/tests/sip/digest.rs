//! A trunk that asks who we are.

use convene_sip::{Failure, Message, Progress, Transport};

use crate::callee::{SDP, call, next, progress, reply, world, world_with_trunk};
use crate::world::World;

const NUMBER: &str = "+4930123";

fn challenge(nonce: &str, more: &str) -> String {
    format!(
        "Proxy-Authenticate: Digest realm=\"provider.example\", nonce=\"{nonce}\", qop=\"auth\"{more}\r\n"
    )
}

/// The answer to a challenge, if there is one.
fn answer(request: &Message) -> Option<String> {
    request.header("proxy-authorization").map(str::to_owned)
}

/// Challenges an INVITE; returns the one that follows, if any does.
fn challenged(world: &mut World, invite: &Message, challenge: &str) -> Option<Message> {
    reply(world, invite, 407, challenge, "");
    next(world, "ACK");
    (!world.sent.is_empty()).then(|| next(world, "INVITE"))
}

#[test]
fn a_trunk_is_told_who_we_are() {
    for transport in [Transport::Udp, Transport::Tcp, Transport::Tls] {
        let mut world = world_with_trunk(transport, "secret");
        let invite = call(&mut world, NUMBER);
        assert_eq!(world.hops[0].host, "provider.example");
        let from = invite.address("from").expect("it has a From");
        let to = invite.address("to").expect("it has a To");
        assert_eq!(
            (from.uri.as_str(), to.uri.as_str()),
            ("sip:ann@provider.example", "sip:+4930123@provider.example;user=phone")
        );
        assert_eq!(answer(&invite), None);
        let again = challenged(&mut world, &invite, &challenge("one", "")).expect("it is sent again");
        assert_eq!(again.cseq().map(|cseq| cseq.number), Some(2));
        assert_eq!(again.header("call-id"), invite.header("call-id"));
        assert_ne!(again.header("via"), invite.header("via"));
        let said = answer(&again).expect("it is answered");
        for words in
            ["username=\"ann\"", "nonce=\"one\"", "nc=00000001", "uri=\"sip:+4930123@provider.example"]
        {
            assert!(said.contains(words), "{said}");
        }
        assert!(!String::from_utf8_lossy(&again.body).contains("secret") && !said.contains("secret"));
        reply(&mut world, &again, 180, "", "");
        assert_eq!(progress(&mut world), [Progress::Ringing]);
    }
}

#[test]
fn what_follows_is_answered_for_before_it_is_asked() {
    let mut world = world_with_trunk(Transport::Tcp, "secret");
    let invite = call(&mut world, NUMBER);
    let again = challenged(&mut world, &invite, &challenge("one", "")).expect("it is sent again");
    reply(&mut world, &again, 200, "", SDP);
    let ack = next(&mut world, "ACK");
    assert_eq!(answer(&ack), answer(&again), "an ACK has what its INVITE had");
    world.key("1");
    world.exchange.hang_up(crate::callee::OURS, world.now);
    world.carry_out();
    let bye = next(&mut world, "BYE");
    assert!(answer(&bye).is_some_and(|said| said.contains("nc=00000002")));
    // And asked again all the same, as its nonce is too old.
    reply(&mut world, &bye, 407, &challenge("two", ", stale=true"), "");
    let bye = next(&mut world, "BYE");
    assert!(answer(&bye).is_some_and(|said| said.contains("nonce=\"two\"") && said.contains("nc=00000001")));
    assert_eq!(bye.cseq().map(|cseq| cseq.number), Some(4));
}

#[test]
fn the_strongest_challenge_is_answered() {
    let mut world = world_with_trunk(Transport::Tcp, "secret");
    let invite = call(&mut world, NUMBER);
    let both =
        format!("{}{}", challenge("weak", ", algorithm=MD5"), challenge("strong", ", algorithm=SHA-256"));
    let again = challenged(&mut world, &invite, &both).expect("it is sent again");
    let said = answer(&again).expect("it is answered");
    assert!(said.contains("nonce=\"strong\"") && said.contains("algorithm=SHA-256"), "{said}");
}

#[test]
fn a_wrong_password_is_tried_once() {
    let mut world = world_with_trunk(Transport::Tcp, "wrong");
    let invite = call(&mut world, NUMBER);
    let again = challenged(&mut world, &invite, &challenge("one", "")).expect("it is sent again");
    assert!(challenged(&mut world, &again, &challenge("two", "")).is_none(), "and no more");
    assert_eq!(progress(&mut world), [Progress::Failed(Failure::Forbidden)]);
}

#[test]
fn a_nonce_that_is_too_old_is_not_a_wrong_password() {
    let mut world = world_with_trunk(Transport::Udp, "secret");
    let mut invite = call(&mut world, NUMBER);
    let mut sent = 1;
    for number in 0..10 {
        let stale = if number == 0 { "" } else { ", stale=true" };
        match challenged(&mut world, &invite, &challenge(&format!("n{number}"), stale)) {
            Some(next) => invite = next,
            None => break,
        }
        sent += 1;
    }
    assert_eq!(sent, 4, "a trunk for which each nonce is too old is not asked for ever");
    assert_eq!(progress(&mut world), [Progress::Failed(Failure::Forbidden)]);
}

#[test]
fn nobody_but_the_trunk_is_told_who_we_are() {
    let mut world = world_with_trunk(Transport::Tcp, "secret");
    let invite = call(&mut world, "sip:bob@elsewhere.example;transport=tcp");
    let from = invite.address("from").expect("it has a From");
    assert_eq!(from.uri, "sip:convene@192.0.2.1");
    assert!(challenged(&mut world, &invite, &challenge("one", "")).is_none());
    // Nor is anybody who has no account.
    let mut world = self::world(Transport::Tcp);
    let invite = call(&mut world, "sip:bob@elsewhere.example;transport=tcp");
    assert!(challenged(&mut world, &invite, &challenge("one", "")).is_none());
    assert_eq!(progress(&mut world), [Progress::Failed(Failure::Forbidden)]);
}
