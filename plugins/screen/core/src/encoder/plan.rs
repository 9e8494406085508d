//! From what changed to rectangles and how each is painted.
//!
//! Each block of the picture grid is planned by itself. Text and line work become few good pictures (`merge`); photographs become lossy ones
//! that cover nothing else. Where both meet in a cell, it is cut along its tiles. The lossy pictures go first, so that a picture of text that
//! overlaps them is what is seen.

use std::time::Duration;

use super::choose::{Op, choose};
use super::coarse;
use super::kept::Kept;
use super::merge;
use super::verdicts::{Verdicts, block_of};
use crate::cells::Grid;
use crate::content::{self, Kind, TILE_SIDE};
use crate::webp::{Effort, Grade};
use crate::{Canvas, PICTURE_SIDE_MAX, Rect};

/// Smaller changes of a photograph are exact at once: they cost no more than they would in two steps.
const LOSSY_AREA_MIN: usize = 48 * 48;
/// Where an update has more text than this, its pictures are encoded briskly: half of a 1080p screen takes about 20 ms then, not 30.
const THOROUGH_AREA_MAX: usize = 1024 * 1024 / 2;
/// Tiles a side of a block.
const BLOCK_TILES: usize = (PICTURE_SIDE_MAX / TILE_SIDE) as usize;

/// What becomes of a rectangle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// Exact, in pictures as good for text as can be.
    Lines,
    /// Exact, apart from text.
    Mixed,
    /// Its photograph lossy, the rest exact.
    Split,
    Lossy(Grade),
}

/// By what is decided.
pub(super) struct Judge<'a> {
    pub(super) kept: &'a mut Kept,
    pub(super) verdicts: &'a mut Verdicts,
    /// Whether the cell of a rectangle is to be painted roughly.
    pub(super) is_rough: &'a dyn Fn(Rect) -> bool,
    pub(super) time: Duration,
}

/// `dirty` has a rectangle for each cell that changed, in the order of the cells.
pub(super) fn plan(canvas: &Canvas, dirty: &[Rect], judge: &mut Judge<'_>) -> Vec<(Rect, Op)> {
    let mut dirty = dirty.to_vec();
    // Stable: within a block the order of the cells stays.
    dirty.sort_by_key(block_of);
    let (mut lossy, mut exact) = (Vec::new(), Vec::new());
    for rects in dirty.chunk_by(|a, b| block_of(a) == block_of(b)) {
        let block = Block::of(canvas, rects, judge);
        let (fine, rough) = (cut(&block.fine), cut(&block.rough));
        for rect in merge::merge_block(&block.lines, &[&*fine, &rough].concat()) {
            exact.push((rect, choose_exact(canvas, rect, judge.kept)));
        }
        for rect in cut(&block.mixed) {
            exact.push((rect, recall_or(Op::Lossless(Effort::Quick), canvas, rect, judge.kept)));
        }
        for rect in fine {
            plan_photograph(canvas, rect, judge.kept, &mut lossy, &mut exact);
        }
        lossy.extend(rough.into_iter().map(|rect| (rect, Op::Lossy(Grade::Rough))));
    }
    hurry(&mut exact);
    let mut planned = lossy;
    planned.append(&mut merge::merge_fills(exact));
    planned
}

/// Much is to be there soon rather than in a few bytes less.
fn hurry(exact: &mut [(Rect, Op)]) {
    let is_thorough = |op: &Op| matches!(op, Op::Lossless(Effort::Thorough));
    let area: usize = exact.iter().filter(|(_, op)| is_thorough(op)).map(|(rect, _)| rect.area()).sum();
    if THOROUGH_AREA_MAX < area {
        let thorough = exact.iter_mut().map(|(_, op)| op).filter(|op| is_thorough(op));
        thorough.for_each(|op| *op = Op::Lossless(Effort::Brisk));
    }
}

/// The rectangles of a block, by what becomes of them.
#[derive(Default)]
struct Block {
    lines: Vec<Rect>,
    mixed: Vec<Rect>,
    fine: Vec<Rect>,
    rough: Vec<Rect>,
}

impl Block {
    fn of(canvas: &Canvas, dirty: &[Rect], judge: &mut Judge<'_>) -> Self {
        let is_rough = dirty.iter().any(|rect| (judge.is_rough)(*rect));
        let rects = if is_rough { dirty.to_vec() } else { widened(canvas, dirty) };
        let grid = Grid::new(canvas.size());
        let (mut block, mut split) = (Self::default(), Vec::new());
        for (rect, way) in rects.iter().zip(ways(canvas, &rects, judge)) {
            match way {
                Way::Lines => block.lines.push(*rect),
                Way::Mixed => block.mixed.push(*rect),
                Way::Lossy(Grade::Fine) => block.fine.push(*rect),
                Way::Lossy(Grade::Rough) => block.rough.push(*rect),
                Way::Split => {
                    let cell = grid.cell_of(*rect);
                    for (tile, is_photograph) in content::photograph_tiles(canvas, cell) {
                        let part = tile.intersection(*rect);
                        if is_photograph { block.fine.extend(part) } else { split.extend(part) }
                    }
                }
            }
        }
        block.lines.append(&mut cut(&split));
        block
    }
}

/// How a rectangle is painted exactly.
pub(super) fn choose_exact(canvas: &Canvas, rect: Rect, kept: &mut Kept) -> Op {
    match choose(canvas, rect) {
        fill @ Op::Fill(_) => fill,
        other => recall_or(other, canvas, rect, kept),
    }
}

