//! Callers by telephone among the others: heard, hearing, and in nobody's way.

use std::time::Duration;

use convene_conference::{Codec, Ear, Input, Seat, Wire, rtp::Header};
use convene_test_support::{AMPLITUDE, Line, Tone, amplitude};

use crate::room::{Habits, Room};

const PHONES: [Codec; 3] = [Codec::Pcmu, Codec::Pcma, Codec::G722];

/// Seats from 0 on, by Opus, G.722, μ-law and A-law in turn.
fn mixed(count: u32, seed: u64) -> Room {
    let mut room = Room::new(seed);
    for seat in 0..count {
        let codec = Codec::ALL[seat as usize % 4];
        room.join(seat, if codec == Codec::Opus { Habits::GOOD } else { Habits::phone(codec) });
    }
    room
}

#[test]
fn callers_of_every_codec_hear_each_other_and_not_themselves() {
    let mut room = mixed(8, 1);
    room.listen(Ear::All);
    room.speak(0..4);
    room.run(1000);
    room.forget();
    room.run(2000);
    room.assert_all_hear(&[0, 1, 2, 3]);
}

#[test]
fn one_encode_serves_all_silent_listeners_of_a_codec() {
    let mut room = mixed(100, 1);
    room.speak([0, 1, 2]);
    room.run(1000);
    let before = room.stats();
    room.run(1000);
    let after = room.stats();
    let ticks = after.ticks - before.ticks;
    assert_eq!(ticks, 50);
    assert_eq!(after.encodes - before.encodes, ticks * (3 + 4), "one for each talker, one for each codec");
    assert_eq!(after.decodes - before.decodes, ticks * 3, "telephones are measured undecoded");
    assert_eq!(after.outputs - before.outputs, ticks * 100);
}

/// Most who say nothing are muted, and then by many telephones digital silence comes, fifty packets of it a second.
#[test]
fn the_silence_of_telephones_with_opus_is_not_decoded() {
    const PACKETS: u16 = 100;
    let mut room = Room::of(3, Habits { tells_level: false, ..Habits::GOOD }, 1);
    room.speak([0, 1]);
    room.person(2).is_stalled = true;
    let wire = Wire { codec: Codec::Opus, ..Wire::default() };
    for sequence in 0..PACKETS {
        room.run(20);
        let timestamp = u32::from(sequence) * 960;
        let silence = Header { payload_type: 111, marker: false, sequence, timestamp, ssrc: 1002 };
        room.handle(Input::Rtp(Seat(2), wire, &silence.write(&[0xf8, 0xff, 0xfe])));
    }
    let stats = room.source_stats(2);
    assert_eq!((stats.packets, stats.decoded, stats.lost), (PACKETS.into(), 0, 0));
    // Who begins after that is heard.
    room.person(2).restart(PACKETS, u32::from(PACKETS) * 960);
    room.person(2).is_stalled = false;
    room.speak([2]);
    room.run(1000);
    room.forget();
    room.run(2000);
    room.assert_all_hear(&[0, 1, 2]);
}

/// An encoder's word that nobody speaks saves most decodes.
#[test]
fn who_says_nothing_by_opus_is_seldom_decoded() {
    const SILENT: u64 = 16;
    let mut room = Room::of(18, Habits { tells_level: false, ..Habits::GOOD }, 1);
    room.speak([0, 1]);
    room.run(2000);
    let before = room.stats();
    room.run(1000);
    let decodes = room.stats().decodes - before.decodes;
    assert!((2 * 50 + SILENT..2 * 50 + SILENT * 15).contains(&decodes), "{decodes}");
    room.speak([2]);
    room.run(300);
    room.forget();
    room.run(2000);
    room.assert_all_hear(&[0, 1, 2]);
}

/// An encoder takes a tone for noise after a while, and is not believed.
#[test]
fn a_steady_tone_by_opus_stays_heard() {
    let mut room = Room::of(3, Habits { tells_level: false, ..Habits::GOOD }, 1);
    room.speak([0]);
    for _ in 0..10 {
        room.run(2000);
        room.forget();
        room.run(1000);
        room.assert_all_hear(&[0]);
    }
}

#[test]
fn a_telephone_lowers_nobody_else() {
    const HIGH: f64 = 7000.0;
    let mut room = mixed(6, 1);
    room.person(0).tone = Tone::new(HIGH);
    room.speak([0, 2, 3]);
    room.run(1000);
    room.forget();
    room.run(2000);
    let heard = |seat| amplitude(&room.heard[&Ear::Of(Seat(seat))].sound, HIGH) / AMPLITUDE;
    assert!((0.6..1.3).contains(&heard(4)), "by Opus: {}", heard(4));
    assert!(heard(2) < 0.03, "by telephone: {}", heard(2));
    // By telephone it is not heard as a tone that it is not, either.
    assert!(amplitude(&room.heard[&Ear::Of(Seat(2))].sound, 8000.0 - HIGH) / AMPLITUDE < 0.03);
}

