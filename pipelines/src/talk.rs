//! A meeting's voices and faces: every participant is heard in one mix that leaves them out, and is seen by those who want to.
//!
//! ```text
//! vp8relay name=relay port=1853   conferencemixer name=mixer   mixer.mix ! fakesink
//!     mixer.src_2147483648 ! appsink caps=audio/x-opus      (for a recorder)
//!     mixer.solo_3 ! appsink                                (for one that keeps a track for each)
//!     relay.voice_src_3 ! mixer.sink_3   mixer.src_3 ! relay.voice_sink_3      (for participant 3, pads with peer=3)
//!     sipbridge name=telephone room=123456789                                  (where telephones are answered, see `telephone.rs`)
//! ```
//!
//! Cameras in H.264 are made VP8 (`Converter`). Pictures stay inside the relay: it forwards each camera's packets to the viewers who have a place for it; only a recorder takes them out (`Watcher`). Nothing here waits for a network.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use bytes::Bytes;
use gst::prelude::*;
use parking_lot::Mutex;
use tokio::sync::mpsc::{Sender, UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::bus::{self, BusEvent};
use crate::init::{factory, init};
use crate::seat::Seat;
use crate::telephone::{CallProgress, PhoneKey, Switchboard, TelephoneRoom};
use crate::{Listener, MediaPort, MeetingPipeline, PipelineError};

pub use counts::{Sight, SightReason, TalkCounts, VoiceCounts};
pub(crate) use counts::{milliseconds, structures};
pub use screen::ShownScreen;
pub use separator::Separator;
pub use watcher::Watcher;

use converter::{CONVERTERS_MAX, Converter};
use signals::{follow, person_of};

mod calls;
mod converter;
mod counts;
mod lips;
mod screen;
mod separator;
mod signals;
mod watcher;

/// Listeners who say nothing have numbers from here on, which no participant has.
const LISTENERS_FROM: u32 = 1 << 31;

/// The most that a screen has.
const SCREEN_LINES: u16 = 1080;

/// What a talk tells the service. People are the numbers that were given with their offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TalkEvent {
    /// What each of this viewer's receiving m-lines carries from now on: its id, and whose camera.
    Slots {
        /// The viewer.
        viewer: u32,
        /// All of its slots; `None` is an empty one.
        slots: Vec<(String, Option<u32>)>,
    },
    /// Who speaks now, the loudest first.
    Speakers(Vec<u32>),
    /// Others send pictures than before: [`Watcher`]s are to look again.
    FeedsChanged,
    /// The way to somebody is lost for good, or was closed by them.
    Gone(u32),
    /// Nothing has come from somebody for ten seconds, by which a line that is there carries something.
    Missed(u32),
    /// The way to somebody carries, for the first time or again.
    Heard(u32),
    /// Somebody calls by telephone and has entered the code.
    Called {
        /// Where.
        seat: u32,
        /// What the call is known by, if it is one that [`TalkPipeline::call_out`] has made.
        call: u64,
        /// What their telephone calls them; maybe nothing.
        name: String,
    },
    /// A call that [`TalkPipeline::call_out`] has made gets on, or comes to nothing.
    CallOut {
        /// Which.
        call: u64,
        /// How far it is.
        progress: CallProgress,
    },
    /// The call on this seat is over.
    HungUp(u32),
    /// Somebody who called has pressed keys.
    Pressed {
        /// Where.
        seat: u32,
        /// What for.
        key: PhoneKey,
    },
    /// The pipeline cannot go on.
    Failed(String),
}

/// A camera that a viewer wants to see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShownFeed {
    /// Whose.
    pub person: u32,
    /// How high it is shown, in pixels.
    pub height: u16,
}

/// The voices and faces of one meeting.
pub struct TalkPipeline {
    pipeline: gst::Pipeline,
    relay: gst::Element,
    mixer: gst::Element,
    telephone: Option<Arc<Switchboard>>,
    people: Arc<Mutex<People>>,
    seats: AtomicU32,
    listeners: AtomicU32,
}

/// Who is there, and what each wants to see.
#[derive(Default)]
struct People {
    seats: BTreeMap<u32, Person>,
    wishes: BTreeMap<u32, Vec<ShownFeed>>,
    /// What the relay calls those who send pictures.
    feeds: Vec<String>,
    /// What a camera may send at most.
    camera_kbps: Option<u32>,
}

impl People {
    fn converters(&self) -> impl Iterator<Item = &Converter> {
        self.seats.values().filter_map(|seat| seat.converter.as_ref())
    }
}

