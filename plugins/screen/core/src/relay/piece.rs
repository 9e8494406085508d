//! What a piece is filled with: which of the cells that a viewer is owed, and how they are painted.

use std::cmp::Reverse;

use bytes::Bytes;

use super::held::Held;
use crate::Rect;
use crate::debt::{Debt, Order};
use crate::look::Quality;

/// A piece is closed when so little is left of its room.
const REST: usize = 512;
/// Pixels of one piece at most, where pictures are small but large areas: something newer may come in between.
const AREA_MAX: usize = 4 * 512 * 512;
/// Cells of a picture of text. Larger ones of photographs would be no shorter.
const TEXT_CELLS_MAX: usize = 64;
const PHOTOGRAPH_CELLS_MAX: usize = 16;

/// Whether more is owed than the line carries soon: then it goes about right at first.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pressure {
    pub(super) on_text: bool,
    pub(super) on_photographs: bool,
}

impl Pressure {
    /// All goes exactly.
    pub(super) const NONE: Self = Self { on_text: false, on_photographs: false };
}

/// A piece that is being filled.
#[derive(Debug)]
pub(super) struct Piece {
    room: usize,
    area: usize,
    order: Order,
    pressure: Pressure,
}

/// What goes next.
#[derive(Debug)]
pub(super) struct Next {
    /// Whole cells.
    pub(super) rect: Rect,
    pub(super) quality: Quality,
    pub(super) record: Bytes,
}

impl Piece {
    /// An empty piece with room for so many bytes.
    pub(super) fn new(room: usize, order: Order, pressure: Pressure) -> Self {
        Self { room, area: 0, order, pressure }
    }

    /// The next of what is owed, behind the `bytes` that the piece has already; `None` when it is full, nothing is left, or a picture has to wait.
    pub(super) fn next(&mut self, owed: &Debt, held: &mut Held, bytes: usize) -> Option<Next> {
        if AREA_MAX <= self.area || self.room < bytes + REST {
            return None;
        }
        let rest = self.room - bytes;
        let first = owed.first(|cell, since| (Reverse(self.order.news(held.news(cell))), since))?;
        let news = held.news(first);
        // Somebody else's picture of what is as new will do.
        let is_newest = |held: &Held, rect: Rect| held.news(held.cell_of(rect)) == news;
        let shared =
            (self.order == Order::Newest).then(|| self.shared(owed, held, rest, is_newest)).flatten();
        let next = shared
            .or_else(|| self.made(owed, held, first, rest))
            .or_else(|| self.shared(owed, held, rest, |_, _| true))?;
        self.area += next.rect.area();
        Some(next)
    }

    /// A picture that was just made for another viewer.
    fn shared(
        &self,
        owed: &Debt,
        held: &mut Held,
        rest: usize,
        wanted: impl Fn(&Held, Rect) -> bool,
    ) -> Option<Next> {
        let fits = |rect: &Rect, record: &Bytes| record.len() <= rest && wanted(held, *rect);
        let found: Vec<_> = held.fresh().filter(|(rect, _, record)| fits(rect, record)).collect();
        let mut good = found.into_iter().filter(|&(rect, quality, _)| {
            quality == self.quality(held, held.cell_of(rect))
                && owed.holds(rect, |cell| held.look(cell).is_flat())
        });
        good.next().map(|(rect, quality, record)| Next { rect, quality, record })
    }

    /// A picture around this cell, as large as there is room for.
    fn made(&self, owed: &Debt, held: &mut Held, first: usize, rest: usize) -> Option<Next> {
        let quality = self.quality(held, first);
        let look = held.look(first);
        let mut cells_max = if look.is_lines() { TEXT_CELLS_MAX } else { PHOTOGRAPH_CELLS_MAX };
        loop {
            let bytes = |cell, since| {
                let other = held.look(cell);
                // A part that has one colour costs nothing, and makes one picture of what would be several.
                let joins = if since == 0 {
                    other.is_flat()
                } else {
                    other.kind == look.kind && self.quality(held, cell) == quality
                };
                joins.then(|| other.bytes(quality))
            };
            let (rect, cells) = owed.block_around(first, cells_max, rest, bytes)?;
            let record = held.paint(rect, quality)?;
            if record.len() <= rest || cells == 1 && self.area == 0 {
                return Some(Next { rect, quality, record });
            }
            // What is too long for the rest of a piece goes with the next one.
            if self.area != 0 {
                return None;
            }
            cells_max = cells / 2;
        }
    }

    /// What is small is exact: nobody wants what is being typed to be blurred.
    fn quality(&self, held: &mut Held, cell: usize) -> Quality {
        match held.look(cell).is_lines() {
            true if self.pressure.on_text && !held.news(cell).0 => Quality::Few,
            false if self.pressure.on_photographs => Quality::Coarse,
            _ => Quality::Exact,
        }
    }
}
