//! What a client says: the text messages of PROTOCOL.md, parsed at the door.

use convene_domain::{DisplayName, OFFER_BYTES_MAX, Refusal, StreamKind, Token};
use convene_recordings::RecordingLayout;
use serde::Deserialize;

/// The version of the protocol that we speak.
const PROTOCOL: u32 = 1;

/// The longest text message.
pub(crate) const TEXT_BYTES_MAX: usize = 16 * 1024;

/// The longest text message with an offer in it, whose ends of lines take twice their place in JSON.
const OFFER_TEXT_BYTES_MAX: usize = OFFER_BYTES_MAX + OFFER_BYTES_MAX / 4;

/// The longest binary message.
pub(crate) const BINARY_BYTES_MAX: usize = 4 * 1024 * 1024;

/// What is read at all. A message between the two is refused with a sentence; beyond it the connection is closed.
pub(crate) const READ_BYTES_MAX: usize = 2 * BINARY_BYTES_MAX;

/// An error repeats what was wrong, but not all of a long message.
const ERROR_CHARACTERS_MAX: usize = 200;

/// A message after the join.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum Said {
    Join,
    Chat {
        text: String,
    },
    Watch {
        /// Films may come as VP8; who says nothing gets pictures.
        #[serde(default)]
        video: bool,
        /// Graphics may come as series; who says nothing gets each by itself.
        #[serde(default)]
        series: bool,
    },
    Unwatch,
    Painted {
        bytes: u64,
    },
    Present,
    PresentStop,
    Record {
        /// Of an older client: the screen with the faces beside it.
        #[serde(default)]
        layout: RecordingLayout,
    },
    RecordPause,
    RecordResume,
    RecordStop,
    MediaOffer {
        sdp: String,
    },
    Camera {
        on: bool,
    },
    Microphone {
        on: bool,
    },
    View {
        feeds: Vec<SaidWish>,
    },
    Mute {
        id: u32,
    },
    Hand {
        up: bool,
    },
    LowerHand {
        id: u32,
    },
    Lock {
        on: bool,
    },
    StreamAllow {
        kind: StreamKind,
        name: String,
    },
    StreamForbid {
        id: u32,
    },
    CallOut {
        number: String,
        #[serde(default)]
        name: Option<String>,
    },
    CallOutStop {
        id: u32,
    },
    End,
    Leave,
}

/// A camera that a viewer wants to see.
#[derive(Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct SaidWish {
    pub(crate) id: u32,
    pub(crate) height: u16,
}

impl Said {
    /// Parses one; the error is a sentence for whoever wrote the client.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if OFFER_TEXT_BYTES_MAX < text.len() {
            check_length(text)?;
        }
        let said = serde_json::from_str(text)
            .map_err(|error| format!("This message is not understood: {}.", short(&error)));
        match said {
            Ok(Self::MediaOffer { .. }) => said,
            _ => check_length(text).and(said),
        }
    }
}

/// The first message, not yet held against any meeting.
#[derive(Debug)]
pub(crate) struct Join {
    /// Whatever was given; a malformed code is answered as an unknown one.
    pub(crate) code: String,
    pub(crate) name: DisplayName,
    pub(crate) token: Option<Token>,
}

#[derive(Deserialize)]
struct RawJoin {
    r#type: String,
    protocol: u32,
    code: String,
    name: String,
    token: Option<String>,
}

impl Join {
    /// Parses the first message.
    pub(crate) fn parse(text: &str) -> Result<Self, Refusal> {
        check_length(text).map_err(Refusal::bad_request)?;
        let raw: RawJoin = serde_json::from_str(text).map_err(|error| {
            Refusal::bad_request(format!("The first message must be a join, but {error}."))
        })?;
        if raw.r#type != "join" {
            return Err(Refusal::bad_request("The first message must be a join."));
        }
        if raw.protocol != PROTOCOL {
            let message = format!(
                "This server speaks version {PROTOCOL} of the meeting protocol, not version {}. Reload the page.",
                raw.protocol
            );
            return Err(Refusal::bad_request(message));
        }
        let name = DisplayName::parse(raw.name).map_err(|error| Refusal::bad_request(error.to_string()))?;
        let token = match raw.token.filter(|token| !token.is_empty()) {
            Some(token) => {
                Some(Token::try_from(token).map_err(|error| Refusal::bad_request(error.to_string()))?)
            }
            None => None,
        };
        Ok(Self { code: raw.code, name, token })
    }
}

