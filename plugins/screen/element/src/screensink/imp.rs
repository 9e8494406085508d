//! The hands of `screensink`.

use std::path::PathBuf;
use std::sync::{Arc, LazyLock};

use convene_meeting_line::{End, Invitation, Settings, bus};
use gst::glib;
use gst::prelude::*;
use gst::subclass::prelude::*;
use gst_base::prelude::*;
use gst_base::subclass::prelude::*;
use parking_lot::Mutex;

use super::pieces::Pieces;
use crate::events::{self, Line};
use crate::meeting::{Presenting, Stopped};
use crate::stream;

static CAT: LazyLock<gst::DebugCategory> = LazyLock::new(|| {
    gst::DebugCategory::new("screensink", gst::DebugColorFlags::empty(), Some("Screen presenter"))
});

#[derive(Default, glib::Properties)]
#[properties(wrapper_type = super::ScreenSink)]
pub struct ScreenSink {
    #[property(name = "location", nick = "Location", blurb = "The meeting's link: https://host:port/123456789",
        get, set, type = Option<String>, member = location)]
    #[property(name = "display-name", nick = "Display name", blurb = "The name in the meeting's list of participants",
        get, set, type = String, member = display_name)]
    #[property(name = "token", nick = "Token", blurb = "The host's token, where this is the host",
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
    line: Option<Arc<Presenting>>,
    pieces: Pieces,
    asked_to_begin: bool,
    /// What upstream was told that the line carries.
    told: Option<Line>,
}

/// Upstream is told anew what the line carries when that has changed by one part in so many.
const NEWS_SHARE: u64 = 8;

impl ScreenSink {
    fn line(&self) -> Option<Arc<Presenting>> {
        self.state.lock().line.clone()
    }

    fn flow_error(&self, stopped: Stopped) -> gst::FlowError {
        gst::debug!(CAT, imp = self, "The line gave up: {stopped}");
        match stopped {
            Stopped::Unlocked => gst::FlowError::Flushing,
            Stopped::Ended(End::Over(_) | End::Left) => gst::FlowError::Eos,
            // Its sentence is on the bus already.
            Stopped::Ended(End::Failed(_)) => gst::FlowError::Error,
        }
    }

    /// In the middle of a stream, as behind a `tee`: ask for the beginning, and wait for it.
    fn cannot_begin_with(&self, buffer: &gst::Buffer) -> bool {
        let ask = {
            let mut state = self.state.lock();
            if state.pieces.has_begun() || !buffer.flags().contains(gst::BufferFlags::DELTA_UNIT) {
                state.asked_to_begin = false;
                return false;
            }
            !std::mem::replace(&mut state.asked_to_begin, true)
        };
        if ask {
            self.obj().sink_pad().push_event(events::begin_anew());
        }
        true
    }

    /// So that a film and what sharpens take what the line carries and no more, and no update more than passes it soon.
    fn tell_line(&self) {
        let line = {
            let mut state = self.state.lock();
            let Some(line) = state.line.as_ref().map(|line| line.carries()) else { return };
            let is_near = |told: u64, new: u64| told.abs_diff(new) <= told / NEWS_SHARE;
            let is_known = state.told.is_some_and(|told| {
                is_near(told.bits_a_second.unwrap_or_default(), line.bits_a_second.unwrap_or_default())
                    && is_near(told.update_bytes, line.update_bytes)
            });
            if is_known {
                return;
            }
            state.told = Some(line);
            line
        };
        self.obj().sink_pad().push_event(events::line(line));
    }

    /// Everything that was sent is taken in before we go.
    fn finish(&self) {
        let (finished, line) = {
            let state = self.state.lock();
            (state.pieces.finish(), state.line.clone())
        };
        if let Err(error) = finished {
            gst::element_imp_error!(
                self,
                gst::StreamError::Decode,
                ("The screen stream is cut off: {error}.")
            );
        }
        if let Some(line) = line {
            match line.drain() {
                Ok(()) => line.leave(),
                Err(stopped) => gst::debug!(CAT, imp = self, "Left before all was taken in: {stopped}"),
            }
        }
    }
}

