//! Bad lines, wrong clocks, numbers that wrap.

use std::time::Duration;

use convene_conference::{Ear, Seat};
use convene_test_support::{AMPLITUDE, Line, amplitude};

use crate::room::{Habits, Room, tone};

const BAD: Line = Line { jitter: Duration::from_millis(200), loss_per_mille: 50, ..Line::GOOD };

#[test]
fn a_bad_line_is_concealed() {
    for tells_level in [true, false] {
        let mut room = Room::of(3, Habits { line: BAD, tells_level, ..Habits::GOOD }, 7);
        room.speak([0, 1, 2]);
        room.run(3000);
        room.forget();
        let before: Vec<_> = (0..3).map(|seat| room.source_stats(seat)).collect();
        room.run(5000);
        room.assert_all_hear(&[0, 1, 2]);
        for (seat, before) in before.iter().enumerate() {
            let stats = room.source_stats(seat as u32);
            assert!(before.lost < stats.lost, "the line loses: {stats:?}");
            assert!(stats.late - before.late < 5, "of 250 packets hardly any comes late: {stats:?}");
            assert!(stats.delay < Duration::from_millis(260), "{stats:?}");
        }
    }
}

#[test]
fn every_loss_is_concealed_and_copies_are_waited_for() {
    let line = Line { loss_per_mille: 50, ..Line::GOOD };
    let mut room = Room::of(2, Habits { line, ..Habits::GOOD }, 11);
    room.speak([0]);
    room.run(2000);
    room.forget();
    room.run(4000);
    let stats = room.source_stats(0);
    assert!(5 < stats.lost && stats.lost == stats.concealed, "{stats:?}");
    // The margin, and one packet more, which holds a copy of the one before.
    assert!((Duration::from_millis(45)..Duration::from_millis(50)).contains(&stats.delay), "{stats:?}");
    assert!((0.8..1.1).contains(&room.share(Ear::Of(Seat(1)), 0)));
}

#[test]
fn wrong_clocks_are_followed() {
    for ppm in [200.0, -200.0] {
        let mut room = Room::of(2, Habits { ppm, ..Habits::GOOD }, 2);
        room.speak([0]);
        // After two minutes and a half the clock is wrong by 30 ms, more than the margin.
        room.run(1000);
        let before = room.source_stats(0);
        room.run(150_000);
        let stats = room.source_stats(0);
        assert_eq!((stats.lost, stats.late), (before.lost, before.late), "{ppm}");
        assert!(stats.delay < Duration::from_millis(60), "{ppm}: {stats:?}");
        let moved = (stats.stretched as i64 - stats.compressed as i64) as f64 * -ppm.signum();
        assert!((240.0..1920.0).contains(&moved), "{ppm}: {stats:?}");
        room.forget();
        room.run(2000);
        assert!((0.8..1.1).contains(&room.share(Ear::Of(Seat(1)), 0)), "{ppm}");
    }
}

/// As a machine does that is too slow for its microphone.
#[test]
fn whoever_sends_less_than_a_second_in_a_second_is_heard_all_the_same() {
    for ppm in [-90_000.0, -150_000.0] {
        let mut room = Room::of(3, Habits { ppm, ..Habits::GOOD }, 2);
        room.speak([0, 1]);
        room.run(5000);
        for second in 0..20 {
            room.forget();
            room.run(1000);
            // Periods that are put in shift what follows, so that a whole second of the tone does not add up.
            let pieces: Vec<&[i16]> = room.heard[&Ear::Of(Seat(2))].sound.chunks_exact(4800).collect();
            for speaker in [0, 1] {
                let sum: f64 = pieces.iter().map(|piece| amplitude(piece, tone(speaker))).sum();
                let share = sum / pieces.len() as f64 / AMPLITUDE;
                assert!(0.8 < share, "{ppm}: {share} of {speaker} in second {second}");
            }
        }
    }
}

#[test]
fn a_line_that_has_become_slower_is_waited_for_within_two_seconds() {
    let mut room = Room::of(3, Habits::GOOD, 2);
    room.speak([0, 1]);
    room.run(5000);
    room.person(0).go_over_to(Line { delay: Duration::from_millis(700), ..Line::GOOD });
    room.run(2700);
    room.forget();
    room.run(1500);
    room.assert_all_hear(&[0, 1]);
}

#[test]
fn numbers_wrap_and_nobody_notices() {
    for habits in Habits::EACH {
        // Timestamps after some 800 ms, sequence numbers before.
        let numbers = (65_500, u32::MAX - habits.codec.clock_rate() / 6 * 5);
        let mut room = Room::of(3, Habits { numbers, ..habits }, 2);
        room.speak([0, 1]);
        room.run(500);
        room.forget();
        room.run(2000);
        room.assert_all_hear(&[0, 1]);
        assert_eq!(room.source_stats(0).lost + room.source_stats(0).strange, 0);
    }
}

#[test]
fn a_source_that_stalls_fades_and_holds_nobody_up() {
    let mut room = Room::of(3, Habits::GOOD, 2);
    room.speak([0, 1]);
    room.run(1000);
    room.person(0).is_stalled = true;
    room.run(500);
    room.forget();
    room.run(2000);
    let share = room.share(Ear::Of(Seat(2)), 1);
    assert!((0.6..1.3).contains(&share), "the other is heard: {share}");
    assert!(room.share(Ear::Of(Seat(2)), 0) < 0.03);
    assert_eq!(room.heard[&Ear::Of(Seat(2))].sound.len() / 960, 100, "each tick has its frame");
    room.person(0).is_stalled = false;
    room.run(500);
    room.forget();
    room.run(1500);
    room.assert_all_hear(&[0, 1]);
}

#[test]
fn a_sender_that_begins_anew_is_followed() {
    let mut room = Room::of(2, Habits::GOOD, 2);
    room.speak([0, 1]);
    room.run(1000);
    room.person(0).restart(40_000, 3_000_000_000);
    room.run(500);
    room.forget();
    room.run(1500);
    room.assert_all_hear(&[0, 1]);
    assert_eq!(room.source_stats(0).strange, 2);
}