impl TalkPipeline {
    /// Starts the relay and the mixer, and answers the telephone, if there is one. Events come until the pipeline is stopped.
    pub fn start(
        at: &MediaPort,
        telephone: Option<&TelephoneRoom>,
    ) -> Result<(Self, UnboundedReceiver<TalkEvent>), PipelineError> {
        init()?;
        let pipeline = gst::Pipeline::with_name("talk");
        let relay = at.relay()?;
        let mixer = factory("conferencemixer")?
            .create()
            .name("mixer")
            .property("stay-open", true)
            // Music in stereo costs only when there is some.
            .property("follow-stereo", true)
            .build()
            .map_err(PipelineError::build)?;
        // Somebody has to take the mix of all, also when nobody records it.
        let sink = factory("fakesink")?
            .create()
            .property("sync", false)
            .property("async", false)
            .build()
            .map_err(PipelineError::build)?;
        pipeline.add_many([&relay, &mixer, &sink]).map_err(PipelineError::build)?;
        mixer.link_pads(Some("mix"), &sink, None).map_err(PipelineError::build)?;

        let (events, receiver) = unbounded_channel();
        let people = Arc::default();
        let speakers = Arc::new(Mutex::new(Speakers::default()));
        let telephone = telephone
            .map(|room| Switchboard::new(&pipeline, &mixer, room, &events).map(Arc::new))
            .transpose()?;
        follow(&relay, &people, &speakers, &events);
        let complaint = listen(&pipeline, telephone.clone(), speakers, events);
        let talk = Self {
            pipeline,
            relay,
            mixer,
            telephone,
            people,
            seats: AtomicU32::new(0),
            listeners: AtomicU32::new(LISTENERS_FROM),
        };
        if talk.pipeline.set_state(gst::State::Playing).is_err() {
            let otherwise = "The meeting's voices and faces did not start.";
            return Err(PipelineError::start(complaint.lock().take(), otherwise));
        }
        Ok((talk, receiver))
    }

    /// Answers what somebody of this name offers. A second offer on the same connection is a new way to them; one on another connection, somebody
    /// who begins anew. `Refused` says in a sentence what is wrong with the offer.
    pub fn answer(&self, person: u32, name: &str, offer: &str) -> Result<String, PipelineError> {
        // Such a text cannot be handed to an element at all.
        if offer.contains('\0') {
            return Err(PipelineError::Refused("The offer has a character in it that is no text.".into()));
        }
        let session = session_of(offer);
        let known = self.people.lock().seats.get(&person).map(|known| known.session == session);
        if known == Some(false) {
            self.leave(person);
        }
        if known != Some(true) {
            let seat = Person::seat(self, person, name, (session, offer))?;
            self.people.lock().seats.insert(person, seat);
        }
        let Some(peer) = self.peer(person) else {
            return Err(PipelineError::Refused("You have left meanwhile.".into()));
        };
        let answer = self.relay.emit_by_name::<gst::Structure>("offer", &[&peer, &offer]);
        match answer.get::<String>("sdp") {
            Ok(sdp) => {
                if known != Some(true) {
                    self.show_to_those_who_wished(person);
                }
                Ok(sdp)
            }
            Err(_) => {
                self.remove(person);
                let why = answer.get::<String>("message").unwrap_or_else(|_| "The offer is refused.".into());
                Err(PipelineError::Refused(why))
            }
        }
    }

    /// Somebody leaves. Whoever is not there has left already.
    pub fn remove(&self, person: u32) {
        self.people.lock().wishes.remove(&person);
        self.leave(person);
    }

    /// Gives up a seat, for good or for another one.
    fn leave(&self, person: u32) {
        let seat = self.people.lock().seats.remove(&person);
        if let Some(seat) = seat {
            self.relay.emit_by_name::<()>("remove", &[&seat.peer]);
        }
    }

    /// What the relay calls somebody who is there.
    fn peer(&self, person: u32) -> Option<String> {
        self.people.lock().seats.get(&person).map(|seat| seat.peer.clone())
    }

    /// What this viewer wants to see from now on, the most wanted first.
    pub fn show(&self, viewer: u32, feeds: &[ShownFeed]) {
        self.people.lock().wishes.insert(viewer, feeds.to_vec());
        self.select(viewer);
    }

    /// Whoever comes, or comes back on another connection, is seen by those who want to.
    fn show_to_those_who_wished(&self, person: u32) {
        let viewers: Vec<u32> = {
            let people = self.people.lock();
            let wishes = people.wishes.iter();
            wishes
                .filter(|(_, feeds)| feeds.iter().any(|feed| feed.person == person))
                .map(|(viewer, _)| *viewer)
                .collect()
        };
        viewers.into_iter().for_each(|viewer| self.select(viewer));
    }

