//! Turns many small dirty rectangles into few good ones.

use super::choose::Op;
use crate::Rect;
use crate::cells::CELL_SIDE;

/// What a picture costs beside its pixels, in pixels: its header and code tables are about as long as this many pixels of text.
const PICTURE_COST: usize = 512;

/// Joins neighbours that have one colour and together are a rectangle, along the rows and then down.
pub(super) fn merge_fills(chosen: Vec<(Rect, Op)>) -> Vec<(Rect, Op)> {
    let (mut fills, mut rest): (Vec<_>, Vec<_>) =
        chosen.into_iter().partition(|(_, op)| matches!(op, Op::Fill(_)));
    fills.sort_by_key(|(rect, _)| (rect.y, rect.height, rect.x));
    fills = join(fills, |a, b| (a.y, a.height) == (b.y, b.height) && a.right() == u32::from(b.x));
    fills.sort_by_key(|(rect, _)| (rect.x, rect.width, rect.y));
    fills = join(fills, |a, b| (a.x, a.width) == (b.x, b.width) && a.bottom() == u32::from(b.y));
    fills.append(&mut rest);
    fills
}

fn join(fills: Vec<(Rect, Op)>, adjoins: impl Fn(Rect, Rect) -> bool) -> Vec<(Rect, Op)> {
    let mut joined: Vec<(Rect, Op)> = Vec::new();
    for (rect, op) in fills {
        match joined.last_mut() {
            Some((last, last_op)) if *last_op == op && adjoins(*last, rect) => *last = last.union(rect),
            _ => joined.push((rect, op)),
        }
    }
    joined
}

/// The dirty rectangles of one block of the picture grid (one a cell, in the order of the cells) as rectangles for pictures: two are one where
/// that costs less. First along the rows of cells, then all pairs: at most 64 rectangles, and few after the first pass.
pub(super) fn merge_block(dirty: &[Rect]) -> Vec<Rect> {
    let mut rects: Vec<Rect> = Vec::new();
    for &rect in dirty {
        match rects.last_mut() {
            Some(last) if last.y / CELL_SIDE == rect.y / CELL_SIDE && is_cheaper(*last, rect) => {
                *last = last.union(rect)
            }
            _ => rects.push(rect),
        }
    }
    while let Some((first, second)) = cheapest_pair(&rects) {
        let removed = rects.remove(second);
        rects[first] = rects[first].union(removed);
    }
    rects
}

/// The pair whose union saves the most.
fn cheapest_pair(rects: &[Rect]) -> Option<(usize, usize)> {
    let pairs =
        (0..rects.len()).flat_map(|first| (first + 1..rects.len()).map(move |second| (first, second)));
    let saving = |&(first, second): &(usize, usize)| saving(rects[first], rects[second]);
    pairs.filter(|pair| 0 <= saving(pair)).max_by_key(saving)
}

fn is_cheaper(a: Rect, b: Rect) -> bool {
    0 <= saving(a, b)
}

/// What one picture instead of two saves, in pixels.
fn saving(a: Rect, b: Rect) -> isize {
    (a.area() + b.area() + PICTURE_COST) as isize - a.union(b).area() as isize
}
