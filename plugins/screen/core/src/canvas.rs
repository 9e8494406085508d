//! What a reader shows.

use crate::{Colour, Frame, Picture, PixelOrder, Point, Record, Rect, ScreenSize, StreamError};

/// Bytes of a pixel.
pub(crate) const PIXEL_BYTES: usize = 4;

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

    /// All of it, as a capture would hand it over.
    pub fn as_frame(&self) -> Frame<'_> {
        Frame { size: self.size, stride: self.stride(), order: PixelOrder::Bgrx, pixels: &self.pixels }
    }

    /// Paints a record, but for those of films and series: they need what came before them, which a [`crate::Decoder`] has. `Size` makes it black at
    /// the new size; what does not paint changes nothing. After [`StreamError::BadPicture`] the picture's rectangle may have been painted in part.
    pub fn apply(&mut self, record: &Record) -> Result<(), StreamError> {
        match record {
            Record::Size(size) => *self = Self::new(*size),
            Record::Fill { rect, colour } => self.fill(self.inside(*rect)?, *colour),
            Record::Move { rect, from } => {
                self.inside(*rect)?;
                self.inside(Rect { x: from.x, y: from.y, ..*rect })?;
                self.copy_inside(*rect, *from);
            }
            Record::Picture { rect, picture } | Record::Recall { rect, picture, .. } => {
                self.picture(self.inside(*rect)?, picture)?
            }
            Record::Start
            | Record::Keep { .. }
            | Record::Serial { .. }
            | Record::Video { .. }
            | Record::Cursor { .. }
            | Record::CursorShape(_)
            | Record::Update { .. } => {}
        }
        Ok(())
    }

    /// Bytes from one row to the next.
    pub(crate) fn stride(&self) -> usize {
        usize::from(self.size.width()) * PIXEL_BYTES
    }

    /// The bytes of row `y` of a rectangle, counted from the screen's top.
    pub(crate) fn row(&self, rect: Rect, y: usize) -> &[u8] {
        let start = y * self.stride() + usize::from(rect.x) * PIXEL_BYTES;
        &self.pixels[start..start + usize::from(rect.width) * PIXEL_BYTES]
    }

    /// As [`Canvas::row`], to be painted.
    pub(crate) fn row_mut(&mut self, rect: Rect, y: usize) -> &mut [u8] {
        let start = y * self.stride() + usize::from(rect.x) * PIXEL_BYTES;
        &mut self.pixels[start..start + usize::from(rect.width) * PIXEL_BYTES]
    }

    /// Takes a rectangle's pixels from a canvas of the same size.
    pub(crate) fn copy_from(&mut self, other: &Canvas, rect: Rect) {
        for y in usize::from(rect.y)..rect.bottom() as usize {
            self.row_mut(rect, y).copy_from_slice(other.row(rect, y));
        }
    }

    /// The rectangle's colour, when it has only one.
    pub(crate) fn single_colour(&self, rect: Rect) -> Option<Colour> {
        let first = self.row(rect, rect.y.into());
        let &[blue, green, red, x] = first.first_chunk()?;
        let one_colour = first.as_chunks().0.iter().all(|&pixel| pixel == [blue, green, red, x])
            && (usize::from(rect.y) + 1..rect.bottom() as usize).all(|y| self.row(rect, y) == first);
        one_colour.then_some(Colour { red, green, blue })
    }

    /// Shows at `rect` what is now at `from`; both lie inside, and may overlap.
    pub(crate) fn copy_inside(&mut self, rect: Rect, from: Point) {
        let stride = self.stride();
        let row_bytes = usize::from(rect.width) * PIXEL_BYTES;
        let at = |x: u16, y: usize| y * stride + usize::from(x) * PIXEL_BYTES;
        let mut copy_row = |row: usize| {
            let source = at(from.x, usize::from(from.y) + row);
            self.pixels.copy_within(source..source + row_bytes, at(rect.x, usize::from(rect.y) + row));
        };
        // A row must be read before it is painted over.
        let rows = 0..usize::from(rect.height);
        if from.y < rect.y { rows.rev().for_each(&mut copy_row) } else { rows.for_each(&mut copy_row) }
    }

    fn fill(&mut self, rect: Rect, colour: Colour) {
        for pixel in self.row_mut(rect, rect.y.into()).as_chunks_mut().0 {
            *pixel = [colour.blue, colour.green, colour.red, 0xff];
        }
        let stride = self.stride();
        let first = usize::from(rect.y) * stride + usize::from(rect.x) * PIXEL_BYTES;
        let row_bytes = usize::from(rect.width) * PIXEL_BYTES;
        for row in 1..usize::from(rect.height) {
            self.pixels.copy_within(first..first + row_bytes, first + row * stride);
        }
    }

    /// The pixels from a rectangle's first one on, to paint it in rows of [`Canvas::stride`].
    pub(crate) fn corner_mut(&mut self, rect: Rect) -> &mut [u8] {
        let start = usize::from(rect.y) * self.stride() + usize::from(rect.x) * PIXEL_BYTES;
        &mut self.pixels[start..]
    }

    fn picture(&mut self, rect: Rect, picture: &Picture) -> Result<(), StreamError> {
        let stride = self.stride();
        let bad_picture = |_| StreamError::BadPicture { width: rect.width, height: rect.height };
        picture.decode((rect.width, rect.height), self.corner_mut(rect), stride).map_err(bad_picture)
    }

    fn inside(&self, rect: Rect) -> Result<Rect, StreamError> {
        if rect.is_empty() || !rect.is_within(self.size.rect()) {
            Err(StreamError::BadRect { rect })
        } else {
            Ok(rect)
        }
    }
}
