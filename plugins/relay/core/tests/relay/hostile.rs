//! Peers that mean harm: with another certificate than they offered, from addresses that never consented, and with all keys but nonsense to say.

use std::time::Duration;

use convene_relay::{Input, PeerId, PeerState, Wish};
use str0m::media::KeyframeRequestKind;
use str0m::rtp::RtpWrite;

use crate::network::Line;
use crate::world::{World, address, simulcast, single};

const SECOND: Duration = Duration::from_secs(1);

/// What a hostile camera sends next.
struct Sent {
    sequence: u64,
    timestamp: u32,
    marker: bool,
    payload: Vec<u8>,
}

/// Lets a peer send such packets at its own pace, in place of its camera.
fn send(
    world: &mut World,
    peer: usize,
    time: Duration,
    pace: Duration,
    mut next: impl FnMut(&mut World) -> Sent,
) {
    world.browsers[peer].encodings.iter_mut().for_each(|encoding| encoding.is_off = true);
    let end = world.now + time;
    while world.now < end {
        let Sent { sequence, timestamp, marker, payload } = next(world);
        let (now, browser) = (world.now, &mut world.browsers[peer]);
        let camera = browser.camera.expect("it has a camera");
        let mut direct = browser.rtc.direct_api();
        let stream = direct.stream_tx_by_mid(camera, None).expect("it was negotiated");
        stream.set_unpaced(true);
        stream.write_rtp(RtpWrite::new(96.into(), sequence.into(), timestamp, now, payload).marker(marker));
        browser.due = Some(now);
        world.run(pace);
    }
}

#[test]
fn whoever_has_another_certificate_than_was_offered_is_let_in_nowhere() {
    let another = |offer: String| {
        let (before, after) = offer.split_once("a=fingerprint:sha-256 ").expect("an offer has a fingerprint");
        let first = if after.starts_with("00") { "01" } else { "00" };
        format!("{before}a=fingerprint:sha-256 {first}{}", &after[2..])
    };
    let mut world = World::new(2, 101);
    let bob = world.join(Vec::new(), 1, Line::GOOD);
    let mallory = world.join_with(simulcast(), 1, Line::GOOD, another);
    world.browsers[mallory].voice_level = Some(-10);
    world.run(SECOND * 3);
    assert!(!world.browsers[mallory].is_connected);
    assert_eq!(world.states(mallory), [PeerState::Closed]);
    assert_eq!((world.feeds(), world.speakers()), (vec![], vec![]));
    assert!(world.browsers[bob].screen(0).shown.is_empty());
    assert_eq!(world.browsers[mallory].voices_heard, 0);
    assert_eq!(world.peer_count(), 1);
}

#[test]
fn what_comes_from_an_address_that_has_not_consented_reaches_nobody() {
    let mut world = World::new(2, 103);
    let ann = world.join(single(300), 1, Line::GOOD);
    let bob = world.join(Vec::new(), 1, Line::GOOD);
    world.browsers[ann].voice_level = Some(-10);
    world.run(SECOND * 2);
    assert_eq!((world.feeds(), world.speakers()), (vec![ann as u64], vec![ann as u64]));
    // Her own packets, with her own keys, but from elsewhere.
    world.browsers[ann].other_address = Some(address(200));
    world.run(Duration::from_millis(100));
    let shown = world.browsers[bob].screen(0).shown.len();
    world.run(SECOND * 4);
    assert_eq!(world.browsers[bob].screen(0).shown.len(), shown);
    assert_eq!((world.feeds(), world.speakers()), (vec![], vec![]));
    world.browsers[ann].other_address = None;
    world.run(SECOND * 2);
    assert!(world.browsers[bob].screen(0).shown.len() > shown + 40);
    assert_eq!(world.astray, 0, "nothing was answered");
}

#[test]
fn a_handshake_from_an_address_that_has_not_consented_is_none() {
    let mut world = World::new(2, 107);
    let mallory = world.join(single(300), 1, Line::GOOD);
    world.browsers[mallory].other_address = Some(address(200));
    world.run(SECOND * 31);
    assert_eq!(world.states(mallory), [PeerState::Failed]);
    assert!(!world.browsers[mallory].is_connected);
    assert_eq!((world.peer_count(), world.astray), (0, 0));
}

