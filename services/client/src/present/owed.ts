// What a reader is owed, because an update had no room for it: cells with ages, as `encoder/backlog.rs` of `convene-screen` keeps them. It is
// no queue: owed is whatever differs, and what goes out is what it shows by then.

import { area, type Rect, type Size, union } from "../screen/geometry";
import type { Pixels } from "../screen/pixels";
import { Content, contentOf } from "./content";
import { CELL, cellAt } from "./diff";

/** Changed cells that touch one another are somebody at work, typing for instance, if no more of their pixels changed. */
const SMALL_AREA_MAX = 8 * CELL * CELL;
/** Cells a side of what is painted together: a square of the picture grid. */
const SIDE_MAX = 8;
/** An update is closed when so little is left of its room. */
const REST = 512;
/** What a record takes beside its picture. */
const RECORD_BYTES = 48;
/** What a cell of a photograph takes, and an edge in one of text. */
const PHOTOGRAPH_BYTES = 600;
const EDGE_BYTES = 2 / 3;
/** What is guessed is off by no more than this, either way. */
const SCALE_MAX = 4;

interface Cell {
  /** What of it is owed. */
  owed: Rect | null;
  since: number;
  changedAt: number;
  /** Somebody is at work there. */
  isSmall: boolean;
}

/** What is painted next. */
export interface Turn {
  readonly rects: readonly Rect[];
  /** What it will take, about; null where that does not matter. */
  readonly bytes: number | null;
}

export class Owed {
  readonly #size: Size;
  readonly #columns: number;
  readonly #cells: Cell[];
  #newestFirst = true;
  /** What pictures took, to what was guessed, lately. */
  #scale = 1;

  constructor(size: Size) {
    this.#size = size;
    this.#columns = Math.ceil(size.width / CELL);
    const cells = this.#columns * Math.ceil(size.height / CELL);
    this.#cells = Array.from({ length: cells }, () => ({ owed: null, since: 0, changedAt: 0, isSmall: false }));
  }

  get isEmpty(): boolean {
    return this.#cells.every(({ owed }) => owed === null);
  }

