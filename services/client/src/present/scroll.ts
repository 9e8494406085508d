// Finds what moved up or down, strip by strip, so that a scroll bar or a pinned ribbon beside it does no harm. Hashes only
// propose; a move is real when every pixel of it is equal.

import type { Rect, Size } from "../screen/geometry";
import { CELL } from "./diff";

/** Fewer rows than these are cheaper as a picture. */
const ROWS_MIN = 32;
/** Fewer columns than these are cheaper as a picture. */
const COLUMNS_MIN = 32;
/** Strips join into one move while they share this part of their rows. */
const SHARED_ROWS = 0.75;

export interface VerticalMove {
  readonly rect: Rect;
  /** The row that the rectangle's first row comes from. */
  readonly fromY: number;
}

interface Strip {
  readonly x: number;
  readonly width: number;
  readonly before: Uint32Array;
  readonly after: Uint32Array;
}

interface Run {
  readonly x: number;
  readonly width: number;
  readonly top: number;
  readonly bottom: number;
}

/** Rectangles of `after` that stand at another height in `before`, by the one distance that explains most rows. */
export function proposeMoves(size: Size, before: Uint32Array, after: Uint32Array): VerticalMove[] {
  const strips = changedStrips(size, before, after);
  const distance = commonDistance(strips);
  if (distance === 0) return [];
  const moves: VerticalMove[] = [];
  for (const run of joined(strips.flatMap((strip) => longestRun(strip, distance)))) {
    const { x, width, top, bottom } = run;
    moves.push({ rect: { x, y: top, width, height: bottom - top }, fromY: top + distance });
  }
  return moves;
}

/** The move as far as it is true, widened to what moved along; null when nothing worth it is left. */
export function verifiedMove(
  { rect, fromY }: VerticalMove,
  size: Size,
  before: Uint32Array,
  after: Uint32Array,
): VerticalMove | null {
  const distance = fromY - rect.y;
  const moved = (x: number, y: number): boolean =>
    before[(y + distance) * size.width + x] === after[y * size.width + x];
  for (let y = rect.y; y < rect.y + rect.height; y++) {
    for (let x = rect.x; x < rect.x + rect.width; x++) if (!moved(x, y)) return null;
  }
  const columnMoved = (x: number): boolean => {
    for (let y = rect.y; y < rect.y + rect.height; y++) if (!moved(x, y)) return false;
    return true;
  };
  let left = rect.x;
  let right = rect.x + rect.width;
  while (0 < left && rect.x - left < CELL && columnMoved(left - 1)) left--;
  while (right < size.width && right - rect.x - rect.width < CELL && columnMoved(right)) right++;
  if (right - left < COLUMNS_MIN || rect.height < ROWS_MIN) return null;
  return { rect: { x: left, y: rect.y, width: right - left, height: rect.height }, fromY };
}

/** The strips that changed in enough rows to be worth a look, with a hash for each of their rows. */
function changedStrips({ width, height }: Size, before: Uint32Array, after: Uint32Array): Strip[] {
  const strips: Strip[] = [];
  for (let x = 0; x < width; x += CELL) {
    const strip = { x, width: Math.min(CELL, width - x) };
    if (changedRows(strip.x, strip.width, width, height, before, after) < ROWS_MIN) continue;
    strips.push({
      ...strip,
      before: rowHashes(strip.x, strip.width, width, height, before),
      after: rowHashes(strip.x, strip.width, width, height, after),
    });
  }
  return strips;
}

function changedRows(
  left: number,
  columns: number,
  stride: number,
  rows: number,
  before: Uint32Array,
  after: Uint32Array,
): number {
  let changed = 0;
  for (let y = 0; y < rows; y++) {
    const end = y * stride + left + columns;
    let at = end - columns;
    while (at < end && before[at] === after[at]) at++;
    if (at < end) changed++;
  }
  return changed;
}

/** FNV-1a over 32-bit pixels; a row of one colour hashes to 0, as it says nothing about where it came from. */
function rowHashes(left: number, columns: number, stride: number, rows: number, pixels: Uint32Array): Uint32Array {
  const hashes = new Uint32Array(rows);
  for (let y = 0; y < rows; y++) {
    const begin = y * stride + left;
    const first = pixels[begin] as number;
    let hash = 0x811c9dc5;
    let isPlain = true;
    for (let at = begin; at < begin + columns; at++) {
      const pixel = pixels[at] as number;
      if (pixel !== first) isPlain = false;
      hash = Math.imul(hash ^ pixel, 0x01000193);
      hash ^= hash >>> 15;
    }
    hashes[y] = isPlain ? 0 : hash;
  }
  return hashes;
}

/** The distance for which most rows vote; 0 for none. A row votes when its hash stands once in the strip before. */
function commonDistance(strips: readonly Strip[]): number {
  const votes = new Map<number, number>();
  for (const { before, after } of strips) {
    const rowOf = new Map<number, number>();
    before.forEach((hash, y) => rowOf.set(hash, rowOf.has(hash) ? -1 : y));
    after.forEach((hash, y) => {
      const from = hash === 0 ? -1 : (rowOf.get(hash) ?? -1);
      if (0 <= from && from !== y) votes.set(from - y, (votes.get(from - y) ?? 0) + 1);
    });
  }
  let best = 0;
  let most = ROWS_MIN / 2;
  for (const [distance, count] of votes) {
    if (most < count) [best, most] = [distance, count];
  }
  return best;
}

/** The strip's longest stretch of rows that came from `distance` rows away and were not there already. */
function longestRun({ x, width, before, after }: Strip, distance: number): Run[] {
  const rows = after.length;
  let best: Run | null = null;
  let top = -1;
  let news = 0;
  for (let y = 0; y <= rows; y++) {
    const from = y + distance;
    const isMoved = y < rows && 0 <= from && from < rows && before[from] === after[y];
    if (isMoved) {
      if (top < 0) [top, news] = [y, 0];
      if (before[y] !== after[y]) news++;
    } else if (0 <= top) {
      const isWorthIt = ROWS_MIN <= y - top && ROWS_MIN / 2 <= news;
      if (isWorthIt && (!best || best.bottom - best.top < y - top)) best = { x, width, top, bottom: y };
      top = -1;
    }
  }
  return best ? [best] : [];
}

/** Neighbouring strips that moved over nearly the same rows, as one. */
function joined(runs: readonly Run[]): Run[] {
  const out: Run[] = [];
  for (const run of runs) {
    const last = out.at(-1);
    const top = Math.max(run.top, last?.top ?? 0);
    const bottom = Math.min(run.bottom, last?.bottom ?? 0);
    const longest = Math.max(run.bottom - run.top, last ? last.bottom - last.top : 0);
    if (last && last.x + last.width === run.x && SHARED_ROWS * longest <= bottom - top) {
      out[out.length - 1] = { x: last.x, width: last.width + run.width, top, bottom };
    } else {
      out.push(run);
    }
  }
  return out;
}
