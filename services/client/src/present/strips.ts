// Strips of a screen: their lines before and after, as hashes, and what of them moved. Hashes only propose.

import type { Rect, Size } from "../screen/geometry";
import { area } from "../screen/geometry";
import { CELL } from "./diff";

/** A strip with less that changed is not searched. */
const CHANGED_PIXELS_MIN = 64 * 64;
/** A run with fewer changed lines is left to a picture. */
const CHANGED_LINES_MIN = 8;

/** `down`: content moves up or down, strips are columns of 64 pixels, lines are pieces of rows. `across` is the other way round. */
export type Axis = "down" | "across";

/** The hash of each line of a strip, in what a reader has and in what it shall have. */
export interface Strip {
  /** Its place beside the others. */
  readonly index: number;
  readonly before: Uint32Array;
  readonly after: Uint32Array;
}

/** From the first line to behind the last. */
export interface Lines {
  readonly start: number;
  readonly end: number;
}

/** Lines of a strip that have moved. */
export interface Run {
  /** All that are equal to their source. */
  readonly equal: Lines;
  /** Of these, from the first to the last one that changed. */
  readonly changed: Lines;
}

/** The strips in which much changed, in order. */
export function changedStrips(axis: Axis, changed: readonly Rect[]): number[] {
  const pixels = new Map<number, number>();
  for (const rect of changed) {
    const strip = Math.floor((axis === "down" ? rect.x : rect.y) / CELL);
    pixels.set(strip, (pixels.get(strip) ?? 0) + area(rect));
  }
  return [...pixels].filter(([, count]) => CHANGED_PIXELS_MIN <= count).map(([strip]) => strip).sort((a, b) => a - b);
}

/** Some lines of some strips, as a rectangle. */
export function rectOf(axis: Axis, size: Size, strips: Lines, lines: Lines): Rect {
  const [first, across] = [strips.start * CELL, axis === "down" ? size.width : size.height];
  const breadth = Math.min(strips.end * CELL, across) - first;
  const length = lines.end - lines.start;
  return axis === "down"
    ? { x: first, y: lines.start, width: breadth, height: length }
    : { x: lines.start, y: first, width: length, height: breadth };
}

export function stripAt(axis: Axis, index: number, size: Size, before: Uint32Array, after: Uint32Array): Strip {
  const lines = { start: 0, end: axis === "down" ? size.height : size.width };
  const rect = rectOf(axis, size, { start: index, end: index + 1 }, lines);
  const hashes = axis === "down" ? rowHashes : columnHashes;
  return { index, before: hashes(rect, size.width, before), after: hashes(rect, size.width, after) };
}

/** For each changed line that stood just once in the strip before: how far away that was. */
export function* votesOf({ before, after }: Strip): Generator<number> {
  const lineOf = new Map<number, number>();
  before.forEach((hash, line) => lineOf.set(hash, lineOf.has(hash) ? -1 : line));
  for (let line = 0; line < after.length; line++) {
    if (before[line] === after[line]) continue;
    const from = lineOf.get(after[line] as number) ?? -1;
    if (0 <= from) yield from - line;
  }
}

/** The lines that stood `offset` lines away. */
export function* runsOf({ before, after }: Strip, offset: number): Generator<Run> {
  const isEqual = (line: number): boolean => before[line + offset] === after[line];
  const isChanged = (line: number): boolean => before[line] !== after[line];
  for (let line = 0; line < after.length; line++) {
    const start = line;
    let [first, last, count] = [-1, -1, 0];
    for (; line < after.length && isEqual(line); line++) {
      if (!isChanged(line)) continue;
      if (first < 0) first = line;
      [last, count] = [line, count + 1];
    }
    if (CHANGED_LINES_MIN <= count) yield { equal: { start, end: line }, changed: { start: first, end: last + 1 } };
  }
}

/** One run for both strips, when all that changed in one of them is equal in both. */
export function joinedRun(a: Run, b: Run): Run | null {
  const equal = { start: Math.max(a.equal.start, b.equal.start), end: Math.min(a.equal.end, b.equal.end) };
  const changed = { start: Math.min(a.changed.start, b.changed.start), end: Math.max(a.changed.end, b.changed.end) };
  return equal.start <= changed.start && changed.end <= equal.end ? { equal, changed } : null;
}

/** FNV-1a over 32-bit pixels. */
function rowHashes({ x, y, width, height }: Rect, stride: number, pixels: Uint32Array): Uint32Array {
  const hashes = new Uint32Array(height);
  for (let row = 0; row < height; row++) {
    const begin = (y + row) * stride + x;
    let hash = 0x811c9dc5;
    for (let at = begin; at < begin + width; at++) {
      hash = Math.imul(hash ^ (pixels[at] as number), 0x01000193);
      hash ^= hash >>> 15;
    }
    hashes[row] = hash;
  }
  return hashes;
}

/** All columns at once, row by row: in the order of memory. */
function columnHashes({ x, y, width, height }: Rect, stride: number, pixels: Uint32Array): Uint32Array {
  const hashes = new Uint32Array(width).fill(0x811c9dc5);
  for (let row = 0; row < height; row++) {
    const begin = (y + row) * stride + x;
    for (let column = 0; column < width; column++) {
      const hash = Math.imul((hashes[column] as number) ^ (pixels[begin + column] as number), 0x01000193);
      hashes[column] = hash ^ (hash >>> 15);
    }
  }
  return hashes;
}
