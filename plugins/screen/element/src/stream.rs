//! What the carriers have to know about the stream that they carry: its caps, how it begins, and its buffers.

use std::sync::LazyLock;

use bytes::Bytes;
use gst::glib;

/// The media type of a screen stream.
pub const MEDIA_TYPE: &str = "video/x-convene-screen";

/// How every stream begins: the `Start` record with its length and magic (`FORMAT.md`); the version follows.
const BEGINNING: [u8; 9] = *b"\x01\x00\x00\x00\x06CNVS";

/// The caps of a screen stream.
pub fn caps() -> gst::Caps {
    static CAPS: LazyLock<gst::Caps> = LazyLock::new(|| gst::Caps::new_empty_simple(MEDIA_TYPE));
    CAPS.clone()
}

/// A reader can begin with these bytes.
pub fn begins(bytes: &[u8]) -> bool {
    bytes.starts_with(&BEGINNING)
}

/// A buffer of whole records; marked as a delta where a reader cannot begin with it.
pub fn buffer(bytes: Bytes, pts: Option<gst::ClockTime>) -> gst::Buffer {
    let can_begin = begins(&bytes);
    let mut buffer = gst::Buffer::from_slice(bytes);
    let fresh = buffer.get_mut().expect("nobody else has seen the buffer yet");
    fresh.set_pts(pts);
    if !can_begin {
        fresh.set_flags(gst::BufferFlags::DELTA_UNIT);
    }
    buffer
}

/// Lets `decodebin`, `playbin` and `gst-typefind-1.0` know a screen stream when they see one.
pub fn register_typefinder(plugin: &gst::Plugin) -> Result<(), glib::BoolError> {
    let caps = caps();
    gst::TypeFind::register(
        Some(plugin),
        MEDIA_TYPE,
        gst::Rank::PRIMARY,
        Some("screen"),
        Some(&caps.clone()),
        move |typefind| {
            if typefind.peek(0, BEGINNING.len() as u32).is_some_and(begins) {
                typefind.suggest(gst::TypeFindProbability::Maximum, &caps);
            }
        },
    )
}
