//! Finds what only moved: scrolled pages, mostly.
//!
//! The screen is cut into strips along the direction of the move, 64 pixels wide, so that what stands still beside a scrolled page (a scroll
//! bar, a pinned side bar) hides it from one strip only. Each line across a strip is hashed, in what a reader has and in what it shall have.
//! Lines that changed and whose hash is found just once in the old strip vote for an offset; the few offsets with the most votes in all
//! strips are tried. Runs of equal lines become rectangles, neighbours become one, their edges grow pixel by pixel into the strips beside,
//! and every rectangle is compared byte for byte before it becomes a `Move`.

mod axis;
mod strip;

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::ops::Range;

use crate::{Canvas, Point, Record, Rect};
use axis::Axis;
use strip::{Strip, StripRun};

/// Of so many strips one looks for offsets: what scrolls is wider.
const SAMPLED: usize = 4;
/// Below this many dirty pixels no search is worth its time.
const DIRTY_AREA_MIN: usize = 4 * 64 * 64;
/// Offsets that are tried: two or three windows can scroll at once.
const OFFSETS_MAX: usize = 3;
/// An offset with fewer votes is chance.
const VOTES_MIN: u32 = 8;

/// Applies to `reference` what moves it closer to `next`, and returns it. `dirty` is where the two differ. A film's rectangle is neither a
/// source nor a target.
pub(super) fn find_and_apply(
    next: &Canvas,
    reference: &mut Canvas,
    dirty: &[Rect],
    film: Option<Rect>,
) -> Vec<Record> {
    if dirty.iter().map(|rect| rect.area()).sum::<usize>() < DIRTY_AREA_MIN {
        return Vec::new();
    }
    let mut search = |axis| search((axis, film), next, reference, dirty);
    let vertical = search(Axis::Vertical);
    if vertical.is_empty() { search(Axis::Horizontal) } else { vertical }
}

/// Looks for offsets in some of the strips, and only if there are any for what moved by them in all.
fn search(
    (axis, film): (Axis, Option<Rect>),
    next: &Canvas,
    reference: &mut Canvas,
    dirty: &[Rect],
) -> Vec<Record> {
    let indices = axis.dirty_strips(next.size(), dirty);
    let (sample, rest): (Vec<_>, Vec<_>) = indices.chunks(SAMPLED).map(|some| (some[0], &some[1..])).unzip();
    let mut strips = Strip::of(axis, &sample, next, reference);
    let offsets = ranked_offsets(&strips);
    if offsets.is_empty() {
        return Vec::new();
    }
    strips.extend(Strip::of(axis, &rest.concat(), next, reference));
    strips.sort_by_key(|strip| strip.index);
    let search = Search { axis, film, strips };
    offsets.into_iter().flat_map(|offset| search.apply_offset(next, reference, offset)).collect()
}

/// The offsets (from the target to the source) with the most votes.
fn ranked_offsets(strips: &[Strip]) -> Vec<isize> {
    let mut votes = BTreeMap::<isize, u32>::new();
    for offset in strips.iter().flat_map(Strip::votes) {
        *votes.entry(offset).or_default() += 1;
    }
    let mut ranked: Vec<_> = votes.into_iter().filter(|(_, votes)| VOTES_MIN <= *votes).collect();
    ranked.sort_by_key(|&(offset, votes)| (Reverse(votes), offset));
    ranked.into_iter().take(OFFSETS_MAX).map(|(offset, _)| offset).collect()
}

struct Search {
    axis: Axis,
    film: Option<Rect>,
    /// Those with much dirt, in their order across the screen.
    strips: Vec<Strip>,
}

/// A run of lines that moved by the same offset in neighbouring strips.
#[derive(Clone, Debug)]
struct Block {
    strips: Range<usize>,
    run: StripRun,
}

impl Search {
    fn apply_offset(&self, next: &Canvas, reference: &mut Canvas, offset: isize) -> Vec<Record> {
        let mut blocks = self.blocks(offset);
        // A block must not paint over what another one is still to be taken from.
        if 0 < offset {
            blocks.sort_by_key(|block| block.run.changed.start);
        } else {
            blocks.sort_by_key(|block| Reverse(block.run.changed.start));
        }
        let cores: Vec<Rect> = blocks
            .iter()
            .map(|block| self.axis.rect(next.size(), &block.strips, &block.run.changed))
            .collect();
        let mut records = Vec::new();
        for &core in &cores {
            let is_moved = |rect: Rect| {
                let from = self.axis.source(rect, offset);
                !self.is_filmed(rect, from) && is_same(next, rect, reference, from)
            };
            let is_in_place = |rect: Rect| is_same(next, rect, reference, Point { x: rect.x, y: rect.y });
            if !is_moved(core) || is_in_place(core) {
                continue;
            }
            let is_free = |edge: Rect| !cores.iter().any(|other| other.intersection(edge).is_some());
            let rect = self.axis.grow(next.size(), core, |edge| is_free(edge) && is_moved(edge));
            let from = self.axis.source(rect, offset);
            reference.copy_inside(rect, from);
            records.push(Record::Move { rect, from });
        }
        records
    }

    fn is_filmed(&self, rect: Rect, from: Point) -> bool {
        let source = Rect { x: from.x, y: from.y, ..rect };
        let touches = |film: Rect| film.intersection(rect).or(film.intersection(source)).is_some();
        self.film.is_some_and(touches)
    }

    fn blocks(&self, offset: isize) -> Vec<Block> {
        let mut blocks: Vec<Block> = Vec::new();
        for strip in &self.strips {
            for run in strip.runs(offset) {
                let neighbour = blocks.iter_mut().rev().find_map(|block| block.widened(strip.index, &run));
                if neighbour.is_none() {
                    blocks.push(Block { strips: strip.index..strip.index + 1, run });
                }
            }
        }
        blocks
    }
}

impl Block {
    /// Takes in the next strip's run where all that changed in one of the two is equal in both.
    fn widened(&mut self, strip: usize, run: &StripRun) -> Option<()> {
        let joined = self.run.joined(run).filter(|_| self.strips.end == strip)?;
        *self = Self { strips: self.strips.start..strip + 1, run: joined };
        Some(())
    }
}

fn is_same(next: &Canvas, rect: Rect, reference: &Canvas, from: Point) -> bool {
    let source = Rect { x: from.x, y: from.y, ..rect };
    (0..usize::from(rect.height)).all(|row| {
        next.row(rect, usize::from(rect.y) + row) == reference.row(source, usize::from(from.y) + row)
    })
}
