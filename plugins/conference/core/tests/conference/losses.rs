//! Whoever loses packets on the way to him gets each twice, and nobody else pays for it.

use convene_conference::{Ear, Input, Seat};

use crate::room::{Habits, Room};

const ANN: Ear = Ear::Of(Seat(0));
const BOB: Ear = Ear::Of(Seat(1));

/// In which codecs of Opus a listener was sent something: speech's two (RFC 6716, section 3.1: configurations 0 to 15), which have redundancy,
/// or the other.
fn are_redundant(room: &Room, ear: Ear) -> Vec<bool> {
    let mut kinds: Vec<bool> = room.heard[&ear].payloads.iter().map(|payload| payload[0] >> 3 < 16).collect();
    kinds.dedup();
    kinds
}

#[test]
fn whoever_loses_packets_gets_redundancy_and_nobody_else() {
    let mut room = Room::of(4, Habits::GOOD, 5);
    room.speak([2]);
    room.run(1_000);
    room.forget();
    room.run(500);
    assert_eq!((are_redundant(&room, ANN), are_redundant(&room, BOB)), (vec![false], vec![false]));

    room.handle(Input::Lost(ANN));
    room.run(500);
    room.forget();
    let before = room.stats();
    room.run(1_000);
    assert_eq!(
        room.stats().encodes - before.encodes,
        100,
        "one for those who lose, one for those who do not"
    );
    assert_eq!((are_redundant(&room, ANN), are_redundant(&room, BOB)), (vec![true], vec![false]));
    room.assert_all_hear(&[2]);
}

#[test]
fn a_line_that_loses_no_more_is_soon_as_good_as_any() {
    let mut room = Room::of(3, Habits::GOOD, 5);
    room.speak([2]);
    room.handle(Input::Lost(ANN));
    // Told again, it is remembered longer.
    room.run(20_000);
    room.handle(Input::Lost(ANN));
    room.run(20_000);
    let before = room.stats();
    room.run(1_000);
    assert_eq!(room.stats().encodes - before.encodes, 100);
    room.run(10_000);
    let before = room.stats();
    room.run(1_000);
    assert_eq!(room.stats().encodes - before.encodes, 50, "both hear the same again");
}

#[test]
fn a_talker_who_loses_packets_has_redundancy_in_a_stream_of_his_own() {
    let mut room = Room::of(3, Habits::GOOD, 5);
    room.speak([0, 2]);
    room.run(1_000);
    room.handle(Input::Lost(ANN));
    room.run(500);
    room.forget();
    room.run(1_000);
    assert_eq!(are_redundant(&room, ANN), [true]);
    room.hush([0]);
    room.run(1_000);
    room.forget();
    room.run(1_000);
    room.assert_all_hear(&[2]);
    assert_eq!(are_redundant(&room, ANN), [true], "also when silent again");
    // A deaf ear is nobody's.
    room.handle(Input::Lost(Ear::Of(Seat(77))));
}
