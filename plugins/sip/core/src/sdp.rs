//! Session descriptions (RFC 8866), as far as a telephone call needs them, and what is chosen of an offer (RFC 3264).

use std::fmt::Write;
use std::net::{IpAddr, SocketAddr};

use convene_conference::Codec;
use thiserror::Error;

use crate::fingerprint::Peer;
use crate::sdes::Crypto;
use crate::shield::{Ours, Theirs};

/// More media than any telephone offers.
pub const MEDIA_MAX: usize = 16;
/// More lines than any session description of a telephone has.
pub const LINES_MAX: usize = 400;
/// What our own offers give to Opus and to digits.
const OPUS_PAYLOAD_TYPE: u8 = 96;
const DIGITS_PAYLOAD_TYPE: u8 = 101;

/// Why an offer is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SdpError {
    /// It can't be read.
    #[error("a session description is not written as RFC 8866 has it")]
    Syntax,
    /// No sound by RTP, or in no codec that we have, or encrypted in a way that we have not.
    #[error("a session description offers no sound that could be taken")]
    Nothing,
    /// It wants a handshake with somebody whose certificate it does not tell, or only by a hash that is broken.
    #[error("a session description has no fingerprint by SHA-256 or better, or nobody who begins")]
    Fingerprint,
}

/// What goes which way, seen from us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Direction {
    /// The caller speaks.
    pub comes: bool,
    /// The caller listens.
    pub goes: bool,
}

/// What is agreed on, from the caller's side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agreement {
    /// In which both speak.
    pub codec: Codec,
    /// Of both ways.
    pub payload_type: u8,
    /// RFC 4733's, if the caller sends keys so.
    pub digits: Option<u8>,
    /// Of their timestamps.
    digits_rate: u32,
    /// Where the caller says that he listens; packets of his say better.
    pub remote: SocketAddr,
    /// The same for reports.
    pub remote_rtcp: SocketAddr,
    /// Reports come and go where the sound does.
    pub rtcp_mux: bool,
    /// Who speaks.
    pub direction: Direction,
    /// The caller's key, or how one is agreed on.
    pub protection: Option<Theirs>,
    /// `RTP/AVP` or one of its kin.
    profile: String,
    /// Each medium of the offer: its kind and profile and formats, and whether it is the one that is taken.
    media: Vec<(String, bool)>,
}

/// Our side.
#[derive(Clone)]
pub struct Local {
    /// Where we listen.
    pub address: IpAddr,
    /// The port of the sound.
    pub port: u16,
    /// Our key, or how one is agreed on.
    pub protection: Option<Ours>,
    /// Names the session.
    pub session: u32,
    /// One more with each description.
    pub version: u32,
}

#[derive(Debug, Default)]
struct Medium<'a> {
    line: &'a str,
    kind: &'a str,
    port: u16,
    profile: &'a str,
    formats: Vec<&'a str>,
    connection: Option<IpAddr>,
    attributes: Vec<(&'a str, &'a str)>,
}

impl Agreement {
    /// Chooses from an offer, or reads an answer to ours; `liked` is kept if it is still there.
    pub fn choose(sdp: &str, liked: Option<Codec>) -> Result<Self, SdpError> {
        let session = parse(sdp)?;
        let is_sound = |medium: &&Medium<'_>| medium.kind == "audio" && medium.port != 0;
        let mut why = SdpError::Nothing;
        // Whoever offers the sound in several ways has the one that he likes best first.
        for medium in session.media.iter().filter(is_sound) {
            match session.take(medium, liked) {
                Ok(agreement) => return Ok(agreement),
                // What is told is what is most worth knowing.
                Err(other) => why = if why == SdpError::Fingerprint { why } else { other },
            }
        }
        Err(why)
    }

