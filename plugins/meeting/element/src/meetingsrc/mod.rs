//! The element `meetingsrc`: takes part in a meeting by listening and looking.
//!
//! SECTION:element-meetingsrc
//!
//! Joins the meeting at `location` as a participant who sends nothing. What all say comes, mixed, from the pad `audio` (Opus); the cameras of those
//! who speak or spoke last come from the pads `feed_0` to `feed_9` (VP8), each whole frames that begin with a key frame. The pads come with what they
//! carry. Whose camera a feed is may change; its tags (`title`) and the message `convene-meeting-feed` (`feed`, `participant`, `name`) say so.
//!
//! ```text
//! gst-launch-1.0 meetingsrc name=meeting location=https://host:8443/123456789 \
//!     meeting.audio ! opusdec ! autoaudiosink   meeting.feed_0 ! vp8dec ! videoconvert ! autovideosink
//! ```
//!
//! Further messages on the bus: `convene-meeting-joined`, `convene-meeting-ended` (`message`). The end of the meeting is the end of the streams; a
//! refusal or a lost connection is an error with a sentence.

use gst::glib;
use gst::prelude::*;

mod imp;

glib::wrapper! {
    /// Hears and sees a meeting.
    pub struct MeetingSrc(ObjectSubclass<imp::MeetingSrc>)
        @extends gst::Bin, gst::Element, gst::Object, @implements gst::ChildProxy;
}

pub(crate) fn register(plugin: &gst::Plugin) -> Result<(), glib::BoolError> {
    gst::Element::register(Some(plugin), "meetingsrc", gst::Rank::NONE, MeetingSrc::static_type())
}
