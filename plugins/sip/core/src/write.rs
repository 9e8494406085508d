//! Writes SIP messages.

use std::fmt::Write;

use crate::flow::Flow;
use crate::message::Message;

/// What is said of us.
const AGENT: &str = concat!("Convene/", env!("CARGO_PKG_VERSION"));
/// What we understand.
pub(crate) const METHODS: &str = "INVITE, ACK, BYE, CANCEL, OPTIONS, INFO, UPDATE, REFER";
/// The type of a session description.
pub(crate) const SDP: &str = "application/sdp";

/// A message on its way into bytes.
pub(crate) struct Writer {
    text: String,
    /// The field that says who we are.
    agent: &'static str,
}

impl Writer {
    /// A response with what it has to repeat (RFC 3261, section 8.2.6.2). Its To gets the tag, if it has none yet.
    pub(crate) fn response(request: &Message, flow: &Flow, status: u16, reason: &str, tag: &str) -> Self {
        let mut writer = Self { text: format!("SIP/2.0 {status} {reason}\r\n"), agent: "Server" };
        let mut is_top = true;
        for via in request.list("via") {
            if is_top {
                writer.field("Via", &received(via, flow));
            } else {
                writer.field("Via", via);
            }
            is_top = false;
        }
        writer.field("From", request.header("from").unwrap_or_default());
        let to = request.header("to").unwrap_or_default();
        let has_tag = request.address("to").is_ok_and(|to| to.tag().is_some());
        writer.field("To", &if has_tag { to.to_owned() } else { format!("{to};tag={tag}") });
        writer.field("Call-ID", request.header("call-id").unwrap_or_default());
        writer.field("CSeq", request.header("cseq").unwrap_or_default());
        writer
    }

    /// A request of ours.
    pub(crate) fn request(method: &str, uri: &str) -> Self {
        Self { text: format!("{method} {uri} SIP/2.0\r\n"), agent: "User-Agent" }
    }

    /// One more field.
    pub(crate) fn field(&mut self, name: &str, value: &str) {
        // Values of others went through the parser, which has no line ends left in them.
        let _ = write!(self.text, "{name}: {value}\r\n");
    }

    /// Without a body.
    pub(crate) fn end(mut self) -> Vec<u8> {
        self.field(self.agent, AGENT);
        self.field("Content-Length", "0");
        self.text.push_str("\r\n");
        self.text.into_bytes()
    }

    /// With a session description.
    pub(crate) fn end_with_sdp(self, sdp: &str) -> Vec<u8> {
        self.end_with(SDP, sdp)
    }

    /// With a body of this type.
    pub(crate) fn end_with(mut self, kind: &str, body: &str) -> Vec<u8> {
        self.field(self.agent, AGENT);
        self.field("Content-Type", kind);
        self.field("Content-Length", &body.len().to_string());
        self.text.push_str("\r\n");
        self.text.push_str(body);
        self.text.into_bytes()
    }
}

/// The topmost Via says where the request was seen to come from (RFC 3261, section 18.2.1, and RFC 3581, section 4).
fn received(via: &str, flow: &Flow) -> String {
    let parts = via.split(';').filter(|part| !part.trim_start().to_ascii_lowercase().starts_with("received"));
    let mut text = String::new();
    for part in parts {
        let is_rport = part.trim().eq_ignore_ascii_case("rport");
        let separator = if text.is_empty() { "" } else { ";" };
        let _ = match is_rport {
            true => write!(text, "{separator}rport={}", flow.peer.port()),
            false => write!(text, "{separator}{part}"),
        };
    }
    let _ = write!(text, ";received={}", flow.peer.ip());
    text
}
