//! The records of the screen stream: bytes in, records out, and back. See `FORMAT.md`.

use bytes::{Buf, BufMut, Bytes, BytesMut};

use crate::{Colour, Point, Rect, ScreenSize};

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
/// Longest body of a record; a 512 x 512 picture has 1 MiB of pixels and lossless WebP never doubles it.
pub const RECORD_BODY_BYTES_MAX: usize = 2 * 1024 * 1024;
/// Longest side of a cursor in pixels, the largest that X11 themes and Windows use.
pub const CURSOR_SIDE_MAX: u16 = 256;
/// Most records between two `Update`s.
pub const UPDATE_RECORDS_MAX: usize = 65_536;
/// Most bytes between two `Update`s: an 8K screen of noise.
pub const UPDATE_BYTES_MAX: usize = 134_217_728;

const MAGIC: [u8; 4] = *b"CNVS";

const START: u8 = 0x01;
const SIZE: u8 = 0x02;
const FILL: u8 = 0x03;
const MOVE: u8 = 0x04;
const PICTURE: u8 = 0x05;
const CURSOR: u8 = 0x07;
const CURSOR_SHAPE: u8 = 0x08;
const UPDATE: u8 = 0x09;
/// Kinds from here on may be skipped by a reader that does not know them.
const OPTIONAL_FROM: u8 = 0x80;

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
        /// A whole WebP file.
        webp: Bytes,
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

/// Why a stream was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StreamError {
    /// The stream does not begin with `Start`, or `Start` has another magic.
    #[error("this is not a screen stream: it does not begin with a Start record (kind {kind:#04x} came first)")]
    NotAScreenStream {
        /// The first record's kind.
        kind: u8,
    },
    /// The stream is of a version that this reader does not know.
    #[error("the screen stream has version {version}; this reader knows version {VERSION}")]
    UnknownVersion {
        /// The version in `Start`.
        version: u8,
    },
    /// A kind that must not be skipped.
    #[error("record kind {kind:#04x} is not known and must not be skipped")]
    UnknownKind {
        /// The record's kind.
        kind: u8,
    },
    /// A body over [`RECORD_BODY_BYTES_MAX`].
    #[error("a record of kind {kind:#04x} claims {length} bytes; the most is {RECORD_BODY_BYTES_MAX}")]
    BodyTooLong {
        /// The record's kind.
        kind: u8,
        /// The length that it claims.
        length: u32,
    },
    /// A body whose length does not fit its kind.
    #[error("a record of kind {kind:#04x} has {length} bytes, which does not fit that kind")]
    BadLength {
        /// The record's kind.
        kind: u8,
        /// The body's length.
        length: usize,
    },
    /// A screen of no pixels, or of too many.
    #[error("a screen of {width} x {height} pixels is outside of the limits")]
    BadSize {
        /// Pixels a row.
        width: u16,
        /// Rows.
        height: u16,
    },
    /// A record that paints before any `Size`.
    #[error("a record of kind {kind:#04x} came before the screen's size")]
    NoSize {
        /// The record's kind.
        kind: u8,
    },
    /// An empty rectangle, or one beyond the screen.
    #[error("the rectangle {rect:?} is empty or beyond the screen")]
    BadRect {
        /// The rectangle, as it came.
        rect: Rect,
    },
    /// A picture over [`PICTURE_SIDE_MAX`] or a cursor over [`CURSOR_SIDE_MAX`].
    #[error("a picture of {width} x {height} pixels is too large")]
    PictureTooLarge {
        /// Pixels a row.
        width: u16,
        /// Rows.
        height: u16,
    },
    /// A picture that does not decode, or whose own size is not its rectangle's.
    #[error("a picture for {width} x {height} pixels is not a WebP file of that size")]
    BadPicture {
        /// Pixels a row, as the record says.
        width: u16,
        /// Rows, as the record says.
        height: u16,
    },
    /// A flag that is neither 0 nor 1.
    #[error("the cursor's visibility is {value}; it is 0 or 1")]
    BadFlag {
        /// The value that came.
        value: u8,
    },
    /// More records or bytes in one update than the limits.
    #[error("an update has more than {UPDATE_RECORDS_MAX} records or {UPDATE_BYTES_MAX} bytes")]
    UpdateTooLong,
    /// The stream ended inside a record.
    #[error("the screen stream ends inside a record: {missing} more bytes were to come")]
    Truncated {
        /// Bytes that are missing from the record (or from its header).
        missing: usize,
    },
}

