//! The hands of `vp8relay`.
//!
//! Locks, in the order in which they may be taken; none is held across a push, an event, a signal, a wait for a worker or the end of a thread:
//! 1. `settings`
//! 2. `state`
//! 3. a pad's `settings`

use std::sync::{Arc, LazyLock};

use convene_relay::Input;
use gst::glib;
use gst::prelude::*;
use gst::subclass::prelude::*;
use parking_lot::Mutex;

use super::members::Members;
use super::pad::Kind;
use super::pusher::{Item, Pusher};
use super::settings::{PORT_DEFAULT, Settings};
use super::state::State;
use super::told::Listener;
use super::{Vp8RelayPad, signals, streams, structures};
use crate::http::{self, Desk};
use crate::hub::{RoomListener, RoomSeat, WORKERS_MAX, new_tap};

pub(super) static CAT: LazyLock<gst::DebugCategory> =
    LazyLock::new(|| gst::DebugCategory::new("vp8relay", gst::DebugColorFlags::empty(), Some("VP8 relay")));

#[derive(Default, glib::Properties)]
#[properties(wrapper_type = super::Vp8Relay)]
pub struct Vp8Relay {
    #[property(
        name = "port",
        nick = "Port",
        blurb = "The UDP port; all relays of the process that name the same one share it; 0 for any free one",
        get,
        set,
        type = u32,
        member = port,
        default = PORT_DEFAULT,
        maximum = 65_535
    )]
    #[property(
        name = "bind-address",
        nick = "Bind address",
        blurb = "The address to open the port on; all addresses of this machine when not set",
        get,
        set,
        type = Option<String>,
        member = bind_address
    )]
    #[property(
        name = "candidates",
        nick = "Candidates",
        blurb = "The IP addresses that peers are told, between commas; this machine's own when not set",
        get,
        set,
        type = Option<String>,
        member = candidates
    )]
    #[property(
        name = "workers",
        nick = "Workers",
        blurb = "Threads that share the peers of the port; 0 for one a core",
        get,
        set,
        type = u32,
        member = workers,
        default = 0,
        maximum = WORKERS_MAX
    )]
    #[property(
        name = "tcp-port",
        nick = "TCP port",
        blurb = "The TCP port for peers whose network lets no UDP through (ICE-TCP); 0 for any free one, -1 for none",
        get,
        set,
        type = i32,
        member = tcp_port,
        default = -1,
        minimum = -1,
        maximum = 65_535
    )]
    #[property(
        name = "tcp-shared",
        nick = "TCP shared",
        blurb = "The program listens at tcp-port itself, and hands in the connections that are for the relay",
        get,
        set,
        type = bool,
        member = tcp_shared
    )]
    #[property(
        name = "http",
        nick = "HTTP",
        blurb = "Address and port, like 127.0.0.1:8080, to serve WHIP at /whip/NAME and WHEP at /whep; none when not set",
        get,
        set,
        type = Option<String>,
        member = http
    )]
    settings: std::sync::Mutex<Settings>,
    #[property(
        name = "actual-port",
        nick = "Actual port",
        blurb = "The UDP port that is open, 0 while none is",
        get = Self::actual_port,
        type = u32
    )]
    #[property(
        name = "actual-tcp-port",
        nick = "Actual TCP port",
        blurb = "The TCP port that peers are told, 0 while none is open",
        get = Self::actual_tcp_port,
        type = u32
    )]
    #[property(
        name = "actual-http",
        nick = "Actual HTTP",
        blurb = "The address and port at which HTTP is served, empty while it is not",
        get = Self::actual_http,
        type = String
    )]
    _actual: (),
    pub(super) state: Mutex<State>,
}

/// What comes by HTTP asks here.
struct Counter(glib::WeakRef<super::Vp8Relay>);

impl Desk for Counter {
    fn offer(&self, peer: &str, sdp: &str) -> Result<String, String> {
        let relay = self.0.upgrade().ok_or("The relay is over.")?;
        relay.imp().offer(peer, sdp)
    }

    fn remove(&self, peer: &str) {
        if let Some(relay) = self.0.upgrade() {
            relay.imp().remove(peer);
        }
    }

    fn knows(&self, peer: &str) -> bool {
        self.0.upgrade().is_some_and(|relay| relay.imp().state.lock().members.id(peer).is_some())
    }
}

impl Vp8Relay {
    fn settings(&self) -> Settings {
        self.settings.lock().expect("no holder of the settings panics").clone()
    }

    pub(super) fn seat(&self) -> Option<Arc<RoomSeat>> {
        self.state.lock().seat.clone()
    }

    fn actual_port(&self) -> u32 {
        self.seat().map_or(0, |seat| u32::from(seat.port()))
    }

    fn actual_tcp_port(&self) -> u32 {
        self.seat().and_then(|seat| seat.tcp_port()).map_or(0, u32::from)
    }

    fn actual_http(&self) -> String {
        self.state.lock().http.as_ref().map_or_else(String::new, |http| http.address().to_string())
    }

