//! A pad that pictures or a voice come into, and how they are shown or called.

use gst::glib;
use gst::prelude::*;
use gst::subclass::prelude::*;

#[derive(Debug, Clone)]
struct Settings {
    display_name: String,
    shown: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self { display_name: String::new(), shown: true }
    }
}

#[derive(Default, glib::Properties)]
#[properties(wrapper_type = super::RecorderPad)]
pub struct RecorderPad {
    #[property(
        name = "display-name",
        nick = "Display name",
        blurb = "What is written on a feed, in any script that fontconfig has a font for, and what a voice's track is called; nothing on the screen",
        get,
        set = Self::set_display_name,
        type = String,
        member = display_name
    )]
    #[property(
        name = "shown",
        nick = "Shown",
        blurb = "Whether what comes in is in the picture; the others have its place otherwise",
        get,
        set = Self::set_shown,
        type = bool,
        member = shown,
        default = true
    )]
    settings: std::sync::Mutex<Settings>,
}

impl RecorderPad {
    /// What is written on it, and whether it is shown.
    pub fn description(&self) -> (String, bool) {
        let settings = self.settings();
        (settings.display_name.clone(), settings.shown)
    }

    fn settings(&self) -> std::sync::MutexGuard<'_, Settings> {
        self.settings.lock().expect("no holder of the settings panics")
    }

    fn set_display_name(&self, name: String) {
        self.settings().display_name = name;
        self.tell();
    }

    fn set_shown(&self, shown: bool) {
        self.settings().shown = shown;
        self.tell();
    }

    fn tell(&self) {
        if let Some(recorder) = self.obj().parent_element().and_downcast::<super::MeetingRecorder>() {
            recorder.imp().describe(self.obj().upcast_ref());
        }
    }
}

#[glib::object_subclass]
impl ObjectSubclass for RecorderPad {
    const NAME: &'static str = "ConveneRecorderPad";
    type Type = super::RecorderPad;
    type ParentType = gst::GhostPad;
}

#[glib::derived_properties]
impl ObjectImpl for RecorderPad {}

impl GstObjectImpl for RecorderPad {}

impl PadImpl for RecorderPad {}

impl ProxyPadImpl for RecorderPad {}

impl GhostPadImpl for RecorderPad {}
