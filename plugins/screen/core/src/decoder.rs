//! Bytes in, whole updates out.

use crate::screen::Screen;
use crate::{Canvas, Point, Reader, Rect, StreamError};

/// What an update changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shown {
    /// The update's time: microseconds since the presenter's start.
    pub time_us: u64,
    /// What was painted; the rectangles may overlap. The whole screen after a change of size.
    pub damage: Vec<Rect>,
    /// `Start` or `Size` was among the records.
    pub resized: bool,
    /// The cursor's place, visibility or shape was among the records.
    pub cursor_changed: bool,
}

/// The pointer's picture, decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CursorPicture {
    /// The pixel of the picture that points.
    pub hot: Point,
    /// Pixels a row.
    pub width: u16,
    /// Rows.
    pub height: u16,
    /// BGRA with straight alpha, tight rows.
    pub bgra: Vec<u8>,
}

/// The pointer as a reader shows it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CursorState {
    /// How it looks; `None` until the stream has said so.
    pub picture: Option<CursorPicture>,
    /// Where its hot spot is; may lie outside the screen.
    pub x: i16,
    /// Where its hot spot is; may lie outside the screen.
    pub y: i16,
    /// Whether it is to be shown.
    pub visible: bool,
}

/// Reads a stream and holds what is to be shown.
#[derive(Debug, Default)]
pub struct Decoder {
    reader: Reader,
    screen: Screen,
    painted_bytes: u64,
    failed: Option<StreamError>,
}

impl Decoder {
    /// A decoder that waits for `Start`.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next bytes of the stream, in pieces of any size. Drain with [`Decoder::next_update`] before the next call.
    pub fn push(&mut self, bytes: &[u8]) {
        self.reader.push(bytes);
    }

    /// Shows the next whole update, or `None` until more bytes are pushed. After an error it keeps returning that error, and the
    /// canvas stays as the last whole update left it.
    pub fn next_update(&mut self) -> Result<Option<Shown>, StreamError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        let result = self.advance();
        if let Err(error) = &result {
            self.failed = Some(error.clone());
            self.screen.undo();
        }
        result
    }

    /// To be called at the stream's end: an error if it ends inside a record.
    pub fn finish(&self) -> Result<(), StreamError> {
        match &self.failed {
            Some(error) => Err(error.clone()),
            None => self.reader.finish(),
        }
    }

    /// The screen after the last update; `None` until one has given it a size.
    pub fn canvas(&self) -> Option<&Canvas> {
        self.screen.canvas()
    }

    /// The pointer after the last update.
    pub fn cursor(&self) -> &CursorState {
        self.screen.cursor()
    }

    /// Bytes of the stream up to the end of the last shown `Update`: the number to acknowledge.
    pub fn painted_bytes(&self) -> u64 {
        self.painted_bytes
    }

    fn advance(&mut self) -> Result<Option<Shown>, StreamError> {
        while let Some(record) = self.reader.next_record()? {
            if let Some(shown) = self.screen.apply(&record)? {
                self.painted_bytes = self.reader.read_bytes();
                return Ok(Some(shown));
            }
        }
        Ok(None)
    }
}
