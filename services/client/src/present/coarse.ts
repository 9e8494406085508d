// Which cells a reader has only about right, and since when they rest: they are sent again without loss when there is time.

import { area, isInside, type Rect, type Size, union } from "../screen/geometry";
import { CELL, cellsOf } from "./diff";

/** What has changed a moment ago will change again. */
export const REST_US = 80_000;
/** Cells are sharpened by twos: a picture that is larger than a cell costs less. */
const PIECE = 2 * CELL;
/** No cell: it is exact. */
const EXACT = Number.POSITIVE_INFINITY;

export class Coarse {
  #size: Size = { width: 0, height: 0 };
  #columns = 0;
  /** For each cell when it changed last, or `EXACT`. */
  #changedAt = new Float64Array(0);

  resize(size: Size): void {
    this.#size = size;
    this.#columns = Math.ceil(size.width / CELL);
    this.#changedAt = new Float64Array(this.#columns * Math.ceil(size.height / CELL)).fill(EXACT);
  }

  /** The rectangle was painted lossy. */
  mark(rect: Rect, now: number): void {
    for (const index of this.#touched(rect)) this.#changedAt[index] = now;
  }

  /** The rectangle changes: what of it is coarse does not rest. */
  disturb(rect: Rect, now: number): void {
    for (const index of this.#touched(rect)) {
      if (this.#changedAt[index] !== EXACT) this.#changedAt[index] = now;
    }
  }

  /** The rectangle was painted exactly. A cell of which it is only a part may be coarse still. */
  clear(rect: Rect): void {
    for (const index of this.#touched(rect)) {
      if (area(union(rect, this.#cell(index))) === area(rect)) this.#changedAt[index] = EXACT;
    }
  }

  /** The rectangle has moved to `to`, and what of it was coarse with it. */
  shift(to: Rect, fromX: number, fromY: number, now: number): void {
    const before = this.#changedAt.slice();
    const [dx, dy] = [fromX - to.x, fromY - to.y];
    for (const index of this.#touched(to)) {
      const cell = this.#cell(index);
      const x = Math.max(cell.x, to.x);
      const y = Math.max(cell.y, to.y);
      const width = Math.min(cell.x + cell.width, to.x + to.width) - x;
      const height = Math.min(cell.y + cell.height, to.y + to.height) - y;
      const source = { x: x + dx, y: y + dy, width, height };
      const isCoarse = [...this.#touched(source)].some((from) => before[from] !== EXACT);
      if (isCoarse) this.#changedAt[index] = now;
      else if (width * height === area(cell)) this.#changedAt[index] = EXACT;
    }
  }

  /** What has rested for longest, as a rectangle to be painted exactly; null when nothing has rested long enough. */
  piece(now: number): Rect | null {
    let oldest = -1;
    for (let index = 0; index < this.#changedAt.length; index++) {
      const at = this.#changedAt[index] as number;
      if (at + REST_US <= now && (oldest < 0 || at < (this.#changedAt[oldest] as number))) oldest = index;
    }
    if (oldest < 0) return null;
    const first = this.#cell(oldest);
    const x = first.x - (first.x % PIECE);
    const y = first.y - (first.y % PIECE);
    const width = Math.min(PIECE, this.#size.width - x);
    const height = Math.min(PIECE, this.#size.height - y);
    const resting = [...this.#touched({ x, y, width, height })].filter(
      (index) => (this.#changedAt[index] as number) + REST_US <= now,
    );
    return resting.map((index) => this.#cell(index)).reduce(union);
  }

  /** When something will have rested long enough, if nothing changes until then; null when all is exact. */
  restsAt(): number | null {
    const first = this.#changedAt.reduce((least, at) => Math.min(least, at), EXACT);
    return first === EXACT ? null : first + REST_US;
  }

  #cell(index: number): Rect {
    const x = (index % this.#columns) * CELL;
    const y = Math.floor(index / this.#columns) * CELL;
    return { x, y, width: Math.min(CELL, this.#size.width - x), height: Math.min(CELL, this.#size.height - y) };
  }

  *#touched(rect: Rect): Generator<number, void, void> {
    if (!isInside(rect, this.#size)) return;
    for (const { x, y } of cellsOf(rect)) yield (y / CELL) * this.#columns + x / CELL;
  }
}

/** The pieces that lie within a rectangle, as they are sharpened when all of their cells are coarse. */
export function piecesIn({ x, y, width, height }: Rect): Rect[] {
  const pieces: Rect[] = [];
  for (let top = Math.ceil(y / PIECE) * PIECE; top + PIECE <= y + height; top += PIECE) {
    for (let left = Math.ceil(x / PIECE) * PIECE; left + PIECE <= x + width; left += PIECE) {
      pieces.push({ x: left, y: top, width: PIECE, height: PIECE });
    }
  }
  return pieces;
}
