//! What the server says in a meeting; serialised, these are the messages of PROTOCOL.md.

use convene_recordings::{RecordingId, RecordingState};
use serde::Serialize;
use time::OffsetDateTime;

use super::{CallOut, CameraPolicy, DialIn, MediaRelay, ParticipantId, Pass, SoundView};
use crate::{ChatText, DisplayName, SessionCode};

/// Somebody on the roster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Participant {
    /// Unique in the meeting, never used twice.
    pub id: ParticipantId,
    /// How they want to be called.
    pub name: DisplayName,
    /// Whether they joined with the host's token.
    pub host: bool,
    /// Whether their camera is on.
    pub camera: bool,
    /// Whether their microphone is on.
    pub microphone: bool,
    /// Whether their hand is up.
    pub hand: bool,
    /// Whether they joined by telephone: they hear and are heard, and see nothing.
    pub telephone: bool,
    /// Whether it is a program that sends or watches, and nobody who talks.
    pub stream: bool,
}

/// What one of a viewer's receiving m-lines carries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Slot {
    /// The m-line's id in the viewer's offer.
    pub mid: String,
    /// Whose camera; nobody's when `None`.
    pub id: Option<ParticipantId>,
}

/// How a camera reaches a viewer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct SeenFeed {
    /// Whose camera.
    pub id: ParticipantId,
    /// In which quality, and why.
    pub quality: FeedQuality,
}

/// Why a camera is seen as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FeedQuality {
    /// As high as it is shown.
    AsShown,
    /// The best that the camera sends.
    BestThereIs,
    /// The best that the viewer's line carries.
    Bandwidth,
    /// The viewer's line carries no picture of it at all.
    Paused,
}

/// One chat line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChatLine {
    /// Counted from 1 in the meeting.
    pub id: u32,
    /// Who said it; they may have left.
    pub from: ParticipantId,
    /// How they were called.
    pub name: DisplayName,
    /// What they said.
    pub text: ChatText,
    /// When, on the server's clock.
    #[serde(with = "time::serde::rfc3339")]
    pub time: OffsetDateTime,
}

/// What the participants see of the meeting's recording.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RecordingView {
    /// Which one.
    pub id: RecordingId,
    /// How far it is.
    pub state: RecordingState,
    /// What went wrong, when something did.
    pub message: Option<String>,
}