    /// Keeps to what we have offered, as an answer cannot bring what was not asked for. None when nothing is left of it.
    pub fn settle(mut self, ours: Option<&Ours>) -> Option<Self> {
        let fits = matches!(
            (ours, &self.protection),
            (Some(Ours::Key(_)), Some(Theirs::Key(_))) | (Some(Ours::Dtls(..)), Some(Theirs::Dtls(_)))
        );
        let must_fit = self.profile.contains("SAVP") || matches!(ours, Some(Ours::Dtls(..)));
        self.protection = self.protection.filter(|_| fits);
        (fits || !must_fit).then_some(self)
    }

    /// Our answer.
    pub fn answer(&self, local: &Local) -> String {
        let mut text = head(local);
        for (line, is_taken) in &self.media {
            if *is_taken {
                self.write_medium(&mut text, local);
            } else {
                // `m=video 5004 RTP/AVP 96` is declined by its port.
                let mut words = line.splitn(3, ' ');
                let kind = words.next().unwrap_or_default();
                let rest = words.nth(1).unwrap_or_default();
                let _ = write!(text, "m={kind} 0 {rest}\r\n");
            }
        }
        text
    }

    fn write_medium(&self, text: &mut String, local: &Local) {
        let pt = self.payload_type;
        let said_digits = self.digits.map_or_else(String::new, |digits| format!(" {digits}"));
        let _ = write!(text, "m=audio {} {} {pt}{said_digits}\r\n", local.port, self.profile);
        let _ = write!(text, "a=rtpmap:{pt} {}\r\n", rtpmap(self.codec));
        if self.codec == Codec::Opus {
            let _ = write!(text, "a=fmtp:{pt} useinbandfec=1\r\n");
        }
        if let Some(digits) = self.digits {
            let rate = self.digits_rate;
            let _ = write!(text, "a=rtpmap:{digits} telephone-event/{rate}\r\na=fmtp:{digits} 0-15\r\n");
        }
        let _ = write!(text, "a=ptime:20\r\n");
        if self.rtcp_mux {
            text.push_str("a=rtcp-mux\r\n");
        }
        write_protection(text, local);
        let direction = match self.direction {
            Direction { comes: true, goes: true } => "sendrecv",
            Direction { comes: true, goes: false } => "recvonly",
            Direction { comes: false, goes: true } => "sendonly",
            Direction { comes: false, goes: false } => "inactive",
        };
        let _ = write!(text, "a={direction}\r\n");
    }
}

/// How insistently we offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// Encryption, if there is a key, is as the other end likes: it has the plain profile, by the custom of telephones.
    Plain,
    /// Encrypted or not at all.
    Encrypted,
}

/// What we offer to whoever has us begin.
pub fn offer(local: &Local, profile: Profile) -> String {
    let mut text = head(local);
    let (opus, digits) = (OPUS_PAYLOAD_TYPE, DIGITS_PAYLOAD_TYPE);
    let profile = match profile {
        Profile::Plain => "RTP/AVP",
        Profile::Encrypted => "RTP/SAVP",
    };
    let _ = write!(text, "m=audio {} {profile} {opus} 9 0 8 {digits}\r\n", local.port);
    for codec in Codec::ALL {
        let _ = write!(text, "a=rtpmap:{} {}\r\n", codec.payload_type().unwrap_or(opus), rtpmap(codec));
    }
    let _ = write!(text, "a=fmtp:{opus} useinbandfec=1\r\na=rtpmap:{digits} telephone-event/8000\r\n");
    let _ = write!(text, "a=fmtp:{digits} 0-15\r\na=ptime:20\r\n");
    write_protection(&mut text, local);
    text.push_str("a=sendrecv\r\n");
    text
}

fn write_protection(text: &mut String, local: &Local) {
    let _ = match &local.protection {
        Some(Ours::Key(crypto)) => write!(text, "a=crypto:{}\r\n", crypto.write()),
        Some(Ours::Dtls(identity, role)) => {
            let (fingerprint, setup) = (identity.fingerprint().write(), role.word());
            write!(text, "a=fingerprint:{fingerprint}\r\na=setup:{setup}\r\n")
        }
        None => Ok(()),
    };
}

