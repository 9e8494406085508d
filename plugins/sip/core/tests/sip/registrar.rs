//! Registration with a trunk.

use std::time::Duration;

use convene_sip::{
    BACK_OFF_MAX, Credentials, MISSES_MAX, Message, TRUNK_MISSES_MAX, Transport, Trunk, TrunkState,
};

use crate::callee::{SECOND, next, reply, way, world};
use crate::world::{CODE, PCMU, Phone, World};

fn registering(transport: Transport) -> World {
    let mut world = world(transport);
    let credentials = Credentials { user: "ann".to_owned(), password: "secret".to_owned() };
    let uri = format!("sip:provider.example;transport={}", transport.word().to_ascii_lowercase());
    world.exchange.connect(Trunk { uri, credentials: Some(credentials), is_registered: true }, world.now);
    world.carry_out();
    world
}

fn expires(request: &Message) -> Option<&str> {
    request.header("expires")
}

/// Grants so many seconds.
fn grant(world: &mut World, register: &Message, seconds: u32) {
    let contact = register.header("contact").unwrap_or_default().to_owned();
    let more =
        format!("Contact: <sip:other@192.0.2.9>;expires=5\r\nContact: {contact};expires={seconds}\r\n");
    reply(world, register, 200, &more, "");
}

fn states(world: &mut World) -> Vec<TrunkState> {
    std::mem::take(&mut world.trunk)
}

#[test]
fn it_is_refreshed_before_its_end_and_taken_back() {
    for transport in [Transport::Udp, Transport::Tcp, Transport::Tls] {
        let mut world = registering(transport);
        let register = next(&mut world, "REGISTER");
        let from = register.address("from").expect("it has a From");
        let to = register.address("to").expect("it has a To");
        assert_eq!(
            (from.uri.as_str(), to.uri.as_str()),
            ("sip:ann@provider.example", "sip:ann@provider.example")
        );
        assert_eq!(expires(&register), Some("600"));
        grant(&mut world, &register, 200);
        assert_eq!(states(&mut world), [TrunkState::Registered]);
        world.pass(149 * SECOND);
        assert!(world.sent.is_empty());
        world.pass(SECOND);
        let again = next(&mut world, "REGISTER");
        assert_eq!(again.header("call-id"), register.header("call-id"));
        assert_eq!(again.cseq().map(|cseq| cseq.number), Some(2));
        // Without a word about our contact, what holds for all.
        reply(&mut world, &again, 200, "Expires: 80\r\n", "");
        world.pass(60 * SECOND);
        let again = next(&mut world, "REGISTER");
        // And without any, what was asked for; but a trunk does not have us come every moment.
        grant(&mut world, &again, 1);
        world.pass(9 * SECOND);
        assert!(world.sent.is_empty());
        world.pass(SECOND);
        let again = next(&mut world, "REGISTER");
        reply(&mut world, &again, 200, "", "");
        world.pass(449 * SECOND);
        assert!(world.sent.is_empty());
        world.exchange.hang_up_all(world.now);
        world.carry_out();
        let last = next(&mut world, "REGISTER");
        assert_eq!(expires(&last), Some("0"));
        reply(&mut world, &last, 200, "", "");
        world.pass(1000 * SECOND);
        assert!(world.sent.is_empty() && world.exchange.due().is_none());
    }
}

#[test]
fn the_trunk_is_told_who_we_are_and_later_before_it_asks() {
    let mut world = registering(Transport::Tls);
    let register = next(&mut world, "REGISTER");
    let challenge = "WWW-Authenticate: Digest realm=\"provider.example\", nonce=\"one\", qop=\"auth\"\r\n";
    reply(&mut world, &register, 401, challenge, "");
    let again = next(&mut world, "REGISTER");
    assert_eq!(again.cseq().map(|cseq| cseq.number), Some(2));
    assert!(again.header("authorization").is_some_and(|said| said.contains("nonce=\"one\"")));
    grant(&mut world, &again, 60);
    world.pass(45 * SECOND);
    let later = next(&mut world, "REGISTER");
    assert!(later.header("authorization").is_some_and(|said| said.contains("nc=00000002")));
    assert_eq!(later.cseq().map(|cseq| cseq.number), Some(3));
    // A password that is wrong by now is not tried over and over.
    reply(&mut world, &later, 401, &challenge.replace("one", "two"), "");
    let again = next(&mut world, "REGISTER");
    reply(&mut world, &again, 401, &challenge.replace("one", "three"), "");
    assert!(world.sent.is_empty());
    assert_eq!(states(&mut world), [TrunkState::Registered, TrunkState::Refused(401)]);
}

#[test]
fn a_trunk_that_wants_to_be_asked_less_often_is() {
    let mut world = registering(Transport::Tcp);
    let register = next(&mut world, "REGISTER");
    reply(&mut world, &register, 423, "Min-Expires: 3600\r\n", "");
    let again = next(&mut world, "REGISTER");
    assert_eq!(expires(&again), Some("3600"));
    // It can't want the same again, nor what is no number of seconds.
    for wrong in ["Min-Expires: 3600\r\n", "Min-Expires: 99999999\r\n", "Min-Expires: x\r\n", ""] {
        let mut world = registering(Transport::Tcp);
        let register = next(&mut world, "REGISTER");
        reply(&mut world, &register, 423, "Min-Expires: 3600\r\n", "");
        let again = next(&mut world, "REGISTER");
        reply(&mut world, &again, 423, wrong, "");
        assert_eq!((states(&mut world), world.sent.len()), (vec![TrunkState::Refused(423)], 0), "{wrong}");
    }
}

