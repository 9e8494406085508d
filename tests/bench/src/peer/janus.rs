//! Janus's messages, over HTTP.

use std::net::SocketAddr;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::http;

/// A place at one of Janus's plugins, in a session of its own, so that nobody else's events come.
pub struct Handle {
    server: SocketAddr,
    session: String,
    path: String,
}

impl Handle {
    /// Takes one at this plugin.
    pub fn open(server: SocketAddr, plugin: &str) -> Result<Self> {
        let session = format!("/janus/{}", created(server, "/janus", &json!({ "janus": "create" }))?);
        let attach = json!({ "janus": "attach", "plugin": plugin });
        let path = format!("{session}/{}", created(server, &session, &attach)?);
        Ok(Self { server, session, path })
    }

    /// Asks the plugin, and waits for its event. Returns the description that comes with it.
    pub fn ask(&self, body: &Value, description: Option<(&str, &str)>) -> Result<Option<String>> {
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
