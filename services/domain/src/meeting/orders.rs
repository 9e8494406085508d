//! What goes into a meeting and what comes out of it.

use std::time::Duration;

use convene_recordings::{RecordingId, RecordingLayout};
use serde::Serialize;
use time::OffsetDateTime;

use super::{
    CallOutId, CallOutState, CameraPolicy, MediaRelay, Message, Pass, PassId, PhoneNumber, RecordingView,
    SoundFigures, StreamKind, Wish,
};
use crate::{ChatText, DisplayName, MediaOffer, Token};

/// A participant's number in the meeting. The caller gives a new one to each who joins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct ParticipantId(pub u32);

/// The time, on both clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// Since any fixed start; never goes back.
    pub elapsed: Duration,
    /// What the calendar says.
    pub date: OffsetDateTime,
}

/// What happens to a meeting.
#[derive(Debug, Clone)]
pub enum Input {
    /// Somebody wants in.
    Join {
        /// A number that was not used in this meeting before.
        id: ParticipantId,
        /// How they want to be called.
        name: DisplayName,
        /// The host's or the recorder's token; any other is as good as none.
        token: Option<Token>,
        /// By what they may use the TURN server; told to nobody else.
        media_relay: Option<MediaRelay>,
    },
    /// Somebody calls by telephone, and has entered the code.
    Call {
        /// A number that was not used in this meeting before.
        id: ParticipantId,
        /// What their telephone calls them.
        name: DisplayName,
        /// The call of the meeting's own that they have answered, if it was one.
        by: Option<CallOutId>,
    },
    /// Somebody wants somebody called.
    CallOut {
        /// Who wants it.
        by: ParticipantId,
        /// Whom.
        number: PhoneNumber,
        /// What they will be called in the meeting.
        name: Option<DisplayName>,
    },
    /// Somebody wants such a call to end, or has seen that it came to nothing.
    CallOutStop {
        /// Who wants it.
        by: ParticipantId,
        /// Which one.
        id: CallOutId,
    },
    /// A call gets on, or comes to nothing.
    CallOutChanged(CallOutId, CallOutState),
    /// Somebody who called has pressed keys.
    Pressed(ParticipantId, Key),
    /// Somebody gives out a pass, by which a program may send or watch.
    Allow {
        /// Who gives it out.
        by: ParticipantId,
        /// What for.
        kind: StreamKind,
        /// What the program will be called.
        name: DisplayName,
        /// A new secret.
        token: Token,
    },
    /// Somebody takes a pass back.
    Forbid {
        /// Who wants it.
        by: ParticipantId,
        /// Which one.
        id: PassId,
    },
    /// A program that [`Meeting::admit`](super::Meeting::admit) has let in is answered.
    Stream {
        /// A number that was not used in this meeting before.
        id: ParticipantId,
        /// What it came with.
        pass: Pass,
        /// What it sends or receives.
        offer: MediaOffer,
    },
    /// A program that watches wants to see this participant, and not whoever speaks.
    StreamView(ParticipantId, ParticipantId),
    /// Nothing comes from a program any more, if it is one; it may be back.
    StreamMissed(ParticipantId),
    /// The way to a program carries, if it is one.
    StreamHeard(ParticipantId),
    /// Somebody left or lost their connection.
    Leave(ParticipantId),
    /// Somebody says something.
    Chat(ParticipantId, ChatText),
    /// Somebody wants to see the screen, and can read this of it.
    Watch(ParticipantId, Reads),
    /// Somebody does not want to see the screen any more.
    Unwatch(ParticipantId),
    /// Somebody wants to present.
    Present(ParticipantId),
    /// Somebody stops presenting.
    PresentStop(ParticipantId),
    /// So many bytes of the presenter's stream are taken in.
    Taken(u64),
    /// The presenter's stream cannot be read, and why.
    StreamRefused(String),
    /// Somebody wants to record, under this id, and to have this shown.
    Record(ParticipantId, RecordingId, RecordingLayout),
    /// Somebody wants the recording to leave out what happens from now on, or to go on.
    RecordPause(ParticipantId, bool),
    /// Somebody wants the recording to stop.
    RecordStop(ParticipantId),
    /// A recording of this meeting changed.
    RecordingChanged(RecordingView),
    /// Somebody offers to send and to receive sound and pictures.
    Offer(ParticipantId, MediaOffer),
    /// Somebody has switched their camera on or off.
    Camera(ParticipantId, bool),
    /// Somebody has switched their microphone on or off.
    Microphone(ParticipantId, bool),
    /// Somebody raises their hand, or lowers it.
    Hand(ParticipantId, bool),
    /// Somebody wants somebody else's hand to be down.
    LowerHand {
        /// Who wants it.
        by: ParticipantId,
        /// Whose.
        id: ParticipantId,
    },
    /// Somebody wants nobody more to be let in, or everybody again.
    Lock(ParticipantId, bool),
    /// Somebody wants to see these cameras and no others, the first one most.
    View(ParticipantId, Vec<Wish>),
    /// Somebody wants somebody else to be muted.
    Mute {
        /// Who wants it.
        by: ParticipantId,
        /// Whom.
        id: ParticipantId,
    },
    /// These are loud just now, the loudest first.
    Speakers(Vec<ParticipantId>),
    /// How the voices stand of which anything has come lately.
    Sound(Vec<(ParticipantId, SoundFigures)>),
    /// Somebody wants the meeting to end.
    End(ParticipantId),
    /// The meeting must end, and why.
    Stop(EndCause),
    /// The time that [`Meeting::timeout`](super::Meeting::timeout) named has come.
    Timeout,
}

