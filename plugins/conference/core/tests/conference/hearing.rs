//! Everybody hears all the others and not themselves, from the first syllable on.

use std::time::Duration;

use convene_conference::{Channels, Codec, Ear, FRAME, Input, Pace, Seat, Volume};
use convene_test_support::{AMPLITUDE, Tone, amplitude};

use crate::room::{Habits, Room};

const SILENT_ABOUT_LEVELS: Habits = Habits { tells_level: false, ..Habits::GOOD };

#[test]
fn three_people_hear_each_other_and_not_themselves() {
    let mut room = Room::of(5, Habits::GOOD, 1);
    room.listen(Ear::All);
    room.speak([0, 1, 2]);
    room.run(1000);
    room.forget();
    room.run(2000);
    room.assert_all_hear(&[0, 1, 2]);
}

#[test]
fn who_tells_no_level_is_heard_as_well() {
    let mut room = Room::of(4, SILENT_ABOUT_LEVELS, 1);
    room.speak([0, 3]);
    room.run(1000);
    room.forget();
    room.run(2000);
    room.assert_all_hear(&[0, 3]);
}

#[test]
fn samples_and_opus_without_rtp_are_heard_as_well() {
    let mut room = Room::of(2, Habits::GOOD, 1);
    let (left, packed) = (Seat(20), Seat(21));
    room.handle(Input::Join(left, Pace::Live));
    room.handle(Input::Join(packed, Pace::Live));
    let mut tones = [Tone::new(2000.0), Tone::new(2500.0)];
    let mut encoder = opus::Encoder::new(48_000, opus::Channels::Stereo, opus::Application::Voip)
        .expect("such an encoder can be made");
    for frame in 0..150 {
        let [samples, opus] = tones.each_mut().map(|tone| {
            tone.next(FRAME, AMPLITUDE).into_iter().flat_map(|sample| [sample, sample]).collect::<Vec<i16>>()
        });
        // Stamped when it came, which is a little uneven.
        let stamp = room.now + Duration::from_millis(frame * 3 % 7);
        room.handle(Input::Samples(left, Some(stamp), Channels::Stereo, &samples));
        let packet = encoder.encode_vec(&opus, 1400).expect("20 ms can be encoded");
        room.handle(Input::Opus(packed, None, &packet));
        room.run(20);
    }
    let sound = &room.heard[&Ear::Of(Seat(0))].sound;
    for hertz in [2000.0, 2500.0] {
        let share = amplitude(&sound[48_000..], hertz) / AMPLITUDE;
        assert!((0.6..1.3).contains(&share), "{hertz} Hz is heard with {share:.3}");
    }
}

#[test]
fn people_join_and_leave_while_others_speak() {
    let mut room = Room::of(2, Habits::GOOD, 3);
    room.speak([0]);
    room.run(1000);
    room.join(2, Habits::GOOD);
    room.speak([2]);
    room.run(1000);
    room.forget();
    room.run(1500);
    room.assert_all_hear(&[0, 2]);
    room.leave(0);
    room.run(1500);
    room.forget();
    room.run(1500);
    room.assert_all_hear(&[2]);
    room.join(0, Habits::GOOD);
    room.speak([0]);
    room.run(1000);
    room.forget();
    room.run(1500);
    room.assert_all_hear(&[0, 2]);
}

#[test]
fn who_is_muted_is_not_heard() {
    let mut room = Room::of(3, Habits::GOOD, 3);
    room.speak([0, 1]);
    room.run(1000);
    room.handle(Input::Mute(Seat(1), true));
    room.run(1500);
    room.forget();
    room.run(1500);
    room.assert_all_hear(&[0]);
    room.handle(Input::Mute(Seat(1), false));
    room.run(1000);
    room.forget();
    room.run(1500);
    room.assert_all_hear(&[0, 1]);
}

#[test]
fn a_listener_turns_the_others_up_and_down_for_himself_alone() {
    for habits in [Habits::GOOD, Habits::phone(Codec::Pcmu)] {
        let mut room = Room::of(4, habits, 3);
        room.speak([0, 1]);
        room.run(1000);
        // One who speaks, and one who does not.
        for (decibels, least, most) in [(6, 1.6, 2.4), (-12, 0.15, 0.4), (0, 0.7, 1.3)] {
            for seat in [1, 2] {
                room.handle(Input::Turn(Ear::Of(Seat(seat)), Volume::of(decibels)));
            }
            room.run(1000);
            room.forget();
            room.run(1500);
            for seat in 0..4 {
                let bounds = if matches!(seat, 1 | 2) { least..most } else { 0.7..1.3 };
                let share = room.share(Ear::Of(Seat(seat)), if seat == 0 { 1 } else { 0 });
                assert!(bounds.contains(&share), "{habits:?}: {seat} hears {share:.3} at {decibels}");
            }
        }
    }
}

#[test]
fn the_first_syllable_is_not_cut() {
    const SYLLABLE_MILLIS: u64 = 200;
    for habits in Habits::EACH {
        let mut room = Room::of(3, habits, 5);
        room.run(2000);
        room.forget();
        room.speak([0]);
        room.run(SYLLABLE_MILLIS);
        room.hush([0]);
        room.run(1000);
        let sound = &room.heard[&Ear::Of(Seat(1))].sound;
        let pieces = sound.chunks(480).filter(|piece| piece.iter().any(|sample| 2000 < sample.abs()));
        let heard_millis = pieces.count() as u64 * 10;
        assert!((SYLLABLE_MILLIS - 10..=SYLLABLE_MILLIS + 60).contains(&heard_millis), "{heard_millis} ms");
    }
}

#[test]
fn who_speaks_is_told_when_it_changes() {
    let mut room = Room::of(3, Habits::GOOD, 5);
    room.run(500);
    assert!(room.talkers.is_empty());
    room.speak([1]);
    room.run(1000);
    room.hush([1]);
    room.run(2000);
    let told: Vec<Vec<u32>> =
        room.talkers.iter().map(|talkers| talkers.iter().map(|(seat, _)| seat.0).collect()).collect();
    assert_eq!((told.first(), told.last()), (Some(&vec![1]), Some(&vec![])));
    assert!((5..16).contains(&told.len()), "about five times a second, not {} times", told.len());
    assert!(
        room.talkers[0].iter().all(|(_, level)| (-25..-15).contains(&level.dbov())),
        "{:?}",
        room.talkers[0]
    );
}

#[test]
fn the_loudest_few_are_heard_when_all_speak() {
    let mut room = Room::of(7, Habits::GOOD, 5);
    room.listen(Ear::All);
    room.speak(0..7);
    room.run(1000);
    room.forget();
    room.run(1000);
    let heard = (0..7).filter(|seat| 0.3 < room.share(Ear::All, *seat)).count();
    assert_eq!(heard, convene_conference::TALKERS_MAX);
}
