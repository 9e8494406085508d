//! Callers by telephone in a meeting's talk: each seat of the bridge is linked to a place in the mix.
//!
//! ```text
//! sipbridge name=telephone room=123456789 tls-port=5061 certificate=cert.pem private-key=key.pem
//!     telephone.call_src_0 ! mixer.sink_7   mixer.src_7 ! telephone.call_sink_0      (for the caller on seat 0, who is person 7)
//! ```
//!
//! All meetings of a process share the ports. They stay open between meetings, too, because a pipeline of its own holds them: a bridge for
//! a code that no meeting has.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use gst::glib;
use gst::prelude::*;
use parking_lot::Mutex;
use tokio::sync::mpsc::UnboundedSender;

use crate::bus::{self, BusEvent};
use crate::init::{factory, init};
use crate::seat::Seat;
use crate::talk::{milliseconds, structures};
use crate::{CallRecord, PipelineError, TalkEvent};

/// Codes of meetings begin with another digit.
const NO_MEETING: &str = "000000000";

/// Where telephones call: the SIP ports of all meetings of a process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TelephonePort {
    /// SIP over TLS; closed when `None`.
    pub tls: Option<u16>,
    /// SIP over TCP.
    pub tcp: Option<u16>,
    /// SIP over UDP.
    pub udp: Option<u16>,
    /// The address to listen on; all of the machine's when `None`.
    pub bind: Option<IpAddr>,
    /// Where telephones are told to send sound; the address that they call when `None`.
    pub address: Option<IpAddr>,
    /// The UDP ports for sound, as `7800-32000`.
    pub rtp_ports: String,
    /// Digits are looked for as tones in the voices of those who have no other way to send them.
    pub inband_digits: bool,
    /// What is done with callers' names.
    pub names: CallerNames,
    /// A PEM file.
    pub certificate: PathBuf,
    /// A PEM file.
    pub key: PathBuf,
    /// Who connects calls with the telephone network; nobody when `None`.
    pub trunk: Option<Trunk>,
}

/// What is done with the names that callers say on their way in. They are kept in memory only, and gone with the call.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum CallerNames {
    /// Nobody is asked.
    Never,
    /// Whoever asks who is there hears them.
    #[default]
    Asked,
    /// And all other callers hear who comes.
    Announced,
}

impl CallerNames {
    /// The words of `sipbridge`.
    const ALL: [(Self, &'static str); 3] =
        [(Self::Never, "never"), (Self::Asked, "asked"), (Self::Announced, "announced")];

    /// The one of this word.
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(_, other)| *other == word).map(|(names, _)| names)
    }

    /// Its word.
    pub fn word(self) -> &'static str {
        Self::ALL.into_iter().find(|(names, _)| *names == self).map_or("never", |(_, word)| word)
    }
}

/// Who connects calls with the telephone network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trunk {
    /// `sips:provider.example`, or `sip:` with `transport=tls`, `tcp` or `udp`.
    pub uri: String,
    /// A file with the account, as `USER:PASSWORD`; it is in the environment when `None`.
    pub account: Option<PathBuf>,
    /// A PEM file with certificates that are trusted besides the system's.
    pub ca_file: Option<PathBuf>,
}

/// How far a call is that the meeting makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallProgress {
    /// It rings.
    Ringing,
    /// Somebody or a machine has answered, and is asked to press a key.
    Answered,
    /// It came to nothing; `sipbridge` has a word for why.
    Failed(String),
}

/// What of the telephone is one meeting's.
#[derive(Clone, PartialEq, Eq)]
pub struct TelephoneRoom {
    /// The ports.
    pub port: TelephonePort,
    /// Nine digits.
    pub code: String,
    /// By which an organiser is known.
    pub pin: String,
    /// What records of the meeting's calls call it, as its code lets people in.
    pub label: String,
}

/// What a caller's keys ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PhoneKey {
    /// To be muted, or heard again.
    Mute,
    /// The hand up, or down.
    Hand,
    /// To be told who is there.
    Count,
    /// To hear the others louder.
    Louder,
    /// To hear them less loud.
    Quieter,
    /// An organiser: that all others are muted.
    MuteAll,
    /// An organiser: that nobody more comes in, or all again.
    Lock,
    /// An organiser: a recording, or its end.
    Record,
    /// An organiser: the meeting's end.
    End,
}

impl PhoneKey {
    /// The words of `sipbridge`.
    fn of(word: &str) -> Option<Self> {
        match word {
            "mute" => Some(Self::Mute),
            "hand" => Some(Self::Hand),
            "count" => Some(Self::Count),
            "louder" => Some(Self::Louder),
            "quieter" => Some(Self::Quieter),
            "mute-all" => Some(Self::MuteAll),
            "lock" => Some(Self::Lock),
            "record" => Some(Self::Record),
            "end" => Some(Self::End),
            _ => None,
        }
    }
}

