//! How a participant gets to its description of the other side: by HTTP at ours, by the AudioBridge's messages at Janus.

use std::net::SocketAddr;

use anyhow::{Context, Result};
use convene_bench::peer::http;
use convene_bench::peer::janus::Handle;
use convene_bench::peer::sdp::{Local, Remote, media, session};
use convene_bench::server::{JANUS_ROOM, Kind};
use serde_json::json;

/// The payload type of Opus in all we offer.
pub const OPUS: u8 = 111;

/// A server and where its HTTP is.
#[derive(Clone, Copy, Debug)]
pub struct Signalling {
    /// Which it is.
    pub kind: Kind,
    /// Its HTTP.
    pub address: SocketAddr,
}

impl Signalling {
    /// Joins with this offer.
    pub fn join(self, number: u32, offer: &str) -> Result<Remote> {
        let answer = match self.kind {
            Kind::Convene => http::post(self.address, &format!("/talk/{number}"), "application/sdp", offer)?,
            Kind::Janus => {
                let handle = Handle::open(self.address, "janus.plugin.audiobridge")?;
                let body = json!({ "request": "join", "room": JANUS_ROOM, "muted": false });
                handle.ask(&body, Some(("offer", offer)))?.context("Janus answers with a description")?
            }
        };
        Remote::parse(&answer, self.address.ip())
    }
}

/// Offers to speak and to hear, as a browser does.
pub fn offer(local: &Local<'_>, ssrc: u32) -> String {
    let attributes = format!(
        "a=extmap:2 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\na=rtpmap:{OPUS} opus/48000/2\r\n\
        a=fmtp:{OPUS} minptime=10;useinbandfec=1\r\na=msid:voice voice\r\na=ssrc:{ssrc} cname:voice\r\n"
    );
    session(local, &["0"])
        + &media(local, &format!("audio 9 UDP/TLS/RTP/SAVPF {OPUS}"), "0", "sendrecv", &attributes)
}
