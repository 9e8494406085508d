//! What peers hear, and what becomes known of what they lose of it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use convene_relay::{Input, PeerId, RoomEvent, VoicePacket};

use crate::network::Line;
use crate::world::World;

#[test]
fn who_loses_what_he_hears_is_told_and_nobody_else() {
    // With their lines estimated, and without.
    for estimated_peers_max in [2, 0] {
        let mut world = World::of_estimated(1, 11, estimated_peers_max);
        let ann = world.join(Vec::new(), 0, Line { loss_per_mille: 100, ..Line::GOOD });
        let bob = world.join(Vec::new(), 0, Line::GOOD);
        world.run(Duration::from_secs(2));
        for sequence in 0..1000_u16 {
            for peer in [ann, bob] {
                let packet = VoicePacket {
                    sequence,
                    timestamp: u32::from(sequence) * 960,
                    marker: false,
                    payload: Arc::from([0xfc; 60]),
                };
                world.tell(peer, Input::Voice { peer: PeerId(peer as u64), packet });
            }
            world.run(Duration::from_millis(20));
        }
        assert!(world.browsers[ann].voices_heard < 990, "{}", world.browsers[ann].voices_heard);
        assert!(990 < world.browsers[bob].voices_heard, "{}", world.browsers[bob].voices_heard);
        let told = world.events.iter().filter_map(|(_, event)| match event {
            RoomEvent::VoiceLost(peer) => Some(peer.0),
            _ => None,
        });
        let told: Vec<u64> = told.collect();
        assert!(told.len() <= 30, "no more than once a second: {}", told.len());
        assert_eq!(BTreeSet::from_iter(told), BTreeSet::from([ann as u64]), "{estimated_peers_max}");
    }
}
