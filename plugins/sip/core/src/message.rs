//! SIP messages, read strictly (RFC 3261, section 7): what RFC 4475 calls wrong is refused here, before anything else looks at it.

use thiserror::Error;

use crate::uri::{AddressError, NameAddress, Uri, host_and_port, split_outside_quotes};

/// The longest message: an INVITE with all that telephones put into it has some 3,000 bytes.
pub const MESSAGE_BYTES_MAX: usize = 16_384;
/// The most header fields; an INVITE has some 20.
pub const HEADERS_MAX: usize = 128;

/// A message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Its first line.
    pub start: Start,
    /// Names in small letters and unabbreviated.
    headers: Vec<(String, String)>,
    /// What follows the empty line.
    pub body: Vec<u8>,
}

/// The first line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Start {
    /// Somebody wants something.
    Request {
        /// What.
        method: String,
        /// Of whom.
        uri: String,
    },
    /// What became of it.
    Response {
        /// From 100 to 699.
        status: u16,
    },
}

/// Why a message is not taken.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Malformed {
    /// Nobody can be told.
    #[error("what came is no SIP message")]
    Noise,
    /// The sender of the request is told.
    #[error("a request is answered by {status}: {reason}")]
    Refused {
        /// The answer's.
        status: u16,
        /// For whoever reads traces.
        reason: &'static str,
        /// As far as it could be read.
        message: Box<Message>,
    },
}

/// Where a response goes, as the topmost Via says (RFC 3261, section 18.2.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Via {
    /// `host:port` of who sent it.
    pub sent_by: String,
    /// The port in it.
    pub port: Option<u16>,
    /// Names the transaction when it begins with RFC 3261's cookie.
    pub branch: Option<String>,
    /// RFC 3581: the answer goes back to where the request came from.
    pub wants_rport: bool,
}

/// What names a request within its dialog.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CSeq {
    /// One more with each request.
    pub number: u32,
    /// The request's.
    pub method: String,
}

impl Message {
    /// Reads a datagram, or what [`crate::Framer`] has cut out of a stream.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        if MESSAGE_BYTES_MAX < bytes.len() {
            return Err(Malformed::Noise);
        }
        let end = find(bytes, b"\r\n\r\n").ok_or(Malformed::Noise)?;
        let head = String::from_utf8_lossy(&bytes[..end]);
        let rest = &bytes[end + 4..];
        let (first, fields) = head.split_once("\r\n").unwrap_or((&head, ""));
        let (start, fault) = start(first).ok_or(Malformed::Noise)?;
        let (headers, other_fault) = headers(fields);
        let mut message = Self { start, headers, body: Vec::new() };
        let fault = fault.or(other_fault).or_else(|| message.take_body(rest)).or_else(|| message.fault());
        match fault {
            None => Ok(message),
            Some((status, reason)) if message.is_request() => {
                Err(Malformed::Refused { status, reason, message: Box::new(message) })
            }
            Some(_) => Err(Malformed::Noise),
        }
    }

    /// The first field of this name, which is in small letters.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_str())
    }

    /// All fields of this name.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.headers.iter().filter(move |(field, _)| field == name).map(|(_, value)| value.as_str())
    }

    /// All values of the fields of this name, also those that share a line.
    pub fn list<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let lists = self.all(name).flat_map(|value| split_outside_quotes(value, ',').unwrap_or_default());
        lists.map(str::trim).filter(|value| !value.is_empty())
    }

    /// Whether a field has this word in its list, in whatever case.
    pub fn has(&self, name: &str, word: &str) -> bool {
        self.list(name).any(|value| value.eq_ignore_ascii_case(word))
    }

    /// The method of a request.
    pub fn method(&self) -> Option<&str> {
        match &self.start {
            Start::Request { method, .. } => Some(method),
            Start::Response { .. } => None,
        }
    }

    /// Whether somebody wants something.
    pub fn is_request(&self) -> bool {
        self.method().is_some()
    }

    /// The topmost Via.
    pub fn via(&self) -> Option<Via> {
        let top = self.all("via").next()?;
        Via::parse(split_outside_quotes(top, ',').ok()?.first()?)
    }

    /// The sequence number.
    pub fn cseq(&self) -> Option<CSeq> {
        let (number, method) = self.header("cseq")?.split_once([' ', '\t'])?;
        let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        let number: u32 = number.parse().ok().filter(|number| is_number && *number < 1 << 31)?;
        Some(CSeq { number, method: method.trim().to_owned() })
    }

    /// From, To or Contact.
    pub fn address(&self, name: &str) -> Result<NameAddress, AddressError> {
        let value = self.header(name).ok_or(AddressError::Syntax)?;
        let first = split_outside_quotes(value, ',')?;
        NameAddress::parse(first.first().copied().unwrap_or_default())
    }

    /// The body's type, without parameters and in small letters.
    pub fn content_type(&self) -> Option<String> {
        let value = self.header("content-type")?;
        Some(value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
    }

    fn take_body(&mut self, rest: &[u8]) -> Option<(u16, &'static str)> {
        let mut lengths: Vec<&str> = self.all("content-length").collect();
        lengths.dedup();
        let length = match lengths[..] {
            [] => rest.len(),
            [length] => match content_length(length) {
                // What follows in a datagram belongs to nobody (RFC 3261, section 18.3).
                Some(length) if length <= rest.len() => length,
                Some(_) => return Some((400, "Content-Length beyond the end of the message")),
                None => return Some((400, "Bad Content-Length")),
            },
            _ => return Some((400, "Contradicting Content-Length")),
        };
        self.body = rest[..length].to_vec();
        None
    }

    /// What holds for every message, and in which way this one breaks it.
    fn fault(&self) -> Option<(u16, &'static str)> {
        for name in ["from", "to", "call-id", "cseq"] {
            match self.all(name).count() {
                0 => return Some((400, "Missing header field")),
                1 => {}
                _ => return Some((400, "Repeated header field")),
            }
        }
        if self.all("max-forwards").nth(1).is_some() {
            return Some((400, "Repeated header field"));
        }
        let Some(cseq) = self.cseq() else {
            return Some((400, "Bad CSeq"));
        };
        if self.method().is_some_and(|method| method != cseq.method) {
            return Some((400, "CSeq of another method"));
        }
        if self.via().is_none() {
            return Some((400, "Bad Via"));
        }
        if self.address("from").is_err() || self.address("to").is_err() {
            return Some((400, "Bad From or To"));
        }
        if self.header("call-id").is_some_and(|id| id.is_empty() || id.contains(char::is_whitespace)) {
            return Some((400, "Bad Call-ID"));
        }
        let hops = self.header("max-forwards");
        if hops.is_some_and(|hops| content_length(hops).is_none_or(|hops| 255 < hops)) {
            return Some((400, "Bad Max-Forwards"));
        }
        match &self.start {
            Start::Request { uri, .. } => match Uri::parse(uri) {
                Err(AddressError::Scheme) => Some((416, "Unsupported URI scheme")),
                Err(AddressError::Syntax) => Some((400, "Bad Request-URI")),
                Ok(_) => None,
            },
            Start::Response { .. } => None,
        }
    }
}

