//! How a peer gets to its description of the other side: by WHIP and WHEP at ours, by the VideoRoom's messages at Janus.

use std::net::SocketAddr;

use anyhow::{Context, Result};
use convene_bench::peer::http;
use convene_bench::peer::janus::Handle;
use convene_bench::peer::sdp::{Local, Remote};
use convene_bench::server::{JANUS_ROOM, Kind};
use serde_json::{Value, json};

use super::sdp::{camera_offer, viewer_answer, viewer_offer};

const JANUS_PLUGIN: &str = "janus.plugin.videoroom";

/// A server and where its HTTP is.
#[derive(Clone, Copy, Debug)]
pub struct Signalling {
    /// Which it is.
    pub kind: Kind,
    /// Its HTTP.
    pub address: SocketAddr,
}

impl Signalling {
    /// A camera with this number, the first being 1, begins.
    pub fn publish(self, local: &Local<'_>, number: u32) -> Result<Remote> {
        let offer = camera_offer(local, number);
        let answer = match self.kind {
            Kind::Convene => {
                http::post(self.address, &format!("/whip/camera{number}"), "application/sdp", &offer)?
            }
            Kind::Janus => {
                let handle = Handle::open(self.address, JANUS_PLUGIN)?;
                let body = json!({ "request": "joinandconfigure", "ptype": "publisher", "room": JANUS_ROOM, "id": number });
                handle.ask(&body, Some(("offer", &offer)))?.context("Janus answers with a description")?
            }
        };
        Remote::parse(&answer, self.address.ip())
    }

    /// A viewer of the first cameras begins.
    pub fn watch(self, local: &Local<'_>, cameras: u32) -> Result<Remote> {
        match self.kind {
            Kind::Convene => {
                let offer = viewer_offer(local, cameras);
                let answer = http::post(self.address, "/whep", "application/sdp", &offer)?;
                Remote::parse(&answer, self.address.ip())
            }
            Kind::Janus => {
                let handle = Handle::open(self.address, JANUS_PLUGIN)?;
                let streams: Vec<Value> = (1..=cameras).map(|feed| json!({ "feed": feed })).collect();
                let body = json!({ "request": "join", "ptype": "subscriber", "room": JANUS_ROOM, "streams": streams });
                let offer = handle.ask(&body, None)?.context("Janus offers what it has")?;
                let answer = viewer_answer(local, &offer)?;
                handle.ask(&json!({ "request": "start" }), Some(("answer", &answer)))?;
                Remote::parse(&offer, self.address.ip())
            }
        }
    }
}
