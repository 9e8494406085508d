#![doc = include_str!("../README.md")]
#![deny(unsafe_code)]

mod allocation;
mod capture;
mod directory;
mod egress;
mod error;
mod feed;
mod identity;
mod ids;
mod keyframes;
mod keys;
mod levels;
mod line;
mod losses;
mod meter;
mod offsets;
mod order;
mod packet;
mod peer;
mod recent;
mod remote;
mod report;
mod rewriter;
mod room;
pub mod rtp;
mod shard;
mod slot;
mod spare;
mod stun;
#[cfg(test)]
mod testing;
pub mod vp8;
mod wish;

pub use allocation::Why;
pub use error::OfferError;
pub use identity::{Identity, IdentityError};
pub use ids::{
    FEEDS_MAX, LAYERS_MAX, Layer, PeerId, Quality, ROOM_PEERS_MAX, RoomId, SHARD_PEERS_MAX, SLOTS_MAX,
    ShardId, TAPS_MAX, TapId,
};
pub use order::{Datagram, Order};
pub use packet::{FeedPacket, PicturePacket};
pub use peer::{OFFER_BYTES_MAX, PeerState, VoicePacket};
pub use remote::Remote;
pub use report::{PeerReport, SlotReport};
pub use shard::{Config, ESTIMATED_PEERS_MAX, Input, Output, RoomEvent, Shard, TapPacket};
pub use wish::{WISHES_MAX, Wish};
