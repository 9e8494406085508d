//! The media lines of an offer: what each is for, and what is left of them for somebody who only sends, or only receives.

use super::MediaOffer;

/// The shortest and the longest user fragment and password of ICE (RFC 8839, section 5.4).
const UFRAG_CHARACTERS: std::ops::RangeInclusive<usize> = 4..=256;
const PASSWORD_CHARACTERS: std::ops::RangeInclusive<usize> = 22..=256;

/// What a line carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineKind {
    /// A voice.
    Audio,
    /// Pictures.
    Video,
}

/// Which way media goes, seen by whoever offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// From them.
    Send,
    /// To them.
    Receive,
}

/// One m-line of an offer and its attributes (RFC 8866, section 5.14).
#[derive(Debug, Clone, Copy)]
pub struct Line<'a> {
    /// `None` for what is neither voice nor pictures.
    pub kind: Option<LineKind>,
    section: &'a str,
}

/// What a connection's checks are signed with (RFC 8839, section 5.4).
#[derive(Clone, PartialEq, Eq)]
pub struct IceCredentials {
    ufrag: String,
    password: String,
}

impl IceCredentials {
    /// The first of these that stand in a description, or in a fragment of one (RFC 8840, section 9).
    pub fn find(text: &str) -> Option<Self> {
        let find = |name: &str| text.lines().find_map(|line| line.trim_end().strip_prefix(name));
        let (ufrag, password) = (find("a=ice-ufrag:")?, find("a=ice-pwd:")?);
        let is_ice = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '/'));
        let is_sound = UFRAG_CHARACTERS.contains(&ufrag.len())
            && PASSWORD_CHARACTERS.contains(&password.len())
            && is_ice(ufrag)
            && is_ice(password);
        is_sound.then(|| Self { ufrag: ufrag.to_owned(), password: password.to_owned() })
    }
}

/// The password is a secret.
impl std::fmt::Debug for IceCredentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("REDACTED")
    }
}

impl Line<'_> {
    /// Whether media may go this way on it; what says nothing goes both ways (RFC 8866, section 6.7).
    pub fn goes(&self, flow: Flow) -> bool {
        let stated = self.section.lines().find_map(direction);
        match stated.unwrap_or("sendrecv") {
            "sendrecv" => true,
            "sendonly" => flow == Flow::Send,
            "recvonly" => flow == Flow::Receive,
            _ => false,
        }
    }

    /// Whether this codec is among those that are offered.
    pub fn has_codec(&self, name: &str) -> bool {
        self.codecs().any(|codec| codec.eq_ignore_ascii_case(name))
    }

    /// The codecs that are offered, in their order.
    pub fn codecs(&self) -> impl Iterator<Item = &str> {
        let maps = self.section.lines().filter_map(|line| line.strip_prefix("a=rtpmap:"));
        maps.filter_map(|map| map.split_once(' ')?.1.split('/').next())
    }
}

impl MediaOffer {
    /// Its m-lines.
    pub fn lines(&self) -> impl Iterator<Item = Line<'_>> {
        sections(self.as_str()).skip(1).map(|section| Line { kind: kind(section), section })
    }

    /// The same, but media goes one way only: what is offered for both ways is answered for one, and what is offered for the other is not.
    #[must_use]
    pub fn only(&self, flow: Flow) -> Self {
        let mut text = String::with_capacity(self.as_str().len());
        for (number, section) in sections(self.as_str()).enumerate() {
            for line in section.lines().filter(|line| !line.is_empty() && direction(line).is_none()) {
                text.extend([line, "\r\n"]);
            }
            let line = Line { kind: kind(section), section };
            if 0 < number && line.kind.is_some() {
                text += match (line.goes(flow), flow) {
                    (true, Flow::Send) => "a=sendonly\r\n",
                    (true, Flow::Receive) => "a=recvonly\r\n",
                    (false, _) => "a=inactive\r\n",
                };
            }
        }
        Self(text)
    }

    /// The same, on another way (RFC 8445, section 9).
    #[must_use]
    pub fn restarted(&self, ice: &IceCredentials) -> Self {
        let mut text = String::with_capacity(self.as_str().len());
        for line in self.as_str().lines() {
            if line.starts_with("a=ice-ufrag:") {
                text.extend(["a=ice-ufrag:", &ice.ufrag]);
            } else if line.starts_with("a=ice-pwd:") {
                text.extend(["a=ice-pwd:", &ice.password]);
            } else {
                text += line;
            }
            text += "\r\n";
        }
        Self(text)
    }
}

