//! As much of SDP as servers and peers have to tell each other.

use std::net::{IpAddr, SocketAddr, UdpSocket};

use anyhow::{Context, Result};

use super::connection::Identity;

/// What STUN requests are signed with.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// The user fragment.
    pub fragment: String,
    /// The password.
    pub password: String,
}

/// What a description of ours says.
#[derive(Clone, Debug)]
pub struct Local<'a> {
    /// Ours.
    pub credentials: &'a Credentials,
    /// Of our certificate, as SDP writes it.
    pub fingerprint: &'a str,
    /// Where we are.
    pub address: SocketAddr,
}

/// What their description says.
#[derive(Clone, Debug)]
pub struct Remote {
    /// Theirs.
    pub credentials: Credentials,
    /// Where media goes.
    pub address: SocketAddr,
    /// Of their certificate.
    pub fingerprint: String,
}

impl<'a> Local<'a> {
    /// Of this peer.
    pub fn of(socket: &UdpSocket, credentials: &'a Credentials, identity: &'a Identity) -> Result<Self> {
        Ok(Self { credentials, fingerprint: &identity.fingerprint, address: socket.local_addr()? })
    }
}

impl Remote {
    /// Reads their description; `near` is the address of theirs that is taken.
    pub fn parse(sdp: &str, near: IpAddr) -> Result<Self> {
        let value = |name: &str| {
            let line = sdp.lines().find_map(|line| line.strip_prefix("a=")?.strip_prefix(name));
            line.map(str::to_owned).with_context(|| format!("no {name} in their description"))
        };
        let address = sdp.lines().find_map(|line| candidate(line, near));
        Ok(Self {
            credentials: Credentials { fragment: value("ice-ufrag:")?, password: value("ice-pwd:")? },
            address: address.with_context(|| format!("no candidate at {near} in their description"))?,
            fingerprint: value("fingerprint:sha-256 ")?,
        })
    }
}

fn candidate(line: &str, near: IpAddr) -> Option<SocketAddr> {
    let words: Vec<&str> = line.strip_prefix("a=candidate:")?.split(' ').collect();
    let is_udp = words.get(2)?.eq_ignore_ascii_case("udp");
    let ip: IpAddr = words.get(4)?.parse().ok()?;
    (is_udp && ip == near).then_some(SocketAddr::new(ip, words.get(5)?.parse().ok()?))
}

/// What a description of ours begins with, whose media have these names.
pub fn session(local: &Local<'_>, mids: &[&str]) -> String {
    let Credentials { fragment, password } = local.credentials;
    format!(
        "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=group:BUNDLE {}\r\na=ice-ufrag:{fragment}\r\na=ice-pwd:{password}\r\n\
        a=fingerprint:sha-256 {}\r\na=setup:active\r\n",
        mids.join(" "),
        local.fingerprint
    )
}

/// One of its media: `formats` as in its `m=` line, and attributes of its own.
pub fn media(local: &Local<'_>, formats: &str, mid: &str, direction: &str, attributes: &str) -> String {
    let Credentials { fragment, password } = local.credentials;
    let address = local.address;
    format!(
        "m={formats}\r\nc=IN IP4 0.0.0.0\r\na=mid:{mid}\r\na={direction}\r\na=rtcp-mux\r\na=ice-ufrag:{fragment}\r\na=ice-pwd:{password}\r\n\
        a=fingerprint:sha-256 {}\r\na=setup:active\r\na=candidate:1 1 udp 2130706431 {} {} typ host\r\na=end-of-candidates\r\n\
        a=extmap:1 urn:ietf:params:rtp-hdrext:sdes:mid\r\n{attributes}",
        local.fingerprint,
        address.ip(),
        address.port()
    )
}
