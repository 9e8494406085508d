//! The hands of a `vp8relay` pad: whose it is.

use std::sync::OnceLock;

use convene_relay::TapId;
use gst::glib;
use gst::prelude::*;
use gst::subclass::prelude::*;

/// What goes through a pad.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A peer's camera, out.
    Feed(TapId),
    /// A camera that no peer sends, in.
    FeedIn,
    /// A peer's camera that is no VP8, out.
    H264Out,
    /// A peer's voice, out.
    VoiceOut,
    /// What a peer hears, in.
    VoiceIn,
}

#[derive(Debug, Clone, Default)]
struct Settings {
    peer: String,
    screen: bool,
}

#[derive(Default, glib::Properties)]
#[properties(wrapper_type = super::Vp8RelayPad)]
pub struct Vp8RelayPad {
    #[property(
        name = "peer",
        nick = "Peer",
        blurb = "Whose camera or voice it is; may be set before that peer is there",
        get,
        set = Self::set_peer,
        type = String,
        member = peer
    )]
    #[property(
        name = "screen",
        nick = "Screen",
        blurb = "What comes in on feed_sink_%u is no camera but a shared screen: beside the ten cameras, and only for those who select it",
        get,
        set,
        type = bool,
        member = screen
    )]
    settings: std::sync::Mutex<Settings>,
    kind: OnceLock<Kind>,
}

impl Vp8RelayPad {
    /// Says what goes through the new pad, and whose it is until that is set; once.
    pub fn begin(&self, kind: Kind, peer: String) {
        assert!(self.kind.set(kind).is_ok(), "a pad is told what it is when it is made");
        self.settings().peer = peer;
    }

    pub fn kind(&self) -> Kind {
        *self.kind.get().expect("a pad is told what it is when it is made")
    }

    /// Whose it is.
    pub fn peer(&self) -> String {
        self.settings().peer.clone()
    }

    /// What comes in is no camera but a shared screen.
    pub fn is_screen(&self) -> bool {
        self.settings().screen
    }

    /// The same for what is done for each packet.
    pub fn with_peer<T>(&self, act: impl FnOnce(&str) -> T) -> T {
        act(&self.settings().peer)
    }

    fn settings(&self) -> std::sync::MutexGuard<'_, Settings> {
        self.settings.lock().expect("no holder of the settings panics")
    }

    fn set_peer(&self, peer: String) {
        let before = std::mem::replace(&mut self.settings().peer, peer.clone());
        if before == peer {
            return;
        }
        if let Some(relay) = self.obj().parent_element().and_downcast::<super::Vp8Relay>() {
            relay.imp().pad_changes_hands(&self.obj(), &before);
        }
    }
}

#[glib::object_subclass]
impl ObjectSubclass for Vp8RelayPad {
    const NAME: &'static str = "ConveneVp8RelayPad";
    type Type = super::Vp8RelayPad;
    type ParentType = gst::Pad;
}

#[glib::derived_properties]
impl ObjectImpl for Vp8RelayPad {}

impl GstObjectImpl for Vp8RelayPad {}

impl PadImpl for Vp8RelayPad {}
