//! From what changed to rectangles and how each is painted.
//!
//! Each block of the picture grid is planned by itself. Text and line work become few good pictures (`merge`); the cells of photographs
//! become lossy ones that cover no other cell. The lossy ones go first, so that a picture of text that overlaps them is what is seen.

use std::time::Duration;

use super::choose::{Op, choose};
use super::coarse;
use super::kept::Kept;
use super::merge;
use crate::cells::{CELL_SIDE, Grid};
use crate::content::{self, Kind, LOSSY_GAIN};
use crate::webp::Effort;
use crate::{Canvas, PICTURE_SIDE_MAX, Rect};

/// Smaller changes of a photograph are exact at once: they cost no more than they would in two steps.
const LOSSY_AREA_MIN: usize = 48 * 48;
/// A verdict of a trial is kept for so long, and one that goes the other way later has to be clearer.
const VERDICT_AGE: Duration = Duration::from_secs(1);
const VERDICT_MARGIN: f32 = 1.6;

/// What was decided about the blocks of the grid before.
#[derive(Debug)]
pub(super) struct Verdicts {
    columns: usize,
    blocks: Vec<Option<Verdict>>,
}

#[derive(Clone, Copy, Debug)]
struct Verdict {
    is_lossy: bool,
    at: Duration,
}

/// Cells a side of a block.
const BLOCK_CELLS: usize = (PICTURE_SIDE_MAX / CELL_SIDE) as usize;

/// What becomes of a rectangle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// Exact, in pictures as good for text as can be.
    Lines,
    /// Exact, apart from text.
    Mixed,
    Lossy,
}

/// `dirty` has a rectangle for each cell that changed, in the order of the cells.
pub(super) fn plan(
    canvas: &Canvas,
    dirty: &[Rect],
    kept: &mut Kept,
    verdicts: &mut Verdicts,
    time: Duration,
) -> Vec<(Rect, Op)> {
    let mut dirty = dirty.to_vec();
    // Stable: within a block the order of the cells stays.
    dirty.sort_by_key(block_of);
    let (mut lossy, mut exact) = (Vec::new(), Vec::new());
    for rects in dirty.chunk_by(|a, b| block_of(a) == block_of(b)) {
        let rects = widened(canvas, rects);
        let ways = ways(canvas, &rects, verdicts, time);
        let those = |way: Way| {
            rects.iter().zip(&ways).filter(move |(_, other)| **other == way).map(|(rect, _)| *rect)
        };
        for rect in merge::merge_block(&those(Way::Lines).collect::<Vec<_>>()) {
            exact.push((rect, choose_exact(canvas, rect, kept)));
        }
        for rect in cut(those(Way::Mixed)) {
            exact.push((rect, recall_or(Op::Lossless(Effort::Quick), canvas, rect, kept)));
        }
        for rect in cut(those(Way::Lossy)) {
            plan_photograph(canvas, rect, kept, &mut lossy, &mut exact);
        }
    }
    let mut planned = lossy;
    planned.append(&mut merge::merge_fills(exact));
    planned
}

/// How a rectangle is painted exactly.
pub(super) fn choose_exact(canvas: &Canvas, rect: Rect, kept: &mut Kept) -> Op {
    match choose(canvas, rect) {
        fill @ Op::Fill(_) => fill,
        other => recall_or(other, canvas, rect, kept),
    }
}

fn recall_or(otherwise: Op, canvas: &Canvas, rect: Rect, kept: &mut Kept) -> Op {
    kept.find(canvas, rect).map_or(otherwise, |(key, webp)| Op::Recall { key, webp })
}

