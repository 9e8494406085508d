//! What the encoders say of their streams, and what the file says of itself.

use std::time::Duration;

use bytes::Bytes;
use convene_recording::{OpusHead, RecordingError, Track, VideoSize};

/// What these caps of an encoder's describe.
pub(super) fn track_of(caps: &gst::CapsRef) -> Result<Track, RecordingError> {
    let invalid = RecordingError::OpusHead { reason: "the encoder did not give one" };
    let structure = caps.structure(0).ok_or(invalid.clone())?;
    if structure.name() == "video/x-vp8" {
        let side =
            |name| structure.get::<i32>(name).ok().and_then(|side| u32::try_from(side).ok()).unwrap_or(0);
        return VideoSize::new(side("width"), side("height")).map(Track::Vp8);
    }
    let headers = structure.get::<gst::ArrayRef>("streamheader").map_err(|_| invalid.clone())?;
    let head = headers.as_slice().first().and_then(|value| value.get::<gst::Buffer>().ok());
    let head = head.and_then(|head| head.into_mapped_buffer_readable().ok()).ok_or(invalid)?;
    OpusHead::parse(Bytes::copy_from_slice(&head)).map(Track::Opus)
}

/// What comes out.
pub(super) fn webm_caps() -> gst::Caps {
    gst::Caps::new_empty_simple("video/webm")
}

/// Tells what the file should begin with if it was cut off from here on.
pub(super) fn head_message(writer: &super::Writer, head: Bytes) -> gst::Message {
    let head = gst::Structure::builder("meetingrecorder-head").field("head", gst::Buffer::from_slice(head));
    gst::message::Element::builder(head.build()).src(writer).build()
}

/// Errors begin in lower case, as they do inside of sentences.
pub(super) fn sentence(error: &RecordingError) -> String {
    let text = error.to_string();
    let mut letters = text.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().collect::<String>() + letters.as_str())
}

/// The date that stands in the file.
pub(super) fn wall_clock() -> Option<Duration> {
    #[expect(clippy::disallowed_methods, reason = "the one place where a recording learns its date")]
    let now = std::time::SystemTime::now();
    now.duration_since(std::time::UNIX_EPOCH).ok()
}