impl StreamError {
    /// The name that the test vectors use.
    pub fn name(&self) -> &'static str {
        match self {
            Self::NotAScreenStream { .. } => "not-a-screen-stream",
            Self::UnknownVersion { .. } => "unknown-version",
            Self::UnknownKind { .. } => "unknown-kind",
            Self::BodyTooLong { .. } => "body-too-long",
            Self::BadLength { .. } => "bad-length",
            Self::BadSize { .. } => "bad-size",
            Self::NoSize { .. } => "no-size",
            Self::BadRect { .. } => "bad-rect",
            Self::PictureTooLarge { .. } => "picture-too-large",
            Self::BadPicture { .. } => "bad-picture",
            Self::BadFlag { .. } => "bad-flag",
            Self::UpdateTooLong => "update-too-long",
            Self::Truncated { .. } => "truncated",
        }
    }
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
            Self::Picture { rect, webp } => {
                put_rect(out, *rect);
                out.put_slice(webp);
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
        assert!(length <= RECORD_BODY_BYTES_MAX, "pictures are at most 512 pixels a side, so no body is over 2 MiB");
        out[start + 1..start + HEADER_BYTES].copy_from_slice(&(length as u32).to_be_bytes());
    }

    fn kind(&self) -> u8 {
        match self {
            Self::Start => START,
            Self::Size(_) => SIZE,
            Self::Fill { .. } => FILL,
            Self::Move { .. } => MOVE,
            Self::Picture { .. } => PICTURE,
            Self::Cursor { .. } => CURSOR,
            Self::CursorShape(_) => CURSOR_SHAPE,
            Self::Update { .. } => UPDATE,
        }
    }
}

/// Reads records from bytes that come in pieces of any size, and holds them to the limits and the order of the format.
///
/// Pictures are not decoded here: [`StreamError::BadPicture`] comes from whoever paints.
#[derive(Debug, Default)]
pub struct Reader {
    buffer: BytesMut,
    size: Option<ScreenSize>,
    started: bool,
    update_records: usize,
    update_bytes: usize,
    failed: Option<StreamError>,
}