    /// Tells the relay what a viewer wants of those who are there.
    fn select(&self, viewer: u32) {
        let (peer, wish) = {
            let people = self.people.lock();
            let (Some(seat), Some(feeds)) = (people.seats.get(&viewer), people.wishes.get(&viewer)) else {
                return;
            };
            let there =
                feeds.iter().filter_map(|feed| Some((&*people.seats.get(&feed.person)?.peer, feed.height)));
            (seat.peer.clone(), wish(there, false))
        };
        self.relay.emit_by_name::<()>("select", &[&peer, &wish]);
    }

    /// This viewer sees the shared screen where one is shown, and after it all cameras, whoever speaks or spoke last first.
    pub fn show_all(&self, viewer: u32) {
        if let Some(peer) = self.peer(viewer) {
            self.relay.emit_by_name::<()>("select", &[&peer, &wish([(screen::PEER, SCREEN_LINES)], true)]);
        }
    }

    /// Shows the screen of this meeting to those who see all, for as long as what is returned is kept. It costs a decode and an encode of what changes.
    pub fn show_screen(&self, meeting: &Arc<MeetingPipeline>) -> Result<ShownScreen, PipelineError> {
        ShownScreen::new(&self.pipeline, &self.relay, meeting)
    }

    /// Lets nobody hear this person, or everybody again.
    pub fn silence(&self, person: u32, is_silenced: bool) {
        if let Some(known) = self.people.lock().seats.get(&person) {
            known.seat.silence(is_silenced);
        }
        if let Some(telephone) = &self.telephone {
            telephone.silence(person, is_silenced);
        }
    }

    /// What a camera may send at most.
    pub fn limit_cameras(&self, kbps: u32) {
        let encoders: Vec<gst::Element> = {
            let mut people = self.people.lock();
            people.camera_kbps = Some(kbps);
            people.converters().map(Converter::encoder).collect()
        };
        // One that encodes is waited for.
        encoders.iter().for_each(|encoder| converter::limit(encoder, kbps));
        self.relay.emit_by_name::<()>("limit-feeds", &[&kbps.saturating_mul(1000)]);
    }

    /// Everything that is said goes into this channel, for somebody who only listens: packets as
    /// [`RecordingSound`](crate::RecordingSound) takes them. What does not fit into it is lost.
    pub fn listen(&self, packets: Sender<Bytes>) -> Result<Listener, PipelineError> {
        let number = self.listeners.fetch_add(1, Ordering::Relaxed);
        Listener::join(&self.pipeline, &self.mixer, number, packets)
    }

    /// Who sends pictures.
    fn shown(&self) -> Vec<Shown> {
        let people = self.people.lock();
        let shown = |peer: &String| {
            let person = people.seats.values().find(|person| person.peer == *peer)?;
            let voice = person.seat.mixer_pad().clone();
            Some(Shown { peer: peer.clone(), name: person.name.clone(), voice })
        };
        people.feeds.iter().filter_map(shown).collect()
    }

    /// The UDP port that it listens on; tells which one when 0 was asked for.
    pub fn port(&self) -> u32 {
        self.relay.property("actual-port")
    }
}

impl Drop for TalkPipeline {
    fn drop(&mut self) {
        // Linked both ways, relay and mixer are a loop, which GStreamer does not like when it puts elements in order.
        let people = std::mem::take(&mut *self.people.lock());
        drop(people);
        if let Some(telephone) = &self.telephone {
            telephone.clear();
        }
        if let Err(error) = self.pipeline.set_state(gst::State::Null) {
            tracing::warn!(%error, "a meeting's talk did not stop");
        }
    }
}

/// What a viewer wants, as the relay is told it: peers and how high each is shown, and whether all others come after them.
fn wish<'a>(feeds: impl IntoIterator<Item = (&'a str, u16)>, others: bool) -> gst::Structure {
    let feeds = feeds.into_iter();
    let (peers, heights): (Vec<_>, Vec<_>) =
        feeds.map(|(peer, height)| (peer.to_send_value(), i32::from(height).to_send_value())).unzip();
    gst::Structure::builder("wish")
        .field("feeds", gst::Array::from_iter(peers))
        .field("heights", gst::Array::from_iter(heights))
        .field("others", others)
        .build()
}

/// Somebody who sends pictures.
struct Shown {
    /// What the relay calls them.
    peer: String,
    name: String,
    /// Where their voice goes into the mix.
    voice: gst::Pad,
}

/// Somebody on one connection.
struct Person {
    /// What the relay calls them: another name on each connection, so that the end of one says nothing about the next.
    peer: String,
    name: String,
    /// Names the connection that they offered on.
    session: String,
    /// Before the seat: a loop of links is undone before pads go.
    converter: Option<Converter>,
    seat: Seat,
}

