//! Whatever comes over the wire: refused or taken in, never a panic, and nobody else hears of it.

use std::time::Duration;

use convene_conference::{
    Channels, Codec, Conference, Delivery, Ear, Input, OpusSettings, Output, Pace, Seat, Wire, rtp::Header,
};
use proptest::prelude::*;

use crate::room::{Habits, Room, WIRE};

/// A packet as a caller might send it, with its header's first bytes and its payload by chance.
fn packet() -> impl Strategy<Value = Vec<u8>> {
    let header = (any::<u16>(), any::<u32>(), 0..3u32, prop::option::of(any::<u8>()));
    let near = (0..200u16, 0..400_000u32, 0..1u32, prop::option::weighted(0.1, any::<u8>()));
    let payload = prop::collection::vec(any::<u8>(), 0..80);
    (prop_oneof![header, near], payload).prop_map(|((sequence, timestamp, ssrc, first), payload)| {
        let mut packet =
            Header { payload_type: 111, marker: false, sequence, timestamp, ssrc }.write(&payload);
        packet[0] = first.unwrap_or(packet[0]);
        packet
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_packets_at_any_time(
        packets in prop::collection::vec((packet(), 0..60u64), 1..120),
        tells_level: bool,
        codec in prop::sample::select(&Codec::ALL),
    ) {
        let mut conference = Conference::new(Channels::Mono, OpusSettings::default());
        let mut now = Duration::ZERO;
        let wire = Wire { codec, payload_type: Some(111), level_id: tells_level.then_some(1), captured: None };
        conference.handle(Input::Join(Seat(0), Pace::Live), now).expect("anybody may join");
        conference
            .handle(Input::Listen(Ear::All, Delivery::Samples(Channels::Mono)), now)
            .expect("anybody may listen");
        for (packet, millis) in packets {
            now += Duration::from_millis(millis);
            let _ = conference.handle(Input::Rtp(Seat(0), wire, &packet), now);
            conference.handle(Input::Timeout, now).expect("time goes on");
            while !matches!(conference.poll(), Output::Timeout(_)) {}
            prop_assert!(conference.ready(Seat(0)).expect("somebody sits there") < Duration::from_secs(30));
        }
    }
}

#[test]
fn every_truncated_packet_is_taken_or_refused() {
    let mut room = Room::of(3, Habits::GOOD, 4);
    room.speak([0, 1, 2]);
    room.run(500);
    let whole = room.person(2).next_packet();
    for length in 0..whole.len() {
        let _ = room.conference.handle(Input::Rtp(Seat(2), WIRE, &whole[..length]), room.now);
        room.run(5);
    }
    room.run(500);
    room.forget();
    room.run(1500);
    room.assert_all_hear(&[0, 1, 2]);
}

#[test]
fn a_flood_from_one_is_not_heard_by_others() {
    let mut room = Room::of(3, Habits::GOOD, 4);
    room.speak([0, 1]);
    room.run(1000);
    room.forget();
    let mut chance = 1u32;
    for _ in 0..200 {
        for _ in 0..50 {
            chance = chance.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let payload = [0x78, (chance >> 24) as u8, (chance >> 16) as u8, 1, 2, 3];
            let header = Header {
                payload_type: 111,
                marker: false,
                sequence: (chance >> 8) as u16,
                timestamp: chance,
                ssrc: chance >> 30,
            };
            let _ = room.conference.handle(Input::Rtp(Seat(2), WIRE, &header.write(&payload)), room.now);
        }
        room.run(10);
    }
    for (ear, of) in [(0, 1), (1, 0)] {
        let share = room.share(Ear::Of(Seat(ear)), of);
        assert!((0.5..1.4).contains(&share), "{ear} hears {share:.3} of {of}");
    }
}

#[test]
fn nobody_sits_there() {
    let mut conference = Conference::new(Channels::Mono, OpusSettings::default());
    let error = conference.handle(Input::Rtp(Seat(9), WIRE, &[]), Duration::ZERO).expect_err("nobody joined");
    assert_eq!(error.to_string(), "nobody has joined on seat 9");
    conference.handle(Input::Join(Seat(9), Pace::Live), Duration::ZERO).expect("anybody may join");
    let error = conference.handle(Input::Opus(Seat(9), None, &[]), Duration::ZERO).expect_err("no Opus");
    assert_eq!(error.to_string(), "0 bytes are no packet of OPUS");
}
