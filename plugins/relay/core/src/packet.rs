//! One packet of a camera on its way to all who watch it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use str0m::media::Rid;
use str0m::rtp::VideoOrientation;

use crate::vp8::{Descriptor, FrameSize};
use crate::{Layer, PeerId, RoomId};

/// The one copy that all viewers share, in all shards.
#[derive(Debug)]
pub struct FeedPacket {
    /// Where it is shown.
    pub room: RoomId,
    /// Whose camera.
    pub feed: PeerId,
    /// It is no camera but a shared screen.
    pub is_screen: bool,
    /// Which encoding.
    pub layer: Layer,
    /// What the sender calls it.
    pub rid: Option<Rid>,
    /// The sender's sequence number, without its wrapping.
    pub sequence: u64,
    /// The sender's time, 90,000 a second.
    pub timestamp: u32,
    /// The last packet of a frame.
    pub marker: bool,
    /// VP8 with its descriptor.
    pub payload: Arc<[u8]>,
    /// What the descriptor says.
    pub descriptor: Descriptor,
    /// The picture id without its wrapping, or 0 where there is none.
    pub picture: u64,
    /// The size of the picture if a key frame starts here.
    pub key: Option<FrameSize>,
    /// How the camera is held.
    pub orientation: Option<VideoOrientation>,
    /// When its picture was captured, since 1900 by its sender's clock, where reports tell.
    pub captured: Option<Duration>,
    /// When it came.
    pub arrived: Instant,
}

/// A packet of a camera into this process or out of it: RTP but for the payload type.
#[derive(Clone, Debug)]
pub struct PicturePacket {
    /// Another one is a stream that begins anew.
    pub ssrc: u32,
    /// The sequence number.
    pub sequence: u16,
    /// The timestamp, 90,000 a second.
    pub timestamp: u32,
    /// The last of a frame.
    pub marker: bool,
    /// When it was captured, since 1900 by whatever clock, if that is known.
    pub captured: Option<Duration>,
    /// It is no camera but a shared screen: beside the ten cameras, and only for those who wish for it.
    pub is_screen: bool,
    /// VP8 with its descriptor (RFC 7741), or H.264 (RFC 6184).
    pub payload: Arc<[u8]>,
}

impl FeedPacket {
    /// The temporal layer of its frame.
    pub fn temporal(&self) -> u8 {
        self.descriptor.temporal.map_or(0, |temporal| temporal.layer)
    }
}
