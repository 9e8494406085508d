//! What goes through the pads: caps, and packets as buffers.

use std::sync::LazyLock;
use std::time::Duration;

use convene_relay::rtp::{LEVEL_EXTENSION_ID, Rtp};
use convene_relay::{PicturePacket, TapPacket, VoicePacket};

/// The payload types on our pads; peers' own are another matter.
const VP8_PAYLOAD_TYPE: u8 = 96;
const H264_PAYLOAD_TYPE: u8 = 97;
const OPUS_PAYLOAD_TYPE: u8 = 111;
/// RFC 6464.
const LEVEL_EXTENSION: &str = "urn:ietf:params:rtp-hdrext:ssrc-audio-level";

/// The event that goes upstream from where what a peer hears comes in, when packets of that were lost on the way to the peer.
pub const VOICE_LOST: &str = "convene-voice-lost";

/// A camera.
pub static FEED_CAPS: LazyLock<gst::Caps> = LazyLock::new(|| {
    gst::Caps::builder("application/x-rtp")
        .field("media", "video")
        .field("encoding-name", "VP8")
        .field("clock-rate", 90_000)
        .field("payload", i32::from(VP8_PAYLOAD_TYPE))
        .build()
});

/// A camera that is no VP8.
pub static H264_CAPS: LazyLock<gst::Caps> = LazyLock::new(|| {
    gst::Caps::builder("application/x-rtp")
        .field("media", "video")
        .field("encoding-name", "H264")
        .field("clock-rate", 90_000)
        .field("payload", i32::from(H264_PAYLOAD_TYPE))
        .build()
});

/// A camera that no peer sends.
pub static FEED_IN_CAPS: LazyLock<gst::Caps> = LazyLock::new(|| {
    gst::Caps::builder("application/x-rtp")
        .field("media", "video")
        .field("encoding-name", gst::List::new(["VP8", "VP8-DRAFT-IETF-01"]))
        .field("clock-rate", 90_000)
        .build()
});

/// A voice.
pub static VOICE_CAPS: LazyLock<gst::Caps> = LazyLock::new(|| {
    gst::Caps::builder("application/x-rtp")
        .field("media", "audio")
        .field("encoding-name", "OPUS")
        .field("clock-rate", 48_000)
        .field("payload", i32::from(OPUS_PAYLOAD_TYPE))
        .field("encoding-params", "2")
        .field(format!("extmap-{LEVEL_EXTENSION_ID}"), LEVEL_EXTENSION)
        .build()
});

/// What a peer may be given to hear.
pub static VOICE_IN_CAPS: LazyLock<gst::Caps> = LazyLock::new(|| {
    gst::Caps::builder("application/x-rtp")
        .field("media", "audio")
        .field("encoding-name", gst::List::new(["OPUS", "X-GST-OPUS-DRAFT-SPITTKA-00"]))
        .field("clock-rate", 48_000)
        .build()
});

/// What clock a buffer's capture is told by: nanoseconds since 1900, as GStreamer's own RTP elements tell it.
static NTP_CAPS: LazyLock<gst::Caps> = LazyLock::new(|| gst::Caps::new_empty_simple("timestamp/x-ntp"));

/// A packet of a camera.
pub fn feed(packet: &TapPacket, ssrc: u32, pts: Option<gst::ClockTime>) -> gst::Buffer {
    let rtp = Rtp {
        payload_type: VP8_PAYLOAD_TYPE,
        marker: packet.marker,
        sequence: packet.sequence,
        timestamp: packet.timestamp,
        ssrc,
        level: None,
        payload: &packet.payload,
    };
    buffer(rtp.write(), pts, packet.captured)
}

/// A packet of a voice.
pub fn voice(
    packet: &VoicePacket,
    level: Option<i8>,
    captured: Option<Duration>,
    (ssrc, pts): (u32, Option<gst::ClockTime>),
) -> gst::Buffer {
    let rtp = Rtp {
        payload_type: OPUS_PAYLOAD_TYPE,
        marker: packet.marker,
        sequence: packet.sequence,
        timestamp: packet.timestamp,
        ssrc,
        // Written as the decibels below full scale.
        level: level.map(i8::unsigned_abs),
        payload: &packet.payload,
    };
    buffer(rtp.write(), pts, captured)
}

/// A packet of a camera that is no VP8.
pub fn h264(packet: &PicturePacket, pts: Option<gst::ClockTime>) -> gst::Buffer {
    let rtp = Rtp {
        payload_type: H264_PAYLOAD_TYPE,
        marker: packet.marker,
        sequence: packet.sequence,
        timestamp: packet.timestamp,
        ssrc: packet.ssrc,
        level: None,
        payload: &packet.payload,
    };
    buffer(rtp.write(), pts, packet.captured)
}

/// What a peer is to hear, out of a buffer; nothing where that is no RTP.
pub fn heard(buffer: &gst::Buffer) -> Option<VoicePacket> {
    let bytes = buffer.map_readable().ok()?;
    let rtp = Rtp::parse(&bytes).ok()?;
    Some(VoicePacket {
        sequence: rtp.sequence,
        timestamp: rtp.timestamp,
        marker: rtp.marker,
        payload: rtp.payload.into(),
    })
}

/// A packet of a camera that no peer sends, out of a buffer; nothing where that is no RTP.
pub fn supplied(buffer: &gst::Buffer, is_screen: bool) -> Option<PicturePacket> {
    let bytes = buffer.map_readable().ok()?;
    let rtp = Rtp::parse(&bytes).ok()?;
    let captured =
        buffer.iter_meta::<gst::ReferenceTimestampMeta>().find(|meta| meta.reference() == &**NTP_CAPS);
    Some(PicturePacket {
        ssrc: rtp.ssrc,
        sequence: rtp.sequence,
        timestamp: rtp.timestamp,
        marker: rtp.marker,
        captured: captured.map(|meta| meta.timestamp().into()),
        is_screen,
        payload: rtp.payload.into(),
    })
}

fn buffer(bytes: Vec<u8>, pts: Option<gst::ClockTime>, captured: Option<Duration>) -> gst::Buffer {
    let mut buffer = gst::Buffer::from_slice(bytes);
    let fresh = buffer.get_mut().expect("a new buffer");
    fresh.set_pts(pts);
    if let Some(captured) = captured.and_then(|captured| gst::ClockTime::try_from(captured).ok()) {
        gst::ReferenceTimestampMeta::add(fresh, &NTP_CAPS, captured, gst::ClockTime::NONE);
    }
    buffer
}
