//! A picture of the screen as a capture hands it over.

use crate::ScreenSize;

/// In which order the four bytes of a pixel stand in memory. The fourth (`x`) byte says nothing, also where a capture calls it alpha.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PixelOrder {
    /// Blue, green, red, x: what X11 gives on little-endian machines, and what a reader shows.
    Bgrx,
    /// Red, green, blue, x: what a browser's canvas gives.
    Rgbx,
    /// x, red, green, blue.
    Xrgb,
    /// x, blue, green, red.
    Xbgr,
}

/// One picture of the whole screen.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// The screen's size.
    pub size: ScreenSize,
    /// Bytes from one row to the next, at least 4 a pixel.
    pub stride: usize,
    /// The order of the bytes of a pixel.
    pub order: PixelOrder,
    /// The rows from the top; the last one need not be padded to the stride.
    pub pixels: &'a [u8],
}
