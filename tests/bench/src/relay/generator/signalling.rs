//! How a peer gets to its description of the other side: by WHIP and WHEP at ours, by the VideoRoom's messages at Janus.

use std::net::SocketAddr;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::http;
use super::sdp::{Local, Remote, camera_offer, viewer_answer, viewer_offer};
use crate::servers::{JANUS_ROOM, Kind};

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
                let handle = Handle::open(self.address)?;
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
                let handle = Handle::open(self.address)?;
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

/// A place in Janus's VideoRoom, in a session of its own, so that nobody else's events come.
struct Handle {
    server: SocketAddr,
    session: String,
    path: String,
}

impl Handle {
    fn open(server: SocketAddr) -> Result<Self> {
        let session = format!("/janus/{}", created(server, "/janus", &json!({ "janus": "create" }))?);
        let attach = json!({ "janus": "attach", "plugin": "janus.plugin.videoroom" });
        let path = format!("{session}/{}", created(server, &session, &attach)?);
        Ok(Self { server, session, path })
    }

    /// Asks the room, and waits for its event. Returns the description that comes with it.
    fn ask(&self, body: &Value, description: Option<(&str, &str)>) -> Result<Option<String>> {
        let mut message = json!({ "janus": "message", "body": body });
        if let Some((kind, sdp)) = description {
            message["jsep"] = json!({ "type": kind, "sdp": sdp });
        }
        send(self.server, &self.path, message)?;
        loop {
            let event: Value = serde_json::from_str(&http::get(self.server, &self.session)?)?;
            if let Some(error) = event.pointer("/plugindata/data/error") {
                bail!("Janus says: {error}");
            }
            if event["janus"] == "event" && event["transaction"] == TRANSACTION {
                return Ok(event.pointer("/jsep/sdp").and_then(Value::as_str).map(str::to_owned));
            }
        }
    }
}

/// Only one thing is asked for at a time.
const TRANSACTION: &str = "bench";

fn created(server: SocketAddr, path: &str, message: &Value) -> Result<u64> {
    let answer = send(server, path, message.clone())?;
    answer.pointer("/data/id").and_then(Value::as_u64).with_context(|| format!("Janus says: {answer}"))
}

fn send(server: SocketAddr, path: &str, mut message: Value) -> Result<Value> {
    message["transaction"] = TRANSACTION.into();
    Ok(serde_json::from_str(&http::post(server, path, "application/json", &message.to_string())?)?)
}
