#![doc = include_str!("../README.md")]
#![deny(unsafe_code)]

mod canvas;
mod decoder;
mod encoder;
mod frame;
mod geometry;
mod record;
mod relay;

pub use canvas::Canvas;
pub use decoder::{CursorPicture, CursorState, Decoder, Shown};
pub use encoder::{CursorError, Encoder};
pub use frame::{Frame, PixelOrder};
pub use geometry::{Colour, Point, Rect, ScreenSize};
pub use record::{
    CURSOR_SIDE_MAX, CursorShape, HEADER_BYTES, PICTURE_SIDE_MAX, RECORD_BODY_BYTES_MAX, Reader, Record, SCREEN_AREA_MAX,
    SCREEN_SIDE_MAX, StreamError, UPDATE_BYTES_MAX, UPDATE_RECORDS_MAX, VERSION,
};
pub use relay::{Input, Output, Relay, ViewerId};
