//! The hands of `meetingsink`.

use std::path::PathBuf;
use std::sync::LazyLock;

use convene_meeting_line::{Hear, MeetingError, Say, Settings, bus};
use gst::glib;
use gst::prelude::*;
use gst::subclass::prelude::*;
use gst_webrtc::{WebRTCRTPTransceiver, WebRTCRTPTransceiverDirection};
use parking_lot::Mutex;

use crate::link::{OPUS, VP8};
use crate::session::{Member, Session};

static CAT: LazyLock<gst::DebugCategory> = LazyLock::new(|| {
    gst::DebugCategory::new(
        "meetingsink",
        gst::DebugColorFlags::empty(),
        Some("Meeting participant, sending"),
    )
});

#[derive(Default, glib::Properties)]
#[properties(wrapper_type = super::MeetingSink)]
pub struct MeetingSink {
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
    #[property(name = "muted", nick = "Muted", blurb = "Nobody hears this voice; the host can set it, too",
        get, set = Self::set_muted, type = bool)]
    muted: std::sync::Mutex<bool>,
    state: Mutex<State>,
    session: Mutex<Option<Session>>,
}

#[derive(Default)]
struct State {
    video: Option<Input>,
    audio: Option<Input>,
    camera: Camera,
    /// The meeting is over: nothing more is taken.
    is_over: bool,
}

/// What becomes of the camera's pictures.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Camera {
    /// They are sent.
    #[default]
    Seen,
    /// Nobody sees them, so they are not.
    Unseen,
    /// They are sent from the next key frame on.
    Awaited,
    /// The meeting does not take them.
    Refused,
}

struct Input {
    pad: gst::GhostPad,
    elements: Vec<gst::Element>,
    has_ended: bool,
}

impl State {
    /// Whether this picture is sent.
    fn shows(&mut self, picture: &gst::BufferRef) -> bool {
        if self.camera == Camera::Awaited && !picture.flags().contains(gst::BufferFlags::DELTA_UNIT) {
            self.camera = Camera::Seen;
        }
        self.camera == Camera::Seen
    }

    fn inputs(&mut self) -> impl Iterator<Item = &mut Input> {
        self.audio.iter_mut().chain(&mut self.video)
    }
}

#[glib::object_subclass]
impl ObjectSubclass for MeetingSink {
    const NAME: &'static str = "ConveneMeetingSink";
    type Type = super::MeetingSink;
    type ParentType = gst::Bin;
}

#[glib::derived_properties]
impl ObjectImpl for MeetingSink {
    fn constructed(&self) {
        self.parent_constructed();
        self.obj().set_suppressed_flags(gst::ElementFlags::SINK | gst::ElementFlags::SOURCE);
        self.obj().set_element_flags(gst::ElementFlags::SINK);
    }
}

impl GstObjectImpl for MeetingSink {}

impl ElementImpl for MeetingSink {
    fn metadata() -> Option<&'static gst::subclass::ElementMetadata> {
        static METADATA: LazyLock<gst::subclass::ElementMetadata> = LazyLock::new(|| {
            gst::subclass::ElementMetadata::new(
                "Convene participant, sending",
                "Sink/Network/Audio/Video",
                "Sends a camera and a voice into a meeting",
                "Convene",
            )
        });
        Some(&METADATA)
    }

    fn pad_templates() -> &'static [gst::PadTemplate] {
        static TEMPLATES: LazyLock<Vec<gst::PadTemplate>> = LazyLock::new(|| {
            let template = |name, media| {
                let caps = gst::Caps::new_empty_simple(media);
                gst::PadTemplate::new(name, gst::PadDirection::Sink, gst::PadPresence::Request, &caps)
                    .expect("a good template")
            };
            vec![template("video", "video/x-vp8"), template("audio", "audio/x-opus")]
        });
        &TEMPLATES
    }

    fn request_new_pad(
        &self,
        template: &gst::PadTemplate,
        _name: Option<&str>,
        _caps: Option<&gst::Caps>,
    ) -> Option<gst::Pad> {
        match self.add_input(template) {
            Ok(pad) => Some(pad.upcast()),
            Err(sentence) => {
                gst::warning!(CAT, imp = self, "There is no pad: {sentence}");
                None
            }
        }
    }

    fn release_pad(&self, pad: &gst::Pad) {
        let mut state = self.state.lock();
        let State { video, audio, .. } = &mut *state;
        let of = |input: &mut Option<Input>| input.take_if(|input| input.pad.upcast_ref::<gst::Pad>() == pad);
        let Some(input) = of(video).or_else(|| of(audio)) else { return };
        drop(state);
        let _ = input.pad.set_active(false);
        let _ = self.obj().remove_pad(&input.pad);
        for element in &input.elements {
            let _ = element.set_state(gst::State::Null);
            let _ = self.obj().remove(element);
        }
    }

    fn change_state(
        &self,
        transition: gst::StateChange,
    ) -> Result<gst::StateChangeSuccess, gst::StateChangeError> {
        self.change(transition, || self.join())
    }
}

