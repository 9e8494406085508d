#![doc = include_str!("../README.md")]

mod agent;
mod chance;
mod digest;
mod dtls;
mod exchange;
mod failure;
mod fingerprint;
mod flow;
mod framer;
mod hop;
mod keys;
mod limits;
mod menu;
mod message;
mod prompt;
mod rtcp;
mod sdes;
mod sdp;
mod session;
mod shield;
mod srtp;
mod tones;
mod transaction;
mod uri;
mod write;

pub use agent::{BACK_OFF_MAX, CALLS_MAX, CallId, Ending, RINGING_MAX, TrunkState};
pub use chance::Chance;
pub use digest::Credentials;
pub use dtls::{
    EXPORTER, Engine, EngineFailed, HANDSHAKE_DATAGRAMS_MAX, HANDSHAKE_MAX, Identity, MATERIAL_BYTES,
    Material,
};
pub use exchange::{
    About, CallEnd, CallRecord, DIALLING_MAX, Encryption, Exchange, INVITES_MAX, MESSAGES_MAX, MISSES_MAX,
    Names, Order, Progress, RoomId, RoomRules, TRUNK_MISSES_MAX, Trunk,
};
pub use failure::Failure;
pub use fingerprint::{FINGERPRINTS_MAX, Fingerprint, Peer, Role};
pub use flow::{Flow, Transport};
pub use framer::{Frame, FrameError, Framer};
pub use hop::Hop;
pub use menu::{
    CALLED_MAX, CALLED_PATIENCE, CODE_END_PATIENCE, JOIN_KEY, Menu, NAME_PATIENCE, Step, WRONG_CODES_MAX,
    Wish,
};
pub use message::{HEADERS_MAX, MESSAGE_BYTES_MAX, Malformed, Message, Start};
pub use prompt::{COUNT_MAX, Prompt};
pub use sdes::{Crypto, Suite};
pub use sdp::{Agreement, Direction, LINES_MAX, MEDIA_MAX, SdpError};
pub use session::{Frames, Received, SILENCE_MAX, Session, SessionStats};
pub use shield::{Ours, Shake, Theirs};
pub use tones::ToneDetector;