impl Reader {
    /// A reader that waits for `Start`.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next bytes of the stream. Drain with [`Reader::next_record`] before the next call: the buffer grows otherwise.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole record, or `None` until more bytes are pushed. After an error it keeps returning that error.
    pub fn next_record(&mut self) -> Result<Option<Record>, StreamError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        let result = self.parse_next();
        if let Err(error) = &result {
            self.failed = Some(error.clone());
            self.buffer.clear();
        }
        result
    }

    /// To be called at the stream's end: an error if it ends inside a record.
    pub fn finish(&self) -> Result<(), StreamError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        let missing = match self.buffer.len() {
            0 => return Ok(()),
            have if have < HEADER_BYTES => HEADER_BYTES - have,
            have => HEADER_BYTES + be_u32(&self.buffer[1..]) as usize - have,
        };
        Err(StreamError::Truncated { missing })
    }

    /// The screen's size, once it is known.
    pub fn size(&self) -> Option<ScreenSize> {
        self.size
    }

    fn parse_next(&mut self) -> Result<Option<Record>, StreamError> {
        loop {
            if self.buffer.len() < HEADER_BYTES {
                return Ok(None);
            }
            let kind = self.buffer[0];
            let length = be_u32(&self.buffer[1..]);
            self.check_header(kind, length)?;
            let total = HEADER_BYTES + length as usize;
            if self.buffer.len() < total {
                return Ok(None);
            }
            let mut body = self.buffer.split_to(total).freeze();
            body.advance(HEADER_BYTES);
            self.count(kind, total)?;
            if kind < OPTIONAL_FROM {
                return self.parse_body(kind, body).map(Some);
            }
        }
    }

    /// All that can be refused before the body is there.
    fn check_header(&self, kind: u8, length: u32) -> Result<(), StreamError> {
        if !self.started && kind != START {
            return Err(StreamError::NotAScreenStream { kind });
        }
        if RECORD_BODY_BYTES_MAX < length as usize {
            return Err(StreamError::BodyTooLong { kind, length });
        }
        match kind {
            START | SIZE | CURSOR | CURSOR_SHAPE | UPDATE | OPTIONAL_FROM.. => Ok(()),
            FILL | MOVE | PICTURE if self.size.is_some() => Ok(()),
            FILL | MOVE | PICTURE => Err(StreamError::NoSize { kind }),
            _ => Err(StreamError::UnknownKind { kind }),
        }
    }

    fn count(&mut self, kind: u8, bytes: usize) -> Result<(), StreamError> {
        if matches!(kind, START | UPDATE) {
            self.update_records = 0;
            self.update_bytes = 0;
            return Ok(());
        }
        self.update_records += 1;
        self.update_bytes += bytes;
        if UPDATE_RECORDS_MAX < self.update_records || UPDATE_BYTES_MAX < self.update_bytes {
            return Err(StreamError::UpdateTooLong);
        }
        Ok(())
    }

    fn parse_body(&mut self, kind: u8, mut body: Bytes) -> Result<Record, StreamError> {
        let length = body.len();
        let fits = match kind {
            START => length == 6,
            SIZE => length == 4,
            FILL => length == 11,
            MOVE => length == 12,
            PICTURE | CURSOR_SHAPE => 8 < length,
            CURSOR => length == 5,
            UPDATE => length == 8,
            _ => unreachable!("check_header knows the kinds"),
        };
        if !fits {
            return Err(if self.started {
                StreamError::BadLength { kind, length }
            } else {
                StreamError::NotAScreenStream { kind }
            });
        }
        match kind {
            START => self.start(&body),
            SIZE => self.resize(body.get_u16(), body.get_u16()),
            FILL => {
                let rect = self.rect(&mut body)?;
                Ok(Record::Fill { rect, colour: Colour { red: body[0], green: body[1], blue: body[2] } })
            }
            MOVE => {
                let rect = self.rect(&mut body)?;
                let from = Point { x: body.get_u16(), y: body.get_u16() };
                self.inside(Rect { x: from.x, y: from.y, ..rect })?;
                Ok(Record::Move { rect, from })
            }
            PICTURE => {
                let rect = self.rect(&mut body)?;
                if PICTURE_SIDE_MAX < rect.width.max(rect.height) {
                    return Err(StreamError::PictureTooLarge { width: rect.width, height: rect.height });
                }
                Ok(Record::Picture { rect, webp: body })
            }
            CURSOR => {
                let (x, y) = (body.get_i16(), body.get_i16());
                match body[0] {
                    value @ 0..=1 => Ok(Record::Cursor { x, y, visible: value == 1 }),
                    value => Err(StreamError::BadFlag { value }),
                }
            }
            CURSOR_SHAPE => cursor_shape(body),
            _ => Ok(Record::Update { time_us: body.get_u64() }),
        }
    }

    fn start(&mut self, body: &[u8]) -> Result<Record, StreamError> {
        if body[..4] != MAGIC {
            return Err(StreamError::NotAScreenStream { kind: START });
        }
        if body[4] != VERSION {
            return Err(StreamError::UnknownVersion { version: body[4] });
        }
        self.started = true;
        self.size = None;
        Ok(Record::Start)
    }

    fn resize(&mut self, width: u16, height: u16) -> Result<Record, StreamError> {
        let size = ScreenSize::new(width.into(), height.into()).ok_or(StreamError::BadSize { width, height })?;
        self.size = Some(size);
        Ok(Record::Size(size))
    }

    fn rect(&self, body: &mut Bytes) -> Result<Rect, StreamError> {
        self.inside(Rect { x: body.get_u16(), y: body.get_u16(), width: body.get_u16(), height: body.get_u16() })
    }

    fn inside(&self, rect: Rect) -> Result<Rect, StreamError> {
        let screen = self.size.expect("check_header lets nothing that paints pass without a size").rect();
        if rect.is_empty() || !rect.is_within(screen) { Err(StreamError::BadRect { rect }) } else { Ok(rect) }
    }
}

fn cursor_shape(mut body: Bytes) -> Result<Record, StreamError> {
    let hot = Point { x: body.get_u16(), y: body.get_u16() };
    let (width, height) = (body.get_u16(), body.get_u16());
    if CURSOR_SIDE_MAX < width.max(height) {
        return Err(StreamError::PictureTooLarge { width, height });
    }
    if width == 0 || height == 0 || width <= hot.x || height <= hot.y {
        return Err(StreamError::BadRect { rect: Rect::new(hot.x, hot.y, width, height) });
    }
    Ok(Record::CursorShape(CursorShape { hot, width, height, webp: body }))
}

fn put_rect(out: &mut BytesMut, rect: Rect) {
    for value in [rect.x, rect.y, rect.width, rect.height] {
        out.put_u16(value);
    }
}

fn be_u32(bytes: &[u8]) -> u32 {
    u32::from_be_bytes(bytes[..4].try_into().expect("four bytes make a u32"))
}