fn recall_or(otherwise: Op, canvas: &Canvas, rect: Rect, kept: &mut Kept) -> Op {
    kept.find(canvas, rect).map_or(otherwise, |(key, picture)| Op::Recall { key, picture })
}

/// A block that changed for the most part is painted whole, so that the same content is always cut the same way and can be recalled.
fn widened(canvas: &Canvas, rects: &[Rect]) -> Vec<Rect> {
    let (row, column) = block_of(&rects[0]);
    let block =
        Rect::new(column * PICTURE_SIDE_MAX, row * PICTURE_SIDE_MAX, PICTURE_SIDE_MAX, PICTURE_SIDE_MAX);
    let block = block.intersection(canvas.size().rect()).expect("what is dirty lies on the screen");
    let changed: usize = rects.iter().map(|rect| rect.area()).sum();
    if 3 * changed < 2 * block.area() {
        return rects.to_vec();
    }
    let grid = Grid::new(canvas.size());
    grid.touched_cells(block).map(|cell| grid.cell(cell)).collect()
}

/// Decides for a block's rectangles, each within a cell.
fn ways(canvas: &Canvas, rects: &[Rect], judge: &mut Judge<'_>) -> Vec<Way> {
    let area: usize = rects.iter().map(|rect| rect.area()).sum();
    if area < LOSSY_AREA_MIN {
        return vec![Way::Lines; rects.len()];
    }
    let grid = Grid::new(canvas.size());
    let kinds: Vec<Kind> = rects.iter().map(|rect| content::kind(canvas, grid.cell_of(*rect))).collect();
    let count = |kind: Kind| kinds.iter().filter(|other| **other == kind).count();
    let soft = rects.iter().zip(&kinds).filter(|(_, kind)| **kind == Kind::Soft).map(|(rect, _)| *rect);
    let is_lossy = match soft.max_by_key(|rect| rect.area()) {
        Some(largest) if count(Kind::Photograph) < count(Kind::Soft) => {
            judge.verdicts.decide(canvas, largest, judge.time)
        }
        _ => {
            judge.verdicts.note(rects[0], true, judge.time);
            true
        }
    };
    let way = |(rect, kind): (&Rect, &Kind)| match kind {
        _ if (judge.is_rough)(*rect) => Way::Lossy(Grade::Rough),
        Kind::Photograph | Kind::Soft if is_lossy => Way::Lossy(Grade::Fine),
        Kind::Mixed if is_lossy => Way::Split,
        Kind::Photograph | Kind::Mixed => Way::Mixed,
        Kind::Lines | Kind::Soft => Way::Lines,
    };
    rects.iter().zip(&kinds).map(way).collect()
}

/// Rectangles of a block, each within a cell or a tile and none touching another, as few rectangles that touch no other tile.
fn cut(rects: &[Rect]) -> Vec<Rect> {
    let mut tiles = [[None::<Rect>; BLOCK_TILES]; BLOCK_TILES];
    let place = |at: u16| usize::from(at / TILE_SIDE) % BLOCK_TILES;
    for &rect in rects {
        for part in parts_by_tile(rect) {
            let tile = &mut tiles[place(part.y)][place(part.x)];
            *tile = Some(tile.map_or(part, |other| other.union(part)));
        }
    }
    let mut cut = Vec::new();
    for row in 0..BLOCK_TILES {
        for column in 0..BLOCK_TILES {
            let columns = tiles[row][column..].iter().take_while(|tile| tile.is_some()).count();
            if columns == 0 {
                continue;
            }
            let run = column..column + columns;
            let rows = tiles[row..]
                .iter()
                .take_while(|tiles| tiles[run.clone()].iter().all(Option::is_some))
                .count();
            let taken = tiles[row..row + rows].iter_mut().flat_map(|tiles| &mut tiles[run.clone()]);
            cut.extend(taken.filter_map(Option::take).reduce(Rect::union));
        }
    }
    cut
}

/// What of a rectangle lies in each tile that it touches.
fn parts_by_tile(rect: Rect) -> impl Iterator<Item = Rect> {
    let starts = |from: u16, to: u32| {
        (u32::from(from / TILE_SIDE * TILE_SIDE)..to).step_by(TILE_SIDE.into()).map(|at| at as u16)
    };
    let corners =
        starts(rect.y, rect.bottom()).flat_map(move |y| starts(rect.x, rect.right()).map(move |x| (x, y)));
    corners.filter_map(move |(x, y)| Rect::new(x, y, TILE_SIDE, TILE_SIDE).intersection(rect))
}

/// Lossy; but what a reader has kept of it is recalled.
fn plan_photograph(
    canvas: &Canvas,
    rect: Rect,
    kept: &mut Kept,
    lossy: &mut Vec<(Rect, Op)>,
    exact: &mut Vec<(Rect, Op)>,
) {
    let before = exact.len();
    let mut rest: Vec<Rect> = Vec::new();
    for (part, piece) in coarse::pieces_of(rect, canvas.size()) {
        if let Some((key, picture)) = kept.find(canvas, piece) {
            exact.push((piece, Op::Recall { key, picture }));
            continue;
        }
        match rest.last_mut() {
            Some(last) if last.y == part.y && last.right() == u32::from(part.x) => *last = last.union(part),
            _ => rest.push(part),
        }
    }
    if exact.len() == before {
        rest = vec![rect];
    }
    lossy.extend(rest.into_iter().map(|rect| (rect, Op::Lossy(Grade::Fine))));
}
