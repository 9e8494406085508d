//! Callers say who they are.

use std::time::Duration;

use convene_sip::{CODE_END_PATIENCE, CallId, NAME_PATIENCE, Names, Prompt, RoomRules, Transport};

use crate::world::{CODE, PCMU, Phone, ROOM, World};

fn world(names: Names) -> World {
    let mut world = World::new(CODE);
    world.exchange.open(ROOM, RoomRules { code: CODE.to_owned(), names, ..RoomRules::default() });
    world
}

/// Somebody has typed the code.
fn comes(world: &mut World, name: &str) -> CallId {
    let mut phone = Phone::new(name, Transport::Tcp);
    assert_eq!(phone.call(world, PCMU), 200);
    world.key(CODE);
    *world.lines.last().expect("there is a call")
}

fn heard_all(world: &mut World, call: CallId) {
    world.exchange.played(call, world.now);
    world.carry_out();
}

fn named(world: &mut World, call: CallId, has_name: bool) {
    world.exchange.named(call, has_name, world.now);
    world.carry_out();
}

#[test]
fn who_comes_is_asked_and_listened_to_after_the_tone() {
    let mut world = world(Names::Asked);
    let ann = comes(&mut world, "ann");
    assert_eq!(world.said(), [Prompt::EnterCode, Prompt::SayName, Prompt::Tone]);
    assert_eq!((world.listening, world.joined.len()), (None, 0));
    heard_all(&mut world, ann);
    assert_eq!((world.listening, world.joined.len()), (Some(ann), 0));
    named(&mut world, ann, true);
    assert_eq!((world.said(), world.joined.len()), (vec![Prompt::Joined], 1));
    named(&mut world, ann, true);
    assert_eq!(world.joined.len(), 1, "once is enough");
}

#[test]
fn a_key_ends_a_name_or_does_without() {
    let mut world = world(Names::Asked);
    let ann = comes(&mut world, "ann");
    world.key("#");
    world.pass(CODE_END_PATIENCE - Duration::from_millis(1));
    world.key("12*#");
    assert_eq!(world.joined.len(), 0, "so far it ends the code");
    world.pass(Duration::from_millis(1));
    world.key("#");
    assert_eq!((world.joined.len(), world.listening), (1, None), "before the tone: no name");
    let bob = comes(&mut world, "bob");
    world.pass(CODE_END_PATIENCE);
    heard_all(&mut world, bob);
    world.key("#");
    assert_eq!(world.joined.len(), 2);
    world.said();
    world.exchange.announce(ann, Prompt::Names);
    world.exchange.announce(bob, Prompt::Names);
    world.carry_out();
    assert_eq!((world.said(), world.names.as_slice()), (vec![Prompt::Names], &[(ann, vec![bob])][..]));
}

#[test]
fn who_says_nothing_is_not_waited_for() {
    let mut world = world(Names::Announced);
    let ann = comes(&mut world, "ann");
    heard_all(&mut world, ann);
    world.pass(NAME_PATIENCE - Duration::from_millis(1));
    assert_eq!(world.joined.len(), 0);
    world.listening = None;
    world.pass(Duration::from_millis(1));
    assert_eq!((world.joined.len(), world.names.len()), (1, 0));
    // A shell that does not play anything does not hold anybody up, either.
    comes(&mut world, "bob");
    world.pass(Duration::from_secs(20));
    assert_eq!(world.joined.len(), 2);
}

#[test]
fn where_the_rules_want_it_all_callers_hear_who_comes() {
    for (names, hears) in [(Names::Asked, false), (Names::Announced, true)] {
        let mut world = world(names);
        let ann = comes(&mut world, "ann");
        named(&mut world, ann, true);
        let bob = comes(&mut world, "bob");
        // Who is not in yet hears nothing of those who are.
        let cem = comes(&mut world, "cem");
        world.said();
        named(&mut world, bob, true);
        assert_eq!(world.said().contains(&Prompt::HasJoined), hears);
        assert_eq!(world.names == [(ann, vec![bob])], hears);
        named(&mut world, cem, false);
        assert!(world.names.len() <= 1, "who has no name is not announced");
    }
}

#[test]
fn a_meeting_that_is_locked_or_over_meanwhile_lets_nobody_in() {
    let mut world = world(Names::Asked);
    let ann = comes(&mut world, "ann");
    world.said();
    world.rules(true, "");
    named(&mut world, ann, true);
    assert_eq!((world.said(), world.joined.len()), (vec![Prompt::Locked, Prompt::Goodbye], 0));
    world.rules(false, "");
    world
        .exchange
        .open(ROOM, RoomRules { code: CODE.to_owned(), names: Names::Asked, ..RoomRules::default() });
    let bob = comes(&mut world, "bob");
    world.said();
    world.exchange.close(ROOM, world.now);
    world.carry_out();
    named(&mut world, bob, true);
    assert_eq!((world.said(), world.joined.len()), (vec![Prompt::MeetingOver], 0));
}