#[test]
fn malformed_pictures_disturb_nobody_who_looks_elsewhere() {
    let mut world = World::new(2, 109);
    let ann = world.join(single(300), 0, Line::GOOD);
    let bob = world.join(Vec::new(), 1, Line::GOOD);
    let cem = world.join(Vec::new(), 2, Line::GOOD);
    let mallory = world.join(single(300), 1, Line::GOOD);
    let wish = vec![Wish { feed: PeerId(ann as u64), height: 480 }];
    world.tell(bob, Input::Select { peer: PeerId(bob as u64), wish, others: false });
    world.run(SECOND * 2);
    world.browsers[cem].screens.iter_mut().for_each(|(_, screen)| screen.is_lenient = true);
    let before = [(bob, 0), (cem, 0)].map(|(viewer, slot)| world.browsers[viewer].screen(slot).shown.len());
    let asked = world.browsers[ann].asked.len();
    let mut sequence = 5_000;
    send(&mut world, mallory, SECOND * 10, Duration::from_millis(5), |world| {
        sequence += [1, 1, 1, 2, 500, 30_000][world.network.roll(6) as usize];
        let length = 1 + world.network.roll(1_100) as usize;
        let mut payload: Vec<u8> = (0..length).map(|_| world.network.roll(256) as u8).collect();
        // Half are a descriptor with all fields; some of these are key frames of whatever size.
        if world.network.roll(2) == 0 && 20 < payload.len() {
            payload[..3].copy_from_slice(&[0x90, 0xf0, 0x80]);
            payload[6] &= 0xfe;
            payload[9..12].copy_from_slice(&[0x9d, 0x01, 0x2a]);
        }
        let timestamp = world.network.roll(u64::from(u32::MAX)) as u32;
        Sent { sequence, timestamp, marker: world.network.roll(2) == 0, payload }
    });
    let after = [(bob, 0), (cem, 0)].map(|(viewer, slot)| world.browsers[viewer].screen(slot).shown.len());
    assert!(before[0] + 280 <= after[0] && before[1] + 280 <= after[1], "{before:?} {after:?}");
    assert!(world.browsers[ann].asked.len() <= asked + 2);
    assert_eq!(world.peer_count(), 4);
}

#[test]
fn a_slot_outlives_a_camera_whose_numbers_jump() {
    let mut world = World::new(1, 113);
    let mallory = world.join(single(300), 0, Line::GOOD);
    let bob = world.join(Vec::new(), 1, Line::GOOD);
    world.run(SECOND);
    world.browsers[bob].line.loss_per_mille = 300;
    world.browsers[bob].screens[0].1.is_lenient = true;
    let mut sequence = 5_000;
    send(&mut world, mallory, SECOND * 5, Duration::from_millis(20), |_| {
        // Two of these lost in a row are more than half of what the numbers count to: who decrypts would count wrong for good.
        sequence += 20_000;
        let key = [0x90, 0xe0, 0x80, 1, 0, 0, 0, 0, 0, 0x9d, 0x01, 0x2a, 0, 5, 0xe0, 1, 0, 0, 0, 7];
        Sent { sequence, timestamp: sequence as u32, marker: true, payload: key.to_vec() }
    });
    assert!(!world.browsers[bob].screen(0).shown.is_empty());
    world.tell(mallory, Input::Remove(PeerId(mallory as u64)));
    world.browsers[bob].line = Line::GOOD;
    let shown = world.browsers[bob].screen(0).shown.len();
    world.join(single(300), 0, Line::GOOD);
    world.run(SECOND * 5);
    assert!(world.browsers[bob].screen(0).shown.len() > shown + 30, "the next camera is seen there");
}

/// Lets a viewer ask for a key frame in one of its lines.
fn ask(world: &mut World, viewer: usize, line: usize) {
    let (now, browser) = (world.now, &mut world.browsers[viewer]);
    let mid = browser.screens[line].0;
    if let Some(stream) = browser.rtc.direct_api().stream_rx_by_mid(mid, None) {
        stream.request_keyframe(KeyframeRequestKind::Pli);
    }
    browser.due = Some(now);
}

#[test]
fn whoever_asks_for_key_frames_without_end_gets_one_a_second() {
    let mut world = World::new(2, 127);
    let ann = world.join(single(300), 0, Line::GOOD);
    let mallory = world.join(Vec::new(), 1, Line::GOOD);
    let bob = world.join(Vec::new(), 1, Line::GOOD);
    world.run(SECOND * 2);
    let (asked, shown) = (world.browsers[ann].asked.len(), world.browsers[bob].screen(0).shown.len());
    for _ in 0..2_000 {
        ask(&mut world, mallory, 0);
        world.run(Duration::from_millis(10));
    }
    let asked = world.browsers[ann].asked.len() - asked;
    assert!((15..=26).contains(&asked), "{asked} in 20 seconds: five, and one more each second");
    assert!(world.browsers[bob].screen(0).shown.len() - shown > 560);
}

#[test]
fn a_slot_that_asks_without_end_takes_nothing_from_the_others() {
    let mut world = World::new(2, 131);
    let cameras = [0, 1].map(|_| world.join(single(300), 0, Line::GOOD));
    let bob = world.join(Vec::new(), 2, Line::GOOD);
    world.run(SECOND * 2);
    for _ in 0..200 {
        ask(&mut world, bob, 0);
        world.run(Duration::from_millis(20));
    }
    let asked = cameras.map(|camera| world.browsers[camera].asked.len());
    ask(&mut world, bob, 1);
    world.run(Duration::from_millis(400));
    assert_eq!(world.browsers[cameras[1]].asked.len(), asked[1] + 1);
}
