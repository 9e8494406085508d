#![doc = include_str!("../README.md")]

mod agent;
mod chance;
mod exchange;
mod flow;
mod framer;
mod keys;
mod limits;
mod menu;
mod message;
mod prompt;
mod rtcp;
mod sdes;
mod sdp;
mod session;
mod srtp;
mod transaction;
mod uri;
mod write;

pub use agent::{CALLS_MAX, CallId, Ending};
pub use chance::Chance;
pub use exchange::{About, Exchange, INVITES_MAX, MESSAGES_MAX, MISSES_MAX, Order, RoomId, RoomRules};
pub use flow::{Flow, Transport};
pub use framer::{Frame, FrameError, Framer};
pub use menu::{Menu, Step, WRONG_CODES_MAX, Wish};
pub use message::{HEADERS_MAX, MESSAGE_BYTES_MAX, Malformed, Message, Start};
pub use prompt::{COUNT_MAX, Prompt};
pub use sdes::{Crypto, Suite};
pub use sdp::{Agreement, Direction, LINES_MAX, MEDIA_MAX, SdpError};
pub use session::{Frames, Received, SILENCE_MAX, Session, SessionStats};
