//! The menu by its keys.

use std::time::Duration;

use convene_sip::{MISSES_MAX, Prompt, Transport, WRONG_CODES_MAX, Wish};

use crate::world::{CODE, PCMU, Phone, ROOM, World};

fn caller(world: &mut World, name: &str) -> Phone {
    let mut phone = Phone::new(name, Transport::Tcp);
    assert_eq!(phone.call(world, PCMU), 200);
    phone
}

#[test]
fn the_right_code_leads_into_the_meeting() {
    for keys in [CODE, "12*123456789#"] {
        let mut world = World::new(CODE);
        caller(&mut world, "ann");
        assert_eq!(world.said(), [Prompt::EnterCode]);
        assert!(world.joined.is_empty());
        world.key(keys);
        assert_eq!((world.joined.len(), world.joined[0].0), (1, ROOM));
        assert_eq!(world.said(), [Prompt::Joined]);
    }
}

#[test]
fn a_dialled_code_needs_no_menu() {
    let mut world = World::new(CODE);
    let mut ann = Phone::new("ann", Transport::Tcp);
    ann.uri = format!("sips:{CODE}@192.0.2.1");
    assert_eq!(ann.call(&mut world, PCMU), 200);
    assert_eq!((world.joined.len(), world.said().len()), (1, 0));
}

#[test]
fn wrong_codes_end_the_call() {
    let mut world = World::new(CODE);
    caller(&mut world, "ann");
    world.said();
    for _ in 1..WRONG_CODES_MAX {
        world.key("987654321");
        assert_eq!(world.said(), [Prompt::WrongCode, Prompt::EnterCode]);
    }
    world.key("12#");
    assert_eq!(world.said(), [Prompt::WrongCode, Prompt::Goodbye]);
    let call = *world.lines.last().expect("he still hears it");
    world.key(CODE);
    assert!(world.joined.is_empty(), "it is too late");
    world.exchange.played(call, world.now);
    world.carry_out();
    assert!(world.lines.is_empty());
    assert_eq!(world.answers().last().map(String::as_str), Some("BYE"));
}

#[test]
fn an_address_that_misses_too_often_is_not_asked_any_more() {
    let mut world = World::new(CODE);
    let mut misses = 0;
    for number in 0.. {
        let mut phone = Phone::new(&format!("p{number}"), Transport::Tcp);
        let status = phone.call(&mut world, PCMU);
        if status == 403 {
            break;
        }
        for _ in 0..WRONG_CODES_MAX {
            if misses < MISSES_MAX {
                world.key("987654321");
                misses += 1;
            }
        }
        world.pass(Duration::from_secs(25));
    }
    assert_eq!(misses, MISSES_MAX);
    // Not even with the right code; but somewhere else it is, and later.
    let mut ann = Phone::new("ann", Transport::Tcp);
    ann.uri = format!("sip:{CODE}@192.0.2.1");
    assert_eq!(ann.call(&mut world, PCMU), 403);
    let mut bob = Phone::new("bob", Transport::Tcp);
    bob.flow.peer = "198.51.100.1:5060".parse().expect("an address");
    bob.uri.clone_from(&ann.uri);
    assert_eq!(bob.call(&mut world, PCMU), 200);
    world.pass(Duration::from_secs(600));
    assert!(!caller(&mut world, "cem").tag.is_empty());
}

#[test]
fn whoever_types_nothing_is_asked_again_and_then_dismissed() {
    let mut world = World::new(CODE);
    caller(&mut world, "ann");
    world.pass(Duration::from_secs(50));
    assert_eq!(world.said(), [Prompt::EnterCode; 4]);
    world.pass(Duration::from_secs(35));
    assert_eq!(world.said(), [Prompt::Goodbye]);
    assert!(world.lines.is_empty());
}

#[test]
fn keys_in_the_meeting_are_wishes() {
    let mut world = World::new(CODE);
    world.rules(false, "4711");
    caller(&mut world, "ann");
    world.key(CODE);
    world.said();
    world.key("6*6*5*3*4*7**6*1*2*8*#*x");
    let wishes = |world: &mut World| world.wishes.drain(..).map(|(_, wish)| wish).collect::<Vec<_>>();
    let own = [Wish::Mute, Wish::Hand, Wish::Count, Wish::Quieter, Wish::Louder, Wish::Mute];
    assert_eq!(wishes(&mut world), own, "nobody is an organiser without the PIN");
    world.key("*94712#");
    assert_eq!(world.said(), [Prompt::EnterPin, Prompt::WrongPin]);
    world.key("*1*947*4711#*1*2*8*#");
    assert_eq!(world.said(), [Prompt::EnterPin, Prompt::Organiser]);
    assert_eq!(wishes(&mut world), [Wish::MuteAll, Wish::Lock, Wish::Record, Wish::End]);
    // Three wrong ones are all that one call may try.
    caller(&mut world, "bob");
    world.key(CODE);
    world.said();
    world.key("*91#*92#*93#*94711#*1");
    assert_eq!(world.said().iter().filter(|prompt| **prompt == Prompt::WrongPin).count(), 3);
    assert!(wishes(&mut world).is_empty());
}

