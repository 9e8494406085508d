//! The sound of a call: keys, sources, seams.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use convene_conference::Codec;
use convene_conference::rtp::{Header, Packet};
use convene_sip::{Agreement, Chance, Crypto, Ours, Received, SILENCE_MAX, Session, Suite};

use crate::world::{PCMU, World};

const MILLI: Duration = Duration::from_millis(1);

fn now() -> Instant {
    World::new("").now
}

fn address(text: &str) -> SocketAddr {
    text.parse().expect("an address")
}

fn packet(payload_type: u8, sequence: u16, ssrc: u32) -> Vec<u8> {
    let timestamp = u32::from(sequence) * 160;
    Header { payload_type, marker: false, sequence, timestamp, ssrc }.write(&[9; 160])
}

fn plain(now: Instant) -> Session {
    Session::new(Agreement::choose(PCMU, None).expect("a good offer"), None, (7, 65_530, 5000), now)
}

fn secure(key: &Crypto) -> Agreement {
    let sdp = PCMU.replace("RTP/AVP", "RTP/SAVP") + &format!("a=crypto:{}\r\n", key.write());
    Agreement::choose(&sdp, None).expect("a good offer")
}

/// A session with these keys.
fn keyed(theirs: &Crypto, ours: &Crypto, chance: (u32, u16, u32), now: Instant) -> Session {
    Session::new(secure(theirs), Some(&Ours::Key(ours.clone())), chance, now)
}

fn rekey(session: &mut Session, theirs: &Crypto, ours: &Crypto, now: Instant) {
    session.change(secure(theirs), Some(&Ours::Key(ours.clone())), now);
}

#[test]
fn both_ways_are_encrypted_and_keep_their_counters_through_a_change() {
    let mut chance = Chance::new([3; 32]);
    for suite in [Suite::Tag80, Suite::Tag32] {
        let (ours, theirs) = (Crypto::new(1, suite, &mut chance), Crypto::new(1, suite, &mut chance));
        let now = now();
        let (bridge_at, phone_at) = (address("192.0.2.1:7800"), address("192.0.2.7:4000"));
        let mut bridge = keyed(&theirs, &ours, (7, 65_500, 0), now);
        let mut phone = keyed(&ours, &theirs, (8, 65_400, 0), now);
        for sequence in 0..300 {
            let (to, sent) = phone.send(&packet(0, sequence, 1), Codec::Pcmu, now).expect("it goes");
            assert_eq!(
                to.port(),
                if sequence == 0 { 4000 } else { 7800 },
                "as was said, then to where it comes from"
            );
            let Received::Voice(voice) = bridge.receive(phone_at, &sent, now) else {
                panic!("{sequence} is heard")
            };
            assert_eq!(Packet::parse(&voice).expect("a good packet").payload, [9; 160]);
            assert_eq!(bridge.receive(phone_at, &sent, now), Received::Nothing, "it is not heard twice");
            let (_, back) = bridge.send(&packet(0, sequence, 2), Codec::Pcmu, now).expect("it goes");
            assert!(matches!(phone.receive(bridge_at, &back, now), Received::Voice(_)), "{sequence}");
            // Held and resumed while the sequence has wrapped: the keys are the same, under other tags, and so are the counts of wraps.
            if sequence == 250 {
                let [ours, theirs] = [&ours, &theirs].map(|crypto| Crypto { tag: 2, ..crypto.clone() });
                rekey(&mut bridge, &theirs, &ours, now);
                rekey(&mut phone, &ours, &theirs, now);
            }
        }
        let later = now + Duration::from_secs(6);
        let (_, report, is_with_sound) = bridge.report(later).expect("a report is due");
        assert!(
            !is_with_sound && !report.windows(7).any(|window| window == b"convene"),
            "it is encrypted, too"
        );
        phone.receive_report(bridge_at, &report, later);
        assert_eq!(phone.stats().lost, 0.0);
        let stranger = keyed(&theirs, &theirs, (9, 0, 0), now).send(&packet(0, 1, 1), Codec::Pcmu, now);
        assert_eq!(
            phone.receive(bridge_at, &stranger.expect("it goes").1, now),
            Received::Nothing,
            "another's key"
        );
    }
}

#[test]
fn another_suite_brings_another_key() {
    let mut chance = Chance::new([4; 32]);
    let mut keys = |suite| [(); 2].map(|()| Crypto::new(1, suite, &mut chance));
    let [[ours, theirs], [our_next, their_next]] = [keys(Suite::Tag80), keys(Suite::Tag32)];
    let now = now();
    let phone_at = address("192.0.2.7:4000");
    let mut bridge = keyed(&theirs, &ours, (7, 1, 0), now);
    rekey(&mut bridge, &their_next, &our_next, now);
    let mut phone = keyed(&our_next, &their_next, (8, 1, 0), now);
    let (_, sent) = bridge.send(&packet(0, 1, 2), Codec::Pcmu, now).expect("it goes");
    assert!(matches!(phone.receive(phone_at, &sent, now), Received::Voice(_)));
    let (_, sent) = phone.send(&packet(0, 1, 2), Codec::Pcmu, now).expect("it goes");
    assert!(matches!(bridge.receive(phone_at, &sent, now), Received::Voice(_)));
}

