//! The hands of `screensrc`.

use std::path::PathBuf;
use std::sync::{Arc, LazyLock};

use convene_meeting_line::{Invitation, Settings, bus};
use gst::glib;
use gst::prelude::*;
use gst::subclass::prelude::*;
use gst_base::prelude::*;
use gst_base::subclass::base_src::CreateSuccess;
use gst_base::subclass::prelude::*;
use parking_lot::Mutex;

use crate::meeting::{Stopped, Watching};
use crate::stream;

static CAT: LazyLock<gst::DebugCategory> = LazyLock::new(|| {
    gst::DebugCategory::new("screensrc", gst::DebugColorFlags::empty(), Some("Screen viewer"))
});

#[derive(Default, glib::Properties)]
#[properties(wrapper_type = super::ScreenSrc)]
pub struct ScreenSrc {
    #[property(name = "location", nick = "Location", blurb = "The meeting's link: https://host:port/123456789",
        get, set, type = Option<String>, member = location)]
    #[property(name = "display-name", nick = "Display name", blurb = "The name in the meeting's list of participants",
        get, set, type = String, member = display_name)]
    #[property(name = "token", nick = "Token", blurb = "The recorder's or the host's token, where this is one",
        get, set, type = Option<String>, member = token)]
    #[property(name = "ca-file", nick = "CA file", blurb = "PEM certificates to trust besides the system's",
        get, set, type = Option<PathBuf>, member = ca_file)]
    #[property(name = "tls-verify", nick = "Verify TLS", blurb = "Check the server's certificate",
        get, set, type = bool, member = tls_verify, default = true)]
    settings: std::sync::Mutex<Settings>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    line: Option<Arc<Watching>>,
    /// Bytes that went downstream since the line began.
    delivered: u64,
}

impl ScreenSrc {
    fn line(&self) -> Option<Arc<Watching>> {
        self.state.lock().line.clone()
    }
}

#[glib::object_subclass]
impl ObjectSubclass for ScreenSrc {
    const NAME: &'static str = "ConveneScreenSrc";
    type Type = super::ScreenSrc;
    type ParentType = gst_base::PushSrc;
}

#[glib::derived_properties]
impl ObjectImpl for ScreenSrc {
    fn constructed(&self) {
        self.parent_constructed();
        let obj = self.obj();
        obj.set_live(true);
        obj.set_format(gst::Format::Time);
        obj.set_do_timestamp(true);
    }
}

impl GstObjectImpl for ScreenSrc {}

impl ElementImpl for ScreenSrc {
    fn metadata() -> Option<&'static gst::subclass::ElementMetadata> {
        static METADATA: LazyLock<gst::subclass::ElementMetadata> = LazyLock::new(|| {
            gst::subclass::ElementMetadata::new(
                "Convene screen viewer",
                "Source/Network/Video",
                "Watches the screen of a meeting",
                "Convene",
            )
        });
        Some(&METADATA)
    }

    fn pad_templates() -> &'static [gst::PadTemplate] {
        static TEMPLATES: LazyLock<Vec<gst::PadTemplate>> = LazyLock::new(|| {
            vec![
                gst::PadTemplate::new(
                    "src",
                    gst::PadDirection::Src,
                    gst::PadPresence::Always,
                    &stream::caps(),
                )
                .expect("a good template"),
            ]
        });
        &TEMPLATES
    }
}

impl BaseSrcImpl for ScreenSrc {
    fn start(&self) -> Result<(), gst::ErrorMessage> {
        let settings = self.settings.lock().expect("no holder of the settings panics").clone();
        let invitation = Invitation::new(&settings).map_err(|error| bus::refuse_to_start(&error))?;
        let (src, other) = (self.obj().downgrade(), self.obj().downgrade());
        let joined = move || {
            if let Some(src) = src.upgrade() {
                bus::report_joined(&src);
            }
        };
        let line = Watching::start(invitation, joined, move |end| {
            if let Some(src) = other.upgrade() {
                bus::report_end(&src, end);
            }
        });
        *self.state.lock() = State { line: Some(Arc::new(line)), delivered: 0 };
        Ok(())
    }

    fn stop(&self) -> Result<(), gst::ErrorMessage> {
        *self.state.lock() = State::default();
        Ok(())
    }

    fn is_seekable(&self) -> bool {
        false
    }

    fn unlock(&self) -> Result<(), gst::ErrorMessage> {
        if let Some(line) = self.line() {
            line.unlock();
        }
        Ok(())
    }

    fn unlock_stop(&self) -> Result<(), gst::ErrorMessage> {
        if let Some(line) = self.line() {
            line.unlock_stop();
        }
        Ok(())
    }
}

impl PushSrcImpl for ScreenSrc {
    fn create(&self, _buffer: Option<&mut gst::BufferRef>) -> Result<CreateSuccess, gst::FlowError> {
        let (line, delivered) = {
            let state = self.state.lock();
            (state.line.clone().ok_or(gst::FlowError::Flushing)?, state.delivered)
        };
        // We are asked for more, so downstream is done with what it has.
        line.painted(delivered);

        let piece = line.next().map_err(|stopped| {
            gst::debug!(CAT, imp = self, "The line gave up: {stopped}");
            match stopped {
                Stopped::Unlocked => gst::FlowError::Flushing,
                // Where the line failed its sentence is on the bus already; as an error this would add a second one that says less.
                Stopped::Ended(_) => gst::FlowError::Eos,
            }
        })?;
        gst::trace!(CAT, imp = self, "{} bytes came", piece.len());
        self.state.lock().delivered += piece.len() as u64;
        Ok(CreateSuccess::NewBuffer(stream::buffer(piece, None)))
    }
}