    /// Answers a peer's offer, or says why not.
    pub fn offer(&self, peer: &str, sdp: &str) -> Result<String, String> {
        let (seat, id, is_new) = {
            let mut state = self.state.lock();
            let seat = state.seat.clone().ok_or("The relay is not started; set it to PLAYING first.")?;
            let is_new = state.members.id(peer).is_none();
            let id = state.members.id_or_new(peer).ok_or("The relay knows too many peers already.")?;
            if is_new {
                let pads: Vec<_> =
                    state.pads.iter().filter(|pad| pad.imp().peer() == peer).cloned().collect();
                for pad in pads {
                    state.attach(&pad);
                }
            }
            (seat, id, is_new)
        };
        let answer = seat.offer(id, sdp.to_owned());
        if is_new && answer.is_err() {
            // Nobody has come, so nobody will go.
            self.remove(peer);
        }
        answer
    }

    /// A peer is to go.
    pub fn remove(&self, peer: &str) {
        let mut state = self.state.lock();
        let pads: Vec<_> = state.pads.iter().filter(|pad| pad.imp().peer() == peer).cloned().collect();
        for pad in pads {
            state.detach(&pad, peer);
        }
        if let (Some(seat), Some(id)) = (state.seat.clone(), state.members.dismiss(peer)) {
            seat.tell(id, Input::Remove(id));
        }
    }

    pub(super) fn select(&self, peer: &str, wish: &gst::StructureRef) {
        let mut state = self.state.lock();
        let others = wish.get("others").unwrap_or(false);
        let wish = structures::wish(wish, &mut state.members);
        if let (Some(seat), Some(id)) = (&state.seat, state.members.id(peer)) {
            seat.tell(id, Input::Select { peer: id, wish, others });
        }
    }

    pub(super) fn stats(&self) -> gst::Structure {
        let reports = self.seat().map_or_else(Vec::new, |seat| seat.reports());
        structures::stats(&reports, &self.state.lock().members)
    }

    /// Opens the port.
    fn open(&self) -> Result<(), gst::ErrorMessage> {
        let settings = self.settings();
        let refuse = |sentence: String| gst::error_msg!(gst::ResourceError::Settings, ("{sentence}"));
        let hub = settings.hub().map_err(refuse)?;
        let listener: Arc<dyn RoomListener> = Arc::new(Listener(self.obj().downgrade()));
        let seat = RoomSeat::take(&hub, &listener)
            .map_err(|error| gst::error_msg!(gst::ResourceError::OpenReadWrite, ("{error}")))?;
        gst::info!(CAT, imp = self, "UDP port {} is open", seat.port());
        let mut state = self.state.lock();
        state.seat = Some(Arc::new(seat));
        for pad in state.pads.clone() {
            state.attach(&pad);
        }
        drop(state);
        self.obj().notify("actual-port");
        self.obj().notify("actual-tcp-port");
        if let Some(address) = settings.http.as_deref().filter(|address| !address.is_empty()) {
            let served = http::serve(address, Arc::new(Counter(self.obj().downgrade())));
            let server = served.map_err(|error| {
                self.close();
                refuse(error.to_string())
            })?;
            self.state.lock().http = Some(server);
            self.obj().notify("actual-http");
        }
        Ok(())
    }

    /// Closes the port, if no other relay has it open.
    fn close(&self) {
        // Its threads ask for the state, so it ends without holding that.
        let server = self.state.lock().http.take();
        drop(server);
        let closed = {
            let mut state = self.state.lock();
            state.members = Members::default();
            state.taps.clear();
            state.voices.clear();
            state.heard.clear();
            state.foreign.clear();
            state.supplies.clear();
            state.seat.take()
        };
        drop(closed);
    }

    fn start_pusher(&self) -> Result<(), gst::ErrorMessage> {
        let relay = self.obj().downgrade();
        let pusher = Pusher::start(move |pad, item| {
            let Some(relay) = relay.upgrade() else { return };
            match item {
                Item::Packet(buffer) => relay.imp().push(pad, buffer),
                Item::Event(event) => drop(pad.push_event(event)),
            }
        });
        let pusher = pusher.map_err(|error| {
            gst::error_msg!(gst::CoreError::Thread, ("No thread for the pads can be started: {error}."))
        })?;
        let mut state = self.state.lock();
        state.inlet = Some(pusher.inlet());
        state.pusher = Some(pusher);
        Ok(())
    }
}

#[glib::object_subclass]
impl ObjectSubclass for Vp8Relay {
    const NAME: &'static str = "ConveneVp8Relay";
    type Type = super::Vp8Relay;
    type ParentType = gst::Element;
    type Interfaces = (gst::ChildProxy,);
}

#[glib::derived_properties]
impl ObjectImpl for Vp8Relay {
    fn signals() -> &'static [glib::subclass::Signal] {
        static SIGNALS: LazyLock<Vec<glib::subclass::Signal>> = LazyLock::new(signals::signals);
        &SIGNALS
    }
}

impl GstObjectImpl for Vp8Relay {}

impl ChildProxyImpl for Vp8Relay {
    fn children_count(&self) -> u32 {
        self.state.lock().pads.len() as u32
    }