impl BinImpl for MeetingSink {}

impl MeetingSink {
    fn set_muted(&self, muted: bool) {
        *self.muted.lock().expect("no holder of it panics") = muted;
        if self.state.lock().audio.is_some() {
            self.say(&Say::Microphone { on: !muted });
        }
    }

    fn add_input(&self, template: &gst::PadTemplate) -> Result<gst::GhostPad, String> {
        let is_video = template.name_template() == "video";
        if self.session.lock().is_some() {
            return Err("what is sent is agreed upon when the meeting is joined; ask for pads before".into());
        }
        let mut state = self.state.lock();
        let State { video, audio, .. } = &mut *state;
        let place = if is_video { video } else { audio };
        if place.is_some() {
            return Err("there is one camera and one voice".into());
        }
        let input = self.make_input(template, is_video).map_err(|error| error.to_string())?;
        let pad = input.pad.clone();
        *place = Some(input);
        drop(state);
        self.obj().add_pad(&pad).map_err(|error| error.to_string())?;
        Ok(pad)
    }

    fn make_input(&self, template: &gst::PadTemplate, is_video: bool) -> Result<Input, glib::BoolError> {
        let payloader = if is_video {
            gst::ElementFactory::make("rtpvp8pay")
                .property("pt", 96_u32)
                .property_from_str("picture-id-mode", "15-bit")
        } else {
            gst::ElementFactory::make("rtpopuspay").property("pt", 111_u32)
        };
        let caps = if is_video { VP8 } else { OPUS };
        let elements = vec![
            // What does not come live goes out at its time all the same.
            gst::ElementFactory::make("clocksync").build()?,
            payloader.build()?,
            gst::ElementFactory::make("capsfilter").property_from_str("caps", caps).build()?,
        ];
        self.obj().add_many(&elements)?;
        gst::Element::link_many(&elements)?;
        let target = elements[0].static_pad("sink").expect("it has one");
        let pad = gst::GhostPad::builder_from_template_with_target(template, &target)?
            .chain_function(|pad, parent, buffer| {
                Self::catch_panic_pad_function(
                    parent,
                    || Err(gst::FlowError::Error),
                    |this| this.take(pad, buffer),
                )
            })
            .event_function(|pad, parent, event| {
                Self::catch_panic_pad_function(parent, || false, |this| this.event(pad, event))
            })
            .build();
        pad.set_active(true)?;
        for element in &elements {
            element.sync_state_with_parent()?;
        }
        Ok(Input { pad, elements, has_ended: false })
    }

    fn take(&self, pad: &gst::GhostPad, buffer: gst::Buffer) -> Result<gst::FlowSuccess, gst::FlowError> {
        {
            let mut state = self.state.lock();
            if state.is_over {
                return Err(gst::FlowError::Eos);
            }
            let is_picture = state.video.as_ref().is_some_and(|video| video.pad == *pad);
            if is_picture && !state.shows(&buffer) {
                return Ok(gst::FlowSuccess::Ok);
            }
        }
        gst::ProxyPad::chain_default(pad, Some(&*self.obj()), buffer)
    }

    /// The end of what is sent is ours to deal with.
    fn event(&self, pad: &gst::GhostPad, event: gst::Event) -> bool {
        if event.type_() == gst::EventType::Eos {
            self.input_ended(pad);
            return true;
        }
        gst::Pad::event_default(pad, Some(&*self.obj()), event)
    }