#[test]
fn a_caller_is_told_the_keys_that_do_something() {
    let mut world = World::new(CODE);
    caller(&mut world, "ann");
    world.key(CODE);
    world.said();
    world.key("*0");
    assert_eq!(world.said(), [Prompt::Keys], "the meeting has no PIN");
    world.rules(false, "4711");
    world.key("*0");
    assert_eq!(world.said(), [Prompt::Keys, Prompt::KeysPin]);
    let hushed = world.hushed;
    world.key("*");
    assert_eq!(world.hushed, hushed + 1, "whoever presses a key has heard enough");
    world.key("94711#");
    world.said();
    world.key("*0");
    assert_eq!(world.said(), [Prompt::Keys, Prompt::Organiser]);
}

#[test]
fn an_address_may_guess_only_so_many_pins() {
    let mut world = World::new(CODE);
    world.rules(false, "4711");
    let mut guesses = 0;
    for number in 0.. {
        caller(&mut world, &format!("p{number}"));
        world.key(CODE);
        world.said();
        while guesses < MISSES_MAX {
            world.key("*91#");
            if world.said().is_empty() {
                break;
            }
            guesses += 1;
        }
        if guesses == MISSES_MAX {
            break;
        }
    }
    world.key("*94711#*#");
    assert!(world.wishes.is_empty(), "even the right one is of no use now");
    world.pass(Duration::from_secs(600));
    caller(&mut world, "later");
    world.key(CODE);
    world.key("*94711#*#");
    assert_eq!(world.wishes.len(), 1);
}

#[test]
fn a_locked_or_full_meeting_says_so() {
    let mut world = World::new(CODE);
    world.rules(true, "");
    caller(&mut world, "ann");
    world.key(CODE);
    assert_eq!(world.said()[1..], [Prompt::Locked, Prompt::Goodbye]);
    let mut ann = Phone::new("ann2", Transport::Tcp);
    ann.uri = format!("sip:{CODE}@192.0.2.1");
    assert_eq!(ann.call(&mut world, PCMU), 480);
    world.rules(false, "");
    world.seats = 0;
    caller(&mut world, "bob");
    world.key(CODE);
    assert_eq!(world.said()[1..], [Prompt::Full, Prompt::Goodbye]);
    assert!(world.joined.is_empty());
}

#[test]
fn a_meeting_that_ends_says_goodbye_to_its_callers() {
    let mut world = World::new(CODE);
    caller(&mut world, "ann");
    world.key(CODE);
    world.said();
    world.exchange.close(ROOM, world.now);
    world.carry_out();
    assert_eq!((world.said(), world.left[0].1), (vec![Prompt::MeetingOver], "dismissed"));
    world.pass(Duration::from_secs(21));
    assert!(world.lines.is_empty());
}

/// A key by message.
fn info(ann: &mut Phone, world: &mut World, key: char) {
    let body = format!("Signal={key}\r\nDuration=160\r\n");
    let info = ann.request("INFO", &body).replace("application/sdp", "application/dtmf-relay");
    assert_eq!(ann.ask(world, &info), 200);
}

#[test]
fn keys_by_info_and_in_the_sound_are_pressed_once() {
    let mut world = World::new(CODE);
    let mut ann = caller(&mut world, "ann");
    world.said();
    for key in CODE.chars() {
        world.key(&key.to_string());
        info(&mut ann, &mut world, key);
    }
    assert_eq!(world.joined.len(), 1);
}

#[test]
fn keys_by_info_are_keys() {
    let mut world = World::new(CODE);
    let mut ann = caller(&mut world, "ann");
    world.said();
    CODE.chars().for_each(|key| info(&mut ann, &mut world, key));
    assert_eq!(world.joined.len(), 1);
    let other = ann.request("INFO", "x").replace("application/sdp", "application/vnd.x");
    assert_eq!(ann.ask(&mut world, &other), 415);
}
