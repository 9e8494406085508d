//! GStreamer started once, with our plugins registered inside the process.

use std::sync::OnceLock;

use crate::PipelineError;

/// An element that some pipeline here needs, and the Debian package that brings it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NeededElement {
    /// The factory's name.
    pub element: &'static str,
    /// The Debian package, or `convene` for our own.
    pub package: &'static str,
    /// What does not work without it.
    pub purpose: &'static str,
}

/// Everything that the pipelines of this crate are made of.
pub const ELEMENTS: &[NeededElement] = &[
    needed("screenenc", "convene", "presenting a screen"),
    needed("screendec", "convene", "recording a meeting"),
    needed("screenrelay", "convene", "holding meetings"),
    needed("screensink", "convene", "presenting a screen"),
    needed("screensrc", "convene", "recording a meeting"),
    needed("meetingrecorder", "convene", "recording a meeting"),
    needed("vp8relay", "convene", "cameras and microphones"),
    needed("conferencemixer", "convene", "cameras and microphones"),
    needed("sipbridge", "convene", "telephones"),
    needed("appsrc", "gstreamer1.0-plugins-base", "holding meetings"),
    needed("appsink", "gstreamer1.0-plugins-base", "holding meetings"),
    needed("fakesink", "libgstreamer1.0-0", "cameras and microphones"),
    needed("queue", "libgstreamer1.0-0", "recording a meeting"),
    needed("clocksync", "libgstreamer1.0-0", "recording a meeting"),
    needed("capsfilter", "libgstreamer1.0-0", "presenting a screen"),
    needed("videoconvert", "gstreamer1.0-plugins-base", "presenting and recording"),
    needed("rtpjitterbuffer", "gstreamer1.0-plugins-good", "recording faces"),
    needed("rtpvp8depay", "gstreamer1.0-plugins-good", "recording faces"),
    needed("rtph264depay", "gstreamer1.0-plugins-good", "cameras in H.264, as OBS sends them"),
    needed("h264parse", "gstreamer1.0-plugins-bad", "cameras in H.264, as OBS sends them"),
    needed("openh264dec", "gstreamer1.0-plugins-bad", "cameras in H.264, as OBS sends them"),
    needed("videoscale", "gstreamer1.0-plugins-base", "cameras in H.264, as OBS sends them"),
    needed("vp8enc", "gstreamer1.0-plugins-good", "cameras in H.264, as OBS sends them"),
    needed("rtpvp8pay", "gstreamer1.0-plugins-good", "cameras in H.264, as OBS sends them"),
    needed("opusdec", "gstreamer1.0-plugins-base", "recording a meeting"),
    needed("opusenc", "gstreamer1.0-plugins-base", "recording a meeting"),
    needed("ximagesrc", "gstreamer1.0-plugins-good", "presenting an X11 screen"),
    needed("pipewiresrc", "gstreamer1.0-pipewire", "presenting a Wayland screen"),
];

const fn needed(element: &'static str, package: &'static str, purpose: &'static str) -> NeededElement {
    NeededElement { element, package, purpose }
}

/// Starts GStreamer and registers our plugins. May be called as often as one likes.
pub fn init() -> Result<(), PipelineError> {
    static DONE: OnceLock<Result<(), String>> = OnceLock::new();
    let start = || {
        gst::init().map_err(|error| gst::glib::bool_error!("{error}"))?;
        gstconvenescreen::plugin_register_static()?;
        gstconvenerecording::plugin_register_static()?;
        gstconveneconference::plugin_register_static()?;
        gstconvenesip::plugin_register_static()?;
        gstconvenerelay::plugin_register_static()
    };
    DONE.get_or_init(|| start().map_err(|error: gst::glib::BoolError| error.to_string()))
        .clone()
        .map_err(PipelineError::Init)
}

/// GStreamer's version, as it says it itself.
pub fn gstreamer_version() -> (u32, u32, u32) {
    let (major, minor, micro, _nano) = gst::version();
    (major, minor, micro)
}

/// Those of [`ELEMENTS`] that are not there. Call [`init`] first.
pub fn missing_elements() -> Vec<NeededElement> {
    ELEMENTS.iter().copied().filter(|needed| gst::ElementFactory::find(needed.element).is_none()).collect()
}

/// A factory, or the sentence that says how to get it.
pub(crate) fn factory(element: &'static str) -> Result<gst::ElementFactory, PipelineError> {
    gst::ElementFactory::find(element).ok_or_else(|| PipelineError::MissingElement {
        element,
        package: ELEMENTS
            .iter()
            .find(|needed| needed.element == element)
            .map_or("convene", |needed| needed.package),
    })
}
