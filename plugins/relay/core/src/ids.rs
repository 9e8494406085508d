//! Who is who: the caller chooses the numbers.

/// Somebody in a room: sends a camera and a voice, watches others, or both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PeerId(pub u64);

/// A meeting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RoomId(pub u64);

/// One worker's share of all peers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ShardId(pub u8);

/// Somebody in this process who takes a feed as it is forwarded: a recorder, say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TapId(pub u64);

/// One encoding of a camera: its number in the order in which they were first seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Layer(pub u8);

/// A layer of a camera, up to a temporal layer of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Quality {
    /// Which encoding.
    pub layer: Layer,
    /// The highest temporal layer; 0 where there are none.
    pub temporal: u8,
}

/// How many peers one room takes: 250 viewers, and those who only send.
pub const ROOM_PEERS_MAX: usize = 272;
/// How many peers one shard takes, over all rooms.
pub const SHARD_PEERS_MAX: usize = 4096;
/// How many cameras of a room are relayed at once.
pub const FEEDS_MAX: usize = 10;
/// How many encodings of one camera are relayed: `q`, `h`, `f`.
pub const LAYERS_MAX: usize = 3;
/// How many receiving video lines one peer may offer.
pub const SLOTS_MAX: usize = 16;
/// How many taps one feed may have.
pub const TAPS_MAX: usize = 8;
