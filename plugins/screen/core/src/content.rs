//! What pixels show: text and line work, or a photograph.
//!
//! Each cell is looked at in tiles of 16 x 16 pixels. A tile of text has sharp edges between few colours; one of a photograph has many colours
//! or no sharp edge. One tile of text makes its whole cell text, for text is never to be blurred. What is soft without being a photograph
//! beyond doubt (a wallpaper, the shades of a window's frame) is decided by trial: a part of it is encoded both ways.

use crate::canvas::PIXEL_BYTES;
use crate::webp::{self, Effort, Grade};
use crate::{Canvas, Rect};

/// Side of a tile: about two letters.
pub(crate) const TILE_SIDE: u16 = 16;
/// Neighbours that differ by more in one channel are an edge. Measured: of photographs, 90 to 99 % of the tiles with an edge have more colours
/// than text has; of pages, all tiles with letters have an edge.
const EDGE_MIN: u8 = 24;
/// A tile of text has at most so many colours of its 256 pixels, also with sub-pixel rendering.
const TEXT_COLOURS_MAX: u32 = 96;
/// So many of its pixels are as their left neighbour where a tile with an edge is no photograph, whatever its colours: half.
const TEXT_REPEATS_MIN: u32 = 120;
/// A soft tile with more colours is beyond doubt.
const SOFT_COLOURS_MAX: u32 = 32;
/// Lossless pictures cost this many times as much as lossy ones, or more, where lossy pays; text gives 1, photographs 5 to 20.
pub(crate) const LOSSY_GAIN: f32 = 2.5;
/// Side of the part that is encoded both ways.
const TRIAL_SIDE: u16 = 64;

/// What a cell shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// One colour, text or line work: exact from the first.
    Lines,
    /// The same beside a photograph or a shade: exact too, but nothing that is made for text helps to encode it.
    Mixed,
    /// Nothing sharp, but no photograph for sure.
    Soft,
    Photograph,
}

/// Of 16 tiles, so many that are not text make a cell with text a mixed one.
const MIXED_TILES_MIN: usize = 4;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tile {
    Flat,
    Lines,
    /// Flat for the most part, without an edge.
    Even,
    /// A gradient, most likely.
    Soft,
    Photograph,
}

/// Looks at a cell.
pub(crate) fn kind(canvas: &Canvas, cell: Rect) -> Kind {
    if canvas.single_colour(cell).is_some() {
        return Kind::Lines;
    }
    let mut tiles = [0; 5];
    tiles_of(cell).for_each(|rect| tiles[tile(canvas, rect) as usize] += 1);
    let count = |tile: Tile| tiles[tile as usize];
    let painted = count(Tile::Soft) + count(Tile::Photograph);
    match (count(Tile::Lines), painted + count(Tile::Even)) {
        (1.., _) if MIXED_TILES_MIN <= painted => Kind::Mixed,
        (1.., _) | (0, 0) => Kind::Lines,
        _ if 0 < count(Tile::Photograph) => Kind::Photograph,
        _ => Kind::Soft,
    }
}

/// The tiles of a cell, and whether each belongs to a photograph: the others have text, line work or nothing.
pub(crate) fn photograph_tiles(canvas: &Canvas, cell: Rect) -> impl Iterator<Item = (Rect, bool)> {
    tiles_of(cell).map(|rect| (rect, matches!(tile(canvas, rect), Tile::Soft | Tile::Photograph)))
}

/// The tiles of a cell, row by row.
pub(crate) fn tiles_of(cell: Rect) -> impl Iterator<Item = Rect> {
    let starts = |from: u16, to: u32| (from..to as u16).step_by(TILE_SIDE.into());
    let corners =
        starts(cell.y, cell.bottom()).flat_map(move |y| starts(cell.x, cell.right()).map(move |x| (x, y)));
    let tile = move |(x, y)| Rect::new(x, y, TILE_SIDE, TILE_SIDE).intersection(cell);
    corners.map(move |corner| tile(corner).expect("it begins within the cell"))
}

/// Whether a lossless picture of the rectangle costs at least `gain` times what a lossy one does, judged by a part in its middle.
pub(crate) fn lossy_pays(canvas: &Canvas, rect: Rect, gain: f32) -> bool {
    let middle = |start: u16, side: u16| start + side.saturating_sub(TRIAL_SIDE) / 2;
    let part = Rect::new(
        middle(rect.x, rect.width),
        middle(rect.y, rect.height),
        rect.width.min(TRIAL_SIDE),
        rect.height.min(TRIAL_SIDE),
    );
    let lossless = webp::encode_lossless(canvas.pixels(), canvas.stride(), part, Effort::Quick);
    let lossy = webp::encode_lossy(canvas.pixels(), canvas.stride(), part, Grade::Fine);
    gain * lossy.len() as f32 <= lossless.len() as f32
}

fn tile(canvas: &Canvas, rect: Rect) -> Tile {
    let rows = usize::from(rect.y)..rect.bottom() as usize;
    let mut steepest = 0;
    let mut above: Option<&[u8]> = None;
    for y in rows {
        let row = canvas.row(rect, y);
        steepest = steepest.max(difference(&row[PIXEL_BYTES..], row));
        steepest = steepest.max(above.map_or(0, |above| difference(row, above)));
        above = Some(row);
    }
    if steepest == 0 {
        return Tile::Flat;
    }
    // Tiles at the screen's edge are smaller: their numbers are taken for as many pixels as the others have.
    let area = rect.area() as u32;
    let scaled = |count: u32| count * u32::from(TILE_SIDE * TILE_SIDE) / area;
    let is_even = TEXT_REPEATS_MIN < scaled(repeats(canvas, rect));
    match EDGE_MIN < steepest {
        true if is_even || scaled(colours(canvas, rect)) <= TEXT_COLOURS_MAX => Tile::Lines,
        false if scaled(colours(canvas, rect)) <= SOFT_COLOURS_MAX => {
            if is_even {
                Tile::Even
            } else {
                Tile::Soft
            }
        }
        _ => Tile::Photograph,
    }
}

/// Pixels that are as their left neighbour.
fn repeats(canvas: &Canvas, rect: Rect) -> u32 {
    let in_row = |y| {
        let row: &[[u8; PIXEL_BYTES]] = canvas.row(rect, y).as_chunks().0;
        row.iter().zip(&row[1..]).map(|(left, right)| u32::from(left == right)).sum::<u32>()
    };
    (usize::from(rect.y)..rect.bottom() as usize).map(in_row).sum()
}

/// How many colours there are: a little less where two fall on one bit of 1024.
fn colours(canvas: &Canvas, rect: Rect) -> u32 {
    let mut seen = [0_u64; 16];
    for y in usize::from(rect.y)..rect.bottom() as usize {
        for &pixel in canvas.row(rect, y).as_chunks::<PIXEL_BYTES>().0 {
            let hash = u32::from_le_bytes(pixel).wrapping_mul(0x9e37_79b1) >> 22;
            seen[hash as usize / 64] |= 1 << (hash % 64);
        }
    }
    seen.iter().map(|bits| bits.count_ones()).sum()
}

/// The largest difference of two bytes at the same place.
fn difference(a: &[u8], b: &[u8]) -> u8 {
    a.iter().zip(b).fold(0, |most, (a, b)| most.max(a.abs_diff(*b)))
}