impl Person {
    fn seat(
        talk: &TalkPipeline,
        person: u32,
        name: &str,
        (session, offer): (String, &str),
    ) -> Result<Self, PipelineError> {
        let pads = [format!("voice_src_{person}"), format!("voice_sink_{person}")];
        let seat = Seat::take(&talk.relay, pads, &talk.mixer, person)?;
        let peer = format!("{person}.{}", talk.seats.fetch_add(1, Ordering::Relaxed));
        for pad in seat.carrier_pads() {
            pad.set_property("peer", &peer);
        }
        seat.link()?;
        let (count, kbps) = {
            let people = talk.people.lock();
            (people.converters().count(), people.camera_kbps)
        };
        let converter = (converter::is_wanted(offer) && count < CONVERTERS_MAX)
            .then(|| Converter::new(&talk.pipeline, &talk.relay, &peer))
            .transpose()?;
        converter.iter().zip(kbps).for_each(|(converter, kbps)| converter::limit(&converter.encoder(), kbps));
        Ok(Self { peer, name: name.into(), session, converter, seat })
    }
}

/// The session that a description names (RFC 8866, 5.2): it stays while a connection lasts, and another connection has another.
fn session_of(offer: &str) -> String {
    let origin = offer.lines().find_map(|line| line.strip_prefix("o="));
    origin.and_then(|origin| origin.split(' ').nth(1)).unwrap_or_default().to_owned()
}

/// Who speaks, as the relay knows of browsers, and the mixer of callers.
#[derive(Default)]
struct Speakers {
    browsers: Vec<u32>,
    callers: Vec<u32>,
}

impl Speakers {
    fn all(&self) -> TalkEvent {
        TalkEvent::Speakers(self.browsers.iter().chain(&self.callers).copied().collect())
    }
}

/// Returns the first complaint, for whoever starts the pipeline.
fn listen(
    pipeline: &gst::Pipeline,
    telephone: Option<Arc<Switchboard>>,
    speakers: Arc<Mutex<Speakers>>,
    events: UnboundedSender<TalkEvent>,
) -> Arc<Mutex<Option<String>>> {
    bus::first_complaint(pipeline, move |event| match event {
        BusEvent::Ended | BusEvent::MeetingJoined | BusEvent::MeetingOver(_) | BusEvent::RecordingHead(_) => {
        }
        BusEvent::Talkers(people) => {
            let Some(telephone) = &telephone else { return };
            let mut speakers = speakers.lock();
            let callers: Vec<u32> =
                people.into_iter().filter(|person| telephone.is_caller(*person)).collect();
            if callers != speakers.callers {
                speakers.callers = callers;
                let _ = events.send(speakers.all());
            }
        }
        BusEvent::Warning(complaint) => {
            tracing::warn!(complaint.element, complaint.sentence, "the talk goes on");
        }
        // One camera's trouble does not end the talk.
        BusEvent::Error(error) if converter::is_part(&error.place) => {
            tracing::warn!(error.element, error.sentence, "a camera in H.264 cannot be shown any more");
        }
        BusEvent::Error(error) if screen::is_part(&error.place) => {
            tracing::warn!(error.element, error.sentence, "programs are not shown the screen any more");
        }
        BusEvent::Error(error) => {
            // Nobody listens any more once the meeting is over.
            let _ = events.send(TalkEvent::Failed(error.sentence));
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_befalls_one_camera_in_h264_does_not_end_the_talk() {
        init().unwrap();
        let pipeline = gst::Pipeline::new();
        let converter = gst::Bin::with_name("h264-of-3.0");
        let [inside, outside] = [0, 1].map(|_| factory("fakesink").unwrap().create().build().unwrap());
        converter.add(&inside).unwrap();
        pipeline.add_many([converter.upcast_ref(), &outside]).unwrap();
        let (events, mut receiver) = unbounded_channel();
        listen(&pipeline, None, Arc::default(), events);
        gst::element_error!(inside, gst::StreamError::Failed, ("This camera is no H.264."));
        assert!(receiver.try_recv().is_err());
        gst::element_error!(outside, gst::StreamError::Failed, ("All is lost."));
        assert_eq!(receiver.try_recv(), Ok(TalkEvent::Failed("All is lost.".into())));
    }

    #[test]
    fn another_connection_names_another_session() {
        let offer = |session: &str, version: u32| {
            format!("v=0\r\no=- {session} {version} IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n")
        };
        assert_eq!(session_of(&offer("4611731400430051336", 2)), "4611731400430051336");
        assert_eq!(session_of(&offer("7", 2)), session_of(&offer("7", 3)));
        assert_ne!(session_of(&offer("7", 2)), session_of(&offer("8", 2)));
        for none in ["", "v=0\r\n", "o=", "o=-"] {
            assert_eq!(session_of(none), "", "{none:?}");
        }
    }
}
