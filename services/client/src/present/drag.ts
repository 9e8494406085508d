// Finds content that moved along both axes at once: a window that was dragged. No line of a strip stays whole then, so some short pieces of
// changed rows, each unlike anything beside it, are looked for everywhere in what a reader has, by a hash that rolls along its rows.

import { type Rect, type Size, union } from "../screen/geometry";

/** Pixels of a piece. */
const PIECE = 32;
/** Pieces that are looked for. */
const PIECES_MAX = 64;
/** A piece has at least so many pixels that differ from their left neighbour. */
const EDGES_MIN = 6;
/** One row in so many is looked at for pieces. */
const ROWS_STEP = 4;
/** An offset at which fewer pieces are found is chance. */
const VOTES_MIN = 6;
/** A piece that is found more often says nothing. */
const PLACES_MAX = 4;
/** The search ends when all of them together were found more often: a screen that repeats itself. */
const FOUND_MAX = 64 * PIECES_MAX;
/** Any odd number would do. */
const BASE = 0x9e3779b1;

/** From the target to the source. */
export interface Offset {
  readonly x: number;
  readonly y: number;
}

/** What may have moved as a whole: a part of the target, and by how much. */
export interface Dragged {
  readonly offset: Offset;
  readonly core: Rect;
}

interface Frame extends Size {
  readonly data: Uint32Array;
}

/** What most pieces agree on, the best first. `changed` has a rectangle for each cell that changed. */
export function draggedCores(sent: Frame, next: Uint32Array, changed: readonly Rect[]): Dragged[] {
  const pieces = piecesOf(next, sent.width, changed);
  const found = new Map<string, Dragged & { votes: number }>();
  for (const { target, sources } of placesOf(sent, changed.reduce(union), pieces)) {
    if (PLACES_MAX < sources.length) continue;
    for (const source of sources) {
      const offset = { x: source.x - target.x, y: source.y - target.y };
      const key = `${offset.x} ${offset.y}`;
      const before = found.get(key);
      found.set(key, { offset, core: before ? union(before.core, target) : target, votes: (before?.votes ?? 0) + 1 });
    }
  }
  const likely = [...found.values()].filter(({ offset, votes }) => VOTES_MIN <= votes && (offset.x !== 0 || offset.y !== 0));
  return likely.sort((a, b) => b.votes - a.votes);
}

/** Of some of the cells, the piece with the most edges, by its hash. */
function piecesOf(next: Uint32Array, stride: number, changed: readonly Rect[]): Map<number, Rect> {
  const wide = changed.filter(({ width }) => PIECE <= width);
  const step = Math.max(1, Math.ceil(wide.length / PIECES_MAX));
  const pieces = new Map<number, Rect>();
  for (let at = 0; at < wide.length; at += step) {
    const cell = wide[at] as Rect;
    let [most, best] = [EDGES_MIN - 1, -1];
    for (let y = cell.y; y < cell.y + cell.height; y += ROWS_STEP) {
      const edges = edgesOf(next, y * stride + cell.x);
      if (most < edges) [most, best] = [edges, y];
    }
    if (best < 0) continue;
    const begin = best * stride + cell.x;
    let hash = 0;
    for (let pixel = begin; pixel < begin + PIECE; pixel++) hash = (Math.imul(hash, BASE) + (next[pixel] as number)) | 0;
    pieces.set(hash, { x: cell.x, y: best, width: PIECE, height: 1 });
  }
  return pieces;
}

function edgesOf(pixels: Uint32Array, begin: number): number {
  let edges = 0;
  for (let at = begin + 1; at < begin + PIECE; at++) if (pixels[at] !== pixels[at - 1]) edges++;
  return edges;
}

interface Place {
  readonly target: Rect;
  readonly sources: Offset[];
}

/** Where each piece is found in what a reader has. */
function placesOf({ width, data }: Frame, searched: Rect, pieces: ReadonlyMap<number, Rect>): Place[] {
  const filter = new Uint8Array(4_096);
  for (const hash of pieces.keys()) filter[hash >>> 20] = 1;
  let leaving = 1;
  for (let step = 0; step < PIECE; step++) leaving = Math.imul(leaving, BASE);
  const places = new Map<number, Place>();
  let found = 0;
  for (let y = searched.y; y < searched.y + searched.height && found < FOUND_MAX; y++) {
    const begin = y * width + searched.x;
    let hash = 0;
    for (let x = 0; x < searched.width; x++) {
      hash = (Math.imul(hash, BASE) + (data[begin + x] as number)) | 0;
      if (PIECE <= x) hash = (hash - Math.imul(leaving, data[begin + x - PIECE] as number)) | 0;
      if (x + 1 < PIECE || filter[hash >>> 20] === 0) continue;
      const target = pieces.get(hash);
      if (!target) continue;
      found++;
      const place = places.get(hash) ?? { target, sources: [] };
      place.sources.push({ x: searched.x + x + 1 - PIECE, y });
      places.set(hash, place);
    }
  }
  return [...places.values()];
}
