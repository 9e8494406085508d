//! The hands of `vp8relay`.
//!
//! Locks, in the order in which they may be taken; none is held across a push, an event, a signal, a wait for a worker or the end of a thread:
//! 1. `settings`, of the element and of its pads
//! 2. `state`

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use convene_relay::{Input, PeerId, PeerState, RoomEvent, TapId};
use gst::glib;
use gst::prelude::*;
use gst::subclass::prelude::*;
use parking_lot::Mutex;

use super::members::Members;
use super::pad::Kind;
use super::pusher::{Inlet, Pusher};
use super::{Vp8RelayPad, streams, structures};
use crate::hub::{HubSettings, RoomListener, RoomSeat, WORKERS_MAX, new_tap, parse_candidates};

pub(super) static CAT: LazyLock<gst::DebugCategory> =
    LazyLock::new(|| gst::DebugCategory::new("vp8relay", gst::DebugColorFlags::empty(), Some("VP8 relay")));

/// The port of the papers.
const PORT_DEFAULT: u32 = 1853;

#[derive(Debug, Clone)]
struct Settings {
    port: u32,
    bind_address: Option<String>,
    candidates: Option<String>,
    workers: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self { port: PORT_DEFAULT, bind_address: None, candidates: None, workers: 0 }
    }
}

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
    settings: std::sync::Mutex<Settings>,
    #[property(
        name = "actual-port",
        nick = "Actual port",
        blurb = "The UDP port that is open, 0 while none is",
        get = Self::actual_port,
        type = u32
    )]
    _actual_port: (),
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    seat: Option<Arc<RoomSeat>>,
    members: Members,
    pads: Vec<Vp8RelayPad>,
    /// Which pads take what; a pad is here while its peer has a number.
    taps: BTreeMap<TapId, (Vp8RelayPad, PeerId)>,
    voices: BTreeMap<PeerId, Vec<Vp8RelayPad>>,
    pusher: Option<Pusher>,
    inlet: Option<Inlet>,
}

/// Hands on what workers tell, as long as the element is there.
struct Listener(glib::WeakRef<super::Vp8Relay>);

impl RoomListener for Listener {
    fn happened(&self, event: RoomEvent) {
        if let Some(relay) = self.0.upgrade() {
            relay.imp().happened(event);
        }
    }
}

impl Vp8Relay {
    fn settings(&self) -> Settings {
        self.settings.lock().expect("no holder of the settings panics").clone()
    }

    fn seat(&self) -> Option<Arc<RoomSeat>> {
        self.state.lock().seat.clone()
    }

    fn actual_port(&self) -> u32 {
        self.seat().map_or(0, |seat| u32::from(seat.port()))
    }