    fn input_ended(&self, pad: &gst::GhostPad) {
        let mut state = self.state.lock();
        for input in state.inputs().filter(|input| input.pad == *pad) {
            input.has_ended = true;
        }
        if !state.inputs().all(|input| input.has_ended) {
            return;
        }
        drop(state);
        self.leave();
        let _ = self.obj().post_message(gst::message::Eos::builder().src(&*self.obj()).build());
    }

    /// A voice goes on without it.
    fn refuse_camera(&self, message: String) {
        let has_voice = {
            let mut state = self.state.lock();
            state.camera = Camera::Refused;
            state.audio.is_some()
        };
        let error = MeetingError::CameraRefused { message };
        if has_voice {
            gst::element_imp_warning!(self, gst::ResourceError::Busy, ("{error}"));
        } else {
            bus::report_failure(&self.bin(), &error);
        }
    }

    /// Nobody sees it, or somebody does again.
    fn want_camera(&self, height: u16) {
        let awaited = {
            let mut state = self.state.lock();
            let before = state.camera;
            state.camera = match (before, height) {
                (Camera::Refused, _) => Camera::Refused,
                (_, 0) => Camera::Unseen,
                (Camera::Unseen, _) => Camera::Awaited,
                _ => before,
            };
            let begins = state.camera == Camera::Awaited && before != Camera::Awaited;
            state.video.as_ref().filter(|_| begins).map(|video| video.pad.clone())
        };
        if let Some(pad) = awaited {
            let ask = gst_video::UpstreamForceKeyUnitEvent::builder().all_headers(true).build();
            pad.push_event(ask);
        }
        let wanted =
            gst::Structure::builder("convene-meeting-camera-wanted").field("height", u32::from(height));
        bus::post(&self.bin(), wanted.build());
    }

    fn join(&self) -> Result<(), gst::ErrorMessage> {
        let settings = self.settings.lock().expect("no holder of the settings panics").clone();
        let mut state = self.state.lock();
        (state.is_over, state.camera) = (false, Camera::Seen);
        let mut ends = Vec::new();
        for input in state.inputs() {
            input.has_ended = false;
            ends.extend(input.elements.last().and_then(|last| last.static_pad("src")));
        }
        drop(state);
        if ends.is_empty() {
            return Err(gst::error_msg!(
                gst::ResourceError::Settings,
                ("Nothing is to be sent. Link VP8 to the pad video, or Opus to the pad audio.")
            ));
        }
        self.open(&settings, 0, |webrtcbin| {
            for end in ends {
                let line = webrtcbin.request_pad_simple("sink_%u").expect("webrtcbin has pads for all");
                let transceiver = line.property::<WebRTCRTPTransceiver>("transceiver");
                transceiver.set_property("direction", WebRTCRTPTransceiverDirection::Sendonly);
                // What is asked for is sent again (RFC 4588).
                transceiver.set_property("do-nack", true);
                end.link(&line).map_err(|error| {
                    gst::error_msg!(gst::CoreError::Negotiation, ("What is sent does not fit: {error}"))
                })?;
            }
            Ok(())
        })
    }
}

impl Member for MeetingSink {
    fn session(&self) -> &Mutex<Option<Session>> {
        &self.session
    }

    /// The camera and the voice are on as soon as they can be carried.
    fn answered(&self) {
        let (has_video, has_audio) = {
            let state = self.state.lock();
            (state.video.is_some(), state.audio.is_some())
        };
        if has_video {
            self.say(&Say::Camera { on: true });
        }
        if has_audio && !*self.muted.lock().expect("no holder of it panics") {
            self.say(&Say::Microphone { on: true });
        }
    }

    fn said(&self, what: Hear) {
        match what {
            Hear::CameraRefused { message } => self.refuse_camera(message),
            Hear::CameraWanted { height } => self.want_camera(height),
            Hear::CameraPolicy { width, height, max_kbps } => {
                let policy = gst::Structure::builder("convene-meeting-camera")
                    .field("width", width)
                    .field("height", height)
                    .field("max-kbps", max_kbps);
                bus::post(&self.bin(), policy.build());
            }
            Hear::Muted => {
                *self.muted.lock().expect("no holder of it panics") = true;
                self.obj().notify("muted");
                bus::post(&self.bin(), gst::Structure::new_empty("convene-meeting-muted"));
            }
            _ => {}
        }
    }

    fn over(&self) {
        self.state.lock().is_over = true;
    }
}