#[glib::object_subclass]
impl ObjectSubclass for ScreenSink {
    const NAME: &'static str = "ConveneScreenSink";
    type Type = super::ScreenSink;
    type ParentType = gst_base::BaseSink;
}

#[glib::derived_properties]
impl ObjectImpl for ScreenSink {
    fn constructed(&self) {
        self.parent_constructed();
        // The newest picture is wanted as soon as it is there.
        self.obj().set_sync(false);
    }
}

impl GstObjectImpl for ScreenSink {}

impl ElementImpl for ScreenSink {
    fn metadata() -> Option<&'static gst::subclass::ElementMetadata> {
        static METADATA: LazyLock<gst::subclass::ElementMetadata> = LazyLock::new(|| {
            gst::subclass::ElementMetadata::new(
                "Convene screen presenter",
                "Sink/Network/Video",
                "Presents a screen stream to a meeting",
                "Convene",
            )
        });
        Some(&METADATA)
    }

    fn pad_templates() -> &'static [gst::PadTemplate] {
        static TEMPLATES: LazyLock<Vec<gst::PadTemplate>> = LazyLock::new(|| {
            vec![
                gst::PadTemplate::new(
                    "sink",
                    gst::PadDirection::Sink,
                    gst::PadPresence::Always,
                    &stream::caps(),
                )
                .expect("a good template"),
            ]
        });
        &TEMPLATES
    }
}

impl BaseSinkImpl for ScreenSink {
    fn start(&self) -> Result<(), gst::ErrorMessage> {
        let settings = self.settings.lock().expect("no holder of the settings panics").clone();
        let invitation = Invitation::new(&settings).map_err(|error| bus::refuse_to_start(&error))?;
        let sink = self.obj().downgrade();
        let line = Presenting::start(invitation, move |end| {
            if let Some(sink) = sink.upgrade() {
                bus::report_end(&sink, end);
                if let End::Over(_) = end {
                    // A screen that rests sends nothing, so nothing could carry the end to us.
                    let _ = sink.post_message(gst::message::Eos::builder().src(&sink).build());
                }
            }
        });
        *self.state.lock() = State { line: Some(Arc::new(line)), ..State::default() };
        Ok(())
    }

    fn stop(&self) -> Result<(), gst::ErrorMessage> {
        *self.state.lock() = State::default();
        Ok(())
    }

    fn render(&self, buffer: &gst::Buffer) -> Result<gst::FlowSuccess, gst::FlowError> {
        let line = self.line().ok_or(gst::FlowError::Flushing)?;
        line.wait_granted().map_err(|stopped| self.flow_error(stopped))?;
        if self.cannot_begin_with(buffer) {
            return Ok(gst::FlowSuccess::Ok);
        }

        let cut = {
            let bytes = buffer.map_readable().map_err(|_| gst::FlowError::Error)?;
            self.state.lock().pieces.cut(&bytes)
        };
        let pieces = cut.map_err(|error| {
            gst::element_imp_error!(
                self,
                gst::StreamError::Decode,
                ("This screen stream cannot be presented: {error}.")
            );
            gst::FlowError::Error
        })?;
        for piece in pieces {
            gst::trace!(CAT, imp = self, "Sending {} bytes", piece.len());
            line.send(piece).map_err(|stopped| self.flow_error(stopped))?;
        }
        self.tell_line();
        Ok(gst::FlowSuccess::Ok)
    }

    fn event(&self, event: gst::Event) -> bool {
        match event.view() {
            gst::EventView::Eos(_) => self.finish(),
            // Before the first update.
            gst::EventView::Segment(_) => self.tell_line(),
            gst::EventView::FlushStop(_) | gst::EventView::StreamStart(_) => {
                self.state.lock().pieces = Pieces::default();
            }
            _ => {}
        }
        self.parent_event(event)
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
