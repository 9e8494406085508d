//! A participant alone, as a recorder wants them.

use std::{sync::Arc, time::Duration};

use convene_conference::{Channels, Codec, Delivery, Ear, FRAME, Input, Piece, Seat, TICK};
use convene_test_support::{AMPLITUDE, Line, amplitude};

use crate::room::{Habits, Room, tone};

/// All that came of this seat, decoded one after the other.
fn sound(pieces: &[Piece]) -> Vec<i16> {
    let mut decoder = opus::Decoder::new(48_000, opus::Channels::Mono).expect("such a decoder can be made");
    let mut sound = Vec::new();
    for piece in pieces {
        let start = sound.len();
        sound.resize(start + FRAME, 0);
        assert_eq!(decoder.decode(&piece.packet, &mut sound[start..], false).ok(), Some(FRAME));
    }
    sound
}

/// When it becomes loud.
fn onset<'a>(frames: impl Iterator<Item = (Duration, &'a [i16])>) -> Duration {
    let loud = |sample: &i16| AMPLITUDE / 2.0 < f64::from(*sample);
    let mut found =
        frames.filter_map(|(at, frame)| Some(at + TICK * frame.iter().position(loud)? as u32 / FRAME as u32));
    found.next().expect("somebody speaks")
}

#[test]
fn who_is_wanted_alone_comes_alone_heard_or_not() {
    for habits in Habits::EACH {
        let mut room = Room::of(6, habits, 1);
        room.handle(Input::Solo(Seat(1), true));
        room.handle(Input::Solo(Seat(5), true));
        // More than the mix takes.
        room.speak(0..6);
        room.run(3000);
        for seat in [1, 5] {
            let pieces = room.solos(seat);
            assert!((140..=150).contains(&pieces.len()), "{} of {habits:?}", pieces.len());
            let sound = sound(&pieces);
            for other in 0..6 {
                let share = amplitude(&sound[48_000..], tone(other)) / AMPLITUDE;
                let wanted = if other == seat { 0.6..1.3 } else { 0.0..0.03 };
                assert!(wanted.contains(&share), "{other} in the sound of {seat}: {share:.3} by {habits:?}");
            }
            assert!(pieces[1..].iter().all(|piece| piece.follows), "{habits:?}");
        }
        assert_eq!(room.solos(0), []);
    }
}

#[test]
fn packets_of_opus_are_not_made_anew() {
    let mut room = Room::of(2, Habits::GOOD, 1);
    room.handle(Input::Solo(Seat(0), true));
    let packets: Vec<Vec<u8>> = (0..20).map(|_| room.person(0).next_packet()).collect();
    let payloads: Vec<Arc<[u8]>> = packets
        .iter()
        .map(|packet| Arc::from(convene_conference::rtp::Packet::parse(packet).expect("RTP").payload))
        .collect();
    for packet in &packets {
        let wire = crate::room::WIRE;
        room.handle(Input::Rtp(Seat(0), wire, packet));
        room.run(20);
    }
    room.run(100);
    let came: Vec<Arc<[u8]>> = room.solos(0).into_iter().map(|piece| piece.packet).collect();
    assert!(came.windows(payloads.len()).any(|window| window == payloads), "{} came", came.len());
}

/// A burst of tone is at the same place alone and in the mix, within a tick.
#[test]
fn alone_it_stands_where_it_stands_in_the_mix() {
    for habits in [
        Habits::GOOD,
        Habits { line: Line { jitter: Duration::from_millis(60), ..Line::GOOD }, ..Habits::GOOD },
    ] {
        let mut room = Room::of(2, habits, 7);
        room.handle(Input::Solo(Seat(0), true));
        room.handle(Input::Listen(Ear::All, Delivery::Samples(Channels::Mono)));
        room.run(4000);
        room.speak([0]);
        room.run(1000);
        let pieces = room.solos(0);
        let sounds = sound(&pieces);
        let alone = onset(pieces.iter().map(|piece| piece.at).zip(sounds.chunks(FRAME)));
        let mixed = onset(room.frames.iter().map(|(at, frame)| (*at, &frame[..])));
        let apart = mixed.abs_diff(alone);
        assert!(apart <= Duration::from_millis(15), "{alone:?} alone, {mixed:?} in the mix");
    }
}

#[test]
fn nothing_comes_of_who_is_muted_and_a_gap_is_told() {
    for codec in [Codec::Opus, Codec::Pcmu] {
        let mut room = Room::of(2, Habits { codec, tells_level: false, ..Habits::GOOD }, 1);
        room.handle(Input::Solo(Seat(0), true));
        room.speak([0]);
        room.run(1000);
        room.handle(Input::Mute(Seat(0), true));
        let before = room.solos(0).len();
        room.run(1000);
        assert_eq!(room.solos(0).len(), before);
        room.handle(Input::Mute(Seat(0), false));
        room.run(1000);
        let pieces = room.solos(0);
        assert!(before + 45 < pieces.len());
        let gaps = pieces[1..].iter().filter(|piece| !piece.follows).count();
        assert_eq!(gaps, 1);
        assert!(pieces.is_sorted_by_key(|piece| piece.at));

        room.handle(Input::Solo(Seat(0), false));
        room.run(1000);
        assert_eq!(room.solos(0).len(), pieces.len(), "nobody wants it any more");
    }
}

#[test]
fn a_lost_packet_is_a_gap() {
    let habits = Habits { line: Line { loss_per_mille: 50, ..Line::GOOD }, ..Habits::GOOD };
    let mut room = Room::of(1, habits, 3);
    room.handle(Input::Solo(Seat(0), true));
    room.speak([0]);
    room.run(10_000);
    let pieces = room.solos(0);
    let lost = room.source_stats(0).missing();
    let gaps = pieces[1..].iter().filter(|piece| !piece.follows).count() as u64;
    assert!(0 < gaps && gaps <= lost, "{gaps} gaps of {lost} lost packets");
}

/// It may be wanted before the participant comes.
#[test]
fn who_joins_later_comes_from_the_first_packet_on() {
    let mut room = Room::of(1, Habits::GOOD, 1);
    room.handle(Input::Solo(Seat(7), true));
    room.run(2000);
    room.join(7, Habits::GOOD);
    room.speak([7]);
    room.run(1000);
    let first = room.solos(7)[0].at;
    assert!((2000..2100).contains(&first.as_millis()), "{first:?}");
}

/// Encoding all that hundreds of telephones do not say would cost more than the mix.
#[test]
fn of_a_telephone_comes_what_is_said() {
    let mut room = Room::of(2, Habits::phone(Codec::Pcma), 1);
    room.handle(Input::Solo(Seat(0), true));
    room.run(2000);
    assert_eq!(room.solos(0), []);
    room.speak([0]);
    room.run(1000);
    room.hush([0]);
    room.run(3000);
    let pieces = room.solos(0);
    assert!(
        (70..90).contains(&pieces.len()),
        "{} pieces of a second, and half a second after it",
        pieces.len()
    );
    let sound = sound(&pieces);
    assert!(0.6 < amplitude(&sound[9600..48_000], tone(0)) / AMPLITUDE);
    let first = pieces[0].at;
    assert!((1960..2080).contains(&first.as_millis()), "{first:?}");
}
