//! Datagrams that no peer sends: by chance, and altered from those that peers do send.

use std::time::Duration;

use convene_relay::{Input, Remote};

use crate::network::Line;
use crate::world::{World, address, relay, single};

/// So many a run; the parsers' own tests have more.
const DATAGRAMS: usize = 30_000;

#[test]
fn a_flood_disturbs_nobody() {
    let mut world = World::new(2, 61);
    world.join(single(200), 1, Line::GOOD);
    let bob = world.join(Vec::new(), 1, Line::GOOD);
    world.run(Duration::from_secs(1));
    let before = world.browsers[bob].screen(0).shown.len();
    for round in 0..DATAGRAMS {
        let length = world.network.roll(120) as usize;
        let mut bytes: Vec<u8> = (0..length).map(|_| world.network.roll(256) as u8).collect();
        // Half look like what the relay expects: STUN, DTLS, RTP and RTCP, and half of these come from a peer's own address.
        if let Some(first) = bytes.first_mut() {
            *first = [0, 0, 20, 22, 0x80, 0x81, 0x90, *first][world.network.roll(8) as usize];
        }
        if length > 8 && bytes[0] == 0 {
            bytes[..8].copy_from_slice(&[
                0,
                1,
                0,
                length as u8 - 20.min(length as u8),
                0x21,
                0x12,
                0xa4,
                0x42,
            ]);
        }
        let from = match world.network.roll(4) {
            0 => address(bob),
            1 => address(0),
            other => address(100 + other as usize),
        };
        let shard = world.network.roll(2) as usize;
        // Records of DTLS from a peer's own address could be its own; those that break the handshake's rules may end it.
        if matches!(bytes.first(), Some(20..64)) && (from == address(bob) || from == address(0)) {
            continue;
        }
        let now = world.now;
        world.shards[shard]
            .handle(Input::Datagram { peer: Remote::Udp(from), own: relay(), bytes: &bytes }, now);
        if round % 300 == 0 {
            world.run(Duration::from_millis(10));
        }
    }
    world.run(Duration::from_secs(1));
    let frames = world.browsers[bob].screen(0).shown.len() - before;
    assert!(frames > 50, "the picture went on: {frames} frames in two seconds");
    assert_eq!(world.shards.iter().map(|shard| shard.peer_count()).sum::<usize>(), 2);
}
