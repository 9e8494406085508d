//! What the unit tests of this crate share: packets by the piece, and a time that stands still.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use crate::vp8::{Descriptor, FrameSize};
use crate::{FeedPacket, Layer, PeerId, RoomId};

/// The start of all tests.
pub fn epoch() -> Instant {
    static EPOCH: OnceLock<Instant> = OnceLock::new();
    #[expect(
        clippy::disallowed_methods,
        reason = "an Instant cannot be made otherwise; every test counts from this one"
    )]
    *EPOCH.get_or_init(Instant::now)
}

/// So many milliseconds later.
pub fn after(milliseconds: u64) -> Instant {
    epoch() + Duration::from_millis(milliseconds)
}

/// A packet with this sequence number and picture id, amid a frame.
pub fn packet(number: u64) -> FeedPacket {
    let payload = [0x80, 0xe0, 0x80, 0x01, 0x00, 0x00, 0xff];
    FeedPacket {
        room: RoomId(1),
        feed: PeerId(1),
        is_screen: false,
        layer: Layer(0),
        rid: None,
        sequence: number,
        timestamp: number as u32,
        marker: false,
        payload: Arc::new(payload),
        descriptor: Descriptor::parse(&payload).expect("a descriptor with all fields"),
        picture: number,
        key: None,
        orientation: None,
        captured: None,
        arrived: epoch(),
    }
}

impl FeedPacket {
    /// Starts a key frame of 640 x 480.
    pub fn key(mut self) -> Self {
        self.key = Some(FrameSize { width: 640, height: 480 });
        self.starts()
    }

    /// Starts a frame.
    pub fn starts(mut self) -> Self {
        self.descriptor.starts_frame = true;
        self
    }

    /// Ends a frame.
    pub fn ends(mut self) -> Self {
        self.marker = true;
        self
    }

    /// Of this camera and encoding.
    pub fn of(mut self, feed: u64, layer: u8) -> Self {
        self.feed = PeerId(feed);
        self.layer = Layer(layer);
        self
    }

    /// With this picture id.
    pub fn picture(mut self, picture: u64) -> Self {
        self.picture = picture;
        self
    }

    /// With this TL0PICIDX.
    pub fn tl0(mut self, tl0: u8) -> Self {
        self.descriptor.tl0 = Some(tl0);
        self
    }

    /// Of this temporal layer.
    pub fn temporal_layer(mut self, layer: u8, sync: bool) -> Self {
        self.descriptor.temporal = Some(crate::vp8::Temporal { layer, sync });
        self
    }

    /// With this timestamp.
    pub fn timestamp(mut self, timestamp: u32) -> Self {
        self.timestamp = timestamp;
        self
    }

    /// Comes then.
    pub fn at(mut self, arrived: Instant) -> Self {
        self.arrived = arrived;
        self
    }

    /// As it goes to viewers.
    pub fn shared(self) -> Arc<Self> {
        Arc::new(self)
    }
}
