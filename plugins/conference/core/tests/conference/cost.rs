//! What a conference costs, counted.

use std::time::Duration;

use convene_conference::{Channels, Conference, Ear, Input, OpusSettings, Output, Pace, Seat, Volume};

use crate::room::{Habits, Room};

#[test]
fn of_250_participants_only_those_who_speak_cost_anything() {
    let mut room = Room::of(250, Habits::GOOD, 1);
    room.speak([3, 100, 249]);
    room.run(1000);
    let before = room.stats();
    room.run(1000);
    let after = room.stats();
    let ticks = after.ticks - before.ticks;
    assert_eq!(ticks, 50);
    assert_eq!(after.encodes - before.encodes, ticks * (3 + 1), "one for each talker, one for all others");
    assert_eq!(after.decodes - before.decodes, ticks * 3);
    assert_eq!(after.outputs - before.outputs, ticks * 250);
}

#[test]
fn whoever_hears_as_loud_as_others_shares_their_encode() {
    let mut room = Room::of(50, Habits::GOOD, 1);
    for seat in 0..40 {
        let volume = Volume::of(if seat < 20 { 6 } else { -6 });
        room.handle(Input::Turn(Ear::Of(Seat(seat)), volume));
    }
    room.speak([49]);
    room.run(1000);
    let before = room.stats();
    room.run(1000);
    assert_eq!(room.stats().encodes - before.encodes, 50 * 3, "one for each volume; the talker hears nobody");
}

#[test]
fn silence_is_not_encoded() {
    let mut room = Room::of(50, Habits::GOOD, 1);
    room.speak([0]);
    room.run(500);
    room.hush([0]);
    room.run(2000);
    let before = room.stats();
    room.forget();
    room.run(2000);
    let after = room.stats();
    assert_eq!(after.ticks - before.ticks, 100, "microphones are open");
    assert_eq!(after.encodes - before.encodes, 0);
    assert_eq!(after.decodes - before.decodes, 0);
    // A sign of life each 400 ms.
    assert_eq!(after.outputs - before.outputs, 50 * 5);
}

#[test]
fn a_conference_in_which_nobody_sends_rests() {
    let mut room = Room::of(20, Habits::GOOD, 1);
    room.speak([0, 1]);
    room.run(1000);
    (0..20).for_each(|seat| room.person(seat).is_stalled = true);
    room.run(4000);
    assert_eq!(room.due(), None, "nobody waits for the next frame");
    let before = room.stats();
    room.run(60_000);
    assert_eq!(room.stats().ticks, before.ticks);
    // And it wakes up.
    (0..20).for_each(|seat| room.person(seat).is_stalled = false);
    room.run(500);
    room.forget();
    room.run(1500);
    room.assert_all_hear(&[0, 1]);
}

#[test]
fn four_hundred_conferences_with_nobody_in_them_wait_for_nothing() {
    for _ in 0..400 {
        let mut conference = Conference::new(Channels::Mono, OpusSettings::default());
        assert_eq!(conference.poll(), Output::Timeout(None));
        conference.handle(Input::Join(Seat(0), Pace::Live), Duration::ZERO).expect("anybody may join");
        assert_eq!(conference.poll(), Output::Timeout(None));
    }
}