/// What stands before the first m-line, then each of these with what belongs to it.
fn sections(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let section = rest?;
        let end = section.find("\nm=").map(|at| at + 1);
        rest = end.map(|end| &section[end..]);
        Some(end.map_or(section, |end| &section[..end]))
    })
}

fn kind(section: &str) -> Option<LineKind> {
    match section.strip_prefix("m=")?.split(' ').next()? {
        "audio" => Some(LineKind::Audio),
        "video" => Some(LineKind::Video),
        _ => None,
    }
}

fn direction(line: &str) -> Option<&str> {
    let said = line.trim_end().strip_prefix("a=")?;
    matches!(said, "sendrecv" | "sendonly" | "recvonly" | "inactive").then_some(said)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OFFER: &str = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\n\
        m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\na=rtpmap:111 OPUS/48000/2\r\n\
        m=video 9 UDP/TLS/RTP/SAVPF 96 97\r\na=sendonly\r\na=rtpmap:96 VP8/90000\r\na=rtpmap:97 rtx/90000\r\n\
        m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:2\r\n";

    fn offer(text: &str) -> MediaOffer {
        MediaOffer::parse(text.into()).unwrap()
    }

    #[test]
    fn lines_say_what_they_are_for() {
        let offer = offer(OFFER);
        let [voice, camera, data] = offer.lines().collect::<Vec<_>>()[..] else { panic!("three lines") };
        assert_eq!(
            [voice, camera, data].map(|line| line.kind),
            [Some(LineKind::Audio), Some(LineKind::Video), None]
        );
        assert!(voice.goes(Flow::Send) && voice.goes(Flow::Receive));
        assert!(camera.goes(Flow::Send) && !camera.goes(Flow::Receive));
        assert!(voice.has_codec("opus") && camera.has_codec("VP8") && !camera.has_codec("H264"));
        assert_eq!(camera.codecs().collect::<Vec<_>>(), ["VP8", "rtx"]);
        assert_eq!(super::super::MediaOffer::parse("v=0".into()).unwrap().lines().count(), 0);
    }

    #[test]
    fn an_offer_is_narrowed_to_one_way() {
        let directions = |offer: MediaOffer| -> Vec<String> {
            offer.as_str().lines().filter_map(direction).map(str::to_owned).collect()
        };
        let (both, all) = (offer(OFFER), offer("v=0\r\na=sendrecv\r\nm=audio 9 X 1\r\na=inactive\r\n"));
        assert_eq!(directions(both.only(Flow::Send)), ["sendonly", "sendonly"]);
        assert_eq!(directions(both.only(Flow::Receive)), ["recvonly", "inactive"]);
        assert_eq!(directions(all.only(Flow::Send)), ["inactive"]);
        // All else stays where it is.
        let kept = both.only(Flow::Send).as_str().replace("a=sendonly\r\n", "");
        assert_eq!(kept, OFFER.replace("a=sendonly\r\n", ""));
    }

    #[test]
    fn a_restart_changes_the_credentials_and_nothing_else() {
        let fragment = "a=ice-ufrag:EsAw\r\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\n";
        let ice = IceCredentials::find(fragment).unwrap();
        let restarted = offer(OFFER).restarted(&ice);
        assert_eq!(IceCredentials::find(restarted.as_str()), Some(ice.clone()));
        let back = restarted.restarted(&IceCredentials::find(OFFER).unwrap());
        assert_eq!(back.as_str(), OFFER);
        assert_eq!(format!("{ice:?}"), "REDACTED");
        for length in 0..fragment.len() - 4 {
            assert_eq!(IceCredentials::find(&fragment[..length]), None, "{length}");
        }
        for wrong in ["EsA", "Es w", "Es\u{e9}w"] {
            assert_eq!(IceCredentials::find(&fragment.replace("EsAw", wrong)), None, "{wrong}");
        }
    }
}
