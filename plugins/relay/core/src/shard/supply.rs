//! Cameras that come from this process instead of a peer: a pipeline's pictures, by a pad.

use std::sync::Arc;

use super::{RoomEvent, Shard};
use crate::order::Order;
use crate::room::Supply;
use crate::vp8::Descriptor;
use crate::{FEEDS_MAX, FeedPacket, Layer, PeerId, PicturePacket, RoomId};

impl Shard {
    /// A packet of a camera in this process. What is no VP8 is left out.
    pub(super) fn supply(&mut self, id: RoomId, feed: PeerId, packet: PicturePacket) {
        let Ok(descriptor) = Descriptor::parse(&packet.payload) else {
            return;
        };
        let room = self.rooms.entry(id).or_default();
        // A screen may stand beside the cameras.
        if FEEDS_MAX < room.supplies.len() && !room.supplies.contains_key(&feed) {
            return;
        }
        let is_another = |supply: &Supply| supply.ssrc != packet.ssrc;
        if room.supplies.get(&feed).is_some_and(is_another) {
            self.end_supply(id, feed);
        }
        if !self.rooms.entry(id).or_default().is_present() {
            self.tell_all(&Order::Present { room: id, asks: true });
        }
        let supplies = &mut self.rooms.entry(id).or_default().supplies;
        let supply = supplies.entry(feed).or_insert_with(|| Supply::new(packet.ssrc));
        let (sequence, picture) = supply.numbers(packet.sequence, descriptor.picture);
        let packet = FeedPacket {
            room: id,
            feed,
            is_screen: packet.is_screen,
            layer: Layer(0),
            rid: None,
            sequence,
            timestamp: packet.timestamp,
            marker: packet.marker,
            descriptor,
            picture,
            key: descriptor.key_frame(&packet.payload),
            orientation: None,
            captured: packet.captured,
            arrived: self.now,
            payload: packet.payload,
        };
        self.relay(Arc::new(packet), self.config.id);
    }

    /// A camera in this process is over.
    pub(super) fn end_supply(&mut self, id: RoomId, feed: PeerId) {
        let Some(room) = self.rooms.get_mut(&id) else {
            return;
        };
        if room.supplies.remove(&feed).is_none() {
            return;
        }
        let is_last = !room.is_present();
        self.tell_room(id, &Order::FeedEnded { room: id, feed });
        self.end_feed(id, feed);
        if is_last {
            self.tell_all(&Order::Absent(id));
        }
        self.tidy(id);
    }

    /// Asks for a key frame of a camera in this process; `false` when it comes from a peer.
    pub(super) fn ask_supply(&mut self, id: RoomId, feed: PeerId) -> bool {
        let is_ours = self.rooms.get(&id).is_some_and(|room| room.supplies.contains_key(&feed));
        if is_ours {
            self.report(id, RoomEvent::KeyframeWanted(feed));
        }
        is_ours
    }
}
