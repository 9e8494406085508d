//! The hands of `meetingsrc`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::LazyLock;

use convene_meeting_line::{Hear, MeetingError, Participant, Settings, bus};
use gst::glib;
use gst::prelude::*;
use gst::subclass::prelude::*;
use gst_webrtc::{WebRTCRTPTransceiver, WebRTCRTPTransceiverDirection};
use parking_lot::Mutex;

use crate::feeds::{Feeds, Shown};
use crate::link::{OPUS, VP8};
use crate::session::{Member, Session};

static CAT: LazyLock<gst::DebugCategory> = LazyLock::new(|| {
    gst::DebugCategory::new(
        "meetingsrc",
        gst::DebugColorFlags::empty(),
        Some("Meeting participant, receiving"),
    )
});

/// As many cameras a meeting has.
const FEEDS_MAX: u32 = 10;

#[derive(glib::Properties)]
#[properties(wrapper_type = super::MeetingSrc)]
pub struct MeetingSrc {
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
    #[property(name = "feeds", nick = "Feeds", blurb = "How many cameras are received at most; 0 for the voices alone",
        get, set, type = u32, member = feeds, maximum = FEEDS_MAX, default = FEEDS_MAX)]
    #[property(name = "latency", nick = "Latency", blurb = "For how long packets wait for those that come late, in milliseconds",
        get, set, type = u32, member = latency_ms, maximum = 5_000, default = 100)]
    wishes: std::sync::Mutex<Wishes>,
    state: Mutex<State>,
    session: Mutex<Option<Session>>,
}

struct Wishes {
    feeds: u32,
    latency_ms: u32,
}

impl Default for MeetingSrc {
    fn default() -> Self {
        Self {
            settings: std::sync::Mutex::default(),
            wishes: std::sync::Mutex::new(Wishes { feeds: FEEDS_MAX, latency_ms: 100 }),
            state: Mutex::default(),
            session: Mutex::default(),
        }
    }
}

#[derive(Default)]
struct State {
    feeds: Feeds,
    /// Whose camera each feed is.
    shown: BTreeMap<u32, Option<Participant>>,
    outputs: Vec<Output>,
}

struct Output {
    pad: gst::GhostPad,
    depayloader: gst::Element,
    /// Not the voices.
    feed: Option<u32>,
}

#[glib::object_subclass]
impl ObjectSubclass for MeetingSrc {
    const NAME: &'static str = "ConveneMeetingSrc";
    type Type = super::MeetingSrc;
    type ParentType = gst::Bin;
}

#[glib::derived_properties]
impl ObjectImpl for MeetingSrc {
    fn constructed(&self) {
        self.parent_constructed();
        self.obj().set_suppressed_flags(gst::ElementFlags::SINK | gst::ElementFlags::SOURCE);
        self.obj().set_element_flags(gst::ElementFlags::SOURCE);
    }
}

impl GstObjectImpl for MeetingSrc {}

impl ElementImpl for MeetingSrc {
    fn metadata() -> Option<&'static gst::subclass::ElementMetadata> {
        static METADATA: LazyLock<gst::subclass::ElementMetadata> = LazyLock::new(|| {
            gst::subclass::ElementMetadata::new(
                "Convene participant, receiving",
                "Source/Network/Audio/Video",
                "Hears and sees a meeting",
                "Convene",
            )
        });
        Some(&METADATA)
    }

    fn pad_templates() -> &'static [gst::PadTemplate] {
        static TEMPLATES: LazyLock<Vec<gst::PadTemplate>> = LazyLock::new(|| {
            let template = |name, media| {
                let caps = gst::Caps::new_empty_simple(media);
                gst::PadTemplate::new(name, gst::PadDirection::Src, gst::PadPresence::Sometimes, &caps)
                    .expect("a good template")
            };
            vec![template("audio", "audio/x-opus"), template("feed_%u", "video/x-vp8")]
        });
        &TEMPLATES
    }

    fn change_state(
        &self,
        transition: gst::StateChange,
    ) -> Result<gst::StateChangeSuccess, gst::StateChangeError> {
        let changed = self.change(transition, || self.join());
        if self.session.lock().is_none() {
            self.take_outputs_away();
        }
        match transition {
            // Nothing comes before it comes live.
            gst::StateChange::ReadyToPaused | gst::StateChange::PlayingToPaused => {
                changed.map(|_| gst::StateChangeSuccess::NoPreroll)
            }
            _ => changed,
        }
    }
}

impl BinImpl for MeetingSrc {}

impl MeetingSrc {
    fn join(&self) -> Result<(), gst::ErrorMessage> {
        let settings = self.settings.lock().expect("no holder of the settings panics").clone();
        let (feeds, latency_ms) = {
            let wishes = self.wishes.lock().expect("no holder of the wishes panics");
            (wishes.feeds, wishes.latency_ms)
        };
        *self.state.lock() = State::default();
        self.open(&settings, latency_ms, |webrtcbin| {
            let lines = std::iter::once(OPUS).chain((0..feeds).map(|_| VP8));
            for caps in lines {
                let caps = caps.parse::<gst::Caps>().expect("good caps");
                let direction = WebRTCRTPTransceiverDirection::Recvonly;
                let transceiver =
                    webrtcbin.emit_by_name::<WebRTCRTPTransceiver>("add-transceiver", &[&direction, &caps]);
                // What was lost is asked for again (RFC 4585).
                transceiver.set_property("do-nack", true);
            }
            let element = self.obj().downgrade();
            webrtcbin.connect_pad_added(move |_, pad| {
                if let Some(element) = element.upgrade()
                    && pad.direction() == gst::PadDirection::Src
                    && let Err(error) = element.imp().add_output(pad)
                {
                    element.imp().fail(&error.to_string());
                }
            });
            Ok(())
        })
    }

