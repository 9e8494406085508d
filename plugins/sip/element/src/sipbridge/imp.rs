//! The hands of `sipbridge`.
//!
//! Locks, in the order in which they may be taken; none is held across a push, an event, a signal or the end of a thread:
//! 1. `settings`
//! 2. `state`
//! 3. a line's session

use std::sync::{Arc, LazyLock};

use convene_sip::{CallId, Prompt};
use gst::glib;
use gst::prelude::*;
use gst::subclass::prelude::*;
use parking_lot::Mutex;

use super::pusher::{Inlet, Letter, Pusher};
use super::seats::{SEATS_MAX, Seats};
use super::settings::{self, Settings};
use super::told::Listener;
use super::{form, signals};
use crate::hub::{OpenPorts, RoomListener, RoomSeat};

pub(super) static CAT: LazyLock<gst::DebugCategory> = LazyLock::new(|| {
    gst::DebugCategory::new("sipbridge", gst::DebugColorFlags::empty(), Some("SIP telephone bridge"))
});

#[derive(Default, glib::Properties)]
#[properties(wrapper_type = super::SipBridge)]
pub struct SipBridge {
    #[property(
        name = "room", nick = "Room", get, set = Self::set_room, type = String, member = room,
        blurb = "The nine digits that bring callers here; empty for everybody who calls, without being asked"
    )]
    #[property(
        name = "tls-port", nick = "TLS port", get, set, type = i32, member = tls_port,
        minimum = -1, maximum = 65_535, default = settings::TLS_PORT,
        blurb = "Where callers come in by TLS, if there is a certificate; -1 for nowhere, 0 for any free port"
    )]
    #[property(
        name = "tcp-port", nick = "TCP port", get, set, type = i32, member = tcp_port,
        minimum = -1, maximum = 65_535, default = settings::TCP_PORT,
        blurb = "Where callers come in by TCP; -1 for nowhere, 0 for any free port"
    )]
    #[property(
        name = "udp-port", nick = "UDP port", get, set, type = i32, member = udp_port,
        minimum = -1, maximum = 65_535, default = -1,
        blurb = "Where callers come in by UDP; -1 for nowhere, 0 for any free port"
    )]
    #[property(
        name = "bind-address", nick = "Bind address", get, set, type = Option<String>, member = bind_address,
        blurb = "The address to open the ports on; all addresses of this machine when not set"
    )]
    #[property(
        name = "certificate", nick = "Certificate", get, set, type = Option<String>, member = certificate,
        blurb = "A PEM file with the certificate for TLS, and those that vouch for it"
    )]
    #[property(
        name = "private-key", nick = "Private key", get, set, type = Option<String>, member = private_key,
        blurb = "A PEM file with the certificate's key"
    )]
    #[property(
        name = "media-address", nick = "Media address", get, set, type = Option<String>, member = media_address,
        blurb = "The IP address that callers are told, for bridges behind a NAT; the one that they reach when not set"
    )]
    #[property(
        name = "rtp-ports", nick = "RTP ports", get, set, type = String, member = rtp_ports,
        blurb = "The UDP ports for sound; each call takes two"
    )]
    #[property(
        name = "inband-digits", nick = "In-band digits", get, set, type = bool, member = inband_digits, default = false,
        blurb = "Digits are looked for as tones in the voices of callers who have agreed on no telephone-event (RFC 4733), which others then hardly hear"
    )]
    #[property(
        name = "language", nick = "Language", get, set, type = String, member = language,
        blurb = "In which callers are spoken to: en or de"
    )]
    #[property(
        name = "prompts", nick = "Prompts", get, set, type = Option<String>, member = prompts,
        blurb = "A folder with files like enter-code.wav (16 bits a sample) that are played instead of what is built in"
    )]
    #[property(
        name = "locked", nick = "Locked", get, set = Self::set_locked, type = bool, member = locked,
        default = false,
        blurb = "Nobody more is let in"
    )]
    #[property(
        name = "pin", nick = "PIN", get, set = Self::set_pin, type = String, member = pin,
        blurb = "Digits by which an organiser is known; empty for none"
    )]
    #[property(
        name = "names", nick = "Names", get, set = Self::set_names, type = String, member = names,
        blurb = "Whether callers say their names on the way in: never, asked (others hear them by a key), or announced (and to all callers)"
    )]
    #[property(
        name = "label", nick = "Label", get, set = Self::set_label, type = String, member = label,
        blurb = "What records of this room's calls call it, as its digits let people in"
    )]
    #[property(
        name = "records", nick = "Records", get, set = Self::set_records, type = bool, member = records,
        default = false,
        blurb = "call-ended tells of each call of these ports, whichever bridge's it was, when it is over"
    )]
    #[property(
        name = "trunk", nick = "Trunk", get, set, type = Option<String>, member = trunk,
        blurb = "Who connects calls with the telephone network, as sips:provider.example; its account comes from \
            trunk-account, or from CONVENE_SIP_USER and CONVENE_SIP_PASSWORD in the environment"
    )]
    #[property(
        name = "trunk-register", nick = "Register with the trunk", get, set, type = bool, member = trunk_register,
        default = true,
        blurb = "The trunk is told to bring calls here, too"
    )]
    #[property(
        name = "trunk-account", nick = "Trunk account", get, set, type = Option<String>, member = trunk_account,
        blurb = "A file whose first line is USER:PASSWORD; it should be readable for nobody else"
    )]
    #[property(
        name = "ca-file", nick = "CA file", get, set, type = Option<String>, member = ca_file,
        blurb = "A PEM file with certificates that are trusted when somebody is called by TLS, besides those of the system"
    )]
    settings: std::sync::Mutex<Settings>,
    #[property(
        name = "actual-tls-port", nick = "Actual TLS port", get = |this: &Self| port(this.ports().tls), type = i32,
        minimum = -1, maximum = 65_535, default = -1,
        blurb = "The TLS port that is open, -1 while none is"
    )]
    #[property(
        name = "actual-tcp-port", nick = "Actual TCP port", get = |this: &Self| port(this.ports().tcp), type = i32,
        minimum = -1, maximum = 65_535, default = -1,
        blurb = "The TCP port that is open, -1 while none is"
    )]
    #[property(
        name = "actual-udp-port", nick = "Actual UDP port", get = |this: &Self| port(this.ports().udp), type = i32,
        minimum = -1, maximum = 65_535, default = -1,
        blurb = "The UDP port that is open, -1 while none is"
    )]
    _actual: (),
    pub(super) state: Mutex<State>,
}

