//! Bytes in, records out, held to the limits and the order of the format.

use bytes::{Buf, Bytes, BytesMut};

use crate::cache::Cache;
use crate::record::{
    CURSOR, CURSOR_SHAPE, FILL, GRAPHIC, KEEP, MAGIC, MOVE, OPTIONAL_FROM, PICTURE, RECALL, SERIAL, SIZE,
    START, UPDATE, VIDEO,
};
use crate::{
    CURSOR_SIDE_MAX, Colour, CursorShape, FILM_AREA_MAX, HEADER_BYTES, PICTURE_SIDE_MAX, Picture, Point,
    RECORD_BODY_BYTES_MAX, Record, Rect, ScreenSize, StreamError, UPDATE_BYTES_MAX, UPDATE_PIXELS_MORE,
    UPDATE_RECORDS_MAX, UPDATE_SCREENS_MAX, VERSION,
};

/// Reads records from bytes that come in pieces of any size, and holds them to the limits and the order of the format.
///
/// Pictures and films are not decoded here: [`StreamError::BadPicture`] comes from whoever paints, and so may [`StreamError::BadVideo`]. What a
/// stream keeps to be recalled is held here.
#[derive(Debug, Default)]
pub struct Reader {
    buffer: BytesMut,
    size: Option<ScreenSize>,
    /// The rectangle of the film that runs.
    film: Option<Rect>,
    /// A series has begun.
    has_series: bool,
    started: bool,
    update_records: usize,
    update_bytes: usize,
    update_pixels: usize,
    read_bytes: u64,
    kept: Cache<KeptPicture>,
    /// The record before was this picture: it may be kept.
    last_picture: Option<KeptPicture>,
    failed: Option<StreamError>,
}

