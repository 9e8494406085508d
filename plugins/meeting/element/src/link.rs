//! The WebRTC connection of a participant: a `webrtcbin` that offers once (RFC 8829).

use std::net::SocketAddr;

use gst::glib;
use gst::prelude::*;
use gst_webrtc::{WebRTCSDPType, WebRTCSessionDescription};
use parking_lot::Mutex;

/// RTP as the relay takes it.
pub const OPUS: &str =
    "application/x-rtp,media=audio,encoding-name=OPUS,clock-rate=48000,encoding-params=(string)2,payload=111";
pub const VP8: &str = "application/x-rtp,media=video,encoding-name=VP8,clock-rate=90000,payload=96";

/// What comes of the connection.
pub enum LinkNews {
    /// The offer, for the server, and its video lines' `mid`s in order.
    Offer { sdp: String, video_mids: Vec<String> },
    /// It cannot go on; a sentence.
    Failed(String),
}

/// One connection; it is of no use again when its element was stopped.
pub struct Link {
    pub webrtcbin: gst::Element,
    start: Mutex<Start>,
}

/// The offer is made when both have come.
#[derive(Default)]
struct Start {
    may_negotiate: bool,
    has_joined: bool,
}

impl Link {
    /// `latency_ms` is for how long the receiving end waits for what comes late.
    pub fn new(latency_ms: u32) -> Result<Self, glib::BoolError> {
        let webrtcbin = gst::ElementFactory::make("webrtcbin")
            .name("link")
            .property_from_str("bundle-policy", "max-bundle")
            .property("latency", latency_ms)
            .build()?;
        Ok(Self { webrtcbin, start: Mutex::default() })
    }

    /// The server has let us in. True when the offer is to be made now.
    pub fn joined(&self, server: SocketAddr) -> bool {
        if server.ip().is_loopback() {
            self.use_loopback(server);
        }
        let mut start = self.start.lock();
        start.has_joined = true;
        start.may_negotiate
    }

    /// All lines are there. True when the offer is to be made now.
    pub fn may_negotiate(&self) -> bool {
        let mut start = self.start.lock();
        !std::mem::replace(&mut start.may_negotiate, true) && start.has_joined
    }

    /// libnice leaves the loopback out, unless it is told of it.
    fn use_loopback(&self, server: SocketAddr) {
        let agent = self.webrtcbin.property::<gst::Object>("ice-agent");
        let _added: bool = agent.emit_by_name("add-local-ip-address", &[&server.ip().to_string()]);
        if agent.ref_count() == 1 {
            // The bin has handed out its only reference, a floating one, which must stay the bin's.
            std::mem::forget(agent);
        }
    }

    /// Makes the offer.
    pub fn offer(&self, tell: impl Fn(LinkNews) + Send + 'static) {
        let webrtcbin = self.webrtcbin.clone();
        let made = gst::Promise::with_change_func(move |reply| {
            let offer = match reply {
                Ok(Some(reply)) => {
                    reply.get::<WebRTCSessionDescription>("offer").map_err(|_| complaint(reply))
                }
                // The bin is going away.
                Ok(None) | Err(_) => return,
            };
            match offer {
                Ok(offer) => {
                    let sdp = offer.sdp();
                    let video_mids = video_mids(sdp);
                    let text = sdp.as_text();
                    let none = None::<gst::Promise>;
                    webrtcbin.emit_by_name::<()>("set-local-description", &[&offer, &none]);
                    match text {
                        Ok(sdp) => tell(LinkNews::Offer { sdp, video_mids }),
                        Err(error) => tell(LinkNews::Failed(error.to_string())),
                    }
                }
                Err(sentence) => tell(LinkNews::Failed(sentence)),
            }
        });
        self.webrtcbin.emit_by_name::<()>("create-offer", &[&None::<gst::Structure>, &made]);
    }

    /// Takes the server's answer. An error is a sentence.
    pub fn answer(&self, sdp: &str) -> Result<(), String> {
        let sdp = gst_sdp::SDPMessage::parse_buffer(sdp.as_bytes())
            .map_err(|_| "the server's answer is no session description".to_owned())?;
        let answer = WebRTCSessionDescription::new(WebRTCSDPType::Answer, sdp);
        self.webrtcbin.emit_by_name::<()>("set-remote-description", &[&answer, &None::<gst::Promise>]);
        Ok(())
    }
}

fn complaint(reply: &gst::StructureRef) -> String {
    let error = reply.get::<glib::Error>("error");
    error.map_or_else(|_| "no offer could be made".into(), |error| error.to_string())
}

fn video_mids(sdp: &gst_sdp::SDPMessageRef) -> Vec<String> {
    let videos = sdp.medias().filter(|media| media.media() == Some("video"));
    videos.filter_map(|media| media.attribute_val("mid").map(str::to_owned)).collect()
}
