//! Meetings as they run: the directory of them, the task of each, and the connections of their participants.

mod connection;
mod directory;
mod feed;
mod outbox;
mod pieces;
mod room;
mod said;
mod screen;
mod talk;

pub(crate) use connection::attend;
pub(crate) use directory::{Directory, Founded, FoundingError, MEETINGS_MAX};
pub(crate) use room::{
    Letter, RoomCount, StreamAnswer, StreamAsk, StreamError, StreamLetter, tell_recording,
};
pub(crate) use said::READ_BYTES_MAX;
