//! What the exchange orders of its shell, and what it tells of callers.

use convene_conference::Codec;

use super::CallRecord;
use crate::agent::{CallId, TrunkState};
use crate::failure::Failure;
use crate::flow::Flow;
use crate::hop::Hop;
use crate::menu::Wish;
use crate::prompt::Prompt;
use crate::sdp::Agreement;
use crate::shield::Ours;

/// A room of a meeting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RoomId(pub u64);

/// What a room does with callers' names, as they say them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Names {
    /// Nobody is asked.
    #[default]
    Never,
    /// They are asked on their way in, and whoever wants to know who is there hears it.
    Asked,
    /// And all other callers hear who comes.
    Announced,
}

impl Names {
    /// By this word, if it is one.
    pub fn named(word: &str) -> Option<Self> {
        match word {
            "never" => Some(Self::Never),
            "asked" => Some(Self::Asked),
            "announced" => Some(Self::Announced),
            _ => None,
        }
    }
}

/// How a room takes callers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RoomRules {
    /// Nine digits; empty for a room that all callers come to at once.
    pub code: String,
    /// Nobody more.
    pub is_locked: bool,
    /// The organiser's; empty if there is none.
    pub pin: String,
    /// Whether it wants to know who they are.
    pub names: Names,
    /// What records of its calls call it; its code is nothing to be written down.
    pub label: String,
    /// It is told of every call of these ports when that is over, whichever room it was in.
    pub keeps_records: bool,
}

/// What a room is told about a caller.
#[derive(Clone, PartialEq, Eq)]
pub struct About {
    /// In which he is heard.
    pub codec: Codec,
    /// Of the packets, both ways.
    pub payload_type: u8,
    /// What he says he is called.
    pub name: String,
    /// His number.
    pub number: String,
    /// By SRTP, whichever way the keys come.
    pub is_encrypted: bool,
}

impl std::fmt::Debug for About {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { codec, is_encrypted, .. } = self;
        write!(f, "REDACTED by {codec:?}, encrypted: {is_encrypted}")
    }
}

/// How far a call of ours has come, until somebody joins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// It rings there.
    Ringing,
    /// Somebody or something has answered, and is told what to press.
    Answered,
    /// It is over, and nobody has joined.
    Failed(Failure),
}

/// What the shell is to do.
#[derive(Debug)]
pub enum Order {
    /// Send this message.
    Send(Flow, Vec<u8>),
    /// Have a way to there, and a new one only if there is none yet; then [`crate::Exchange::reached`].
    Reach(Hop),
    /// Open ports for the sound of a call, then [`crate::Exchange::opened`].
    Open {
        /// Whose.
        call: CallId,
        /// Whose local address the sound uses, too.
        flow: Flow,
    },
    /// The sound of a call begins, or changes.
    Agreed {
        /// Whose.
        call: CallId,
        /// What about.
        agreement: Box<Agreement>,
        /// How we encrypt.
        ours: Option<Ours>,
    },
    /// A caller is to have a seat in a room, then [`crate::Exchange::seated`].
    Join {
        /// Which room.
        room: RoomId,
        /// Who.
        call: CallId,
        /// What is known of him.
        about: About,
    },
    /// A caller is no longer in the room.
    Leave {
        /// Which room.
        room: RoomId,
        /// Who.
        call: CallId,
        /// Why, in a word.
        why: &'static str,
    },
    /// A caller wants something of the meeting.
    Wish {
        /// Which room.
        room: RoomId,
        /// Who.
        call: CallId,
        /// What.
        wish: Wish,
    },
    /// How far a call of ours has come.
    Progress {
        /// Whose call it is.
        room: RoomId,
        /// Which.
        call: CallId,
        /// How far.
        progress: Progress,
    },
    /// Say these to the caller, after what is said already; then [`crate::Exchange::played`].
    Say(CallId, Vec<Prompt>),
    /// The caller says a name now: keep it for the time of the call and nowhere else, then [`crate::Exchange::named`], also when nothing is said.
    Listen(CallId),
    /// He says nothing more: [`crate::Exchange::named`], with what there is.
    EndName(CallId),
    /// Say the names of others to the caller, after what is said already.
    SayNames {
        /// Who hears them.
        to: CallId,
        /// Whose.
        of: Vec<CallId>,
    },
    /// Say nothing more to the caller.
    Hush(CallId),
    /// Whether the trunk brings calls has changed, or is as it was.
    Trunk(TrunkState),
    /// The call is over: this is what may be kept of it. Then comes [`Order::Close`], if it has ports.
    Record {
        /// Those that are to be told.
        rooms: Vec<RoomId>,
        /// Which call.
        call: CallId,
        /// What is known of it.
        record: Box<CallRecord>,
    },
    /// The call is over: its ports are free.
    Close(CallId),
}
