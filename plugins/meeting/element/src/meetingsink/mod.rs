//! The element `meetingsink`: takes part in a meeting with a camera, a voice, or both.
//!
//! SECTION:element-meetingsink
//!
//! Joins the meeting at `location` as a participant, as a browser does: named in the list, muted by the host, seen and heard by all. The request
//! pads `video` (VP8) and `audio` (Opus) say which of both it sends. Pictures and sound go out at the time of their buffers. Key frames are asked
//! for upstream when somebody needs one.
//!
//! ```text
//! gst-launch-1.0 meetingsink name=me location=https://host:8443/123456789 display-name=Bot \
//!     videotestsrc is-live=true ! vp8enc deadline=1 ! me.video   audiotestsrc is-live=true ! opusenc ! me.audio
//! ```
//!
//! Messages on the bus: `convene-meeting-joined`; `convene-meeting-camera` (`width`, `height` in pixels, `max-kbps`: how large the camera may be from
//! now on); `convene-meeting-muted`; `convene-meeting-ended` (`message`). When the meeting is over, upstream is told that nothing more is wanted (EOS).
//! When both inputs have ended it leaves. A refusal or a lost connection is an error with a sentence.

use gst::glib;
use gst::prelude::*;

mod imp;

glib::wrapper! {
    /// Sends a camera and a voice into a meeting.
    pub struct MeetingSink(ObjectSubclass<imp::MeetingSink>)
        @extends gst::Bin, gst::Element, gst::Object, @implements gst::ChildProxy;
}

pub(crate) fn register(plugin: &gst::Plugin) -> Result<(), glib::BoolError> {
    gst::Element::register(Some(plugin), "meetingsink", gst::Rank::NONE, MeetingSink::static_type())
}