fn block_of(rect: &Rect) -> (u16, u16) {
    (rect.y / PICTURE_SIDE_MAX, rect.x / PICTURE_SIDE_MAX)
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
fn ways(canvas: &Canvas, rects: &[Rect], verdicts: &mut Verdicts, time: Duration) -> Vec<Way> {
    let area: usize = rects.iter().map(|rect| rect.area()).sum();
    if area < LOSSY_AREA_MIN {
        return vec![Way::Lines; rects.len()];
    }
    let grid = Grid::new(canvas.size());
    let kind = |rect: &Rect| match grid.touched_cells(*rect).next() {
        Some(cell) => content::kind(canvas, grid.cell(cell)),
        None => Kind::Lines,
    };
    let kinds: Vec<Kind> = rects.iter().map(kind).collect();
    let count = |kind: Kind| kinds.iter().filter(|other| **other == kind).count();
    let soft = rects.iter().zip(&kinds).filter(|(_, kind)| **kind == Kind::Soft).map(|(rect, _)| *rect);
    let is_lossy = match soft.max_by_key(|rect| rect.area()) {
        Some(largest) if count(Kind::Photograph) < count(Kind::Soft) => {
            verdicts.decide(canvas, largest, time)
        }
        _ => {
            verdicts.note(rects[0], true, time);
            true
        }
    };
    let way = |kind: &Kind| match kind {
        Kind::Photograph | Kind::Soft if is_lossy => Way::Lossy,
        Kind::Photograph | Kind::Mixed => Way::Mixed,
        Kind::Lines | Kind::Soft => Way::Lines,
    };
    kinds.iter().map(way).collect()
}

/// Rectangles of a block, each within a cell, as few rectangles that touch no other cell.
fn cut(rects: impl Iterator<Item = Rect>) -> Vec<Rect> {
    let mut cells = [[None::<Rect>; BLOCK_CELLS]; BLOCK_CELLS];
    let place = |at: u16| usize::from(at / CELL_SIDE) % BLOCK_CELLS;
    for rect in rects {
        cells[place(rect.y)][place(rect.x)] = Some(rect);
    }
    let mut cut = Vec::new();
    for row in 0..BLOCK_CELLS {
        for column in 0..BLOCK_CELLS {
            let columns = cells[row][column..].iter().take_while(|cell| cell.is_some()).count();
            if columns == 0 {
                continue;
            }
            let run = column..column + columns;
            let rows = cells[row..]
                .iter()
                .take_while(|cells| cells[run.clone()].iter().all(Option::is_some))
                .count();
            let taken = cells[row..row + rows].iter_mut().flat_map(|cells| &mut cells[run.clone()]);
            cut.extend(taken.filter_map(Option::take).reduce(Rect::union));
        }
    }
    cut
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
        if let Some((key, webp)) = kept.find(canvas, piece) {
            exact.push((piece, Op::Recall { key, webp }));
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
    lossy.extend(rest.into_iter().map(|rect| (rect, Op::Lossy)));
}

impl Verdicts {
    pub(super) fn none(canvas: &Canvas) -> Self {
        let blocks = |side: u16| usize::from(side.div_ceil(PICTURE_SIDE_MAX));
        let columns = blocks(canvas.size().width());
        Self { columns, blocks: vec![None; columns * blocks(canvas.size().height())] }
    }

    fn note(&mut self, rect: Rect, is_lossy: bool, time: Duration) {
        let (row, column) = block_of(&rect);
        self.blocks[usize::from(row) * self.columns + usize::from(column)] =
            Some(Verdict { is_lossy, at: time });
    }

    /// By trial, unless there was one a moment ago.
    fn decide(&mut self, canvas: &Canvas, rect: Rect, time: Duration) -> bool {
        let (row, column) = block_of(&rect);
        let before = self.blocks[usize::from(row) * self.columns + usize::from(column)];
        let gain = match before {
            Some(verdict) if time.saturating_sub(verdict.at) < VERDICT_AGE => return verdict.is_lossy,
            Some(Verdict { is_lossy: true, .. }) => LOSSY_GAIN / VERDICT_MARGIN,
            Some(_) => LOSSY_GAIN * VERDICT_MARGIN,
            None => LOSSY_GAIN,
        };
        let is_lossy = content::lossy_pays(canvas, rect, gain);
        self.note(rect, is_lossy, time);
        is_lossy
    }
}
