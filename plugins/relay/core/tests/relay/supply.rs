//! Cameras of this process: seen as those of peers are, on every shard.

use std::time::Duration;

use convene_relay::{FEEDS_MAX, Input, PeerId, PicturePacket, RoomEvent, Wish};

use crate::camera::Encoding;
use crate::network::Line;
use crate::world::{ROOM, World, single};

const FRAME: Duration = Duration::from_millis(33);
const SCREEN: PeerId = PeerId(1_000);

/// A camera of this process.
struct Projector {
    encoding: Encoding,
    feed: PeerId,
    is_screen: bool,
    ssrc: u32,
    sequence: u16,
    number: u32,
}

impl Projector {
    fn new(feed: PeerId) -> Self {
        Self {
            encoding: Encoding::new(None, 720, 600),
            feed,
            is_screen: false,
            ssrc: 5,
            sequence: 65_500,
            number: 0,
        }
    }

    fn play(&mut self, world: &mut World, frames: usize) {
        for _ in 0..frames {
            let wanted = |(_, event): &(_, RoomEvent)| matches!(event, RoomEvent::KeyframeWanted(feed) if *feed == self.feed);
            self.encoding.wants_key |= world.events.iter().any(wanted);
            world.events.retain(|event| !wanted(event));
            for piece in self.encoding.frame(self.number) {
                let packet = PicturePacket {
                    ssrc: self.ssrc,
                    sequence: self.sequence,
                    timestamp: self.number.wrapping_mul(2_970),
                    marker: piece.marker,
                    captured: None,
                    is_screen: self.is_screen,
                    payload: piece.payload.into(),
                };
                self.sequence = self.sequence.wrapping_add(1);
                world.tell(self.feed.0 as usize, Input::Supply { room: ROOM, feed: self.feed, packet });
            }
            self.number += 1;
            world.run(FRAME);
        }
    }
}

#[test]
fn a_supplied_camera_is_seen_on_every_shard_and_by_who_comes_late() {
    for shards in [1, 2, 3] {
        let mut world = World::new(shards, 3);
        let mut projector = Projector::new(SCREEN);
        let viewers: Vec<usize> = (0..3).map(|_| world.join(Vec::new(), 2, Line::GOOD)).collect();
        projector.play(&mut world, 60);
        assert_eq!(world.feeds(), [SCREEN.0]);
        let late = world.join(Vec::new(), 2, Line::GOOD);
        projector.play(&mut world, 60);
        for viewer in viewers {
            let shown = world.browsers[viewer].screen(0).shown.len();
            assert!(100 < shown, "{shown} of 120 frames, {shards} shards");
        }
        let shown = world.browsers[late].screen(0).shown.len();
        assert!(40 < shown, "{shown} of 60 frames for who came late, {shards} shards");
        assert!((2..=6).contains(&projector.encoding.keys), "{} key frames", projector.encoding.keys);
    }
}

#[test]
fn a_screen_is_seen_first_by_those_who_wish_for_it_and_by_nobody_else() {
    let mut world = World::new(2, 3);
    let ann = world.join(single(300), 1, Line::GOOD);
    let [bob, cem] = [(); 2].map(|()| world.join(Vec::new(), 1, Line::GOOD));
    let wish = vec![Wish { feed: SCREEN, height: 720 }];
    world.tell(cem, Input::Select { peer: PeerId(cem as u64), wish, others: true });
    let mut projector = Projector { is_screen: true, ..Projector::new(SCREEN) };
    let seen = |world: &World, viewer: usize| world.browsers[viewer].screen(0).shown.len();
    world.run(Duration::from_secs(2));
    let before = [bob, cem].map(|viewer| seen(&world, viewer));
    assert!(before.iter().all(|shown| 30 < *shown), "Ann's camera, while there is no screen: {before:?}");

    projector.play(&mut world, 60);
    assert_eq!(world.feeds(), [ann as u64], "it is no camera");
    let slots = |viewer: usize| {
        let told = world.events.iter().rev().find_map(|(_, event)| match event {
            RoomEvent::Slots { peer, slots } if peer.0 == viewer as u64 => Some(slots[0].1),
            _ => None,
        });
        told.flatten()
    };
    assert_eq!([slots(bob), slots(cem)], [Some(PeerId(ann as u64)), Some(SCREEN)]);
    assert!(40 < seen(&world, cem) - before[1]);

    let before = seen(&world, cem);
    world.tell(SCREEN.0 as usize, Input::EndSupply { room: ROOM, feed: SCREEN });
    world.run(Duration::from_secs(2));
    assert!(30 < seen(&world, cem) - before, "Ann's camera again");
}

#[test]
fn a_supplied_camera_that_begins_anew_goes_on() {
    let mut world = World::new(2, 3);
    let viewer = world.join(Vec::new(), 1, Line::GOOD);
    let mut projector = Projector::new(SCREEN);
    projector.play(&mut world, 30);
    (projector.ssrc, projector.sequence, projector.encoding) = (6, 7, Encoding::new(None, 720, 600));
    projector.play(&mut world, 30);
    let shown = world.browsers[viewer].screen(0).shown.len();
    assert!(45 < shown, "{shown} of 60 frames");
}

#[test]
fn what_ends_leaves_nothing_behind() {
    let mut world = World::new(2, 3);
    let viewer = world.join(single(300), 1, Line::GOOD);
    let mut projector = Projector::new(SCREEN);
    projector.play(&mut world, 30);
    world.tell(SCREEN.0 as usize, Input::EndSupply { room: ROOM, feed: SCREEN });
    assert_eq!(world.feeds(), [viewer as u64]);
    // Rubbish, and one that is there no longer.
    world.tell(SCREEN.0 as usize, Input::EndSupply { room: ROOM, feed: SCREEN });
    let rubbish = PicturePacket {
        ssrc: 1,
        sequence: 1,
        timestamp: 1,
        marker: true,
        captured: None,
        is_screen: false,
        payload: Vec::new().into(),
    };
    world.tell(SCREEN.0 as usize, Input::Supply { room: ROOM, feed: SCREEN, packet: rubbish });
    world.run(Duration::from_secs(1));
    assert_eq!(world.feeds(), [viewer as u64]);
}

#[test]
fn there_are_only_so_many_of_them() {
    let mut world = World::new(1, 3);
    for number in 0..FEEDS_MAX as u64 + 3 {
        Projector::new(PeerId(SCREEN.0 + number)).play(&mut world, 1);
    }
    assert_eq!(world.feeds().len(), FEEDS_MAX);
}
