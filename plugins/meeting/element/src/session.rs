//! What both elements do alike: join, offer, take the answer, tell what becomes of it, leave.

use std::sync::Arc;

use convene_meeting_line::{End, Hear, Invitation, MeetingError, Participant, Say, Settings, bus};
use gst::glib;
use gst::prelude::*;
use gst::subclass::prelude::*;
use gst_webrtc::WebRTCPeerConnectionState;
use parking_lot::Mutex;

use crate::link::{Link, LinkNews};
use crate::talking::{News, Talking};

/// From the moment at which the element is started until it is stopped, or has left.
pub struct Session {
    link: Arc<Link>,
    line: Talking,
}

/// An element that takes part in a meeting.
pub trait Member: ObjectSubclass<Type: IsA<gst::Bin> + Send + Sync> + BinImpl {
    /// Where it keeps its session.
    fn session(&self) -> &Mutex<Option<Session>>;

    /// It is in, with these people.
    fn joined(&self, _participants: Vec<Participant>) {}

    /// Its video lines in the offer, by their `mid`s.
    fn offered(&self, _video_mids: Vec<String>) {}

    /// Voices and faces can be carried now.
    fn answered(&self) {}

    /// The server says something that this element alone cares about.
    fn said(&self, what: Hear);

    /// The meeting is over.
    fn over(&self);

    /// Says it to the server.
    fn say(&self, what: &Say<'_>) {
        if let Some(session) = &*self.session().lock() {
            session.line.say(what);
        }
    }

    /// Leaves, and stays as it is.
    fn leave(&self) {
        // The connection stays in the bin, as threads may be at work in it, until the element is stopped.
        let session = self.session().lock().take();
        drop(session);
    }

    /// Joins; `add_lines` says what is to be offered.
    fn open(
        &self,
        settings: &Settings,
        latency_ms: u32,
        add_lines: impl FnOnce(&gst::Element) -> Result<(), gst::ErrorMessage>,
    ) -> Result<(), gst::ErrorMessage> {
        let invitation = Invitation::new(settings).map_err(|error| bus::refuse_to_start(&error))?;
        let missing = |error: glib::BoolError| {
            gst::error_msg!(
                gst::CoreError::MissingPlugin,
                ("There is no WebRTC connection: {error} It needs the plugins webrtc and nice, in Debian gstreamer1.0-plugins-bad and gstreamer1.0-nice.")
            )
        };
        let link = Arc::new(Link::new(latency_ms).map_err(missing)?);
        self.bin().add(&link.webrtcbin).map_err(missing)?;
        add_lines(&link.webrtcbin)?;

        let (element, of) = (self.obj().downgrade(), Arc::downgrade(&link));
        link.webrtcbin.connect("on-negotiation-needed", false, move |_| {
            let link = of.upgrade().filter(|link| link.may_negotiate())?;
            offer(Self::from_obj(&element.upgrade()?), &link);
            None
        });
        let element = self.obj().downgrade();
        link.webrtcbin.connect_notify(Some("connection-state"), move |webrtcbin, _| {
            let state = webrtcbin.property::<WebRTCPeerConnectionState>("connection-state");
            if state == WebRTCPeerConnectionState::Failed
                && let Some(element) = element.upgrade()
            {
                Self::from_obj(&element)
                    .fail("no packets pass; is the server's media port open to this machine?");
            }
        });
        let element = self.obj().downgrade();
        let line = Talking::start(invitation, move |news| {
            if let Some(element) = element.upgrade() {
                hear(Self::from_obj(&element), news);
            }
        });
        *self.session().lock() = Some(Session { link, line });
        Ok(())
    }

    /// Joins when the element is started, and leaves when it is stopped or does not start.
    fn change(
        &self,
        transition: gst::StateChange,
        join: impl FnOnce() -> Result<(), gst::ErrorMessage>,
    ) -> Result<gst::StateChangeSuccess, gst::StateChangeError> {
        if transition == gst::StateChange::ReadyToPaused {
            join().map_err(|error| {
                // What of it was there already must not be there again.
                self.close();
                self.bin().post_error_message(error);
                gst::StateChangeError
            })?;
        }
        let changed = self.parent_change_state(transition);
        if transition == gst::StateChange::PausedToReady
            || transition == gst::StateChange::ReadyToPaused && changed.is_err()
        {
            self.close();
        }
        changed
    }

    /// Leaves, and takes the connection away.
    fn close(&self) {
        self.leave();
        if let Some(webrtcbin) = self.bin().by_name("link") {
            let _ = webrtcbin.set_state(gst::State::Null);
            let _ = self.bin().remove(&webrtcbin);
        }
    }

    /// Tells the application that no media can be carried.
    fn fail(&self, sentence: &str) {
        bus::report_failure(&self.bin(), &MeetingError::NoMedia { message: sentence.to_owned() });
    }

    /// As a bin.
    fn bin(&self) -> gst::Bin {
        (*self.obj()).clone().upcast()
    }
}

fn link<M: Member>(member: &M) -> Option<Arc<Link>> {
    member.session().lock().as_ref().map(|session| session.link.clone())
}

fn offer<M: Member>(member: &M, link: &Link) {
    let element = member.obj().downgrade();
    link.offer(move |news| {
        let Some(element) = element.upgrade() else { return };
        let member = M::from_obj(&element);
        match news {
            LinkNews::Offer { sdp, video_mids } => {
                member.offered(video_mids);
                member.say(&Say::MediaOffer { sdp: &sdp });
            }
            LinkNews::Failed(sentence) => member.fail(&sentence),
        }
    });
}

fn hear<M: Member>(member: &M, news: News) {
    match news {
        News::Joined { server, participants } => {
            bus::report_joined(&member.bin());
            member.joined(participants);
            if let Some(link) = link(member).filter(|link| link.joined(server)) {
                offer(member, &link);
            }
        }
        News::Said(Hear::MediaAnswer { sdp }) => {
            let Some(link) = link(member) else { return };
            match link.answer(&sdp) {
                Ok(()) => member.answered(),
                Err(sentence) => member.fail(&sentence),
            }
        }
        News::Said(Hear::MediaEnded { message }) => member.fail(&message),
        News::Said(Hear::Error { message }) => {
            gst::element_warning!(
                member.bin(),
                gst::ResourceError::Failed,
                ("The meeting refuses something: {message}")
            );
        }
        News::Said(other) => member.said(other),
        News::Ended(end) => {
            if matches!(end, End::Over(_)) {
                member.over();
            }
            bus::report_end(&member.bin(), &end);
        }
    }
}