fn short(error: &serde_json::Error) -> String {
    error.to_string().chars().take(ERROR_CHARACTERS_MAX).collect()
}

/// Whether a binary message may be as long as this one.
pub(crate) fn check_binary(bytes: usize) -> Result<(), String> {
    if BINARY_BYTES_MAX < bytes {
        return Err(format!("The binary message has {bytes} bytes; {BINARY_BYTES_MAX} are allowed."));
    }
    Ok(())
}

fn check_length(text: &str) -> Result<(), String> {
    match text.len() {
        0..=TEXT_BYTES_MAX => Ok(()),
        bytes => Err(format!("The text message has {bytes} bytes; {TEXT_BYTES_MAX} are allowed.")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use convene_domain::RefusalReason;

    #[test]
    fn every_message_of_the_protocol_is_understood() {
        for (text, said) in [
            (r#"{"type":"chat","text":"hello"}"#, Said::Chat { text: "hello".into() }),
            (r#"{"type":"watch"}"#, Said::Watch { video: false, series: false }),
            (r#"{"type":"watch","video":true}"#, Said::Watch { video: true, series: false }),
            (r#"{"type":"watch","video":true,"series":true}"#, Said::Watch { video: true, series: true }),
            (r#"{"type":"unwatch"}"#, Said::Unwatch),
            (r#"{"type":"painted","bytes":52311}"#, Said::Painted { bytes: 52311 }),
            (r#"{"type":"present"}"#, Said::Present),
            (r#"{"type":"present_stop"}"#, Said::PresentStop),
            (r#"{"type":"record"}"#, Said::Record { layout: RecordingLayout::Beside }),
            (r#"{"type":"record","layout":"faces"}"#, Said::Record { layout: RecordingLayout::Faces }),
            (r#"{"type":"record","layout":"tracks"}"#, Said::Record { layout: RecordingLayout::Tracks }),
            (r#"{"type":"record_pause"}"#, Said::RecordPause),
            (r#"{"type":"record_resume"}"#, Said::RecordResume),
            (r#"{"type":"record_stop"}"#, Said::RecordStop),
            (r#"{"type":"media_offer","sdp":"v=0"}"#, Said::MediaOffer { sdp: "v=0".into() }),
            (r#"{"type":"camera","on":true}"#, Said::Camera { on: true }),
            (r#"{"type":"microphone","on":false}"#, Said::Microphone { on: false }),
            (r#"{"type":"hand","up":true}"#, Said::Hand { up: true }),
            (r#"{"type":"lower_hand","id":4}"#, Said::LowerHand { id: 4 }),
            (r#"{"type":"lock","on":true}"#, Said::Lock { on: true }),
            (
                r#"{"type":"view","feeds":[{"id":4,"height":360}]}"#,
                Said::View { feeds: vec![SaidWish { id: 4, height: 360 }] },
            ),
            (r#"{"type":"view","feeds":[]}"#, Said::View { feeds: Vec::new() }),
            (r#"{"type":"mute","id":4}"#, Said::Mute { id: 4 }),
            (
                r#"{"type":"call_out","number":"+49 30 1","name":"Dan"}"#,
                Said::CallOut { number: "+49 30 1".into(), name: Some("Dan".into()) },
            ),
            (r#"{"type":"call_out","number":"1"}"#, Said::CallOut { number: "1".into(), name: None }),
            (r#"{"type":"call_out_stop","id":1}"#, Said::CallOutStop { id: 1 }),
            (r#"{"type":"end"}"#, Said::End),
            (r#"{"type":"leave"}"#, Said::Leave),
            (r#"{"new":[1,{}],"type":"watch","later":null}"#, Said::Watch { video: false, series: false }),
        ] {
            assert_eq!(Said::parse(text), Ok(said), "{text}");
        }
    }

    #[test]
    fn anything_else_gets_a_sentence() {
        for text in [
            "",
            "{",
            "null",
            "[]",
            r#""watch""#,
            r#"{"type":"fly"}"#,
            r#"{"type":7}"#,
            r#"{"text":"hello"}"#,
            r#"{"type":"chat"}"#,
            r#"{"type":"chat","text":7}"#,
            r#"{"type":"camera"}"#,
            r#"{"type":"camera","on":1}"#,
            r#"{"type":"media_offer","sdp":null}"#,
            r#"{"type":"view","feeds":[4]}"#,
            r#"{"type":"view","feeds":[{"id":4,"height":65536}]}"#,
            r#"{"type":"mute","id":-1}"#,
            r#"{"type":"painted","bytes":-1}"#,
            r#"{"type":"painted","bytes":1e99}"#,
            r#"{"type":"watch"}{"type":"watch"}"#,
        ] {
            let sentence = Said::parse(text).expect_err(text);
            assert!(sentence.starts_with("This message is not understood: "), "{sentence}");
        }
        assert!(Said::parse(&"[".repeat(TEXT_BYTES_MAX)).is_err(), "no depth overflows the stack");
    }

    #[test]
    fn a_text_message_has_at_most_16_kib() {
        let message = |bytes: usize| {
            let empty = r#"{"type":"chat","text":""}"#.len();
            format!(r#"{{"type":"chat","text":"{}"}}"#, "x".repeat(bytes - empty))
        };
        assert!(Said::parse(&message(TEXT_BYTES_MAX)).is_ok());
        assert_eq!(
            Said::parse(&message(TEXT_BYTES_MAX + 1)),
            Err("The text message has 16385 bytes; 16384 are allowed.".into())
        );
    }

    #[test]
    fn an_offer_may_be_longer_than_other_messages() {
        let message = |bytes: usize| format!(r#"{{"type":"media_offer","sdp":"{}"}}"#, "x".repeat(bytes));
        let empty = message(0).len();
        assert!(Said::parse(&message(TEXT_BYTES_MAX)).is_ok());
        assert!(Said::parse(&message(OFFER_TEXT_BYTES_MAX - empty)).is_ok());
        assert_eq!(
            Said::parse(&message(OFFER_TEXT_BYTES_MAX - empty + 1)),
            Err("The text message has 81921 bytes; 16384 are allowed.".into())
        );
    }

    #[test]
    fn an_error_is_short() {
        let message = format!(r#"{{"type":"{}"}}"#, "x".repeat(10_000));
        assert!(Said::parse(&message).expect_err("no such type").len() < 300);
    }

    #[test]
    fn a_binary_message_has_at_most_4_mib() {
        assert_eq!(check_binary(4_194_304), Ok(()));
        assert_eq!(
            check_binary(4_194_305),
            Err("The binary message has 4194305 bytes; 4194304 are allowed.".into())
        );
    }

    #[test]
    fn a_cut_message_is_refused_at_every_length() {
        let whole = r#"{"type":"join","protocol":1,"code":"123456789","name":"Ann"}"#;
        assert!(Join::parse(whole).is_ok());
        for length in 0..whole.len() {
            assert_eq!(Join::parse(&whole[..length]).expect_err("cut").reason, RefusalReason::BadRequest);
        }
    }

    #[test]
    fn a_join_says_which_field_is_wrong() {
        for (text, part) in [
            (r#"{"type":"watch"}"#, "join"),
            (r#"{"type":"join","protocol":2,"code":"123456789","name":"Ann"}"#, "version 2"),
            (r#"{"type":"join","protocol":1,"code":"123456789"}"#, "name"),
            (r#"{"type":"join","protocol":1,"code":"123456789","name":""}"#, "The name is empty"),
            (
                r#"{"type":"join","protocol":1,"code":"123456789","name":"Ann","token":"short"}"#,
                "32 characters",
            ),
        ] {
            let refusal = Join::parse(text).expect_err(text);
            assert_eq!(refusal.reason, RefusalReason::BadRequest);
            assert!(refusal.message.contains(part), "{}", refusal.message);
        }
        let malformed = Join::parse(r#"{"type":"join","protocol":1,"code":"x","name":"Ann","token":null}"#);
        assert_eq!(malformed.unwrap().code, "x", "the meeting's door answers it like an unknown code");
    }
}
