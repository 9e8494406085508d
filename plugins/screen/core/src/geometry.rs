//! Where things are on the screen: points, rectangles and sizes in pixels, and colours.

use crate::record::{SCREEN_AREA_MAX, SCREEN_SIDE_MAX};

/// A pixel's place, counted from the top left corner.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Point {
    /// Pixels from the left edge.
    pub x: u16,
    /// Pixels from the top edge.
    pub y: u16,
}

/// The screen's size in pixels; always within the limits of the format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ScreenSize {
    width: u16,
    height: u16,
}

impl ScreenSize {
    /// `None` when a side is 0 or over [`SCREEN_SIDE_MAX`], or the area is over [`SCREEN_AREA_MAX`].
    pub fn new(width: u32, height: u32) -> Option<Self> {
        let sides_fit = (1..=u32::from(SCREEN_SIDE_MAX)).contains(&width)
            && (1..=u32::from(SCREEN_SIDE_MAX)).contains(&height);
        if !sides_fit || SCREEN_AREA_MAX < width * height {
            return None;
        }
        Some(Self { width: width as u16, height: height as u16 })
    }

    /// Pixels a row.
    pub fn width(self) -> u16 {
        self.width
    }

    /// Rows.
    pub fn height(self) -> u16 {
        self.height
    }

    /// Pixels in all.
    pub fn area(self) -> usize {
        usize::from(self.width) * usize::from(self.height)
    }

    /// The whole screen as a rectangle.
    pub fn rect(self) -> Rect {
        Rect { x: 0, y: 0, width: self.width, height: self.height }
    }
}

/// A rectangle of pixels. Inside a [`crate::Record`] that came from a [`crate::Reader`] it is never empty and never beyond the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Rect {
    /// Left edge, inclusive.
    pub x: u16,
    /// Top edge, inclusive.
    pub y: u16,
    /// Pixels a row.
    pub width: u16,
    /// Rows.
    pub height: u16,
}

impl Rect {
    /// A rectangle of `width` x `height` pixels whose top left corner is at `x`, `y`.
    pub const fn new(x: u16, y: u16, width: u16, height: u16) -> Self {
        Self { x, y, width, height }
    }

    /// One past the last column.
    pub fn right(self) -> u32 {
        u32::from(self.x) + u32::from(self.width)
    }

    /// One past the last row.
    pub fn bottom(self) -> u32 {
        u32::from(self.y) + u32::from(self.height)
    }

    /// Pixels in all.
    pub fn area(self) -> usize {
        usize::from(self.width) * usize::from(self.height)
    }

    /// Has no pixel.
    pub fn is_empty(self) -> bool {
        self.width == 0 || self.height == 0
    }

    /// Lies wholly inside `outer`.
    pub fn is_within(self, outer: Rect) -> bool {
        outer.x <= self.x
            && outer.y <= self.y
            && self.right() <= outer.right()
            && self.bottom() <= outer.bottom()
    }

    /// The pixels that both have, if any.
    pub fn intersection(self, other: Rect) -> Option<Rect> {
        let x = self.x.max(other.x);
        let y = self.y.max(other.y);
        let right = self.right().min(other.right());
        let bottom = self.bottom().min(other.bottom());
        (u32::from(x) < right && u32::from(y) < bottom)
            .then(|| Rect::new(x, y, (right - u32::from(x)) as u16, (bottom - u32::from(y)) as u16))
    }

    /// The smallest rectangle around both.
    pub fn union(self, other: Rect) -> Rect {
        let x = self.x.min(other.x);
        let y = self.y.min(other.y);
        let right = self.right().max(other.right());
        let bottom = self.bottom().max(other.bottom());
        Rect::new(x, y, (right - u32::from(x)) as u16, (bottom - u32::from(y)) as u16)
    }
}

/// An opaque sRGB colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Colour {
    /// 0 to 255.
    pub red: u8,
    /// 0 to 255.
    pub green: u8,
    /// 0 to 255.
    pub blue: u8,
}
