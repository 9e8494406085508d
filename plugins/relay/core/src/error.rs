//! Why an offer is refused, in sentences that can be shown.

use thiserror::Error;

use crate::{ROOM_PEERS_MAX, SHARD_PEERS_MAX, SLOTS_MAX};

/// Why an offer is refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum OfferError {
    /// It is longer than any browser's.
    #[error("The offer has {bytes} bytes; at most {max} are read.", max = crate::OFFER_BYTES_MAX)]
    TooLong {
        /// How long it is.
        bytes: usize,
    },
    /// It cannot be read. What the parser says of it is not passed on: it names places in this process's memory.
    #[error(
        "The offer cannot be read: it is no session description of a WebRTC client (RFC 8866, RFC 8829)."
    )]
    Unreadable,
    /// It cannot be answered.
    #[error("The offer cannot be answered: {reason}.")]
    Unanswerable {
        /// What the answerer says.
        reason: String,
    },
    /// It asks for too many cameras.
    #[error("The offer has {slots} lines to receive video; at most {SLOTS_MAX} are served.")]
    TooManySlots {
        /// How many it has.
        slots: usize,
    },
    /// It has no line that this relay serves.
    #[error("The offer has neither VP8 video nor Opus audio.")]
    NothingServed,
    /// The room is full.
    #[error("The meeting is full: {ROOM_PEERS_MAX} are in it.")]
    RoomFull,
    /// The worker is full.
    #[error("The relay is full: {SHARD_PEERS_MAX} are on one worker.")]
    ShardFull,
    /// The peer is in another room.
    #[error("This peer is in another meeting.")]
    OtherRoom,
}
