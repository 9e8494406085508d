//! The records of the screen stream and their bytes. See `FORMAT.md`; [`crate::Reader`] goes the other way.

use bytes::{BufMut, Bytes, BytesMut};

use crate::{Colour, Picture, Point, Rect, ScreenSize};

/// The version of the format that this crate reads and writes.
pub const VERSION: u8 = 1;
/// Kind and length in front of every body.
pub const HEADER_BYTES: usize = 5;
/// Longest side of a screen in pixels: four 4K monitors side by side.
pub const SCREEN_SIDE_MAX: u16 = 16_384;
/// Most pixels of a screen; 8K has 33,177,600.
pub const SCREEN_AREA_MAX: u32 = 33_554_432;
/// Longest side of one picture in pixels, so that something newer can overtake between two records.
pub const PICTURE_SIDE_MAX: u16 = 512;
/// Most pixels of a film: 2560 x 1600. libvpx keeps four frames of it.
pub const FILM_AREA_MAX: usize = 4_194_304;
/// Longest body of a record; a 512 x 512 picture has 1 MiB of pixels and lossless WebP never doubles it.
pub const RECORD_BODY_BYTES_MAX: usize = 2 * 1024 * 1024;
/// Longest side of a cursor in pixels, the largest that X11 themes and Windows use.
pub const CURSOR_SIDE_MAX: u16 = 256;
/// Most records between two `Update`s.
pub const UPDATE_RECORDS_MAX: usize = 65_536;
/// Most bytes between two `Update`s: an 8K screen of noise.
pub const UPDATE_BYTES_MAX: usize = 134_217_728;
/// Most pixels that are painted between two `Update`s, in screens, and beyond that: a writer that moves, paints and sharpens every part of a screen needs
/// half of it. Without it few bytes could make a reader hold any number of decoded pictures.
pub const UPDATE_SCREENS_MAX: usize = 8;
/// See [`UPDATE_SCREENS_MAX`].
pub const UPDATE_PIXELS_MORE: usize = 4_194_304;

pub(crate) const MAGIC: [u8; 4] = *b"CNVS";

pub(crate) const START: u8 = 0x01;
pub(crate) const SIZE: u8 = 0x02;
pub(crate) const FILL: u8 = 0x03;
pub(crate) const MOVE: u8 = 0x04;
pub(crate) const PICTURE: u8 = 0x05;
pub(crate) const VIDEO: u8 = 0x06;
pub(crate) const CURSOR: u8 = 0x07;
pub(crate) const CURSOR_SHAPE: u8 = 0x08;
pub(crate) const UPDATE: u8 = 0x09;
pub(crate) const KEEP: u8 = 0x0a;
pub(crate) const RECALL: u8 = 0x0b;
pub(crate) const GRAPHIC: u8 = 0x0c;
pub(crate) const SERIAL: u8 = 0x0d;
/// Kinds from here on may be skipped by a reader that does not know them.
pub(crate) const OPTIONAL_FROM: u8 = 0x80;

/// One step of the screen stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// Forget everything: size, pixels, cursor.
    Start,
    /// The screen has this size from now on, all black.
    Size(ScreenSize),
    /// The rectangle has one colour.
    Fill {
        /// Where.
        rect: Rect,
        /// Its colour.
        colour: Colour,
    },
    /// The rectangle shows what the one of the same size at `from` showed before.
    Move {
        /// The target.
        rect: Rect,
        /// The source's top left corner.
        from: Point,
    },
    /// The rectangle shows this picture.
    Picture {
        /// Where; as large as the picture.
        rect: Rect,
        /// In either form: they are two kinds of records.
        picture: Picture,
    },
    /// The rectangle shows the next of a series of graphics.
    Serial {
        /// Where; as large as the picture.
        rect: Rect,
        /// It begins the series; else it is coded with what those before it have taught.
        begins: bool,
        /// Else the rectangle stays as it is, and only what comes after it is coded with what it teaches.
        is_shown: bool,
        /// Few colours, without loss; see [`crate::graphic::Series`].
        graphic: Bytes,
    },
    /// The rectangle shows the next frame of its film.
    Video {
        /// Where; as large as the film.
        rect: Rect,
        /// It begins a film; else it changes the frame before it, which had the same rectangle.
        is_key: bool,
        /// A VP8 frame.
        frame: Bytes,
    },
    /// The picture of the record before is kept under this key.
    Keep {
        /// Chosen by the writer; not the key of anything that is kept.
        key: u64,
    },
    /// The rectangle shows a picture that was kept.
    Recall {
        /// Where; as large as the picture.
        rect: Rect,
        /// The key of the `Keep`.
        key: u64,
        /// What was kept: a reader fills it in, and it is not written.
        picture: Picture,
    },
    /// The pointer's hot spot is here.
    Cursor {
        /// Pixels from the left edge; may lie outside the screen.
        x: i16,
        /// Pixels from the top edge; may lie outside the screen.
        y: i16,
        /// Whether the pointer is to be shown.
        visible: bool,
    },
    /// How the pointer looks from now on.
    CursorShape(CursorShape),
    /// Ends an update: all since the last one becomes visible at once.
    Update {
        /// Microseconds since the presenter's start.
        time_us: u64,
    },
}

