//! When what comes out was captured, by its senders' clocks.

use std::time::{Duration, Instant};

use convene_relay::{Input, PeerId, RoomEvent, TapId};

use crate::network::Line;
use crate::world::{ROOM, World, simulcast};

/// So many milliseconds may a camera and a voice that are sent by one clock be apart: the rounding of timestamps, and packets in a row.
const APART_MAX: i128 = 5;

/// From each packet's capture to its arrival, in milliseconds of two clocks.
fn ages(events: &[(Instant, RoomEvent)], start: Instant, of_voice: bool) -> Vec<Option<i128>> {
    let told = events.iter().filter_map(|(at, event)| match event {
        RoomEvent::Voice { captured, .. } if of_voice => Some((*at, *captured)),
        RoomEvent::Feed { packet, .. } if !of_voice => Some((*at, packet.captured)),
        _ => None,
    });
    let age = |(at, captured): (Instant, Option<Duration>)| {
        captured.map(|captured| captured.as_millis() as i128 - (at - start).as_millis() as i128)
    };
    told.map(age).collect()
}

#[test]
fn a_camera_and_a_voice_tell_the_time_of_one_clock() {
    let mut world = World::new(2, 5);
    let ann = world.join(simulcast(), 1, Line::GOOD);
    world.browsers[ann].voice_level = Some(-20);
    let peer = PeerId(ann as u64);
    world.tell(ann, Input::Tap { room: ROOM, tap: TapId(1), feed: peer });
    world.tell(ann, Input::TapVoice { room: ROOM, peer, on: true });
    world.run(Duration::from_secs(20));

    let (voice, camera) = (ages(&world.events, world.start, true), ages(&world.events, world.start, false));
    for ages in [&voice, &camera] {
        assert_eq!(ages.first(), Some(&None), "nobody reports before the first packet");
        let told = ages.iter().skip_while(|age| age.is_none());
        assert!(told.clone().count() > ages.len() / 2 && told.clone().all(Option::is_some), "{ages:?}");
    }
    let all: Vec<i128> = [voice, camera].concat().into_iter().flatten().collect();
    let (least, most) = (all.iter().min().expect("some"), all.iter().max().expect("some"));
    assert!(most - least <= APART_MAX, "{least} to {most}");
}