/// From the server to participants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Message {
    /// The answer to a join that was let in.
    Joined {
        /// The joiner's own number.
        you: ParticipantId,
        /// The meeting.
        code: SessionCode,
        /// Whether the joiner is the host.
        host: bool,
        /// The roster.
        participants: Vec<Participant>,
        /// Who presents.
        presenter: Option<ParticipantId>,
        /// The recording, if there is or was one.
        recording: Option<RecordingView>,
        /// Whether nobody more is let in.
        locked: bool,
        /// How large cameras may be sent.
        camera_policy: CameraPolicy,
        /// How the meeting is reached by telephone, if it is.
        dial_in: Option<DialIn>,
        /// By what the joiner may use the host's TURN server, where there is one.
        media_relay: Option<MediaRelay>,
        /// What was said lately.
        chat: Vec<ChatLine>,
    },
    /// The answer to a join that was not let in.
    Refused(Refusal),
    /// Somebody came.
    ParticipantJoined {
        /// Who.
        participant: Participant,
    },
    /// Somebody left.
    ParticipantLeft {
        /// Who.
        id: ParticipantId,
    },
    /// Somebody switched a camera or a microphone, was muted, or raised or lowered a hand.
    ParticipantChanged {
        /// As they are now.
        participant: Participant,
    },
    /// To somebody whose camera may not be on.
    CameraRefused {
        /// A sentence.
        message: String,
    },
    /// The answer to an offer.
    MediaAnswer {
        /// A session description.
        sdp: String,
    },
    /// The server's end of somebody's sound and pictures is gone; they may offer anew, on a new connection.
    MediaEnded {
        /// A sentence.
        message: String,
    },
    /// What each of the viewer's receiving m-lines carries from now on.
    Slots {
        /// All of them.
        slots: Vec<Slot>,
    },
    /// How the cameras that somebody sees reach them from now on.
    Sights {
        /// All of them; one that sends nothing is not among them.
        sights: Vec<SeenFeed>,
    },
    /// Who speaks now, the loudest first.
    Speakers {
        /// Nobody when it is empty.
        ids: Vec<ParticipantId>,
    },
    /// How large cameras may be sent from now on.
    CameraPolicy(CameraPolicy),
    /// To somebody whose camera is on: so high it is shown to anybody from now on.
    CameraWanted {
        /// Lines; 0 when nobody sees it.
        height: u16,
    },
    /// To somebody whom the host has muted.
    Muted {
        /// The host.
        by: ParticipantId,
    },
    /// The host has locked the meeting, or opened it.
    Locked {
        /// Nobody more is let in.
        locked: bool,
    },
    /// Somebody said something.
    Chat(ChatLine),
    /// Who presents now.
    Presenter {
        /// Nobody when `None`.
        id: Option<ParticipantId>,
    },
    /// To the one who asked: send the screen.
    PresentGranted,
    /// To the presenter: stop, and why.
    PresentEnded {
        /// A sentence.
        message: String,
    },
    /// To the presenter: how much of the stream is taken in.
    Taken {
        /// Since `PresentGranted`.
        bytes: u64,
    },
    /// The recording changed.
    Recording {
        /// As it is now.
        recording: Option<RecordingView>,
    },
    /// To the host: what is given out to programs.
    Passes {
        /// All of them.
        passes: Vec<Pass>,
    },
    /// To the host: who is being called.
    CallOuts {
        /// All calls, also those that came to nothing.
        calls: Vec<CallOut>,
    },
    /// To the host: how well voices come in.
    Sound {
        /// Those of whom anything came lately.
        participants: Vec<SoundView>,
    },
    /// The meeting is over.
    Ended {
        /// A sentence.
        message: String,
    },
    /// What was asked for is refused, and why.
    Error {
        /// A sentence.
        message: String,
    },
}

/// Why somebody is not let in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Refusal {
    /// For programs.
    pub reason: RefusalReason,
    /// For people.
    pub message: String,
}

/// The reasons that programs tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RefusalReason {
    /// Unknown, ended or malformed code: one answer for all of them.
    NoMeeting,
    /// Too many wrong codes from this address.
    TooManyTries,
    /// The meeting has as many as it may.
    Full,
    /// The host lets nobody more in.
    Locked,
    /// The message is no join, or a field is out of its limits.
    BadRequest,
    /// The server is about to stop.
    ShuttingDown,
}

impl Refusal {
    /// For a code that is unknown, ended or malformed.
    pub fn no_meeting() -> Self {
        Self::new(
            RefusalReason::NoMeeting,
            "No meeting can be joined with this code. It may be mistyped, or the meeting may be over; \
             ask whoever invited you.",
        )
    }

    /// For an address with too many misses.
    pub fn too_many_tries() -> Self {
        Self::new(
            RefusalReason::TooManyTries,
            "Too many wrong codes came from your address. Check the code and try again in a minute.",
        )
    }

    /// For a server that is about to stop.
    pub fn shutting_down() -> Self {
        Self::new(RefusalReason::ShuttingDown, "The server is being stopped. Try again in a minute.")
    }

    /// For a message that is no join, or one with a field out of its limits.
    pub fn bad_request(what: impl Into<String>) -> Self {
        Self::new(RefusalReason::BadRequest, what)
    }