/// What a bridge knows.
#[derive(Default)]
pub struct State {
    pub room: Option<Arc<RoomSeat>>,
    pub seats: Seats,
    pub pusher: Option<Pusher>,
    pub inlet: Option<Inlet>,
}

impl SipBridge {
    fn settings(&self) -> std::sync::MutexGuard<'_, Settings> {
        self.settings.lock().expect("no holder of the settings panics")
    }

    fn set_room(&self, room: String) {
        self.settings().room = room;
        self.tell_rules();
    }

    fn set_locked(&self, locked: bool) {
        self.settings().locked = locked;
        self.tell_rules();
    }

    fn set_pin(&self, pin: String) {
        self.settings().pin = pin;
        self.tell_rules();
    }

    fn set_names(&self, names: String) {
        self.settings().names = names;
        self.tell_rules();
    }

    fn set_label(&self, label: String) {
        self.settings().label = label;
        self.tell_rules();
    }

    fn set_records(&self, records: bool) {
        self.settings().records = records;
        self.tell_rules();
    }

    fn tell_rules(&self) {
        let rules = self.settings().rules();
        if let Some(room) = self.state.lock().room.clone() {
            room.change(rules);
        }
    }

    fn ports(&self) -> OpenPorts {
        self.state.lock().room.as_ref().map_or_else(OpenPorts::default, |room| room.ports())
    }

    /// The caller on this seat is to go.
    pub(super) fn hang_up(&self, number: u32) {
        let state = self.state.lock();
        if let (Some(room), Some(caller)) = (&state.room, state.seats.caller(number)) {
            room.hang_up(caller.call);
        }
    }

    /// All calls of these ports end.
    pub(super) fn hang_up_all(&self) {
        let room = self.state.lock().room.clone();
        if let Some(room) = room {
            room.hang_up_all();
        }
    }

    /// Calls somebody; 0 while the ports are closed.
    pub(super) fn call(&self, to: String) -> u64 {
        let room = self.state.lock().room.clone();
        let call = room.map_or(0, |room| room.call(to).0);
        gst::info!(CAT, imp = self, "Call {call}: somebody is called");
        call
    }

    /// A call of ours is to end, however far it has come.
    pub(super) fn cancel(&self, id: u64) {
        if let Some(room) = &self.state.lock().room
            && CallId::OURS.0 <= id
        {
            room.cancel(CallId(id));
        }
    }

    /// The caller on this seat is told something.
    pub(super) fn announce(&self, number: u32, prompt: &str) {
        let Some(prompt) = Prompt::named(prompt) else {
            gst::warning!(CAT, imp = self, "There is no prompt \"{prompt}\"");
            return;
        };
        let state = self.state.lock();
        if let (Some(room), Some(caller)) = (&state.room, state.seats.caller(number)) {
            room.announce(caller.call, prompt);
        }
    }

    pub(super) fn stats(&self) -> gst::Structure {
        let callers: Vec<_> = {
            let state = self.state.lock();
            state.seats.callers().map(|(number, caller)| (number, caller.clone())).collect()
        };
        let calls = callers.into_iter().map(|(number, caller)| {
            let stats = caller.line.stats();
            gst::Structure::builder("call")
                .field("seat", number)
                .field("codec", caller.codec.encoding_name())
                .field("received", stats.received)
                .field("expected", stats.expected)
                .field("jitter-ms", stats.jitter.as_secs_f64() * 1000.0)
                .field_if_some("round-trip-ms", stats.round_trip.map(|trip| trip.as_secs_f64() * 1000.0))
                .field("sent", stats.sent)
                .field("refused", stats.refused)
                .field("lost", stats.lost)
                .build()
        });
        gst::Structure::builder("stats").field("calls", gst::Array::new(calls)).build()
    }

    /// Opens the ports.
    fn open(&self) -> Result<(), gst::ErrorMessage> {
        let settings = self.settings().clone();
        let hub = settings
            .hub()
            .map_err(|sentence| gst::error_msg!(gst::ResourceError::Settings, ("{sentence}")))?;
        let listener: Arc<dyn RoomListener> = Arc::new(Listener(self.obj().downgrade()));
        let room = RoomSeat::take(&hub, settings.rules(), &listener)
            .map_err(|error| gst::error_msg!(gst::ResourceError::OpenReadWrite, ("{error}")))?;
        gst::info!(CAT, imp = self, "Open: {:?}", room.ports());
        self.state.lock().room = Some(Arc::new(room));
        for name in ["actual-tls-port", "actual-tcp-port", "actual-udp-port"] {
            self.obj().notify(name);
        }
        Ok(())
    }

    /// Closes the ports, if no other bridge has them open.
    fn close(&self) {
        let room = self.state.lock().room.take();
        drop(room);
        self.state.lock().seats.clear_callers();
    }

    fn start_pusher(&self) -> Result<(), gst::ErrorMessage> {
        let bridge = self.obj().downgrade();
        let pusher = Pusher::start(move |letter| {
            if let Some(bridge) = bridge.upgrade() {
                bridge.imp().carry_out(letter);
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

fn port(port: Option<u16>) -> i32 {
    port.map_or(-1, i32::from)
}

#[glib::object_subclass]
impl ObjectSubclass for SipBridge {
    const NAME: &'static str = "ConveneSipBridge";
    type Type = super::SipBridge;
    type ParentType = gst::Element;
}

#[glib::derived_properties]
impl ObjectImpl for SipBridge {
    fn signals() -> &'static [glib::subclass::Signal] {
        static SIGNALS: LazyLock<Vec<glib::subclass::Signal>> = LazyLock::new(signals::signals);
        &SIGNALS
    }
}

impl GstObjectImpl for SipBridge {}

impl ElementImpl for SipBridge {
    fn metadata() -> Option<&'static gst::subclass::ElementMetadata> {
        static METADATA: LazyLock<gst::subclass::ElementMetadata> = LazyLock::new(|| {
            gst::subclass::ElementMetadata::new(
                "SIP telephone bridge",
                "Generic/Network",
                "Answers telephone calls by SIP, and gives each one's voice by pads",
                "The Convene developers",
            )
        });
        Some(&METADATA)
    }

    fn pad_templates() -> &'static [gst::PadTemplate] {
        static TEMPLATES: LazyLock<Vec<gst::PadTemplate>> = LazyLock::new(|| {
            let template = |name, direction| {
                gst::PadTemplate::new(name, direction, gst::PadPresence::Request, &form::any_caps())
                    .expect("the template is sound")
            };
            vec![
                template("call_src_%u", gst::PadDirection::Src),
                template("call_sink_%u", gst::PadDirection::Sink),
            ]
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
        let is_src = template.direction() == gst::PadDirection::Src;
        let (pad, inlet, number) = {
            let mut state = self.state.lock();
            let is_taken = |number: u32| {
                let pad = state
                    .seats
                    .seat(number)
                    .and_then(|seat| if is_src { seat.src.as_ref() } else { seat.sink.as_ref() });
                pad.is_some()
            };
            let number = match wanted {
                Some(number) => Some(number).filter(|number| !is_taken(*number)),
                None => (0..SEATS_MAX).find(|number| !is_taken(*number)),
            }?;
            let pad = Self::make_pad(template, &format!("{prefix}{number}"), number);
            let seat = state.seats.seat_mut(number);
            let place = if is_src { &mut seat.src } else { &mut seat.sink };
            *place = Some(pad.clone());
            (pad, state.inlet.clone(), number)
        };
        if self.obj().current_state() > gst::State::Ready {
            pad.set_active(true).ok()?;
        }
        self.obj().add_pad(&pad).ok()?;
        if let Some(inlet) = inlet {
            inlet.put(Letter::Introduce(number));
        }
        Some(pad)
    }

    fn release_pad(&self, pad: &gst::Pad) {
        let number = pad.name().rsplit('_').next().and_then(|number| number.parse().ok());
        if let Some(number) = number {
            let mut state = self.state.lock();
            let seat = state.seats.seat_mut(number);
            match pad.direction() {
                gst::PadDirection::Src => seat.src = None,
                _ => (seat.sink, seat.form) = (None, None),
            }
            state.seats.tidy(number);
        }
        let _ = pad.set_active(false);
        let _ = self.obj().remove_pad(pad);
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
