//! The messages of the meeting protocol that clients on GStreamer need.

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
        /// And graphics that are coded one after another.
        series: bool,
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
    /// Let us speak and be seen, hear and see (RFC 3264).
    MediaOffer {
        /// A session description (RFC 8866).
        sdp: &'a str,
    },
    /// Whether we send a camera.
    Camera {
        /// It is on.
        on: bool,
    },
    /// Whether we are to be heard.
    Microphone {
        /// It is on.
        on: bool,
    },
    /// We leave.
    Leave,
}

/// Somebody in the meeting.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Participant {
    /// Theirs as long as they are there.
    pub id: u32,
    /// What they are called.
    pub name: String,
}

/// Whose camera comes on a line of our offer.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Slot {
    /// The line, by its `mid`.
    pub mid: String,
    /// Nobody's when there is none.
    pub id: Option<u32>,
}

/// What a server says, as far as it matters here.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Hear {
    /// We are in.
    Joined {
        /// All, we among them.
        #[serde(default)]
        participants: Vec<Participant>,
    },
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
    /// Somebody has come.
    ParticipantJoined {
        /// Who.
        participant: Participant,
    },
    /// The answer to our offer.
    MediaAnswer {
        /// A session description.
        sdp: String,
    },
    /// There is no answer, or the server's end of our media is gone.
    MediaEnded {
        /// Why.
        #[serde(default)]
        message: String,
    },
    /// Whose camera comes on which line from now on.
    Slots {
        /// Lines that have changed, or all.
        slots: Vec<Slot>,
    },
    /// Our camera stays off.
    CameraRefused {
        /// Why.
        #[serde(default)]
        message: String,
    },
    /// How large cameras may be from now on.
    CameraPolicy {
        /// In pixels.
        width: u32,
        /// In pixels.
        height: u32,
        /// In kbit/s.
        max_kbps: u32,
    },
    /// So high our camera is shown to anybody from now on.
    CameraWanted {
        /// In lines; 0 when nobody sees it.
        height: u16,
    },
    /// The host has muted us.
    Muted,
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
    /// Something that no client on GStreamer needs.
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
        assert_eq!(
            Say::Watch { video: true, series: true }.to_text(),
            r#"{"type":"watch","video":true,"series":true}"#
        );
        assert_eq!(Say::PresentStop.to_text(), r#"{"type":"present_stop"}"#);
    }

    #[test]
    fn unknown_fields_and_unknown_types_are_passed_over() {
        let joined =
            r#"{"type":"joined","you":3,"code":"123456789","host":true,"participants":[],"chat":[]}"#;
        assert!(
            matches!(Hear::parse(joined), Some(Hear::Joined { participants }) if participants.is_empty())
        );
        let slots =
            Hear::parse(r#"{"type":"slots","slots":[{"mid":"video2","id":4},{"mid":"3","id":null}]}"#);
        let Some(Hear::Slots { slots }) = slots else { panic!("{slots:?}") };
        assert_eq!(slots[0], Slot { mid: "video2".into(), id: Some(4) });
        assert_eq!(slots[1].id, None);
        assert!(matches!(Hear::parse(r#"{"type":"muted","by":3}"#), Some(Hear::Muted)));
        let wanted = Hear::parse(r#"{"type":"camera_wanted","height":180}"#);
        assert!(matches!(wanted, Some(Hear::CameraWanted { height: 180 })));
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