    /// Any reason, in words.
    pub fn new(reason: RefusalReason, message: impl Into<String>) -> Self {
        Self { reason, message: message.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    fn name(text: &str) -> DisplayName {
        DisplayName::parse(text.to_owned()).unwrap()
    }

    fn json(message: &Message) -> String {
        serde_json::to_string(message).unwrap()
    }

    #[test]
    fn messages_read_as_the_protocol_has_them() {
        let line = ChatLine {
            id: 7,
            from: ParticipantId(4),
            name: name("Cem"),
            text: ChatText::parse("hello".into()).unwrap(),
            time: datetime!(2026-01-31 10:00 UTC),
        };
        let chat = r#""id":7,"from":4,"name":"Cem","text":"hello","time":"2026-01-31T10:00:00Z"}"#;
        let ann = Participant {
            id: ParticipantId(3),
            name: name("Ann"),
            host: true,
            camera: false,
            microphone: true,
            hand: false,
            telephone: false,
            stream: false,
        };
        let joined = Message::Joined {
            you: ParticipantId(3),
            code: "123456789".parse().unwrap(),
            host: true,
            participants: vec![ann.clone()],
            presenter: None,
            recording: None,
            locked: false,
            camera_policy: CameraPolicy::of(true, 1),
            dial_in: Some(DialIn {
                tls_port: Some(5061),
                tcp_port: None,
                udp_port: None,
                pin: None,
                call_out: false,
            }),
            media_relay: None,
            chat: vec![line.clone()],
        };
        let start = r#"{"type":"joined","you":3,"code":"123456789","host":true,"participants":[{"id":3,"name":"Ann","host":true,"camera":false,"microphone":true,"hand":false,"telephone":false,"stream":false}],"presenter":null,"recording":null,"locked":false,"camera_policy":{"width":320,"height":240,"max_kbps":500},"dial_in":{"tls_port":5061,"tcp_port":null,"udp_port":null,"pin":null,"call_out":false},"media_relay":null,"chat":[{"#;
        assert_eq!(json(&joined), format!("{start}{chat}]}}"));
        assert_eq!(json(&Message::Chat(line)), format!(r#"{{"type":"chat",{chat}"#));
        assert_eq!(
            json(&Message::ParticipantJoined { participant: ann }),
            r#"{"type":"participant_joined","participant":{"id":3,"name":"Ann","host":true,"camera":false,"microphone":true,"hand":false,"telephone":false,"stream":false}}"#
        );
        assert_eq!(json(&Message::Presenter { id: None }), r#"{"type":"presenter","id":null}"#);
        assert_eq!(json(&Message::PresentGranted), r#"{"type":"present_granted"}"#);
        assert_eq!(json(&Message::Taken { bytes: 52311 }), r#"{"type":"taken","bytes":52311}"#);
        assert_eq!(json(&Message::Recording { recording: None }), r#"{"type":"recording","recording":null}"#);
        assert_eq!(
            json(&Message::CameraPolicy(CameraPolicy::of(false, 2))),
            r#"{"type":"camera_policy","width":1280,"height":720,"max_kbps":2000}"#
        );
        let slots =
            vec![Slot { mid: "2".into(), id: Some(ParticipantId(4)) }, Slot { mid: "3".into(), id: None }];
        assert_eq!(
            json(&Message::Slots { slots }),
            r#"{"type":"slots","slots":[{"mid":"2","id":4},{"mid":"3","id":null}]}"#
        );
        let sights = vec![SeenFeed { id: ParticipantId(4), quality: FeedQuality::BestThereIs }];
        assert_eq!(
            json(&Message::Sights { sights }),
            r#"{"type":"sights","sights":[{"id":4,"quality":"best-there-is"}]}"#
        );
        assert_eq!(
            json(&Message::Speakers { ids: vec![ParticipantId(4), ParticipantId(3)] }),
            r#"{"type":"speakers","ids":[4,3]}"#
        );
        assert_eq!(json(&Message::Muted { by: ParticipantId(3) }), r#"{"type":"muted","by":3}"#);
        let refused = json(&Message::Refused(Refusal::no_meeting()));
        assert!(refused.starts_with(r#"{"type":"refused","reason":"no-meeting","message":"No meeting can "#));
    }
}
