//! When what was captured is in the mix, by the clocks of those who speak.

use std::time::Duration;

use convene_conference::Seat;
use convene_test_support::Line;

use crate::room::{Habits, Room};

/// Nobody's clock is ours: the sender's says this when our time is 0.
const THEIRS: Duration = Duration::from_secs(3_900_000_000);
/// Ticks are 20 ms apart, and a delay that is too long by so much again is put up with.
const ROUGHLY: Duration = Duration::from_millis(45);

/// Somebody who has spoken over this line for ten seconds.
fn spoken(habits: Habits) -> Room {
    let captured = Some(THEIRS + Duration::from_millis(3));
    let mut room = Room::of(2, Habits { captured, ..habits }, 5);
    room.speak([0]);
    room.run(10_000);
    room
}

/// From capture to mix, by one clock.
fn delay(room: &Room) -> Duration {
    let offset = room.conference.capture_offset(Seat(0)).expect("packets tell");
    Duration::from_nanos(
        (offset + THEIRS.as_nanos() as i64).try_into().expect("nothing is mixed before it was captured"),
    )
}

#[test]
fn what_was_captured_is_mixed_after_the_line_and_what_waits_for_the_late() {
    let line = |jitter, delay| Line {
        jitter: Duration::from_millis(jitter),
        delay: Duration::from_millis(delay),
        ..Line::GOOD
    };
    for line in [line(0, 1), line(0, 300), line(100, 1), line(200, 150)] {
        for tells_level in [true, false] {
            let room = spoken(Habits { line, tells_level, ..Habits::GOOD });
            let wanted = line.delay + room.source_stats(0).delay;
            let found = delay(&room);
            assert!(found.abs_diff(wanted) < ROUGHLY, "{line:?}: {found:?} instead of {wanted:?}");
        }
    }
}

#[test]
fn timestamps_may_come_round_and_begin_anew() {
    let mut room = spoken(Habits { numbers: (65_500, u32::MAX - 100_000), ..Habits::GOOD });
    assert!(delay(&room) < 2 * ROUGHLY, "{:?}", delay(&room));
    room.person(0).is_stalled = true;
    room.run(3000);
    room.person(0).is_stalled = false;
    room.run(1000);
    assert!(delay(&room) < 2 * ROUGHLY, "{:?}", delay(&room));
}

#[test]
fn nothing_is_known_of_whom_no_packet_tells() {
    let mut room = Room::of(2, Habits::GOOD, 5);
    room.speak([0]);
    room.run(1000);
    assert_eq!(room.conference.capture_offset(Seat(0)), None);
    assert_eq!(room.conference.capture_offset(Seat(7)), None);
}