  /** These rectangles, one a cell, have just changed. */
  note(changed: readonly Rect[], now: number): void {
    const areas = new Map(changed.map((rect) => [this.#index(rect), area(rect)]));
    for (const [index] of areas) {
      const group = this.#group(index, areas);
      const isSmall = group.reduce((sum, [, pixels]) => sum + pixels, 0) <= SMALL_AREA_MAX;
      for (const [cell] of group) Object.assign(this.#cells[cell] as Cell, { isSmall, changedAt: now });
    }
  }

  /** Takes out all cells that hang together with one. */
  #group(index: number, areas: Map<number, number>): [number, number][] {
    const group: [number, number][] = [];
    const take = (cell: number): void => {
      const pixels = areas.get(cell);
      if (pixels === undefined) return;
      areas.delete(cell);
      group.push([cell, pixels]);
    };
    take(index);
    for (const [cell] of group) {
      const column = cell % this.#columns;
      for (const beside of [-1, 0, 1].filter((step) => 0 <= column + step && column + step < this.#columns)) {
        for (const row of [-1, 0, 1]) take(cell + beside + row * this.#columns);
      }
    }
    return group;
  }

  /** The rectangle, within a cell, is owed. One that was is as old as it was. */
  add(rect: Rect, now: number): void {
    const cell = this.#at(rect);
    if (!cell.owed) cell.since = now;
    cell.owed = cell.owed ? union(cell.owed, rect) : rect;
  }

  /** Takes out what is owed of the cell in which a rectangle begins. */
  take(rect: Rect): Rect | null {
    const cell = this.#at(rect);
    const { owed } = cell;
    cell.owed = null;
    return owed;
  }

  /** `owed` says what of a rectangle is owed indeed. */
  settle(owed: (rect: Rect) => Rect | null): void {
    for (const cell of this.#cells) if (cell.owed) cell.owed = owed(cell.owed);
  }

  /**
   * Takes out what goes next: what is newest and what has waited longest by turns of updates. Null when nothing is owed, or the update, which
   * has so many bytes of it already, is full. `room` is null when all that is owed goes.
   */
  next(screen: Pixels, room: number | null, bytes: number): Turn | null {
    if (room === null) {
      const rects = this.#cells.flatMap((cell) => this.#taken(cell));
      return 0 < rects.length ? { rects, bytes: null } : null;
    }
    const first = this.#first();
    if (first < 0 || (0 < bytes && room < bytes + REST)) return null;
    const { indices, cost } = this.#blockAround(first, screen, (room - bytes) / this.#scale);
    return { rects: indices.flatMap((index) => this.#taken(this.#cells[index] as Cell)), bytes: cost };
  }

  /** What a turn took. */
  learn({ bytes: guessed }: Turn, bytes: number): void {
    if (!guessed) return;
    const seen = Math.min(SCALE_MAX, Math.max(1 / SCALE_MAX, bytes / guessed));
    this.#scale = (3 * this.#scale + seen) / 4;
  }

  /** The update ends. */
  endUpdate(): void {
    this.#newestFirst = this.isEmpty || !this.#newestFirst;
  }

  /** The index of the cell that goes first; less than 0 when nothing is owed. */
  #first(): number {
    let first = -1;
    for (let index = 0; index < this.#cells.length; index++) {
      const cell = this.#cells[index] as Cell;
      if (cell.owed && (first < 0 || this.#isBefore(cell, this.#cells[first] as Cell))) first = index;
    }
    return first;
  }

  #isBefore(a: Cell, b: Cell): boolean {
    if (this.#newestFirst && a.isSmall !== b.isSmall) return a.isSmall;
    if (this.#newestFirst && a.changedAt !== b.changedAt) return b.changedAt < a.changedAt;
    return a.since < b.since;
  }

  /** The largest block around a cell whose pictures take no more than so many bytes, or the cell alone; it grows in width first, as text does. */
  #blockAround(first: number, screen: Pixels, costMax: number): { indices: number[]; cost: number } {
    const isSmall = this.#newestFirst && (this.#cells[first] as Cell).isSmall;
    // What is small does not wait for what lies beside it.
    const joins = ({ owed, ...cell }: Cell): boolean => !owed || !this.#newestFirst || cell.isSmall === isSmall;
    let [width, height] = [1, 1];
    let block = { indices: [first], cost: this.#guess(first, screen) };
    for (;;) {
      const wider = width < SIDE_MAX ? this.#grown(block, this.#block(first, 2 * width, height), screen, costMax, joins) : null;
      const higher = !wider && height < width ? this.#grown(block, this.#block(first, width, 2 * height), screen, costMax, joins) : null;
      const grown = wider ?? higher;
      if (!grown) return block;
      if (wider) width *= 2;
      else height *= 2;
      block = grown;
    }
  }

  #grown(
    { indices: before, cost }: { indices: number[]; cost: number },
    indices: number[],
    screen: Pixels,
    costMax: number,
    joins: (cell: Cell) => boolean,
  ): { indices: number[]; cost: number } | null {
    let sum = cost;
    for (const index of indices) {
      if (before.includes(index)) continue;
      if (!joins(this.#cells[index] as Cell)) return null;
      sum += this.#guess(index, screen);
      if (costMax < sum) return null;
    }
    return { indices, cost: sum };
  }

  /** The indices of the block of so many cells a side in which a cell lies, cut at the screen's edge. */
  #block(cell: number, width: number, height: number): number[] {
    const left = Math.floor((cell % this.#columns) / width) * width;
    const top = Math.floor(Math.floor(cell / this.#columns) / height) * height;
    const indices: number[] = [];
    for (let row = top; row < top + height && row * this.#columns < this.#cells.length; row++) {
      for (let column = left; column < left + width && column < this.#columns; column++) indices.push(row * this.#columns + column);
    }
    return indices;
  }

  /** About how many bytes what is owed of a cell takes. */
  #guess(index: number, { data, width }: Pixels): number {
    const { owed } = this.#cells[index] as Cell;
    if (!owed) return 0;
    const whole = cellAt(owed, this.#size);
    const isText = contentOf(data, width, whole) === Content.Lines;
    const bytes = isText ? EDGE_BYTES * edgesIn(data, width, whole) : PHOTOGRAPH_BYTES;
    return RECORD_BYTES + (bytes * area(owed)) / area(whole);
  }

  #taken(cell: Cell): Rect[] {
    const { owed } = cell;
    cell.owed = null;
    return owed ? [owed] : [];
  }

  #at(rect: Rect): Cell {
    return this.#cells[this.#index(rect)] as Cell;
  }

  #index({ x, y }: Rect): number {
    return Math.floor(y / CELL) * this.#columns + Math.floor(x / CELL);
  }
}

/** Pixels that differ from their left neighbour. */
function edgesIn(pixels: Uint32Array, stride: number, { x, y, width, height }: Rect): number {
  let edges = 0;
  for (let row = y; row < y + height; row++) {
    for (let at = row * stride + x + 1, end = at + width - 1; at < end; at++) {
      if (pixels[at] !== pixels[at - 1]) edges++;
    }
  }
  return edges;
}