#[derive(Clone, Debug)]
struct KeptPicture {
    width: u16,
    height: u16,
    picture: Picture,
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
        Ok(self.next_with_bytes()?.map(|(record, _)| record))
    }

    /// As [`Reader::next_record`], and also the bytes that the record was read from.
    pub(crate) fn next_with_bytes(&mut self) -> Result<Option<(Record, Bytes)>, StreamError> {
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
            0 => 0,
            have if have < HEADER_BYTES => HEADER_BYTES - have,
            have => (HEADER_BYTES + be_u32(&self.buffer[1..]) as usize).saturating_sub(have),
        };
        if missing == 0 { Ok(()) } else { Err(StreamError::Truncated { missing }) }
    }

    /// Bytes of the stream up to the end of the last record that was returned (or skipped).
    pub fn read_bytes(&self) -> u64 {
        self.read_bytes
    }

    /// The screen's size, once it is known.
    pub fn size(&self) -> Option<ScreenSize> {
        self.size
    }

    fn parse_next(&mut self) -> Result<Option<(Record, Bytes)>, StreamError> {
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
            let bytes = self.buffer.split_to(total).freeze();
            self.read_bytes += total as u64;
            self.count(kind, total)?;
            let last_picture = self.last_picture.take();
            if kind == KEEP {
                let record = self.keep(&bytes[HEADER_BYTES..], last_picture)?;
                return Ok(Some((record, bytes)));
            } else if kind < OPTIONAL_FROM {
                let record = self.parse_body(kind, bytes.slice(HEADER_BYTES..))?;
                self.count_pixels(&record)?;
                return Ok(Some((record, bytes)));
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
            START | SIZE | CURSOR | CURSOR_SHAPE | UPDATE | KEEP | OPTIONAL_FROM.. => Ok(()),
            FILL | MOVE | PICTURE | GRAPHIC | SERIAL | VIDEO | RECALL if self.size.is_some() => Ok(()),
            FILL | MOVE | PICTURE | GRAPHIC | SERIAL | VIDEO | RECALL => Err(StreamError::NoSize { kind }),
            _ => Err(StreamError::UnknownKind { kind }),
        }
    }

    fn count(&mut self, kind: u8, bytes: usize) -> Result<(), StreamError> {
        if matches!(kind, START | UPDATE) {
            self.update_records = 0;
            self.update_bytes = 0;
            self.update_pixels = 0;
            return Ok(());
        }
        self.update_records += 1;
        self.update_bytes += bytes;
        if UPDATE_RECORDS_MAX < self.update_records || UPDATE_BYTES_MAX < self.update_bytes {
            return Err(StreamError::UpdateTooLong);
        }
        Ok(())
    }

    fn count_pixels(&mut self, record: &Record) -> Result<(), StreamError> {
        self.update_pixels += match record {
            Record::Fill { rect, .. }
            | Record::Move { rect, .. }
            | Record::Picture { rect, .. }
            | Record::Serial { rect, .. }
            | Record::Recall { rect, .. }
            | Record::Video { rect, .. } => rect.area(),
            Record::Size(size) => size.area(),
            _ => 0,
        };
        let screen = self.size.map_or(0, ScreenSize::area);
        if UPDATE_SCREENS_MAX * screen + UPDATE_PIXELS_MORE < self.update_pixels {
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
            PICTURE | GRAPHIC | CURSOR_SHAPE => 8 < length,
            SERIAL | VIDEO => 9 < length,
            CURSOR => length == 5,
            UPDATE => length == 8,
            RECALL => length == 16,
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
            PICTURE | GRAPHIC => {
                let rect = self.picture_rect(&mut body)?;
                let (width, height) = (rect.width, rect.height);
                let picture = if kind == PICTURE { Picture::WebP(body) } else { Picture::Graphic(body) };
                self.last_picture = Some(KeptPicture { width, height, picture: picture.clone() });
                Ok(Record::Picture { rect, picture })
            }
            RECALL => self.recall(body),
            SERIAL => self.serial(body),
            VIDEO => self.video(body),
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
        self.kept.clear();
        self.film = None;
        self.has_series = false;
        Ok(Record::Start)
    }

    fn resize(&mut self, width: u16, height: u16) -> Result<Record, StreamError> {
        let size =
            ScreenSize::new(width.into(), height.into()).ok_or(StreamError::BadSize { width, height })?;
        self.size = Some(size);
        self.film = None;
        Ok(Record::Size(size))
    }

    fn keep(&mut self, mut body: &[u8], picture: Option<KeptPicture>) -> Result<Record, StreamError> {
        if body.len() != 8 {
            return Err(StreamError::BadLength { kind: KEEP, length: body.len() });
        }
        let key = body.get_u64();
        let kept = picture.ok_or(StreamError::BadKeep { key })?;
        // A copy of its own: what is kept must not hold the buffer that it came in.
        let picture = kept.picture.copied();
        if self.kept.keep(key, picture.bytes().len(), KeptPicture { picture, ..kept }) {
            Ok(Record::Keep { key })
        } else {
            Err(StreamError::BadKeep { key })
        }
    }

    fn recall(&self, mut body: Bytes) -> Result<Record, StreamError> {
        let rect = self.rect(&mut body)?;
        let key = body.get_u64();
        let has_its_size =
            |picture: &&KeptPicture| (picture.width, picture.height) == (rect.width, rect.height);
        match self.kept.get(key).filter(has_its_size) {
            Some(kept) => Ok(Record::Recall { rect, key, picture: kept.picture.clone() }),
            None => Err(StreamError::UnknownKey { key, width: rect.width, height: rect.height }),
        }
    }

    fn serial(&mut self, mut body: Bytes) -> Result<Record, StreamError> {
        let rect = self.picture_rect(&mut body)?;
        let flags = body.get_u8();
        let (begins, is_shown) = (flags & 1 != 0, flags & 2 == 0);
        if 3 < flags || !begins && !self.has_series {
            return Err(StreamError::BadPicture { width: rect.width, height: rect.height });
        }
        self.has_series = true;
        Ok(Record::Serial { rect, begins, is_shown, graphic: body })
    }

    fn video(&mut self, mut body: Bytes) -> Result<Record, StreamError> {
        let rect = self.rect(&mut body)?;
        let (width, height) = (rect.width, rect.height);
        if FILM_AREA_MAX < rect.area() {
            return Err(StreamError::PictureTooLarge { width, height });
        }
        let is_key = match body.get_u8() {
            0 if self.film == Some(rect) => false,
            1 => true,
            _ => return Err(StreamError::BadVideo { width, height }),
        };
        self.film = Some(rect);
        Ok(Record::Video { rect, is_key, frame: body })
    }

    /// Of what is as large as a picture may be.
    fn picture_rect(&self, body: &mut Bytes) -> Result<Rect, StreamError> {
        let rect = self.rect(body)?;
        if PICTURE_SIDE_MAX < rect.width.max(rect.height) {
            return Err(StreamError::PictureTooLarge { width: rect.width, height: rect.height });
        }
        Ok(rect)
    }

    fn rect(&self, body: &mut Bytes) -> Result<Rect, StreamError> {
        self.inside(Rect {
            x: body.get_u16(),
            y: body.get_u16(),
            width: body.get_u16(),
            height: body.get_u16(),
        })
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

fn be_u32(bytes: &[u8]) -> u32 {
    u32::from_be_bytes(bytes[..4].try_into().expect("four bytes make a u32"))
}
