//! Finds content that moved along both axes at once: a window that was dragged.
//!
//! No line of a strip stays whole then. So some short pieces of changed rows, each unlike anything beside it, are looked for everywhere in what a
//! reader has, by a hash that rolls along its rows; where enough of them are found at one offset, the rectangle around them has moved.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::{Canvas, Point, Rect, ScreenSize};

/// Pixels of a piece.
const PIECE: u16 = 32;
/// Pieces that are looked for.
const PIECES_MAX: usize = 64;
/// A piece has at least so many pixels that differ from their left neighbour.
const EDGES_MIN: usize = 6;
/// One row in so many is looked at for pieces.
const ROWS_STEP: usize = 4;
/// An offset at which fewer pieces are found is chance.
const VOTES_MIN: usize = 6;
/// A piece that is found more often says nothing.
const PLACES_MAX: usize = 4;
/// The search ends when all of them together were found more often: a screen that repeats itself.
const FOUND_MAX: usize = 64 * PIECES_MAX;
/// Any odd number would do.
const BASE: u64 = 0x9e37_79b9_7f4a_7c15;

/// What may have moved as a whole.
#[derive(Clone, Copy, Debug)]
pub(super) struct Drag {
    /// From the target to the source.
    pub(super) offset: (isize, isize),
    /// A part of the target.
    pub(super) core: Rect,
    votes: usize,
}

impl Drag {
    /// Where a rectangle has come from, if that lies on the screen.
    pub(super) fn source(self, rect: Rect, size: ScreenSize) -> Option<Point> {
        let moved = |place: u16, by: isize| u16::try_from(isize::try_from(place).ok()? + by).ok();
        let from = Point { x: moved(rect.x, self.offset.0)?, y: moved(rect.y, self.offset.1)? };
        Rect { x: from.x, y: from.y, ..rect }.is_within(size.rect()).then_some(from)
    }

    /// The core with all around it that `fits`, row by row and column by column.
    pub(super) fn grown(self, size: ScreenSize, fits: impl Fn(Rect) -> bool) -> Rect {
        let edges: [fn(Rect) -> Option<Rect>; 4] = [
            |rect| Some(Rect { x: rect.x.checked_sub(1)?, width: 1, ..rect }),
            |rect| Some(Rect { y: rect.y.checked_sub(1)?, height: 1, ..rect }),
            |rect| Some(Rect { x: u16::try_from(rect.right()).ok()?, width: 1, ..rect }),
            |rect| Some(Rect { y: u16::try_from(rect.bottom()).ok()?, height: 1, ..rect }),
        ];
        let mut rect = self.core;
        loop {
            let before = rect;
            for edge in edges {
                let edge = edge(rect).filter(|edge| edge.is_within(size.rect()) && fits(*edge));
                rect = edge.map_or(rect, |edge| rect.union(edge));
            }
            if rect == before {
                return rect;
            }
        }
    }
}

/// The offsets that most pieces agree on, the best first. `dirty` has a rectangle for each cell that changed.
pub(super) fn find(next: &Canvas, reference: &Canvas, dirty: &[Rect]) -> Vec<Drag> {
    let mut pieces = pieces(next, dirty);
    pieces.sort_unstable();
    pieces.dedup_by_key(|(hash, _)| *hash);
    let Some(searched) = dirty.iter().copied().reduce(Rect::union) else { return Vec::new() };
    let mut drags = BTreeMap::<(isize, isize), Drag>::new();
    for found in places(reference, searched, &pieces).chunk_by(|a, b| a.0 == b.0) {
        for &(target, (x, y)) in found.iter().filter(|_| found.len() <= PLACES_MAX) {
            let offset = (x as isize - target.x as isize, y as isize - target.y as isize);
            let drag = drags.entry(offset).or_insert(Drag { offset, core: target, votes: 0 });
            (drag.core, drag.votes) = (drag.core.union(target), drag.votes + 1);
        }
    }
    let mut drags: Vec<Drag> =
        drags.into_values().filter(|drag| VOTES_MIN <= drag.votes && drag.offset != (0, 0)).collect();
    drags.sort_by_key(|drag| Reverse(drag.votes));
    drags
}

/// Hashes of pieces, and where these are.
fn pieces(next: &Canvas, dirty: &[Rect]) -> Vec<(u64, Rect)> {
    let wide: Vec<Rect> = dirty.iter().copied().filter(|rect| PIECE <= rect.width).collect();
    let step = wide.len().div_ceil(PIECES_MAX).max(1);
    wide.iter().step_by(step).filter_map(|rect| piece(next, *rect)).collect()
}

/// The piece of a rectangle with the most edges, if it has enough.
fn piece(next: &Canvas, rect: Rect) -> Option<(u64, Rect)> {
    let rows = (rect.y..rect.bottom() as u16).step_by(ROWS_STEP);
    let candidates = rows.map(|y| Rect::new(rect.x, y, PIECE, 1));
    let best = candidates.max_by_key(|&piece| edges(pixels(next, piece)))?;
    let pixels = pixels(next, best);
    (EDGES_MIN <= edges(pixels)).then(|| (pixels.iter().fold(0, rolled), best))
}

/// Where each piece is found in `reference`, piece by piece. `pieces` is sorted.
fn places(reference: &Canvas, searched: Rect, pieces: &[(u64, Rect)]) -> Vec<(Rect, (u16, u16))> {
    let mut filter = [false; 4096];
    let slot = |hash: u64| (hash >> 52) as usize;
    pieces.iter().for_each(|(hash, _)| filter[slot(*hash)] = true);
    let leaving = (0..PIECE).fold(1_u64, |power, _| power.wrapping_mul(BASE));
    let mut places = Vec::new();
    for y in searched.y..searched.bottom() as u16 {
        if FOUND_MAX < places.len() {
            break;
        }
        let row = pixels(reference, Rect { y, height: 1, ..searched });
        let mut hash = 0;
        for (x, entering) in row.iter().enumerate() {
            hash = rolled(hash, entering);
            if let Some(left) = x.checked_sub(PIECE.into()) {
                hash = hash.wrapping_sub(leaving.wrapping_mul(u32::from_le_bytes(row[left]).into()));
            }
            if filter[slot(hash)] && usize::from(PIECE) <= x + 1 {
                let start = searched.x + x as u16 + 1 - PIECE;
                let found = pieces.binary_search_by_key(&hash, |(hash, _)| *hash);
                places.extend(found.map(|index| (pieces[index].1, (start, y))));
            }
        }
    }
    places.sort_unstable();
    places
}

fn rolled(hash: u64, pixel: &[u8; 4]) -> u64 {
    hash.wrapping_mul(BASE).wrapping_add(u32::from_le_bytes(*pixel).into())
}

fn pixels(canvas: &Canvas, line: Rect) -> &[[u8; 4]] {
    canvas.row(line, line.y.into()).as_chunks().0
}

fn edges(pixels: &[[u8; 4]]) -> usize {
    pixels.iter().zip(&pixels[1..]).filter(|(left, right)| left != right).count()
}