    /// Answers a peer's offer, or says why not.
    pub fn offer(&self, peer: &str, sdp: &str) -> Result<String, String> {
        let (seat, id) = {
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
            (seat, id)
        };
        seat.offer(id, sdp.to_owned())
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

    fn select(&self, peer: &str, wish: &gst::StructureRef) {
        let mut state = self.state.lock();
        let wish = structures::wish(wish, &mut state.members);
        if let (Some(seat), Some(id)) = (&state.seat, state.members.id(peer)) {
            seat.tell(id, Input::Select { peer: id, wish });
        }
    }

    fn stats(&self) -> gst::Structure {
        let reports = self.seat().map_or_else(Vec::new, |seat| seat.reports());
        structures::stats(&reports, &self.state.lock().members)
    }

    fn happened(&self, event: RoomEvent) {
        match event {
            RoomEvent::Voice { peer, level, packet } => {
                let now = self.obj().current_running_time();
                let buffer = streams::voice(&packet, level, peer.0 as u32, now);
                let state = self.state.lock();
                for pad in state.voices.get(&peer).into_iter().flatten() {
                    state.put(pad, buffer.clone());
                }
            }
            RoomEvent::Feed { tap, packet } => {
                let now = self.obj().current_running_time();
                let state = self.state.lock();
                if let Some((pad, peer)) = state.taps.get(&tap) {
                    state.put(pad, streams::feed(&packet, peer.0 as u32, now));
                }
            }
            event => self.tell(&event),
        }
    }

    fn tell(&self, event: &RoomEvent) {
        let signal = structures::signal(event, &self.state.lock().members);
        if let RoomEvent::Peer { peer, state: PeerState::Closed | PeerState::Failed } = event {
            self.state.lock().members.forget(*peer);
        }
        if let Some((name, arguments)) = signal {
            gst::debug!(CAT, imp = self, "{name}");
            self.obj().emit_by_name_with_values(name, &arguments);
        }
    }

    /// Opens the port.
    fn open(&self) -> Result<(), gst::ErrorMessage> {
        let settings = self.settings();
        let refuse = |sentence: String| gst::error_msg!(gst::ResourceError::Settings, ("{sentence}"));
        let bind = settings.bind_address.as_deref().filter(|address| !address.is_empty());
        let bind = bind.map(|address| {
            let wrong = format!("The property bind-address is an IP address, and \"{address}\" is none.");
            address.parse().map_err(|_| refuse(wrong))
        });
        let candidates = parse_candidates(settings.candidates.as_deref().unwrap_or_default());
        let hub = HubSettings {
            port: settings.port as u16,
            bind: bind.transpose()?,
            candidates: candidates.map_err(|error| refuse(error.to_string()))?,
            workers: settings.workers,
        };
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
        Ok(())
    }

    /// Closes the port, if no other relay has it open.
    fn close(&self) {
        let closed = {
            let mut state = self.state.lock();
            state.members = Members::default();
            state.taps.clear();
            state.voices.clear();
            state.seat.take()
        };
        drop(closed);
    }

    fn start_pusher(&self) -> Result<(), gst::ErrorMessage> {
        let relay = self.obj().downgrade();
        let pusher = Pusher::start(move |pad, buffer| {
            if let Some(relay) = relay.upgrade() {
                relay.imp().push(pad, buffer);
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

    fn push(&self, pad: &Vp8RelayPad, buffer: gst::Buffer) {
        if pad.sticky_event::<gst::event::Segment>(0).is_none() {
            self.introduce(pad);
        }
        gst::trace!(CAT, obj = pad, "Pushing {} bytes", buffer.size());
        match pad.push(buffer) {
            Ok(_) => {}
            Err(gst::FlowError::NotLinked | gst::FlowError::Flushing | gst::FlowError::Eos) => {
                gst::trace!(CAT, obj = pad, "Nobody takes it");
            }
            Err(error) => {
                // One branch's trouble does not end the meeting.
                self.state.lock().detach(pad, &pad.imp().peer());
                let name = pad.name();
                gst::element_imp_warning!(
                    self,
                    gst::StreamError::Failed,
                    ("What is linked to {name} has failed and gets nothing more: {error}.")
                );
            }
        }
    }

    /// What every stream begins with.
    fn introduce(&self, pad: &Vp8RelayPad) {
        let caps = match pad.imp().kind() {
            Kind::Feed(_) => &*streams::FEED_CAPS,
            Kind::VoiceOut | Kind::VoiceIn => &*streams::VOICE_CAPS,
        };
        // By hand: GStreamer makes ids only for elements with at most one sink pad.
        let id = format!("{}/{}", self.obj().name(), pad.name());
        pad.push_event(gst::event::StreamStart::builder(&id).group_id(gst::GroupId::next()).build());
        pad.push_event(gst::event::Caps::new(caps));
        pad.push_event(gst::event::Segment::new(&gst::FormattedSegment::<gst::ClockTime>::new()));
    }

    pub(super) fn pad_changes_hands(&self, pad: &Vp8RelayPad, before: &str) {
        let mut state = self.state.lock();
        state.detach(pad, before);
        state.attach(pad);
    }

    fn chain(&self, pad: &Vp8RelayPad, buffer: &gst::Buffer) -> Result<gst::FlowSuccess, gst::FlowError> {
        let Some(packet) = streams::heard(buffer) else {
            gst::element_imp_error!(
                self,
                gst::StreamError::Format,
                ("What comes in on {} is no RTP.", pad.name())
            );
            return Err(gst::FlowError::Error);
        };
        let peer = pad.imp().peer();
        let state = self.state.lock();
        if let (Some(seat), Some(id)) = (&state.seat, state.members.id(&peer)) {
            seat.tell_lossy(id, Input::Voice { peer: id, packet });
        }
        Ok(gst::FlowSuccess::Ok)
    }

    fn src_event(&self, pad: &Vp8RelayPad, event: &gst::Event) -> bool {
        if !is_force_key_unit(event) {
            return matches!(event.type_(), gst::EventType::Latency | gst::EventType::Reconfigure);
        }
        let Kind::Feed(tap) = pad.imp().kind() else {
            return false;
        };
        gst::debug!(CAT, obj = pad, "Asked for a key frame");
        let state = self.state.lock();
        if let (Some(seat), Some((_, peer))) = (&state.seat, state.taps.get(&tap)) {
            seat.tap_keyframe(tap, *peer);
        }
        true
    }

    fn src_query(&self, pad: &Vp8RelayPad, query: &mut gst::QueryRef) -> bool {
        match query.view_mut() {
            gst::QueryViewMut::Latency(latency) => {
                latency.set(true, gst::ClockTime::ZERO, gst::ClockTime::NONE);
                true
            }
            _ => gst::Pad::query_default(pad, Some(&*self.obj()), query),
        }
    }

    fn make_pad(&self, template: &gst::PadTemplate, name: &str) -> Vp8RelayPad {
        let builder = gst::PadBuilder::<Vp8RelayPad>::from_template(template)
            .name(name)
            .iterate_internal_links_function(|_, _| gst::Iterator::from_vec(Vec::new()));
        match template.direction() {
            gst::PadDirection::Sink => builder
                .chain_function(move |pad, parent, buffer| {
                    let relay = relay_of(parent).ok_or(gst::FlowError::Error)?;
                    relay.imp().catch_panic_chain(pad, &buffer)
                })
                // A voice that ends or flushes is of no interest to anybody else.
                .event_function(|_, _, _| true)
                .build(),
            _ => builder
                .event_function(move |pad, parent, event| {
                    relay_of(parent).is_some_and(|relay| relay.imp().src_event(pad, &event))
                })
                .query_function(move |pad, parent, query| {
                    relay_of(parent).is_some_and(|relay| relay.imp().src_query(pad, query))
                })
                .build(),
        }
    }

    fn catch_panic_chain(
        &self,
        pad: &Vp8RelayPad,
        buffer: &gst::Buffer,
    ) -> Result<gst::FlowSuccess, gst::FlowError> {
        gst::panic_to_error!(self, Err(gst::FlowError::Error), { self.chain(pad, buffer) })
    }
}

impl State {
    fn put(&self, pad: &Vp8RelayPad, buffer: gst::Buffer) {
        if let Some(inlet) = &self.inlet {
            inlet.put(pad.clone(), buffer);
        }
    }

    /// A pad takes what its peer sends.
    fn attach(&mut self, pad: &Vp8RelayPad) {
        let Some(seat) = self.seat.clone() else {
            return;
        };
        let Some(id) = self.members.id_or_new(&pad.imp().peer()) else {
            return;
        };
        match pad.imp().kind() {
            Kind::Feed(tap) => {
                self.taps.insert(tap, (pad.clone(), id));
                seat.tap(tap, id);
            }
            Kind::VoiceOut => {
                let pads = self.voices.entry(id).or_default();
                if !pads.contains(pad) {
                    pads.push(pad.clone());
                }
                seat.tap_voice(id, true);
            }
            Kind::VoiceIn => {}
        }
    }

    /// A pad takes nothing more of this peer.
    fn detach(&mut self, pad: &Vp8RelayPad, peer: &str) {
        let (Some(seat), Some(id)) = (self.seat.clone(), self.members.id(peer)) else {
            return;
        };
        match pad.imp().kind() {
            Kind::Feed(tap) => {
                self.taps.remove(&tap);
                seat.untap(tap, id);
            }
            Kind::VoiceOut => {
                if let Some(pads) = self.voices.get_mut(&id) {
                    pads.retain(|other| other != pad);
                    if pads.is_empty() {
                        self.voices.remove(&id);
                        seat.tap_voice(id, false);
                    }
                }
            }
            Kind::VoiceIn => {}
        }
    }
}

fn is_force_key_unit(event: &gst::Event) -> bool {
    event.structure().is_some_and(|structure| structure.name() == "GstForceKeyUnit")
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
        static SIGNALS: LazyLock<Vec<glib::subclass::Signal>> = LazyLock::new(signals);
        &SIGNALS
    }
}

fn signals() -> Vec<glib::subclass::Signal> {
    use glib::subclass::Signal;
    let text = String::static_type();
    let structure = gst::Structure::static_type();
    let action =
        |name: &str, types: &[glib::Type]| Signal::builder(name).param_types(types.iter().copied()).action();
    let told =
        |name: &str, types: &[glib::Type]| Signal::builder(name).param_types(types.iter().copied()).build();
    vec![
        action("offer", &[text, text])
            .return_type::<gst::Structure>()
            .class_handler(|arguments| {
                let (relay, peer) = relay_and_peer(arguments)?;
                let sdp = arguments.get(2)?.get::<String>().ok()?;
                Some(structures::answer(relay.imp().offer(&peer, &sdp)).to_value())
            })
            .build(),
        action("remove", &[text])
            .class_handler(|arguments| {
                let (relay, peer) = relay_and_peer(arguments)?;
                relay.imp().remove(&peer);
                None
            })
            .build(),
        action("select", &[text, structure])
            .class_handler(|arguments| {
                let (relay, peer) = relay_and_peer(arguments)?;
                let wish = arguments.get(2)?.get::<gst::Structure>().ok()?;
                relay.imp().select(&peer, &wish);
                None
            })
            .build(),
        action("stats", &[])
            .return_type::<gst::Structure>()
            .class_handler(|arguments| {
                let relay = arguments.first()?.get::<super::Vp8Relay>().ok()?;
                Some(relay.imp().stats().to_value())
            })
            .build(),
        action("limit-feeds", &[u32::static_type()])
            .class_handler(|arguments| {
                let relay = arguments.first()?.get::<super::Vp8Relay>().ok()?;
                let bitrate = arguments.get(1)?.get::<u32>().ok()?;
                if let Some(seat) = relay.imp().seat() {
                    seat.limit_feeds(bitrate);
                }
                None
            })
            .build(),
        told("slots-changed", &[text, structure]),
        told("peer-state", &[text, text]),
        told("feeds-changed", &[structure]),
        told("speakers-changed", &[structure]),
    ]
}

fn relay_of(parent: Option<&gst::Object>) -> Option<&super::Vp8Relay> {
    parent?.downcast_ref()
}

fn relay_and_peer(arguments: &[glib::Value]) -> Option<(super::Vp8Relay, String)> {
    let relay = arguments.first()?.get().ok()?;
    let peer = arguments.get(1)?.get().ok()?;
    Some((relay, peer))
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
        {
            let mut state = self.state.lock();
            state.detach(ours, &ours.imp().peer());
            state.pads.retain(|other| other != ours);
        }
        let _ = pad.set_active(false);
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
