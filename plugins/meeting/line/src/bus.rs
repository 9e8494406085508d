//! How the beginning and the end of a line to a meeting reach the application.

use gst::prelude::*;

use crate::{End, MeetingError};

/// The element message that tells that the server has let us in.
const MEETING_JOINED: &str = "convene-meeting-joined";
/// The element message that tells that the meeting is over; its field `message` is the server's sentence.
const MEETING_ENDED: &str = "convene-meeting-ended";

/// For what can be refused before the network is touched.
pub fn refuse_to_start(error: &MeetingError) -> gst::ErrorMessage {
    gst::error_msg!(gst::ResourceError::Settings, ("{error}"))
}

/// Tells the application that the server has let us in.
pub fn report_joined(element: &impl IsA<gst::Element>) {
    post(element, gst::Structure::new_empty(MEETING_JOINED));
}

/// Posts what the application has to know.
pub fn report_end(element: &impl IsA<gst::Element>, end: &End) {
    match end {
        End::Left => {}
        End::Over(message) => {
            post(element, gst::Structure::builder(MEETING_ENDED).field("message", message).build());
        }
        End::Failed(error) => report_failure(element, error),
    }
}

/// Posts an element message.
pub fn post(element: &impl IsA<gst::Element>, structure: gst::Structure) {
    let message = gst::message::Element::builder(structure).src(element.as_ref()).build();
    // Without a bus nobody wants to know.
    let _ = element.as_ref().post_message(message);
}

/// Posts an error.
pub fn report_failure(element: &impl IsA<gst::Element>, error: &MeetingError) {
    let code = match error {
        MeetingError::Location(_) | MeetingError::CaFile { .. } => gst::ResourceError::Settings,
        MeetingError::Unreachable { .. }
        | MeetingError::NotAService { .. }
        | MeetingError::TooSlow { .. } => gst::ResourceError::NotFound,
        MeetingError::Tls { .. } => gst::ResourceError::OpenReadWrite,
        MeetingError::Refused { .. } | MeetingError::PresentEnded { .. } => gst::ResourceError::NotAuthorized,
        MeetingError::CameraRefused { .. } => gst::ResourceError::Busy,
        MeetingError::NoMedia { .. } => gst::ResourceError::Failed,
        MeetingError::Lost { .. } => gst::ResourceError::Read,
    };
    let element: &gst::Element = element.as_ref();
    gst::element_error!(element, code, ("{error}"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_to_start_is_one_sentence() {
        gst::init().expect("GStreamer is installed");
        let error = MeetingError::Location(crate::LocationError::Missing);
        let message = format!("{:?}", refuse_to_start(&error));
        assert!(message.contains("Give the meeting's link"), "{message}");
    }
}
