// What pixels show: text and line work, or a photograph. As `content.rs` of `convene-screen` looks at them, in tiles of 16 pixels.

import type { Rect } from "../screen/geometry";

/** What a cell shows. */
export const Content = {
  /** One colour, text or line work: exact from the first. */
  Lines: 0,
  /** The same beside a photograph or a shade. */
  Mixed: 1,
  /** Nothing sharp, but no photograph for sure. */
  Soft: 2,
  Photograph: 3,
} as const;
export type Content = (typeof Content)[keyof typeof Content];

export const TILE_SIDE = 16;
/** Of 16 tiles, so many that are not text make a cell with text a mixed one. */
const MIXED_TILES_MIN = 4;
/** Neighbours that differ by more in one channel are an edge. */
const EDGE_MIN = 24;
/** A tile of text has at most so many colours of its 256 pixels. */
const TEXT_COLOURS_MAX = 96;
/** So many of its pixels are as their left neighbour where a tile with an edge is no photograph: half. */
const TEXT_REPEATS_MIN = 120;
/** A soft tile with more colours is a photograph. */
const SOFT_COLOURS_MAX = 32;

/** Looks at a cell of a screen whose rows have `stride` pixels. Text is never to be blurred. */
export function contentOf(pixels: Uint32Array, stride: number, cell: Rect): Content {
  const tiles = tilesOf(cell).map((rect) => tileOf(pixels, stride, rect));
  const count = (...kinds: readonly Tile[]): number => tiles.filter((tile) => kinds.includes(tile)).length;
  const painted = count(Tile.Soft, Tile.Photograph);
  if (0 < count(Tile.Lines)) return MIXED_TILES_MIN <= painted ? Content.Mixed : Content.Lines;
  if (painted + count(Tile.Even) === 0) return Content.Lines;
  return 0 < count(Tile.Photograph) ? Content.Photograph : Content.Soft;
}

/** The tiles of a cell, and whether each belongs to a photograph: the others have text, line work or nothing. */
export function photographTiles(pixels: Uint32Array, stride: number, cell: Rect): { tile: Rect; isPhotograph: boolean }[] {
  const isPhotograph = (tile: Tile): boolean => tile === Tile.Soft || tile === Tile.Photograph;
  return tilesOf(cell).map((tile) => ({ tile, isPhotograph: isPhotograph(tileOf(pixels, stride, tile)) }));
}

const Tile = {
  Flat: 0,
  Lines: 1,
  /** Flat for the most part, without an edge. */
  Even: 2,
  /** A gradient, most likely. */
  Soft: 3,
  Photograph: 4,
} as const;
type Tile = (typeof Tile)[keyof typeof Tile];

/** The tiles of a cell, row by row. */
function tilesOf(cell: Rect): Rect[] {
  const tiles: Rect[] = [];
  for (let y = cell.y; y < cell.y + cell.height; y += TILE_SIDE) {
    for (let x = cell.x; x < cell.x + cell.width; x += TILE_SIDE) {
      tiles.push({ x, y, width: Math.min(TILE_SIDE, cell.x + cell.width - x), height: Math.min(TILE_SIDE, cell.y + cell.height - y) });
    }
  }
  return tiles;
}

/** On which of 1024 places a tile's colours fall: a little less than there are, where two fall on one. */
const seen = new Uint8Array(1024);

function tileOf(pixels: Uint32Array, stride: number, { x, y, width, height }: Rect): Tile {
  let steepest = 0;
  let repeats = 0;
  let colours = 0;
  seen.fill(0);
  for (let row = y; row < y + height; row++) {
    for (let at = row * stride + x, end = at + width, left = -1; at < end; at++) {
      const pixel = pixels[at] as number;
      if (0 <= left) {
        if (pixel === left) repeats++;
        else steepest = Math.max(steepest, difference(pixel, left));
      }
      if (y < row) {
        const above = pixels[at - stride] as number;
        if (pixel !== above) steepest = Math.max(steepest, difference(pixel, above));
      }
      const place = Math.imul(pixel, 0x9e3779b1) >>> 22;
      if (seen[place] === 0) {
        seen[place] = 1;
        colours++;
      }
      left = pixel;
    }
  }
  if (steepest === 0) return Tile.Flat;
  // Tiles at the screen's edge are smaller: their numbers are taken for as many pixels as the others have.
  const scale = (TILE_SIDE * TILE_SIDE) / (width * height);
  const isEven = TEXT_REPEATS_MIN < repeats * scale;
  if (EDGE_MIN < steepest) return isEven || colours * scale <= TEXT_COLOURS_MAX ? Tile.Lines : Tile.Photograph;
  if (SOFT_COLOURS_MAX < colours * scale) return Tile.Photograph;
  return isEven ? Tile.Even : Tile.Soft;
}

/** The largest difference of a channel. */
function difference(a: number, b: number): number {
  return Math.max(
    Math.abs((a & 0xff) - (b & 0xff)),
    Math.abs(((a >>> 8) & 0xff) - ((b >>> 8) & 0xff)),
    Math.abs(((a >>> 16) & 0xff) - ((b >>> 16) & 0xff)),
  );
}