/// How the pointer looks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CursorShape {
    /// The pixel of the picture that points.
    pub hot: Point,
    /// Pixels a row, 1 to [`CURSOR_SIDE_MAX`].
    pub width: u16,
    /// Rows, 1 to [`CURSOR_SIDE_MAX`].
    pub height: u16,
    /// A whole WebP file with alpha.
    pub webp: Bytes,
}

impl Record {
    /// Appends the record's bytes.
    ///
    /// # Panics
    /// When a body is over [`RECORD_BODY_BYTES_MAX`]: the writer made too large a picture.
    pub fn write(&self, out: &mut BytesMut) {
        let start = out.len();
        out.put_u8(self.kind());
        out.put_u32(0);
        match self {
            Self::Start => {
                out.put_slice(&MAGIC);
                out.put_slice(&[VERSION, 0]);
            }
            Self::Size(size) => {
                out.put_u16(size.width());
                out.put_u16(size.height());
            }
            Self::Fill { rect, colour } => {
                put_rect(out, *rect);
                out.put_slice(&[colour.red, colour.green, colour.blue]);
            }
            Self::Move { rect, from } => {
                put_rect(out, *rect);
                out.put_u16(from.x);
                out.put_u16(from.y);
            }
            Self::Picture { rect, picture } => {
                put_rect(out, *rect);
                out.put_slice(picture.bytes());
            }
            Self::Video { rect, is_key, frame } => {
                put_rect(out, *rect);
                out.put_u8(u8::from(*is_key));
                out.put_slice(frame);
            }
            Self::Serial { rect, begins, is_shown, graphic } => {
                put_rect(out, *rect);
                out.put_u8(u8::from(*begins) | u8::from(!*is_shown) << 1);
                out.put_slice(graphic);
            }
            Self::Keep { key } => out.put_u64(*key),
            Self::Recall { rect, key, .. } => {
                put_rect(out, *rect);
                out.put_u64(*key);
            }
            Self::Cursor { x, y, visible } => {
                out.put_i16(*x);
                out.put_i16(*y);
                out.put_u8(u8::from(*visible));
            }
            Self::CursorShape(shape) => {
                for value in [shape.hot.x, shape.hot.y, shape.width, shape.height] {
                    out.put_u16(value);
                }
                out.put_slice(&shape.webp);
            }
            Self::Update { time_us } => out.put_u64(*time_us),
        }
        let length = out.len() - start - HEADER_BYTES;
        assert!(
            length <= RECORD_BODY_BYTES_MAX,
            "pictures are at most 512 pixels a side, so no body is over 2 MiB"
        );
        out[start + 1..start + HEADER_BYTES].copy_from_slice(&(length as u32).to_be_bytes());
    }

    fn kind(&self) -> u8 {
        match self {
            Self::Start => START,
            Self::Size(_) => SIZE,
            Self::Fill { .. } => FILL,
            Self::Move { .. } => MOVE,
            Self::Picture { picture: Picture::WebP(_), .. } => PICTURE,
            Self::Picture { picture: Picture::Graphic(_), .. } => GRAPHIC,
            Self::Serial { .. } => SERIAL,
            Self::Video { .. } => VIDEO,
            Self::Keep { .. } => KEEP,
            Self::Recall { .. } => RECALL,
            Self::Cursor { .. } => CURSOR,
            Self::CursorShape(_) => CURSOR_SHAPE,
            Self::Update { .. } => UPDATE,
        }
    }
}

fn put_rect(out: &mut BytesMut, rect: Rect) {
    for value in [rect.x, rect.y, rect.width, rect.height] {
        out.put_u16(value);
    }
}