impl Via {
    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split(';');
        // `SIP / 2.0 / UDP` may have spaces around its slashes.
        let first = parts.next()?.trim();
        let (protocol, rest) = first.split_once('/')?;
        let (version, rest) = rest.split_once('/')?;
        let (transport, sent_by) = rest.trim_start().split_once([' ', '\t'])?;
        let is_ours = protocol.trim().eq_ignore_ascii_case("SIP") && version.trim() == "2.0";
        if !is_ours || !is_token(transport) {
            return None;
        }
        let sent_by: String = sent_by.split_whitespace().collect();
        let (_, port) = host_and_port(&sent_by).ok()?;
        let mut via = Self { sent_by, port, branch: None, wants_rport: false };
        for part in parts {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            match name.trim().to_ascii_lowercase().as_str() {
                "branch" => via.branch = Some(value.trim().to_owned()),
                "rport" => via.wants_rport = true,
                _ => {}
            }
        }
        Some(via)
    }
}

type Fault = Option<(u16, &'static str)>;

fn start(line: &str) -> Option<(Start, Fault)> {
    if let Some(rest) = line.strip_prefix("SIP/") {
        let (version, rest) = rest.split_once(' ')?;
        let code = rest.split(' ').next()?;
        let status = code.parse().ok().filter(|status| code.len() == 3 && (100..700).contains(status))?;
        return (version == "2.0").then_some((Start::Response { status }, None));
    }
    let method = line.split(' ').next().filter(|method| is_token(method))?;
    let request = |uri: &str| Start::Request { method: method.to_owned(), uri: uri.to_owned() };
    Some(match line.split(' ').collect::<Vec<_>>()[..] {
        [_, uri, version] if version.eq_ignore_ascii_case("SIP/2.0") => (request(uri), None),
        [_, uri, version] if version.starts_with("SIP/") => {
            (request(uri), Some((505, "Only SIP/2.0 is spoken")))
        }
        _ => (request(""), Some((400, "Bad Request-Line"))),
    })
}

fn headers(text: &str) -> (Vec<(String, String)>, Fault) {
    let mut headers: Vec<(String, String)> = Vec::new();
    let mut fault = None;
    for line in text.split("\r\n").filter(|line| !line.is_empty()) {
        if line.contains(|c: char| c.is_control() && c != '\t') {
            fault = fault.or(Some((400, "Control character in a header field")));
            continue;
        }
        // A folded line goes on with the one before.
        if line.starts_with([' ', '\t']) {
            match headers.last_mut() {
                Some((_, value)) => {
                    value.push(' ');
                    value.push_str(line.trim());
                    *value = value.trim().to_owned();
                }
                None => fault = fault.or(Some((400, "Bad header field"))),
            }
            continue;
        }
        match line.split_once(':') {
            Some((name, value)) if is_token(name.trim_end()) && headers.len() < HEADERS_MAX => {
                headers.push((canonical(name.trim_end()), value.trim().to_owned()));
            }
            _ => fault = fault.or(Some((400, "Bad header field"))),
        }
    }
    (headers, fault)
}

/// Small letters; RFC 3261, section 7.3.3, and RFC 4028 for `x`, have names of one letter.
fn canonical(name: &str) -> String {
    let name = name.to_ascii_lowercase();
    let long = match name.as_str() {
        "i" => "call-id",
        "m" => "contact",
        "e" => "content-encoding",
        "l" => "content-length",
        "c" => "content-type",
        "f" => "from",
        "s" => "subject",
        "k" => "supported",
        "t" => "to",
        "v" => "via",
        "x" => "session-expires",
        "r" => "refer-to",
        "b" => "referred-by",
        _ => return name,
    };
    long.to_owned()
}

/// Digits and nothing else.
pub(crate) fn content_length(text: &str) -> Option<usize> {
    let is_number = !text.is_empty() && text.len() < 10 && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok()).flatten()
}

fn is_token(text: &str) -> bool {
    let is_token_byte = |byte: u8| byte.is_ascii_alphanumeric() || b"-.!%*_+`'~".contains(&byte);
    !text.is_empty() && text.bytes().all(is_token_byte)
}

/// Where the needle begins.
pub(crate) fn find(hay: &[u8], needle: &[u8]) -> Option<usize> {
    hay.windows(needle.len()).position(|window| window == needle)
}
