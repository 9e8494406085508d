// Finds what only moved: scrolled pages, mostly, also two of them at once, up or down or sideways; and a window that was dragged. As
// convene-screen does it: strips of 64 pixels, so that a scroll bar or a pinned head hides what it stands beside from one strip only; the few
// offsets that most lines of some strips vote for; and every move is compared pixel by pixel before it is one.

import { area, intersection, type Rect, type Size, union } from "../screen/geometry";
import type { Pixels } from "../screen/pixels";
import { CELL, changedIn } from "./diff";
import { draggedCores, type Offset } from "./drag";
import { type Axis, changedStrips, joinedRun, type Lines, rectOf, type Run, runsOf, type Strip, stripAt, votesOf } from "./strips";

/** Of so many strips one looks for offsets: what scrolls is wider. */
const SAMPLED = 4;
/** Below so many pixels that changed no search is worth its time. */
const CHANGED_PIXELS_MIN = 128 * 128;
/** Offsets that are tried: two or three windows can scroll at once. */
const OFFSETS_MAX = 3;
/** An offset with fewer votes is chance. */
const VOTES_MIN = 8;
/** How far an edge grows: what is beyond would have been found in the strip there. */
const GROWTH_MAX = CELL - 1;

export interface Move {
  readonly rect: Rect;
  /** Where its first pixel comes from. */
  readonly from: { readonly x: number; readonly y: number };
}

/** Neighbouring strips with lines that moved together. */
interface Block {
  readonly strips: Lines;
  readonly run: Run;
}

/**
 * What moves `sent` closer to `next`. `changed` is where the two differ; a film's rectangle is neither a source nor a target. Each move is to be applied to
 * `sent` before the next is asked for.
 */
export function* movesOf(sent: Pixels, next: Uint32Array, changed: readonly Rect[], film: Rect | null): Generator<Move> {
  const isFilmed = (rect: Rect): boolean => film !== null && intersection(film, rect) !== null;
  const isTrue = ({ rect, from }: Move): boolean =>
    !isFilmed(rect) && !isFilmed({ ...rect, ...from }) && isMoved(rect, from, sent, next);
  let rest = changed;
  for (const search of [searchAlong("down"), searchAlong("across"), searchDragged]) {
    if (sum(rest) < CHANGED_PIXELS_MIN) return;
    let found = false;
    for (const move of search(sent, next, rest, isTrue)) {
      found = true;
      yield move;
    }
    if (found) rest = rest.map((rect) => changedIn(rect, sent.width, sent.data, next)).filter((rect) => rect !== null);
  }
}

type Search = (sent: Pixels, next: Uint32Array, changed: readonly Rect[], isTrue: (move: Move) => boolean) => Generator<Move>;

/** Looks for offsets in some of the strips, and only if there are any for what moved by them in all. */
function searchAlong(axis: Axis): Search {
  return function* (sent, next, changed, isTrue) {
    const indices = changedStrips(axis, changed);
    const strip = (index: number): Strip => stripAt(axis, index, sent, sent.data, next);
    const sample = indices.filter((_, at) => at % SAMPLED === 0).map(strip);
    const offsets = rankedOffsets(sample);
    if (offsets.length === 0) return;
    const strips = indices.map((index, at) => (at % SAMPLED === 0 ? (sample[at / SAMPLED] as Strip) : strip(index)));
    for (const offset of offsets) yield* movesBy(axis, offset, strips, sent, isTrue);
  };
}

/** The offsets from target to source with the most votes. */
function rankedOffsets(strips: readonly Strip[]): number[] {
  const votes = new Map<number, number>();
  for (const strip of strips) for (const offset of votesOf(strip)) votes.set(offset, (votes.get(offset) ?? 0) + 1);
  const ranked = [...votes].filter(([, count]) => VOTES_MIN <= count).sort(([a, m], [b, n]) => n - m || a - b);
  return ranked.slice(0, OFFSETS_MAX).map(([offset]) => offset);
}