/// Holds the ports open.
pub struct Telephone {
    pipeline: gst::Pipeline,
    bridge: gst::Element,
}

/// What is told of calls that are over.
pub type RecordKeeper = Box<dyn Fn(CallRecord) + Send + Sync>;

impl Telephone {
    /// Opens them. `records` is told of each call of any meeting or none when it is over, by a thread that must not wait; without it nothing is kept.
    pub fn open(at: &TelephonePort, records: Option<RecordKeeper>) -> Result<Self, PipelineError> {
        init()?;
        let pipeline = gst::Pipeline::with_name("telephone");
        let room = TelephoneRoom {
            port: at.clone(),
            code: NO_MEETING.into(),
            pin: String::new(),
            label: String::new(),
        };
        let bridge = bridge(&room)?;
        bridge.set_property("locked", true);
        if let Some(keep) = records {
            bridge.set_property("records", true);
            bridge.connect("call-ended", false, move |values| {
                let call = values.get(1)?.get::<gst::Structure>().ok()?;
                keep(CallRecord::read(&call)?);
                None
            });
        }
        bridge.connect("trunk-changed", false, |values| {
            match values.get(1)?.get().ok()? {
                "registered" => tracing::info!("the telephone provider brings calls here"),
                state => tracing::warn!(state, "the telephone provider brings no calls here"),
            }
            None
        });
        pipeline.add(&bridge).map_err(PipelineError::build)?;
        let complaint = bus::first_complaint(&pipeline, |event| {
            if let BusEvent::Error(complaint) = event {
                tracing::warn!(complaint.sentence, "the telephone has failed");
            }
        });
        let telephone = Self { pipeline, bridge };
        if telephone.pipeline.set_state(gst::State::Playing).is_err() {
            return Err(PipelineError::start(complaint.lock().take(), "The telephone did not start."));
        }
        Ok(telephone)
    }
}

impl Drop for Telephone {
    fn drop(&mut self) {
        // While there is somebody to be told of them.
        self.bridge.emit_by_name::<()>("hang-up-all", &[]);
        // It has no streams, so nothing can keep it from stopping.
        let _ = self.pipeline.set_state(gst::State::Null);
    }
}

/// The callers of one meeting.
pub(crate) struct Switchboard {
    bridge: gst::Element,
    mixer: gst::Element,
    callers: Mutex<BTreeMap<u32, Caller>>,
}

/// Somebody who was put through.
struct Caller {
    /// At the bridge.
    number: u32,
    seat: Seat,
}

impl Switchboard {
    pub(crate) fn new(
        pipeline: &gst::Pipeline,
        mixer: &gst::Element,
        room: &TelephoneRoom,
        events: &UnboundedSender<TalkEvent>,
    ) -> Result<Self, PipelineError> {
        let bridge = bridge(room)?;
        pipeline.add(&bridge).map_err(PipelineError::build)?;
        follow(&bridge, events);
        Ok(Self { bridge, mixer: mixer.clone(), callers: Mutex::default() })
    }

    /// Lets the caller on this seat hear and be heard.
    pub(crate) fn put_through(&self, seat: u32, person: u32) -> Result<(), PipelineError> {
        let pads = [format!("call_src_{seat}"), format!("call_sink_{seat}")];
        let caller = Caller { number: seat, seat: Seat::take(&self.bridge, pads, &self.mixer, person)? };
        caller.seat.link()?;
        self.callers.lock().insert(person, caller);
        Ok(())
    }

    /// Ends the call on a seat.
    pub(crate) fn hang_up(&self, seat: u32) {
        self.bridge.emit_by_name::<()>("hang-up", &[&seat]);
    }

    /// Calls a number. Returns what the call is known by.
    pub(crate) fn call_out(&self, number: &str) -> u64 {
        self.bridge.emit_by_name("call", &[&number])
    }

    /// Ends such a call, however far it has come.
    pub(crate) fn cancel(&self, call: u64) {
        self.bridge.emit_by_name::<()>("cancel", &[&call]);
    }

    /// Plays a prompt of `sipbridge` to the caller on a seat.
    pub(crate) fn announce(&self, seat: u32, prompt: &str) {
        self.bridge.emit_by_name::<()>("announce", &[&seat, &prompt]);
    }

    /// Nobody more is let in, or everybody again.
    pub(crate) fn lock(&self, locked: bool) {
        self.bridge.set_property("locked", locked);
    }

