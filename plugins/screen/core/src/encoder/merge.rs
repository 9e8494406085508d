//! Turns many small dirty rectangles into few good ones.

use super::choose::Op;
use crate::Rect;
use crate::cells::CELL_SIDE;

/// What a picture costs beside its pixels, in pixels that have not changed: its header, what its model learns anew, and letters that it cannot
/// repeat from another picture. Measured: of 1024 to 8192, the most saves 12 % (slides) to 29 % (a terminal); of 16,384, what is typed takes 11 %
/// more.
const PICTURE_COST: usize = 8192;
/// What a photograph's pixel costs in a picture of text, in pixels of text.
const PHOTOGRAPH_COST: usize = 16;

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
/// that costs less. First along the rows of cells, then all pairs: at most 64 rectangles, and few after the first pass. `photographs` are those
/// of the block that are painted otherwise.
pub(super) fn merge_block(dirty: &[Rect], photographs: &[Rect]) -> Vec<Rect> {
    let saving = |a: Rect, b: Rect| saving(a, b, photographs);
    let mut rects: Vec<Rect> = Vec::new();
    for &rect in dirty {
        match rects.last_mut() {
            Some(last) if last.y / CELL_SIDE == rect.y / CELL_SIDE && 0 <= saving(*last, rect) => {
                *last = last.union(rect)
            }
            _ => rects.push(rect),
        }
    }
    while let Some((first, second)) = cheapest_pair(&rects, saving) {
        let removed = rects.remove(second);
        rects[first] = rects[first].union(removed);
    }
    rects
}

/// The pair whose union saves the most.
fn cheapest_pair(rects: &[Rect], saving: impl Fn(Rect, Rect) -> isize) -> Option<(usize, usize)> {
    let pairs =
        (0..rects.len()).flat_map(|first| (first + 1..rects.len()).map(move |second| (first, second)));
    let saving = |&(first, second): &(usize, usize)| saving(rects[first], rects[second]);
    pairs.filter(|pair| 0 <= saving(pair)).max_by_key(saving)
}

/// What one picture instead of two saves, in pixels.
fn saving(a: Rect, b: Rect, photographs: &[Rect]) -> isize {
    let cost = |rect: Rect| {
        let of_photographs = photographs.iter().filter_map(|photograph| photograph.intersection(rect));
        rect.area() + PHOTOGRAPH_COST * of_photographs.map(Rect::area).sum::<usize>()
    };
    (cost(a) + cost(b) + PICTURE_COST) as isize - cost(a.union(b)) as isize
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: Rect = Rect::new(10, 10, 50, 20);

    #[test]
    fn neighbours_are_one_picture_and_what_lies_apart_is_not() {
        let beside = Rect::new(66, 12, 40, 20);
        assert_eq!(merge_block(&[A, beside], &[]), [A.union(beside)]);
        let below = Rect::new(10, 70, 50, 20);
        assert_eq!(merge_block(&[A, below], &[]), [A.union(below)]);
        let apart = Rect::new(400, 300, 50, 20);
        assert_eq!(merge_block(&[A, apart], &[]), [A, apart]);
    }

    /// A picture more costs as much as so many pixels that have not changed.
    #[test]
    fn what_lies_between_may_have_so_many_pixels() {
        let gap = |pixels: usize| Rect::new((60 + pixels / 20) as u16, 10, 10, 20);
        assert_eq!(merge_block(&[A, gap(PICTURE_COST)], &[]).len(), 1);
        assert_eq!(merge_block(&[A, gap(PICTURE_COST + 20)], &[]).len(), 2);
    }

    #[test]
    fn a_photograph_between_keeps_them_apart() {
        let beside = Rect::new(130, 10, 50, 20);
        assert_eq!(merge_block(&[A, beside], &[]).len(), 1);
        assert_eq!(merge_block(&[A, beside], &[Rect::new(64, 0, 64, 64)]), [A, beside]);
    }

    #[test]
    fn fills_that_together_are_a_rectangle_are_one() {
        let fill = |x, y, red| (Rect::new(x, y, 8, 8), Op::Fill(crate::Colour { red, green: 0, blue: 0 }));
        let merged =
            merge_fills(vec![fill(0, 0, 1), fill(8, 0, 1), fill(0, 8, 1), fill(8, 8, 1), fill(16, 0, 2)]);
        let rects: Vec<Rect> = merged.iter().map(|(rect, _)| *rect).collect();
        assert_eq!(rects, [Rect::new(0, 0, 16, 16), Rect::new(16, 0, 8, 8)]);
    }
}