#[test]
fn a_trunk_that_refuses_is_asked_again_more_and_more_seldom() {
    let mut world = registering(Transport::Tcp);
    let mut waits = Vec::new();
    for _ in 0..12 {
        let register = next(&mut world, "REGISTER");
        reply(&mut world, &register, 503, "", "");
        let due = world.exchange.due().expect("it is tried again");
        waits.push(due - world.now);
        world.pass(due - world.now);
    }
    for (number, wait) in waits.iter().enumerate() {
        let longest = Duration::from_secs(30).saturating_mul(1 << number).min(BACK_OFF_MAX);
        assert!((longest / 2..=longest).contains(wait), "{number}: {wait:?}");
    }
    assert_eq!(states(&mut world), [TrunkState::Refused(503); 12]);
    // As soon as it takes us, all is forgotten.
    let register = next(&mut world, "REGISTER");
    grant(&mut world, &register, 100);
    world.pass(75 * SECOND);
    let register = next(&mut world, "REGISTER");
    reply(&mut world, &register, 503, "", "");
    assert!(world.exchange.due().is_some_and(|due| due - world.now <= 30 * SECOND));
}

#[test]
fn a_trunk_that_is_away_is_tried_again() {
    // Nothing answers.
    let mut world = registering(Transport::Udp);
    world.pass(32 * SECOND);
    assert_eq!(states(&mut world), [TrunkState::Unreachable]);
    assert_eq!(world.answers().len(), 11, "by datagrams it is said again and again");
    world.pass(31 * SECOND);
    next(&mut world, "REGISTER");
    // There is no way.
    let mut world = self::world(Transport::Tcp);
    world.way = None;
    let trunk = Trunk { uri: "sip:a;transport=tcp".to_owned(), credentials: None, is_registered: true };
    world.exchange.connect(trunk, world.now);
    world.carry_out();
    assert_eq!(states(&mut world), [TrunkState::Unreachable]);
    world.way = Some(Phone::new("", Transport::Tcp).flow);
    world.pass(31 * SECOND);
    let register = next(&mut world, "REGISTER");
    grant(&mut world, &register, 100);
    // The connection breaks: calls would not find us, so it is there again at once.
    let flow = way(&world).id;
    world.exchange.disconnected(flow, world.now);
    world.carry_out();
    world.pass(2 * SECOND);
    next(&mut world, "REGISTER");
    assert_eq!(states(&mut world), [TrunkState::Registered, TrunkState::Unreachable]);
    world.exchange.disconnected(flow, world.now);
    world.carry_out();
    assert_eq!(states(&mut world), [TrunkState::Unreachable], "while it waited for an answer");
    world.pass(31 * SECOND);
    next(&mut world, "REGISTER");
}

#[test]
fn who_calls_by_the_trunk_is_a_caller_like_any_other() {
    let mut world = registering(Transport::Tls);
    let register = next(&mut world, "REGISTER");
    grant(&mut world, &register, 600);
    let mut ann = Phone::new("ann", Transport::Tls);
    ann.uri = register.address("contact").expect("it has one").uri;
    assert_eq!(ann.call(&mut world, PCMU), 200);
    world.key(CODE);
    assert_eq!(world.joined.len(), 1);
}

#[test]
fn one_caller_of_the_trunks_who_guesses_does_not_keep_out_the_others() {
    let mut world = registering(Transport::Tls);
    let register = next(&mut world, "REGISTER");
    grant(&mut world, &register, 600);
    let mut guesses = 0;
    let call = |world: &mut World, name: &str, guesses: &mut u32| {
        let mut phone = Phone::new(name, Transport::Tls);
        // The same number, in another call.
        phone.name = name.split('-').next().unwrap_or_default().to_owned();
        let request = phone.request("INVITE", PCMU).replace("@a\r\n", &format!("@{name}\r\n"));
        let request = request.replace("branch=z9hG4bK", &format!("branch=z9hG4bK{name}"));
        let status = phone.ask(world, &request);
        for _ in 0..3 {
            if status == 200 && !world.said().contains(&convene_sip::Prompt::Goodbye) {
                world.key("987654321");
                *guesses += 1;
            }
        }
        if let Some(call) = world.lines.last().copied() {
            world.exchange.hang_up(call, world.now);
            world.carry_out();
        }
        status
    };
    for number in 0..20 {
        if call(&mut world, &format!("bob-{number}"), &mut guesses) == 403 {
            break;
        }
    }
    assert!((MISSES_MAX..MISSES_MAX + 3).contains(&guesses), "{guesses}");
    assert_eq!(call(&mut world, "bob-again", &mut guesses), 403);
    assert_eq!(call(&mut world, "ann-1", &mut guesses), 200, "she has another number");
    // But not with as many numbers as anybody likes.
    let mut number = 0;
    while call(&mut world, &format!("n{number}-1"), &mut guesses) == 200 {
        number += 1;
        assert!(number < TRUNK_MISSES_MAX, "somebody may guess without end");
    }
    // Some were typed after the goodbye.
    assert!((TRUNK_MISSES_MAX..TRUNK_MISSES_MAX + 6).contains(&guesses), "{guesses}");
}
