//! As much of SDP as the two servers and we have to tell each other.

use std::fmt::Write as _;
use std::net::{IpAddr, SocketAddr, UdpSocket};

use anyhow::{Context, Result, ensure};

use super::connection::Identity;

/// The payload type of VP8 in all we offer.
pub const VP8: u8 = 96;
/// Of what is sent again.
const RESENT: u8 = 97;

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

/// Offers a camera.
pub fn camera_offer(local: &Local<'_>, ssrc: u32) -> String {
    let mut sdp = session(local, &["0"]);
    video(&mut sdp, local, "0", "sendonly");
    let _ = write!(sdp, "a=msid:camera camera\r\na=ssrc:{ssrc} cname:camera\r\n");
    sdp
}

/// Offers to receive so many cameras.
pub fn viewer_offer(local: &Local<'_>, cameras: u32) -> String {
    let mids: Vec<String> = (0..cameras).map(|mid| mid.to_string()).collect();
    let mut sdp = session(local, &mids.iter().map(String::as_str).collect::<Vec<_>>());
    for mid in &mids {
        video(&mut sdp, local, mid, "recvonly");
    }
    sdp
}

/// Takes all video that is offered.
pub fn viewer_answer(local: &Local<'_>, offer: &str) -> Result<String> {
    ensure!(
        offer.contains(&format!("a=rtpmap:{VP8} VP8/90000")),
        "they offer VP8 under another number than the cameras'"
    );
    let mids: Vec<&str> = offer.lines().filter_map(|line| line.strip_prefix("a=mid:")).collect();
    let mut sdp = session(local, &mids);
    for mid in mids {
        video(&mut sdp, local, mid, "recvonly");
    }
    Ok(sdp)
}

fn session(local: &Local<'_>, mids: &[&str]) -> String {
    let Credentials { fragment, password } = local.credentials;
    format!(
        "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=group:BUNDLE {}\r\na=ice-ufrag:{fragment}\r\na=ice-pwd:{password}\r\n\
        a=fingerprint:sha-256 {}\r\na=setup:active\r\n",
        mids.join(" "),
        local.fingerprint
    )
}

fn video(sdp: &mut String, local: &Local<'_>, mid: &str, direction: &str) {
    let address = local.address;
    let _ = write!(
        sdp,
        "m=video 9 UDP/TLS/RTP/SAVPF {VP8} {RESENT}\r\nc=IN IP4 0.0.0.0\r\na=mid:{mid}\r\na={direction}\r\na=rtcp-mux\r\n\
        a=ice-ufrag:{}\r\na=ice-pwd:{}\r\na=fingerprint:sha-256 {}\r\na=setup:active\r\n\
        a=candidate:1 1 udp 2130706431 {} {} typ host\r\na=end-of-candidates\r\n\
        a=extmap:1 urn:ietf:params:rtp-hdrext:sdes:mid\r\n\
        a=rtpmap:{VP8} VP8/90000\r\na=rtcp-fb:{VP8} nack\r\na=rtcp-fb:{VP8} nack pli\r\na=rtcp-fb:{VP8} goog-remb\r\n\
        a=rtpmap:{RESENT} rtx/90000\r\na=fmtp:{RESENT} apt={VP8}\r\n",
        local.credentials.fragment,
        local.credentials.password,
        local.fingerprint,
        address.ip(),
        address.port()
    );
}
