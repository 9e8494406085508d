#![doc = include_str!("../README.md")]
#![deny(unsafe_code)]

mod canvas;
mod cells;
mod decoder;
mod encoder;
mod error;
mod frame;
mod geometry;
mod reader;
mod record;
mod relay;
mod screen;
pub mod webp;

pub use canvas::Canvas;
pub use decoder::{CursorPicture, CursorState, Decoder, Shown};
pub use encoder::{CursorError, Encoder};
pub use error::StreamError;
pub use frame::{Frame, PixelOrder};
pub use geometry::{Colour, Point, Rect, ScreenSize};
pub use reader::Reader;
pub use record::{
    CURSOR_SIDE_MAX, CursorShape, HEADER_BYTES, PICTURE_SIDE_MAX, RECORD_BODY_BYTES_MAX, Record,
    SCREEN_AREA_MAX, SCREEN_SIDE_MAX, UPDATE_BYTES_MAX, UPDATE_RECORDS_MAX, VERSION,
};
pub use relay::{Input, Output, Relay, ViewerId};
