// What changed between two screens: tight rectangles on a grid of cells, square by square.

import { area, intersection, PICTURE_SIDE_MAX, type Rect, type Size, union } from "../screen/geometry";

/** Side of the cells that are compared. */
export const CELL = 64;
/** Rectangles are merged inside squares of this side, never across. */
const SQUARE = PICTURE_SIDE_MAX;
/** What one more picture costs, in pixels that could be sent again instead: as `encoder/merge.rs` of `convene-screen`, where it was measured. */
const PICTURE_COST = 8_192;
/** What a photograph's pixel costs in a picture of text, in pixels of text. */
const PHOTOGRAPH_COST = 16;

/** A rectangle for each cell in which something changed, square by square: together they hold every pixel that differs. */
export function changedCells(size: Size, before: Uint32Array, after: Uint32Array): Rect[] {
  const changed: Rect[] = [];
  for (let y = 0; y < size.height; y += SQUARE) {
    for (let x = 0; x < size.width; x += SQUARE) {
      for (const cell of cellsOf(clip({ x, y, width: SQUARE, height: SQUARE }, size))) {
        const rect = changedIn(clip(cell, size), size.width, before, after);
        if (rect) changed.push(rect);
      }
    }
  }
  return changed;
}

/** A number of its own for the square in which a rectangle begins. */
export function squareOf({ x, y }: Rect): number {
  return Math.floor(y / SQUARE) * 0x10000 + Math.floor(x / SQUARE);
}

/** Rectangles square by square, each square with those that begin in it. */
export function bySquare(rects: readonly Rect[]): Rect[][] {
  const squares = new Map<number, Rect[]>();
  for (const rect of rects) {
    const square = squares.get(squareOf(rect));
    if (square) square.push(rect);
    else squares.set(squareOf(rect), [rect]);
  }
  return [...squares.values()];
}

/** A square that changed for the most part is painted whole, so that the same content is always cut the same way and can be recalled. */
export function widened(changed: readonly Rect[], size: Size): readonly Rect[] {
  const { x, y } = changed[0] as Rect;
  const square = clip({ x: x - (x % SQUARE), y: y - (y % SQUARE), width: SQUARE, height: SQUARE }, size);
  if (3 * changed.reduce((sum, rect) => sum + area(rect), 0) < 2 * area(square)) return changed;
  return cellsOf(square).map((cell) => clip(cell, size));
}

/** The cells that a rectangle touches, row by row; those at the screen's edge are as large as all. */
export function cellsOf(rect: Rect): Rect[] {
  const cells: Rect[] = [];
  for (let y = rect.y - (rect.y % CELL); y < rect.y + rect.height; y += CELL) {
    for (let x = rect.x - (rect.x % CELL); x < rect.x + rect.width; x += CELL) {
      cells.push({ x, y, width: CELL, height: CELL });
    }
  }
  return cells;
}

/** The cell in which a rectangle begins. */
export function cellAt({ x, y }: Rect, size: Size): Rect {
  return clip({ x: x - (x % CELL), y: y - (y % CELL), width: CELL, height: CELL }, size);
}

/** The smallest rectangle inside `cell` that holds all differing pixels, or null. */
export function changedIn(cell: Rect, stride: number, before: Uint32Array, after: Uint32Array): Rect | null {
  const bottomEnd = cell.y + cell.height;
  const rightEnd = cell.x + cell.width;
  let left = rightEnd;
  let right = 0;
  let top = -1;
  let bottom = 0;
  for (let y = cell.y; y < bottomEnd; y++) {
    const row = y * stride;
    let x = cell.x;
    while (x < rightEnd && before[row + x] === after[row + x]) x++;
    if (x === rightEnd) continue;
    if (top < 0) top = y;
    bottom = y + 1;
    if (x < left) left = x;
    let last = rightEnd - 1;
    while (right <= last && before[row + last] === after[row + last]) last--;
    if (right <= last) right = last + 1;
  }
  return top < 0 ? null : { x: left, y: top, width: right - left, height: bottom - top };
}

/**
 * Joins two rectangles wherever that costs fewer pixels than another picture would. `photographs` are those that are painted otherwise: each of
 * their pixels costs as much as many of text.
 */
export function merge(rects: readonly Rect[], photographs: readonly Rect[] = []): Rect[] {
  const cost = (rect: Rect): number =>
    photographs.reduce((sum, photograph) => {
      const covered = intersection(photograph, rect);
      return covered ? sum + PHOTOGRAPH_COST * area(covered) : sum;
    }, area(rect));
  const merged = [...rects];
  for (let i = 0; i < merged.length; i++) {
    for (let j = i + 1; j < merged.length; j++) {
      const [a, b] = [merged[i] as Rect, merged[j] as Rect];
      const both = union(a, b);
      if (cost(a) + cost(b) + PICTURE_COST < cost(both)) continue;
      merged[i] = both;
      merged.splice(j, 1);
      // What did not fit the smaller rectangle may fit the larger one, also of those before it.
      i = -1;
      break;
    }
  }
  return merged;
}

function clip({ x, y, width, height }: Rect, size: Size): Rect {
  return { x, y, width: Math.min(width, size.width - x), height: Math.min(height, size.height - y) };
}