fn head(local: &Local) -> String {
    let family = if local.address.is_ipv4() { "IP4" } else { "IP6" };
    let Local { address, session, version, .. } = local;
    format!(
        "v=0\r\no=convene {session} {version} IN {family} {address}\r\ns=-\r\nc=IN {family} {address}\r\nt=0 0\r\n"
    )
}

/// A description, read.
#[derive(Default)]
struct Description<'a> {
    connection: Option<IpAddr>,
    attributes: Vec<(&'a str, &'a str)>,
    media: Vec<Medium<'a>>,
}

fn parse(sdp: &str) -> Result<Description<'_>, SdpError> {
    if !sdp.starts_with("v=0") {
        return Err(SdpError::Syntax);
    }
    let mut read = Description::default();
    for (number, line) in sdp.lines().filter(|line| !line.is_empty()).enumerate() {
        let (kind, value) = line.split_once('=').ok_or(SdpError::Syntax)?;
        if LINES_MAX <= number || MEDIA_MAX <= read.media.len() && kind == "m" {
            return Err(SdpError::Syntax);
        }
        match kind {
            "c" => {
                let address = value.rsplit(' ').next().unwrap_or_default();
                let address = address.split('/').next().unwrap_or_default().parse().ok();
                match read.media.last_mut() {
                    Some(medium) => medium.connection = address,
                    None => read.connection = address,
                }
            }
            "m" => read.media.push(Medium::parse(value).ok_or(SdpError::Syntax)?),
            "a" => {
                let attribute = value.split_once(':').unwrap_or((value, ""));
                let medium = read.media.last_mut().map(|medium| &mut medium.attributes);
                medium.unwrap_or(&mut read.attributes).push(attribute);
            }
            _ => {}
        }
    }
    Ok(read)
}

impl<'a> Description<'a> {
    /// What comes of it if this medium is taken.
    fn take(&self, medium: &Medium<'a>, liked: Option<Codec>) -> Result<Agreement, SdpError> {
        let protection = self.protection(medium)?;
        let (codec, payload_type) = medium.codec(liked).ok_or(SdpError::Nothing)?;
        let digits = medium.digits(codec);
        let address = medium.connection.or(self.connection).ok_or(SdpError::Syntax)?;
        let rtcp_mux = medium.all("rtcp-mux").next().is_some();
        let rtcp_port = medium.all("rtcp").find_map(|value| value.split(' ').next()?.parse().ok());
        let rtcp_port = rtcp_port.unwrap_or(medium.port.saturating_add(1));
        let said = medium.direction().or_else(|| direction(&self.attributes));
        let mut direction = said.unwrap_or(Direction { comes: true, goes: true });
        // RFC 2543's way of putting somebody on hold.
        direction.goes &= !address.is_unspecified();
        Ok(Agreement {
            codec,
            payload_type,
            digits: digits.map(|(payload_type, _)| payload_type),
            digits_rate: digits.map_or(0, |(_, rate)| rate),
            remote: SocketAddr::new(address, medium.port),
            remote_rtcp: SocketAddr::new(address, if rtcp_mux { medium.port } else { rtcp_port }),
            rtcp_mux,
            direction,
            protection,
            profile: medium.profile.to_owned(),
            media: self
                .media
                .iter()
                .map(|other| (other.line.to_owned(), std::ptr::eq(other, medium)))
                .collect(),
        })
    }

    /// How its sender encrypts. Some write a key or a fingerprint into a plain profile, and leave it to us (RFC 8643).
    fn protection(&self, medium: &Medium<'a>) -> Result<Option<Theirs>, SdpError> {
        let key = || medium.all("crypto").find_map(Crypto::parse).map(Theirs::Key);
        let dtls = || self.peer(medium).map(Theirs::Dtls);
        match medium.profile {
            "UDP/TLS/RTP/SAVP" | "UDP/TLS/RTP/SAVPF" => dtls().map(Some).ok_or(SdpError::Fingerprint),
            "RTP/SAVP" | "RTP/SAVPF" => key().or_else(dtls).map(Some).ok_or(SdpError::Nothing),
            "RTP/AVP" | "RTP/AVPF" => Ok(key().or_else(dtls)),
            _ => Err(SdpError::Nothing),
        }
    }

