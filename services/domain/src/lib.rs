//! Who may do what in a meeting; the README is the page to read.
#![doc = include_str!("../README.md")]

mod code;
mod meeting;
mod misses;
mod offer;
mod rate;
mod redacted;
mod text;
mod token;

pub use code::{CodeError, SessionCode};
pub use meeting::{
    Announcement, Audience, CALL_OUTS_MAX, CAMERAS_MAX, CHAT_BYTES_KEPT_MAX, CHAT_LINES_KEPT_MAX,
    CallFailure, CallOut, CallOutId, CallOutRules, CallOutState, CameraPolicy, ChatLine, DialIn,
    EMPTY_MEETING_MAX, EndCause, FeedQuality, HEIGHT_MAX, HeadCount, Input, Key, MediaRelay, Meeting,
    Message, Now, NumberError, Order, PARTICIPANTS_MAX, PASSES_MAX, Participant, ParticipantId, Pass, PassId,
    PhoneNumber, Pin, RECORDERS_MAX, Reads, RecordingView, Refusal, RefusalReason, STREAMS_MAX, SeenFeed,
    Slot, SoundFigures, SoundQuality, SoundView, StreamKind, StreamRefusal, UNUSED_MEETING_MAX, Way, Wish,
};
pub use misses::{MISSES_OVERALL_MAX, MISSES_PER_ADDRESS_MAX, MissLimiter};
pub use offer::{Flow, IceCredentials, Line, LineKind, MediaOffer, OFFER_BYTES_MAX, OfferError};
pub use rate::{Allowance, Rate};
pub use redacted::Redacted;
pub use text::{CHAT_CHARACTERS_MAX, ChatText, DisplayName, NAME_CHARACTERS_MAX, TextError};
pub use token::{TOKEN_CHARACTERS, Token};
