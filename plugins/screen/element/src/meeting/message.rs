//! The messages of the meeting protocol that a presenter or a viewer needs.

use serde::{Deserialize, Serialize};

/// The protocol's version that this client speaks.
pub const PROTOCOL: u8 = 1;

/// What a client says.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Say<'a> {
    /// The first message.
    Join {
        /// [`PROTOCOL`].
        protocol: u8,
        /// Nine digits.
        code: &'a str,
        /// Shown to the others.
        name: &'a str,
        /// The host's or the recorder's.
        #[serde(skip_serializing_if = "Option::is_none")]
        token: Option<&'a str>,
    },
    /// Send the screen.
    Watch {
        /// Films as they are, too.
        video: bool,
    },
    /// So many bytes of it are on show.
    Painted {
        /// Since `Watch`.
        bytes: u64,
    },
    /// Let us present.
    Present,
    /// We stop presenting.
    PresentStop,
    /// We leave.
    Leave,
}

/// What a server says, as far as it matters here.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Hear {
    /// We are in.
    Joined,
    /// We are not.
    Refused {
        /// One word.
        #[serde(default)]
        reason: String,
        /// One sentence.
        #[serde(default)]
        message: String,
    },
    /// Send the screen now.
    PresentGranted,
    /// Send it no longer.
    PresentEnded {
        /// Why.
        #[serde(default)]
        message: String,
    },
    /// So many bytes have arrived.
    Taken {
        /// Since `PresentGranted`.
        bytes: u64,
    },
    /// The meeting is over.
    Ended {
        /// Why.
        #[serde(default)]
        message: String,
    },
    /// Our last message was refused.
    Error {
        /// Why.
        #[serde(default)]
        message: String,
    },
    /// Something that neither a presenter nor a viewer needs.
    #[serde(other)]
    Other,
}

impl Say<'_> {
    /// As it travels.
    pub fn to_text(&self) -> String {
        serde_json::to_string(self).expect("strings and numbers can always be written")
    }
}

impl Hear {
    /// `None` when it is not a message of the protocol.
    pub fn parse(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_look_as_the_protocol_says() {
        let join = Say::Join { protocol: PROTOCOL, code: "123456789", name: "Ann", token: None };
        assert_eq!(join.to_text(), r#"{"type":"join","protocol":1,"code":"123456789","name":"Ann"}"#);
        assert_eq!(Say::Painted { bytes: 52_311 }.to_text(), r#"{"type":"painted","bytes":52311}"#);
        assert_eq!(Say::Watch { video: true }.to_text(), r#"{"type":"watch","video":true}"#);
        assert_eq!(Say::PresentStop.to_text(), r#"{"type":"present_stop"}"#);
    }

    #[test]
    fn unknown_fields_and_unknown_types_are_passed_over() {
        let joined =
            r#"{"type":"joined","you":3,"code":"123456789","host":true,"participants":[],"chat":[]}"#;
        assert!(matches!(Hear::parse(joined), Some(Hear::Joined)));
        assert!(matches!(Hear::parse(r#"{"type":"presenter","id":4}"#), Some(Hear::Other)));
        assert!(matches!(
            Hear::parse(r#"{"type":"taken","bytes":7,"new":[1]}"#),
            Some(Hear::Taken { bytes: 7 })
        ));
    }

    #[test]
    fn what_is_no_message_is_none() {
        for text in ["", "[]", "{}", r#"{"type":"taken"}"#, r#"{"type":"taken","bytes":-1}"#] {
            assert!(Hear::parse(text).is_none(), "{text}");
        }
    }
}
