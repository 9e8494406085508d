//! Finds what only moved: scrolled pages, mostly.
//!
//! The screen is cut into strips along the direction of the move, 64 pixels wide, so that what stands still beside a scrolled page (a scroll
//! bar, a pinned side bar) hides it from one strip only. Each line across a strip is hashed, in what a reader has and in what it shall have.
//! Lines that changed and whose hash is found just once in the old strip vote for an offset; the few offsets with the most votes in all
//! strips are tried. Runs of equal lines become rectangles, neighbours become one, their edges grow pixel by pixel into the strips beside,
//! and every rectangle is compared byte for byte before it becomes a `Move`. What is still dirty after both directions may have moved along both at
//! once: a window that was dragged (`drag`).

mod axis;
mod drag;
mod strip;

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::ops::Range;

use super::compare;
use crate::{Canvas, Point, Record, Rect};
use axis::Axis;
use strip::{Strip, StripRun};

/// Of so many strips one looks for offsets: what scrolls is wider.
const SAMPLED: usize = 4;
/// Below this many dirty pixels no search is worth its time.
const DIRTY_AREA_MIN: usize = 4 * 64 * 64;
/// Offsets that are tried: two or three windows can scroll at once.
const OFFSETS_MAX: usize = 3;
/// Two windows at once are dragged by nobody.
const DRAGS_MAX: usize = 1;
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
    let mut records = Vec::new();
    let mut dirty = Cow::Borrowed(dirty);
    for axis in [Some(Axis::Vertical), Some(Axis::Horizontal), None] {
        if area(&dirty) < DIRTY_AREA_MIN {
            break;
        }
        let mut found = match axis {
            Some(axis) => search((axis, film), next, reference, &dirty),
            None => drag(film, next, reference, &dirty),
        };
        if !found.is_empty() {
            dirty = compare::still_dirty(next, reference, &dirty).into();
            records.append(&mut found);
        }
    }
    records
}

/// Looks for a window that was dragged.
fn drag(film: Option<Rect>, next: &Canvas, reference: &mut Canvas, dirty: &[Rect]) -> Vec<Record> {
    // Another page, most likely; a window that fills the screen cannot be dragged.
    if 3 * next.size().area() < 4 * area(dirty) {
        return Vec::new();
    }
    let mut records = Vec::new();
    for drag in drag::find(next, reference, dirty).into_iter().take(DRAGS_MAX) {
        let has_moved = |rect: Rect| {
            let from = drag.source(rect, next.size());
            from.is_some_and(|from| !is_filmed(film, rect, from) && is_same(next, rect, reference, from))
        };
        if !has_moved(drag.core) {
            continue;
        }
        let rect = drag.grown(next.size(), has_moved);
        let from = drag.source(rect, next.size()).expect("all of it has moved");
        reference.copy_inside(rect, from);
        records.push(Record::Move { rect, from });
    }
    records
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
                !is_filmed(self.film, rect, from) && is_same(next, rect, reference, from)
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

fn is_filmed(film: Option<Rect>, rect: Rect, from: Point) -> bool {
    let source = Rect { x: from.x, y: from.y, ..rect };
    film.is_some_and(|film| film.intersection(rect).or(film.intersection(source)).is_some())
}

fn area(rects: &[Rect]) -> usize {
    rects.iter().map(|rect| rect.area()).sum()
}

fn is_same(next: &Canvas, rect: Rect, reference: &Canvas, from: Point) -> bool {
    let source = Rect { x: from.x, y: from.y, ..rect };
    (0..usize::from(rect.height)).all(|row| {
        next.row(rect, usize::from(rect.y) + row) == reference.row(source, usize::from(from.y) + row)
    })
}
