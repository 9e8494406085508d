//! Listeners move between the stream of all and one of their own, and cannot tell.

use convene_conference::{Ear, Seat};

use crate::room::{Habits, Room};

/// The largest second difference: a click is large in it, a tone is not.
fn roughness(sound: &[i16]) -> i32 {
    let bend = |three: &[i16]| (i32::from(three[0]) - 2 * i32::from(three[1]) + i32::from(three[2])).abs();
    sound.windows(3).map(bend).max().unwrap_or(0)
}

#[test]
fn moving_between_streams_makes_no_click() {
    // Seat 2 speaks all the time and is heard by 0, who speaks now and then in a low voice of his own, and by 1, who never does.
    let mut room = Room::of(4, Habits::GOOD, 9);
    room.speak([2]);
    room.run(1000);
    room.forget();
    for _ in 0..6 {
        room.speak([0]);
        room.run(430);
        room.hush([0]);
        room.run(1570);
    }
    let moved = room.heard[&Ear::Of(Seat(0))].sound.clone();
    assert_eq!(moved.len(), 12 * 48_000, "each tick has its frame");
    // The same time in which nobody moves.
    room.forget();
    room.run(12_000);
    let still = roughness(&room.heard[&Ear::Of(Seat(0))].sound);
    assert!(roughness(&moved) <= still * 2, "{} against {still}", roughness(&moved));
    // No hole and no swell, either.
    let level = |piece: &[i16]| piece.iter().map(|sample| sample.unsigned_abs()).max().unwrap_or(0);
    assert!(moved.chunks(480).all(|piece| (3500..9000).contains(&level(piece))));
}

#[test]
fn two_who_speak_alone_and_fall_silent_share_again() {
    let mut room = Room::of(2, Habits::GOOD, 9);
    room.speak([0, 1]);
    room.run(2000);
    let before = room.stats();
    room.run(1000);
    assert_eq!(room.stats().encodes - before.encodes, 100, "nobody hears the stream of all");
    room.hush([0]);
    room.run(2000);
    let before = room.stats();
    room.run(1000);
    // The one who speaks hears silence, which costs nothing; the other hears the stream of all.
    assert_eq!(room.stats().encodes - before.encodes, 50);
}
