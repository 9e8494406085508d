//! What is told of a participant's line.

use std::time::Duration;

use convene_conference::{Codec, Input, Seat};
use convene_test_support::Line;

use crate::room::{Habits, Room, WIRE};

#[test]
fn a_perfect_line_loses_nothing_and_is_even() {
    for habits in Habits::EACH {
        let mut room = Room::of(2, habits, 3);
        room.speak([0]);
        room.run(2000);
        let stats = room.source_stats(0);
        assert_eq!((stats.missing(), stats.late, stats.concealed), (0, 0, 0), "{stats:?}");
        assert_eq!(stats.expected, stats.packets);
        assert!((95..=101).contains(&stats.played), "{stats:?}");
        assert!(stats.jitter < Duration::from_millis(1), "{stats:?}");
        assert_eq!((stats.packet, stats.delay), (Duration::from_millis(20), Duration::from_millis(25)));
        let level = room.conference.level(Seat(0)).expect("somebody sits there").dbov();
        assert!((-20..=-10).contains(&level), "{level} dBov");
    }
}

/// Also of those who say nothing: their packets are not decoded, and counted all the same.
#[test]
fn loss_and_jitter_are_those_of_the_line() {
    let line = Line { loss_per_mille: 100, jitter: Duration::from_millis(30), ..Line::GOOD };
    for codec in [Codec::Opus, Codec::Pcma] {
        let mut room =
            Room::of(3, Habits { codec, line, tells_level: codec == Codec::Opus, ..Habits::GOOD }, 5);
        room.speak([0]);
        room.run(20_000);
        for seat in [0, 1] {
            let stats = room.source_stats(seat);
            assert!((990..=1001).contains(&stats.expected), "{stats:?}");
            assert!((70..=130).contains(&stats.missing()), "a tenth of a thousand: {stats:?}");
            // The mean difference of two that are even in 30 ms is a third of it.
            let jitter = stats.jitter.as_millis();
            assert!((6..=15).contains(&jitter), "{jitter} ms");
        }
        let (speaks, rests) = (room.source_stats(0), room.source_stats(1));
        assert!(rests.played == 0 && rests.concealed == 0, "{rests:?}");
        let share = speaks.concealed as f64 / speaks.played as f64;
        assert!((0.05..0.15).contains(&share), "{share}: {speaks:?}");
        assert!(room.conference.level(Seat(1)).is_some_and(|level| !level.is_speech()));
    }
}

/// Over the end of the sequence numbers, as a network does that has two ways.
#[test]
fn packets_that_change_places_are_not_missing_and_one_that_never_comes_is() {
    let numbers = (u16::MAX - 2, u32::MAX - 960);
    let mut room = Room::of(1, Habits { numbers, ..Habits::GOOD }, 8);
    room.person(0).is_stalled = true;
    let packets: Vec<Vec<u8>> = (0..8).map(|_| room.person(0).next_packet()).collect();
    for at in [0, 2, 1, 3, 6, 7, 4] {
        room.handle(Input::Rtp(Seat(0), WIRE, &packets[at]));
    }
    let stats = room.source_stats(0);
    assert_eq!((stats.expected, stats.packets, stats.missing()), (8, 7, 1));
}
