#![doc = include_str!("../README.md")]

mod buffer;
mod codec;
mod conceal;
mod conference;
mod delay;
mod floor;
mod g711;
mod g722;
mod level;
mod limiter;
mod listener;
mod opus;
mod resample;
pub mod rtp;
mod source;
mod stats;
mod stream;
mod stretch;
mod tick;
mod time;
mod volume;

pub use codec::{Codec, Decoder, Encoder};
pub use conference::{Conference, Ear, Input, InputError, Output, Seat, Wire};
pub use floor::TALKERS_MAX;
pub use level::Level;
pub use listener::{Delivery, RtpStart};
pub use opus::{Channels, OpusSettings, opus_headers, packet_channels, packet_samples};
pub use source::{Pace, Piece};
pub use stats::{SourceStats, Stats};
pub use time::{FRAME, RATE, TICK};
pub use volume::Volume;