/// What a telephone's keys ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// The caller's own microphone, off or on again.
    Mute,
    /// The caller's hand, up or down again.
    Hand,
    /// To be told who is there.
    Count,
    /// To hear the others louder.
    Louder,
    /// To hear them less loud.
    Quieter,
    /// With the organiser's PIN: everybody else's microphone off.
    MuteAll,
    /// ... and the door locked, or open again.
    Lock,
    /// ... and the recording on or off, under this id.
    Record(RecordingId),
    /// ... and the meeting to its end.
    End,
}

/// What a caller is told by voice, who sees nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Announcement {
    /// Nobody hears them.
    Muted,
    /// All hear them again.
    Unmuted,
    /// Their hand is up.
    HandUp,
    /// Their hand is down.
    HandDown,
    /// They hear the others louder now.
    Louder,
    /// They hear the others less loud now.
    Quieter,
    /// It was loud already, as far as it goes.
    Loudest,
    /// It was quiet already, as far as it goes.
    Quietest,
    /// The organiser has muted all others.
    AllMuted,
    /// Nobody more is let in.
    Locked,
    /// Everybody is let in again.
    Unlocked,
    /// The meeting is recorded from now on.
    Recording,
    /// No longer.
    RecordingStopped,
    /// So many are there, the caller too.
    Count(usize),
    /// Who of them has called, as they have said it themselves.
    Names,
    /// So many of them are there by browser.
    Browsers(usize),
}

/// What somebody's program can read of a screen; else it gets pictures that stand alone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reads {
    /// Films as they are.
    pub films: bool,
    /// Series of graphics.
    pub series: bool,
}

/// What the caller has to do, in this order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Order {
    /// Send this.
    Tell {
        /// To whom.
        to: Audience,
        /// What.
        message: Message,
    },
    /// Close this participant's connection, after what it was told, or end their call.
    Dismiss(ParticipantId),
    /// Let this caller hear and be heard.
    PutThrough(ParticipantId),
    /// Say this to this caller.
    Announce(ParticipantId, Announcement),
    /// Let this caller hear all others so many decibels louder than they are; quieter, where it is negative.
    Turn(ParticipantId, i32),
    /// Call somebody.
    CallOut(CallOutId, PhoneNumber),
    /// End such a call, however far it has come.
    CancelCallOut(CallOutId),
    /// Let no telephone in, or all again.
    Lock(bool),
    /// Send the screen to this participant, from the beginning.
    Watch(ParticipantId, Reads),
    /// Stop sending the screen to this participant.
    Unwatch(ParticipantId),
    /// Forget what the former presenter began; the next bytes are a new stream's.
    PresenterChanged,
    /// Answer this offer.
    Answer(ParticipantId, MediaOffer),
    /// Forget what this participant sends and receives.
    HangUp(ParticipantId),
    /// Send these cameras to this participant, the first one if only one can be.
    Show(ParticipantId, Vec<Wish>),
    /// Let nobody hear this participant, or everybody again.
    Silence(ParticipantId, bool),
    /// Hold every camera to this.
    LimitCameras(CameraPolicy),
    /// Start recording, and show this.
    StartRecording(RecordingId, RecordingLayout),
    /// Leave out what happens from now on, or go on.
    PauseRecording(RecordingId, bool),
    /// Stop recording, and finish what was recorded.
    FinishRecording(RecordingId),
    /// The meeting is over: let its code rest, forget it. Nothing is done after this.
    Close,
}

/// Who gets a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// One participant.
    One(ParticipantId),
    /// Everybody but one.
    Others(ParticipantId),
    /// Everybody, also recorders.
    All,
}

/// Why a meeting ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndCause {
    /// The host ended it.
    Host,
    /// Everybody has been gone for [`EMPTY_MEETING_MAX`](super::EMPTY_MEETING_MAX), or nobody came for [`UNUSED_MEETING_MAX`](super::UNUSED_MEETING_MAX).
    Empty,
    /// The server is being stopped.
    Shutdown,
    /// The server cannot carry it on.
    Fault,
}

impl EndCause {
    pub(super) fn sentence(self) -> &'static str {
        match self {
            Self::Host => "The host has ended the meeting.",
            Self::Empty => "The meeting is over, as everybody had left.",
            Self::Shutdown => {
                "The server is being stopped, so the meeting is over. Start a new one in a minute."
            }
            Self::Fault => "The server could not carry the meeting on. Please start a new one.",
        }
    }
}
