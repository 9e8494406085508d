// What pixels show: text and line work, or a photograph. As `content.rs` of `convene-screen` looks at them, in tiles of 16 pixels.

import type { Rect } from "../screen/geometry";

/** What a cell shows. */
export const Content = {
  /** One colour, text or line work: exact from the first. */
  Lines: 0,
  /** Nothing sharp, but no photograph for sure. */
  Soft: 1,
  Photograph: 2,
} as const;
export type Content = (typeof Content)[keyof typeof Content];

const TILE_SIDE = 16;
/** Neighbours that differ by more in one channel are an edge. */
const EDGE_MIN = 24;
/** A tile of text has at most so many colours of its 256 pixels. */
const TEXT_COLOURS_MAX = 96;
/** So many of its pixels are as their left neighbour where a tile with an edge is no photograph: half. */
const TEXT_REPEATS_MIN = 120;
/** A soft tile with more colours is a photograph. */
const SOFT_COLOURS_MAX = 32;

/** Looks at a cell of a screen whose rows have `stride` pixels. One tile of text makes it text, for text is never to be blurred. */
export function contentOf(pixels: Uint32Array, stride: number, cell: Rect): Content {
  let content: Content = Content.Lines;
  for (let y = cell.y; y < cell.y + cell.height; y += TILE_SIDE) {
    for (let x = cell.x; x < cell.x + cell.width; x += TILE_SIDE) {
      const width = Math.min(TILE_SIDE, cell.x + cell.width - x);
      const height = Math.min(TILE_SIDE, cell.y + cell.height - y);
      const tile = tileOf(pixels, stride, { x, y, width, height });
      if (tile === null) continue;
      if (tile === Content.Lines) return Content.Lines;
      if (content < tile) content = tile;
    }
  }
  return content;
}

/** On which of 1024 places a tile's colours fall: a little less than there are, where two fall on one. */
const seen = new Uint8Array(1024);

/** Null where there is nothing but one colour, or hardly more. */
function tileOf(pixels: Uint32Array, stride: number, { x, y, width, height }: Rect): Content | null {
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
  if (steepest === 0) return null;
  // Tiles at the screen's edge are smaller: their numbers are taken for as many pixels as the others have.
  const scale = (TILE_SIDE * TILE_SIDE) / (width * height);
  const isEven = TEXT_REPEATS_MIN < repeats * scale;
  if (EDGE_MIN < steepest) return isEven || colours * scale <= TEXT_COLOURS_MAX ? Content.Lines : Content.Photograph;
  if (SOFT_COLOURS_MAX < colours * scale) return Content.Photograph;
  return isEven ? null : Content.Soft;
}

/** The largest difference of a channel. */
function difference(a: number, b: number): number {
  return Math.max(
    Math.abs((a & 0xff) - (b & 0xff)),
    Math.abs(((a >>> 8) & 0xff) - ((b >>> 8) & 0xff)),
    Math.abs(((a >>> 16) & 0xff) - ((b >>> 16) & 0xff)),
  );
}
