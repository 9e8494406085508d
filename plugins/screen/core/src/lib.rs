#![doc = include_str!("../README.md")]
#![deny(unsafe_code)]

mod ages;
mod cache;
mod canvas;
mod cells;
mod content;
mod debt;
mod decoder;
mod encoder;
mod error;
mod few;
mod film;
mod frame;
mod geometry;
pub mod graphic;
mod look;
mod news;
mod picture;
mod reader;
mod record;
mod relay;
mod screen;
pub mod vp8;
pub mod webp;
mod window;

pub use cache::{CACHE_BYTES_MAX, CACHE_ENTRIES_MAX};
pub use canvas::Canvas;
pub use decoder::{CursorPicture, CursorState, Decoder, Shown};
pub use encoder::{Crew, CursorError, Encoder, Job};
pub use error::StreamError;
pub use frame::{Frame, PixelOrder};
pub use geometry::{Colour, Point, Rect, ScreenSize};
pub use picture::Picture;
pub use reader::Reader;
pub use record::{
    CURSOR_SIDE_MAX, CursorShape, FILM_AREA_MAX, HEADER_BYTES, PICTURE_SIDE_MAX, RECORD_BODY_BYTES_MAX,
    Record, SCREEN_AREA_MAX, SCREEN_SIDE_MAX, UPDATE_BYTES_MAX, UPDATE_PIXELS_MORE, UPDATE_RECORDS_MAX,
    UPDATE_SCREENS_MAX, VERSION,
};
pub use relay::{Input, Output, Relay, ViewerId};
pub use window::Window;