#[test]
fn packets_go_to_where_they_come_from() {
    let now = now();
    let mut session = plain(now);
    let to = |session: &mut Session| session.send(&packet(0, 1, 2), Codec::Pcmu, now).expect("it goes").0;
    assert_eq!(to(&mut session), address("192.0.2.7:4000"), "as the caller has said");
    let [first, other] = ["198.51.100.9:1111", "203.0.113.9:2222"].map(address);
    let hears = |session: &mut Session, from, at| {
        matches!(session.receive(from, &packet(0, 1, 3), at), Received::Voice(_))
    };
    assert!(hears(&mut session, first, now));
    assert_eq!(to(&mut session), first);
    assert!(!hears(&mut session, other, now + 999 * MILLI), "somebody else is not the caller");
    assert_eq!(to(&mut session), first);
    assert!(hears(&mut session, first, now + 1000 * MILLI));
    assert!(hears(&mut session, other, now + 2001 * MILLI), "unless the caller is silent");
    assert_eq!(to(&mut session), other);
}

#[test]
fn prompts_and_the_mix_are_one_stream() {
    let start = now();
    let mut session = plain(start);
    let mut sent: Vec<(Instant, Vec<u8>)> = Vec::new();
    let mut mix = |session: &mut Session, ssrc, count: u16, at: Instant| {
        for sequence in 0..count {
            let at = at + 20 * MILLI * u32::from(sequence);
            sent.extend(
                session.send(&packet(0, sequence, ssrc), Codec::Pcmu, at).map(|(_, bytes)| (at, bytes)),
            );
        }
    };
    mix(&mut session, 100, 5, start);
    session.play(Arc::new(vec![vec![1; 160]; 3]), start + 100 * MILLI);
    mix(&mut session, 100, 1, start + 110 * MILLI);
    for step in 5..8 {
        let at = start + 20 * MILLI * step;
        assert_eq!(session.due(), Some(at));
        sent.extend(session.tick(at).map(|(_, bytes)| (at, bytes)));
    }
    assert_eq!((session.due(), session.tick(start + 200 * MILLI)), (None, None));
    let mut mix = |session: &mut Session, ssrc, at: Instant| {
        sent.extend(session.send(&packet(0, 9, ssrc), Codec::Pcmu, at).map(|(_, bytes)| (at, bytes)));
    };
    mix(&mut session, 101, start + 160 * MILLI);
    assert_eq!(sent.len(), 9, "what is mixed during a prompt is not heard");
    let parsed: Vec<Packet<'_>> =
        sent.iter().map(|(_, bytes)| Packet::parse(bytes).expect("good packets")).collect();
    for (pair, at) in parsed.windows(2).zip(1_u32..) {
        assert_eq!(pair[1].sequence, pair[0].sequence.wrapping_add(1));
        let passed = pair[1].timestamp.wrapping_sub(pair[0].timestamp);
        assert!((158..=160).contains(&passed), "{at}: {passed} samples");
        assert_eq!((pair[1].ssrc, pair[1].marker), (7, [5, 8].contains(&at)), "{at}: a seam is marked");
    }
}

#[test]
fn a_caller_of_whom_nothing_comes_is_lost_unless_he_holds() {
    let now = now();
    let mut session = plain(now);
    assert_eq!(session.lost_at(), Some(now + SILENCE_MAX));
    let later = now + Duration::from_secs(30);
    session.receive_report(address("192.0.2.7:4001"), &[0x80, 201, 0, 1, 0, 0, 0, 1], later);
    assert_eq!(session.lost_at(), Some(later + SILENCE_MAX), "a report is a sign of life");
    let held = Agreement::choose(&format!("{PCMU}a=inactive\r\n"), None).expect("a good offer");
    session.change(held, None, later);
    assert_eq!(session.lost_at(), None);
}

#[test]
fn keys_are_found_and_not_heard() {
    let now = now();
    let mut session = plain(now);
    let from = address("192.0.2.7:4000");
    let event = |sequence, timestamp, event| {
        Header { payload_type: 101, marker: false, sequence, timestamp, ssrc: 3 }.write(&[event, 10, 0, 160])
    };
    assert_eq!(session.receive(from, &event(1, 800, 5), now), Received::Key('5'));
    assert_eq!(session.receive(from, &event(2, 800, 5), now), Received::Nothing);
    assert_eq!(session.receive(from, &event(3, 1600, 11), now), Received::Key('#'));
    assert_eq!(session.receive(from, &packet(13, 4, 3), now), Received::Nothing, "comfort noise");
    assert_eq!(session.receive(from, &packet(96, 5, 3), now), Received::Nothing, "what nobody agreed on");
    assert_eq!((session.stats().received, session.stats().refused), (4, 1));
}
