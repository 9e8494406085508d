//! VP8 (RFC 6386) by libvpx, for rectangles that play a film: one frame in, one frame out, nothing in between.
//!
//! Pixels are BGRx in memory as everywhere else; what the codec sees are planes of BT.601 in limited range with one pair of chroma
//! samples for 2 x 2 pixels. Odd sizes are as good as even ones.

mod decoder;
mod encoder;
mod header;
mod planes;

pub use decoder::{Decoder, Image};
pub use encoder::{Encoded, Encoder};
pub use header::{Header, SIDE_MAX, Vp8Error};
pub use planes::Plane;