#[test]
fn a_bad_line_is_concealed() {
    let line = Line { jitter: Duration::from_millis(200), loss_per_mille: 50, ..Line::GOOD };
    for codec in PHONES {
        let mut room = Room::of(3, Habits { line, ..Habits::phone(codec) }, 7);
        room.speak([0, 1, 2]);
        room.run(3000);
        room.forget();
        let before: Vec<_> = (0..3).map(|seat| room.source_stats(seat)).collect();
        room.run(5000);
        room.assert_all_hear(&[0, 1, 2]);
        for (seat, before) in before.iter().enumerate() {
            let stats = room.source_stats(seat as u32);
            assert!(before.lost < stats.lost && before.concealed < stats.concealed, "{codec:?}: {stats:?}");
            assert!(
                stats.late - before.late < 5,
                "{codec:?}: of 250 packets hardly any comes late: {stats:?}"
            );
            assert!(stats.delay < Duration::from_millis(260), "{codec:?}: {stats:?}");
        }
    }
}

#[test]
fn a_slow_clock_is_followed() {
    for codec in [Codec::Pcmu, Codec::G722] {
        let mut room = Room::of(2, Habits { ppm: -200.0, ..Habits::phone(codec) }, 2);
        room.speak([0]);
        room.run(1000);
        let before = room.source_stats(0);
        // After a minute the clock is wrong by 12 ms.
        room.run(60_000);
        let stats = room.source_stats(0);
        assert_eq!((stats.lost, stats.late), (before.lost, before.late), "{codec:?}");
        assert!((240..1920).contains(&stats.stretched) && stats.compressed == 0, "{codec:?}: {stats:?}");
        room.forget();
        room.run(2000);
        assert!((0.8..1.1).contains(&room.share(Ear::Of(Seat(1)), 0)), "{codec:?}");
    }
}

#[test]
fn telephones_get_packets_in_silence_and_others_rest() {
    let mut room = mixed(4, 1);
    room.speak([0]);
    room.run(500);
    room.hush([0]);
    room.run(2000);
    room.forget();
    room.run(2000);
    for (ear, heard) in &room.heard {
        let expected = if *ear == Ear::Of(Seat(0)) { 5 } else { 100 };
        assert_eq!(heard.payloads.len(), expected, "{ear:?}");
        assert!(heard.sound.iter().all(|sample| sample.abs() < 20), "{ear:?} hears silence");
    }
}

#[test]
fn a_conference_of_telephones_rests_when_nobody_sends() {
    let mut room = mixed(4, 1);
    room.speak([1, 2]);
    room.run(1000);
    (0..4).for_each(|seat| room.person(seat).is_stalled = true);
    room.run(4000);
    assert_eq!(room.due(), None);
    (0..4).for_each(|seat| room.person(seat).is_stalled = false);
    room.run(500);
    room.forget();
    room.run(1500);
    room.assert_all_hear(&[1, 2]);
}

#[test]
fn a_call_that_changes_its_codec_goes_on() {
    for (from, to) in [(Codec::Pcmu, Codec::G722), (Codec::G722, Codec::Pcma), (Codec::Pcma, Codec::Opus)] {
        let mut room = Room::of(2, Habits::phone(from), 3);
        room.speak([0, 1]);
        room.run(1000);
        for seat in [0, 1] {
            room.person(seat).speak_by(to);
            room.listen_by(Ear::Of(Seat(seat)), to);
        }
        room.run(500);
        room.forget();
        room.run(1500);
        room.assert_all_hear(&[0, 1]);
    }
}

/// A telephone with silence suppression: it says that it rests, and then nothing (RFC 3389).
#[test]
fn comfort_noise_is_a_rest_and_no_loss() {
    let mut room = Room::of(2, Habits::phone(Codec::Pcmu), 3);
    room.speak([0]);
    room.run(1000);
    let before = room.source_stats(0);
    let last = room.person(0).next_packet();
    let wire = Wire { codec: Codec::Pcmu, ..Wire::default() };
    room.handle(Input::Rtp(Seat(0), wire, &last));
    let sequence = u16::from_be_bytes([last[2], last[3]]).wrapping_add(1);
    let timestamp = u32::from_be_bytes([last[4], last[5], last[6], last[7]]).wrapping_add(160);
    let noise = Header { payload_type: 13, marker: false, sequence, timestamp, ssrc: 1000 };
    room.person(0).is_stalled = true;
    room.handle(Input::Rtp(Seat(0), wire, &noise.write(&[70])));
    room.forget();
    room.run(600);
    assert!(room.share(Ear::Of(Seat(1)), 0) < 0.15, "it has ended");
    room.person(0).restart(sequence.wrapping_add(1), timestamp + 640 * 8);
    room.person(0).is_stalled = false;
    room.run(1000);
    room.forget();
    room.run(1000);
    room.assert_all_hear(&[0]);
    let stats = room.source_stats(0);
    assert_eq!((stats.lost, stats.concealed), (before.lost, before.concealed));
}

/// Numbers that were not agreed upon, as those of digits (RFC 4733), are no sound.
#[test]
fn other_payloads_are_passed_over() {
    let mut room = Room::of(2, Habits::phone(Codec::G722), 3);
    room.run(500);
    let before = room.source_stats(0).packets;
    let digit = Header { payload_type: 101, marker: true, sequence: 7, timestamp: 8000, ssrc: 1000 };
    let wire = Wire { codec: Codec::G722, ..Wire::default() };
    room.handle(Input::Rtp(Seat(0), wire, &digit.write(&[5, 10, 0, 160])));
    assert_eq!(room.source_stats(0).packets, before);
}
