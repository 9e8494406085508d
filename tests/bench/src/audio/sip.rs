//! Calls a meeting by SIP over UDP, as simply as may be: everything is answered, and nothing gets lost between two namespaces.

use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use convene_bench::network::{GENERATOR, SERVER};

use crate::serve::{CODE, SIP};

const PATIENCE: Duration = Duration::from_secs(5);
const ANSWER_BYTES_MAX: usize = 4096;

/// Makes all calls, one after another.
pub struct Registrar {
    socket: UdpSocket,
}

/// What an answer says.
pub struct Answered {
    /// Where the sound goes.
    pub address: SocketAddr,
    /// Their key (RFC 4568), as it is written.
    pub key: String,
}

impl Registrar {
    /// Has not called yet.
    pub fn new() -> Result<Self> {
        let socket = UdpSocket::bind((GENERATOR, 0)).context("a socket for SIP")?;
        socket.connect((SERVER, SIP))?;
        socket.set_read_timeout(Some(PATIENCE))?;
        Ok(Self { socket })
    }

    /// Calls with this description, and acknowledges the answer.
    pub fn call(&mut self, number: u32, description: &str) -> Result<Answered> {
        let own = self.socket.local_addr()?;
        let write = |method: &str, tag: &str, body: &str| {
            format!(
                "{method} sip:{CODE}@{SERVER}:{SIP} SIP/2.0\r\nVia: SIP/2.0/UDP {own};branch=z9hG4bK{method}{number};rport\r\n\
                 Max-Forwards: 70\r\nFrom: <sip:{number}@{own}>;tag={number}\r\nTo: <sip:{CODE}@{SERVER}>{tag}\r\nCall-ID: call{number}\r\n\
                 CSeq: 1 {method}\r\nContact: <sip:{number}@{own}>\r\nContent-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            )
        };
        self.socket.send(write("INVITE", "", description).as_bytes())?;
        let answer = self.answer(&format!("Call-ID: call{number}\r\n"))?;
        let status = answer.lines().next().unwrap_or_default();
        ensure!(status.starts_with("SIP/2.0 200 "), "the call is answered with {status}");
        let line = |start: &str| answer.lines().find_map(|line| line.strip_prefix(start));
        let (_, tag) = line("To: ").and_then(|to| to.split_once(";tag=")).context("an answer has a tag")?;
        self.socket.send(write("ACK", &format!(";tag={tag}"), "").as_bytes())?;
        let port = line("m=audio ").and_then(|media| media.split(' ').next()).context("no sound")?.parse()?;
        let key = line("a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:").context("the answer has no key")?;
        Ok(Answered { address: SocketAddr::new(SERVER, port), key: key.to_owned() })
    }

    fn answer(&self, of: &str) -> Result<String> {
        loop {
            let mut bytes = [0; ANSWER_BYTES_MAX];
            let length = self.socket.recv(&mut bytes).context("the call is not answered")?;
            let answer = String::from_utf8_lossy(&bytes[..length]).into_owned();
            if answer.contains(of) {
                return Ok(answer);
            }
        }
    }
}