    /// The first line of the offer is the voices'.
    fn add_output(&self, line: &gst::Pad) -> Result<(), glib::BoolError> {
        let at = line.property::<WebRTCRTPTransceiver>("transceiver").property::<u32>("mlineindex");
        let feed = at.checked_sub(1);
        let (name, template) = match feed {
            None => ("audio".to_owned(), "audio"),
            Some(feed) => (format!("feed_{feed}"), "feed_%u"),
        };
        let depayloader = match feed {
            None => gst::ElementFactory::make("rtpopusdepay"),
            Some(_) => gst::ElementFactory::make("rtpvp8depay")
                .property("request-keyframe", true)
                .property("wait-for-keyframe", true),
        };
        let depayloader = depayloader.build()?;
        self.obj().add(&depayloader)?;
        depayloader.sync_state_with_parent()?;
        let target = depayloader.static_pad("src").expect("it has one");
        let template = self.obj().pad_template(template).expect("it is ours");
        let pad = gst::GhostPad::builder_from_template_with_target(&template, &target)?.name(name).build();
        pad.set_active(true)?;
        let who = {
            let mut state = self.state.lock();
            state.outputs.push(Output { pad: pad.clone(), depayloader: depayloader.clone(), feed });
            feed.and_then(|feed| state.shown.get(&feed).cloned()).flatten()
        };
        self.obj().add_pad(&pad)?;
        line.link(&depayloader.static_pad("sink").expect("it has one"))
            .map_err(|error| glib::bool_error!("a line does not fit: {error}"))?;
        if let Some(who) = who {
            pad.push_event(named(&who));
        }
        Ok(())
    }

    fn take_outputs_away(&self) {
        let outputs = std::mem::take(&mut *self.state.lock()).outputs;
        for Output { pad, depayloader, .. } in outputs {
            let _ = pad.set_active(false);
            let _ = self.obj().remove_pad(&pad);
            let _ = depayloader.set_state(gst::State::Null);
            let _ = self.obj().remove(&depayloader);
        }
    }

    /// Somebody else's camera comes.
    fn tell(&self, Shown { feed, participant }: Shown) {
        let pad = {
            let mut state = self.state.lock();
            let before = state.shown.insert(feed, participant.clone()).flatten();
            if before == participant {
                return;
            }
            let output = state.outputs.iter().find(|output| output.feed == Some(feed));
            output.map(|output| output.pad.clone())
        };
        gst::debug!(CAT, imp = self, "Feed {feed} is {:?}", participant.as_ref().map(|who| who.id));
        let mut told = gst::Structure::builder("convene-meeting-feed").field("feed", feed);
        if let Some(who) = &participant {
            told = told.field("participant", who.id).field("name", &who.name);
        }
        bus::post(&self.bin(), told.build());
        if let Some((pad, who)) = pad.zip(participant) {
            pad.push_event(named(&who));
        }
    }
}

/// Tags with somebody's name.
fn named(who: &Participant) -> gst::Event {
    let mut tags = gst::TagList::new();
    if !who.name.is_empty() {
        let tags = tags.get_mut().expect("nobody else has it yet");
        tags.add::<gst::tags::Title>(&who.name.as_str(), gst::TagMergeMode::Replace);
    }
    gst::event::Tag::new(tags)
}

impl Member for MeetingSrc {
    fn session(&self) -> &Mutex<Option<Session>> {
        &self.session
    }

    fn joined(&self, participants: Vec<Participant>) {
        let mut state = self.state.lock();
        participants.into_iter().for_each(|participant| state.feeds.met(participant));
    }

    fn offered(&self, video_mids: Vec<String>) {
        self.state.lock().feeds.set_lines(video_mids);
    }

    fn said(&self, what: Hear) {
        match what {
            Hear::ParticipantJoined { participant } => self.state.lock().feeds.met(participant),
            Hear::Slots { slots } => {
                let shown = self.state.lock().feeds.follow(&slots);
                shown.into_iter().for_each(|shown| self.tell(shown));
            }
            _ => {}
        }
    }

    /// The end of all streams. Where none has begun nobody would hear of it.
    fn over(&self) {
        let pads: Vec<gst::GhostPad> =
            self.state.lock().outputs.iter().map(|output| output.pad.clone()).collect();
        if pads.is_empty() {
            let message = "the meeting ended before anything of it came".into();
            bus::report_failure(&self.bin(), &MeetingError::NoMedia { message });
        }
        for pad in pads {
            pad.push_event(gst::event::Eos::new());
        }
    }
}