function* movesBy(axis: Axis, offset: number, strips: readonly Strip[], size: Size, isTrue: (move: Move) => boolean): Generator<Move> {
  const blocks = blocksOf(strips, offset);
  // A block must not paint over what another one is still to be taken from.
  blocks.sort((a, b) => Math.sign(offset) * (a.run.changed.start - b.run.changed.start));
  const cores = blocks.map(({ strips, run }) => rectOf(axis, size, strips, run.changed));
  const moved = (rect: Rect): Move => ({
    rect,
    from: axis === "down" ? { x: rect.x, y: rect.y + offset } : { x: rect.x + offset, y: rect.y },
  });
  for (const core of cores) {
    const inPlace = { rect: core, from: { x: core.x, y: core.y } };
    if (!isTrue(moved(core)) || isTrue(inPlace)) continue;
    const fits = (edge: Rect): boolean => !cores.some((other) => intersection(other, edge)) && isTrue(moved(edge));
    yield moved(grown(core, size, axis === "down" ? SIDES : ENDS, GROWTH_MAX, fits));
  }
}

function blocksOf(strips: readonly Strip[], offset: number): Block[] {
  const blocks: Block[] = [];
  for (const strip of strips) {
    for (const run of runsOf(strip, offset)) {
      const end = strip.index + 1;
      const at = blocks.findIndex((block) => block.strips.end === strip.index && joinedRun(block.run, run));
      const block = blocks[at];
      const joined = block && joinedRun(block.run, run);
      if (joined) blocks[at] = { strips: { start: block.strips.start, end }, run: joined };
      else blocks.push({ strips: { start: strip.index, end }, run });
    }
  }
  return blocks;
}

/** Looks for a window that was dragged; two at once are dragged by nobody. */
const searchDragged: Search = function* (sent, next, changed, isTrue) {
  // Another page, most likely; a window that fills the screen cannot be dragged.
  if (3 * area(sent) < 4 * sum(changed)) return;
  const [best] = draggedCores(sent, next, changed);
  if (!best) return;
  const moved = (rect: Rect): Move => ({ rect, from: sourceOf(rect, best.offset) });
  const fits = (edge: Rect): boolean => isWithin({ ...edge, ...sourceOf(edge, best.offset) }, sent) && isTrue(moved(edge));
  if (fits(best.core)) yield moved(grown(best.core, sent, [...SIDES, ...ENDS], Number.POSITIVE_INFINITY, fits));
};

/** The lines of pixels along a rectangle's edges, on its outside. */
type Edge = (rect: Rect) => Rect;
const SIDES: readonly Edge[] = [
  (rect) => ({ ...rect, x: rect.x - 1, width: 1 }),
  (rect) => ({ ...rect, x: rect.x + rect.width, width: 1 }),
];
const ENDS: readonly Edge[] = [
  (rect) => ({ ...rect, y: rect.y - 1, height: 1 }),
  (rect) => ({ ...rect, y: rect.y + rect.height, height: 1 }),
];

/** The rectangle with all around it that fits, line by line. */
function grown(core: Rect, size: Size, edges: readonly Edge[], stepsMax: number, fits: (edge: Rect) => boolean): Rect {
  let rect = core;
  for (let step = 0; step < stepsMax; step++) {
    const before = rect;
    for (const edgeOf of edges) {
      const edge = edgeOf(rect);
      if (isWithin(edge, size) && fits(edge)) rect = union(rect, edge);
    }
    if (rect === before) break;
  }
  return rect;
}

function sourceOf(rect: Rect, { x, y }: Offset): { x: number; y: number } {
  return { x: rect.x + x, y: rect.y + y };
}

function isWithin(rect: Rect, { width, height }: Size): boolean {
  return 0 <= rect.x && 0 <= rect.y && rect.x + rect.width <= width && rect.y + rect.height <= height;
}

function isMoved(rect: Rect, from: { x: number; y: number }, { width, data }: Pixels, next: Uint32Array): boolean {
  for (let row = 0; row < rect.height; row++) {
    const [at, source] = [(rect.y + row) * width + rect.x, (from.y + row) * width + from.x];
    for (let column = 0; column < rect.width; column++) if (data[source + column] !== next[at + column]) return false;
  }
  return true;
}

function sum(rects: readonly Rect[]): number {
  return rects.reduce((pixels, rect) => pixels + area(rect), 0);
}
