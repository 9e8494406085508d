#![doc = include_str!("../README.md")]
#![deny(unsafe_code)]

mod geometry;
mod record;

pub use geometry::{Colour, Point, Rect, ScreenSize};
pub use record::{
    CURSOR_SIDE_MAX, CursorShape, HEADER_BYTES, PICTURE_SIDE_MAX, RECORD_BODY_BYTES_MAX, Reader, Record, SCREEN_AREA_MAX,
    SCREEN_SIDE_MAX, StreamError, UPDATE_BYTES_MAX, UPDATE_RECORDS_MAX, VERSION,
};
