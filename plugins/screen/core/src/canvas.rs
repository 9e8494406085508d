//! What a reader shows.

use crate::{Record, ScreenSize, StreamError};

/// What a reader shows: BGRx, 4 bytes a pixel, tight rows, the x byte always 0xff.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Canvas {
    size: ScreenSize,
    pixels: Vec<u8>,
}

impl Canvas {
    /// All black.
    pub fn new(size: ScreenSize) -> Self {
        Self { size, pixels: [0, 0, 0, 0xff].repeat(size.area()) }
    }

    /// Its size.
    pub fn size(&self) -> ScreenSize {
        self.size
    }

    /// The rows from the top, `width * 4` bytes each.
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// Paints a record.
    pub fn apply(&mut self, _record: &Record) -> Result<(), StreamError> {
        todo!()
    }
}