    fn child_by_name(&self, name: &str) -> Option<glib::Object> {
        let state = self.state.lock();
        state.pads.iter().find(|pad| pad.name() == name).map(|pad| pad.clone().upcast())
    }

    fn child_by_index(&self, index: u32) -> Option<glib::Object> {
        self.state.lock().pads.get(index as usize).map(|pad| pad.clone().upcast())
    }
}

impl ElementImpl for Vp8Relay {
    fn metadata() -> Option<&'static gst::subclass::ElementMetadata> {
        static METADATA: LazyLock<gst::subclass::ElementMetadata> = LazyLock::new(|| {
            gst::subclass::ElementMetadata::new(
                "VP8 relay",
                "Generic/Network/WebRTC",
                "A meeting's VP8 cameras to all who watch, through one UDP port, and its voices by pads",
                "The Convene developers",
            )
        });
        Some(&METADATA)
    }

    fn pad_templates() -> &'static [gst::PadTemplate] {
        static TEMPLATES: LazyLock<Vec<gst::PadTemplate>> = LazyLock::new(|| {
            [
                ("feed_%u", gst::PadDirection::Src, &*streams::FEED_CAPS),
                ("h264_%u", gst::PadDirection::Src, &*streams::H264_CAPS),
                ("feed_sink_%u", gst::PadDirection::Sink, &*streams::FEED_IN_CAPS),
                ("voice_src_%u", gst::PadDirection::Src, &*streams::VOICE_CAPS),
                ("voice_sink_%u", gst::PadDirection::Sink, &*streams::VOICE_IN_CAPS),
            ]
            .map(|(name, direction, caps)| {
                gst::PadTemplate::with_gtype(
                    name,
                    direction,
                    gst::PadPresence::Request,
                    caps,
                    Vp8RelayPad::static_type(),
                )
                .expect("the template is sound")
            })
            .into()
        });
        TEMPLATES.as_ref()
    }

    fn request_new_pad(
        &self,
        template: &gst::PadTemplate,
        name: Option<&str>,
        _caps: Option<&gst::Caps>,
    ) -> Option<gst::Pad> {
        let prefix = template.name_template().trim_end_matches("%u").to_owned();
        let wanted = name.and_then(|name| name.strip_prefix(&prefix)?.parse::<u32>().ok());
        let (pad, number) = {
            let state = self.state.lock();
            let is_taken =
                |number: &u32| state.pads.iter().any(|pad| pad.name() == format!("{prefix}{number}"));
            let number = match wanted {
                Some(number) if is_taken(&number) => return None,
                Some(number) => number,
                None => (0..).find(|number| !is_taken(number)).expect("a number is free"),
            };
            let kind = match prefix.as_str() {
                "feed_" => Kind::Feed(new_tap()),
                "feed_sink_" => Kind::FeedIn,
                "h264_" => Kind::H264Out,
                "voice_src_" => Kind::VoiceOut,
                _ => Kind::VoiceIn,
            };
            let pad = self.make_pad(template, &format!("{prefix}{number}"));
            pad.imp().begin(kind, number.to_string());
            (pad, number)
        };
        gst::debug!(CAT, obj = pad, "For peer number {number} until it is told another");
        {
            let mut state = self.state.lock();
            state.pads.push(pad.clone());
            state.attach(&pad);
        }
        if self.obj().current_state() > gst::State::Ready {
            pad.set_active(true).ok()?;
        }
        self.obj().add_pad(&pad).ok()?;
        self.obj().child_added(&pad, &pad.name());
        Some(pad.upcast())
    }

    fn release_pad(&self, pad: &gst::Pad) {
        let Some(ours) = pad.downcast_ref::<Vp8RelayPad>() else {
            return;
        };
        // Nothing comes in any more that would begin anew what is ended here.
        let _ = pad.set_active(false);
        {
            let mut state = self.state.lock();
            state.detach(ours, &ours.imp().peer());
            state.pads.retain(|other| other != ours);
        }
        let _ = self.obj().remove_pad(pad);
        self.obj().child_removed(pad, &pad.name());
    }

    fn change_state(
        &self,
        transition: gst::StateChange,
    ) -> Result<gst::StateChangeSuccess, gst::StateChangeError> {
        let began = match transition {
            gst::StateChange::NullToReady => self.open(),
            gst::StateChange::ReadyToPaused => self.start_pusher(),
            _ => Ok(()),
        };
        if let Err(error) = began {
            self.post_error_message(error);
            return Err(gst::StateChangeError);
        }
        let stopped = (transition == gst::StateChange::PausedToReady).then(|| {
            let mut state = self.state.lock();
            state.inlet = None;
            state.pusher.take()
        });
        let changed = self.parent_change_state(transition);
        if let Some(pusher) = stopped.flatten() {
            // The pads are flushing by now, so the thread comes home.
            pusher.stop();
        }
        match transition {
            gst::StateChange::ReadyToNull => self.close(),
            gst::StateChange::ReadyToPaused | gst::StateChange::PlayingToPaused => {
                changed?;
                return Ok(gst::StateChangeSuccess::NoPreroll);
            }
            _ => {}
        }
        changed
    }
}