    /// Gives up a caller's place in the mix, if they have one.
    pub(crate) fn remove(&self, person: u32) {
        let caller = self.callers.lock().remove(&person);
        drop(caller);
    }

    /// Gives up the places of all. The calls end with the bridge.
    pub(crate) fn clear(&self) {
        let callers = std::mem::take(&mut *self.callers.lock());
        drop(callers);
    }

    pub(crate) fn silence(&self, person: u32, is_silenced: bool) {
        if let Some(caller) = self.callers.lock().get(&person) {
            caller.seat.silence(is_silenced);
        }
    }

    pub(crate) fn turn(&self, person: u32, decibels: i32) {
        if let Some(caller) = self.callers.lock().get(&person) {
            caller.seat.turn(decibels);
        }
    }

    /// To each caller and back, as far as their telephones tell.
    pub(crate) fn round_trips(&self) -> BTreeMap<u32, Duration> {
        let stats = self.bridge.emit_by_name::<gst::Structure>("stats", &[]);
        let trips: BTreeMap<u32, Duration> = structures(&stats, "calls")
            .iter()
            .filter_map(|call| Some((call.get("seat").ok()?, milliseconds(call.get("round-trip-ms").ok()?))))
            .collect();
        let callers = self.callers.lock();
        callers.iter().filter_map(|(person, caller)| Some((*person, *trips.get(&caller.number)?))).collect()
    }

    pub(crate) fn is_caller(&self, person: u32) -> bool {
        self.callers.lock().contains_key(&person)
    }
}

fn bridge(room: &TelephoneRoom) -> Result<gst::Element, PipelineError> {
    let TelephoneRoom { port: at, code, pin, label } = room;
    let number = |port: Option<u16>| port.map_or(-1, i32::from);
    let path = |path: &PathBuf| path.to_string_lossy().into_owned();
    let sipbridge = factory("sipbridge")?;
    let mut builder = sipbridge
        .create()
        .property("room", code)
        .property("pin", pin)
        .property("label", label)
        .property("names", at.names.word())
        .property("tls-port", number(at.tls))
        .property("tcp-port", number(at.tcp))
        .property("udp-port", number(at.udp))
        .property("rtp-ports", &at.rtp_ports)
        .property("inband-digits", at.inband_digits);
    if at.tls.is_some() {
        builder =
            builder.property("certificate", path(&at.certificate)).property("private-key", path(&at.key));
    }
    if let Some(Trunk { uri, account, ca_file }) = &at.trunk {
        builder = builder.property("trunk", uri);
        for (property, file) in [("trunk-account", account), ("ca-file", ca_file)] {
            if let Some(file) = file {
                builder = builder.property(property, path(file));
            }
        }
    }
    for (property, address) in [("bind-address", at.bind), ("media-address", at.address)] {
        if let Some(address) = address {
            builder = builder.property(property, address.to_string());
        }
    }
    builder.build().map_err(PipelineError::build)
}

/// The bridge's signals become events. They come from its own thread, which must not wait.
fn follow(bridge: &gst::Element, events: &UnboundedSender<TalkEvent>) {
    let on = |signal: &str, read: fn(&[glib::Value]) -> Option<TalkEvent>| {
        let events = events.clone();
        bridge.connect(signal, false, move |values| {
            if let Some(event) = read(values.get(1..)?) {
                // Nobody listens any more once the meeting is over.
                let _ = events.send(event);
            }
            None
        });
    };
    on("call-joined", |values| {
        let about = values.get(1)?.get::<gst::Structure>().ok()?;
        let call = about.get::<&str>("id").ok()?.parse().ok()?;
        let seat = values.first()?.get().ok()?;
        Some(TalkEvent::Called { seat, call, name: about.get("name").unwrap_or_default() })
    });
    on("call-left", |values| Some(TalkEvent::HungUp(values.first()?.get().ok()?)));
    on("command", |values| {
        let key = PhoneKey::of(values.get(1)?.get().ok()?)?;
        Some(TalkEvent::Pressed { seat: values.first()?.get().ok()?, key })
    });
    on("call-progress", |values| {
        let progress = match values.get(1)?.get().ok()? {
            "ringing" => CallProgress::Ringing,
            _ => CallProgress::Answered,
        };
        Some(TalkEvent::CallOut { call: values.first()?.get().ok()?, progress })
    });
    on("call-failed", |values| {
        let progress = CallProgress::Failed(values.get(1)?.get().ok()?);
        Some(TalkEvent::CallOut { call: values.first()?.get().ok()?, progress })
    });
}
