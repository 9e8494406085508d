//! What cameras and viewers offer.

use std::fmt::Write as _;

use anyhow::{Result, ensure};
use convene_bench::peer::sdp::{Local, media, session};

/// The payload type of VP8 in all we offer.
pub const VP8: u8 = 96;
/// Of what is sent again.
const RESENT: u8 = 97;

/// Offers a camera.
pub fn camera_offer(local: &Local<'_>, ssrc: u32) -> String {
    let mut sdp = session(local, &["0"]);
    sdp += &video(local, "0", "sendonly");
    let _ = write!(sdp, "a=msid:camera camera\r\na=ssrc:{ssrc} cname:camera\r\n");
    sdp
}

/// Offers to receive so many cameras.
pub fn viewer_offer(local: &Local<'_>, cameras: u32) -> String {
    let mids: Vec<String> = (0..cameras).map(|mid| mid.to_string()).collect();
    let mut sdp = session(local, &mids.iter().map(String::as_str).collect::<Vec<_>>());
    for mid in &mids {
        sdp += &video(local, mid, "recvonly");
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
        sdp += &video(local, mid, "recvonly");
    }
    Ok(sdp)
}

fn video(local: &Local<'_>, mid: &str, direction: &str) -> String {
    let attributes = format!(
        "a=rtpmap:{VP8} VP8/90000\r\na=rtcp-fb:{VP8} nack\r\na=rtcp-fb:{VP8} nack pli\r\na=rtcp-fb:{VP8} goog-remb\r\n\
        a=rtpmap:{RESENT} rtx/90000\r\na=fmtp:{RESENT} apt={VP8}\r\n"
    );
    media(local, &format!("video 9 UDP/TLS/RTP/SAVPF {VP8} {RESENT}"), mid, direction, &attributes)
}
