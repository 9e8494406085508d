//! One HTTP request after the other, as far as the two servers need it.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use crate::clock::{now, pause};

/// A server that starts listens within this.
const START_MAX: Duration = Duration::from_secs(20);
/// Janus holds a request for events for 30 s.
const ANSWER_MAX: Duration = Duration::from_secs(40);

/// Waits until somebody listens.
pub fn wait_for(server: SocketAddr) -> Result<()> {
    let until = now() + START_MAX;
    while TcpStream::connect(server).is_err() {
        ensure!(now() < until, "nobody listens at {server}");
        pause();
    }
    Ok(())
}

/// Posts a body of this type, as HTTP/1.0, whose answers come in one piece. Returns the answer's.
pub fn post(server: SocketAddr, path: &str, kind: &str, body: &str) -> Result<String> {
    let length = body.len();
    request(
        server,
        &format!(
            "POST {path} HTTP/1.0\r\nHost: {server}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n{body}"
        ),
    )
}

/// Gets what is there.
pub fn get(server: SocketAddr, path: &str) -> Result<String> {
    request(server, &format!("GET {path} HTTP/1.0\r\nHost: {server}\r\n\r\n"))
}

fn request(server: SocketAddr, request: &str) -> Result<String> {
    let mut stream = TcpStream::connect(server).with_context(|| format!("no connection to {server}"))?;
    stream.set_read_timeout(Some(ANSWER_MAX))?;
    stream.write_all(request.as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").context("an answer has a head")?;
    if !head.split(' ').nth(1).is_some_and(|status| status.starts_with("20")) {
        bail!("{server} answers {}: {body}", head.lines().next().unwrap_or_default());
    }
    Ok(body.to_owned())
}