    /// With whom there would be a handshake; what is said of the medium goes before what is said of all.
    fn peer(&self, medium: &Medium<'a>) -> Option<Peer> {
        let of_all = |name: &'static str| {
            let attributes = self.attributes.iter();
            attributes.filter(move |(other, _)| *other == name).map(|(_, value)| *value)
        };
        let first = |name| medium.all(name).next().or_else(|| of_all(name).next());
        let has_own = medium.all("fingerprint").next().is_some();
        let fingerprints = medium.all("fingerprint").chain(of_all("fingerprint").filter(|_| !has_own));
        Peer::read(fingerprints, first("setup"), first("tls-id"))
    }
}

impl<'a> Medium<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let mut words = line.split(' ');
        let kind = words.next()?;
        let port = words.next()?.split('/').next()?.parse().ok()?;
        let profile = words.next()?;
        Some(Self { line, kind, port, profile, formats: words.collect(), ..Self::default() })
    }

    fn all(&self, name: &str) -> impl Iterator<Item = &'a str> {
        self.attributes.iter().filter(move |(other, _)| *other == name).map(|(_, value)| *value)
    }

    fn direction(&self) -> Option<Direction> {
        direction(&self.attributes)
    }

    /// The best codec that is offered, and its number; the one that is liked above all.
    fn codec(&self, liked: Option<Codec>) -> Option<(Codec, u8)> {
        let number = |codec: Codec| self.formats.iter().find_map(|format| self.is_codec(format, codec));
        liked.into_iter().chain(Codec::ALL).find_map(|codec| Some((codec, number(codec)?)))
    }

    fn is_codec(&self, format: &str, codec: Codec) -> Option<u8> {
        let payload_type: u8 = format.parse().ok().filter(|number| *number < 128)?;
        let is_it = match self.rtpmap(format) {
            Some(map) => map.eq_ignore_ascii_case(&rtpmap(codec)) || is_with_one_channel(map, codec),
            None => codec.payload_type() == Some(payload_type),
        };
        is_it.then_some(payload_type)
    }

    /// Digits at the codec's clock, as they share its stream (RFC 4733, section 2.1); or else at 8000, as many telephones have them whatever the codec.
    fn digits(&self, codec: Codec) -> Option<(u8, u32)> {
        let at = |rate: u32| {
            let wanted = format!("telephone-event/{rate}");
            let is_wanted =
                |format: &&&str| self.rtpmap(format).is_some_and(|map| map.eq_ignore_ascii_case(&wanted));
            let format = self.formats.iter().find(is_wanted)?;
            Some((format.parse().ok().filter(|number| *number < 128)?, rate))
        };
        at(codec.clock_rate()).or_else(|| at(8000))
    }

    fn rtpmap(&self, format: &str) -> Option<&'a str> {
        self.all("rtpmap").find_map(|map| {
            let (number, map) = map.split_once(' ')?;
            (number == format).then(|| map.trim())
        })
    }
}

/// With the clock rate and, for Opus, the channels that RFC 7587 always says.
fn rtpmap(codec: Codec) -> String {
    match codec {
        Codec::Opus => "opus/48000/2".to_owned(),
        _ => format!("{}/{}", codec.encoding_name(), codec.clock_rate()),
    }
}

fn is_with_one_channel(map: &str, codec: Codec) -> bool {
    codec != Codec::Opus && map.strip_suffix("/1").is_some_and(|map| map.eq_ignore_ascii_case(&rtpmap(codec)))
}

fn direction(attributes: &[(&str, &str)]) -> Option<Direction> {
    attributes.iter().find_map(|(name, _)| match *name {
        "sendrecv" => Some(Direction { comes: true, goes: true }),
        "sendonly" => Some(Direction { comes: true, goes: false }),
        "recvonly" => Some(Direction { comes: false, goes: true }),
        "inactive" => Some(Direction { comes: false, goes: false }),
        _ => None,
    })
}
