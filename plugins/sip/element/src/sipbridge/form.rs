//! Caps of a call, and nothing else.

use convene_conference::Codec;

/// All that a pad can carry.
pub fn any_caps() -> gst::Caps {
    let mut caps = gst::Caps::builder_full();
    for codec in Codec::ALL {
        caps = caps.structure(structure(codec).build());
    }
    caps.build()
}

/// What one call carries.
pub fn caps(codec: Codec, payload_type: u8) -> gst::Caps {
    gst::Caps::builder_full()
        .structure(structure(codec).field("payload", i32::from(payload_type)).build())
        .build()
}

/// The codec that caps name.
pub fn codec(caps: &gst::CapsRef) -> Option<Codec> {
    let name = caps.structure(0)?.get::<&str>("encoding-name").ok()?;
    Codec::named(name)
}

fn structure(codec: Codec) -> gst::structure::Builder {
    gst::Structure::builder("application/x-rtp")
        .field("media", "audio")
        .field("encoding-name", codec.encoding_name())
        .field("clock-rate", codec.clock_rate() as i32)
}
