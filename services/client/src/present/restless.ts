// What changes again and again without being a film: a slide that fades in, a map that is dragged, a film before it is found. Nobody reads
// what is gone a moment later, so such a cell is painted only so often, and roughly; what it shows in between is held back, and when it rests
// it is painted as everything else is. As `encoder/restless.rs` of `convene-screen`.

import { area, type Rect, type Size, union } from "../screen/geometry";
import type { Pixels } from "../screen/pixels";
import { REST_US } from "./coarse";
import { squareOf, CELL, cellAt } from "./diff";
import type { PictureEncoder } from "./pictures";
import { Verdicts } from "./verdicts";

/** A restless cell is painted no more often. A slide that fades in within half a second shows two steps between the old and the new one. */
const INTERVAL_US = 150_000;
/** A cell is restless only where one part in so many of it changes: a blinking caret is not. */
const SHARE = 8;
/** Rough pictures pay where exact ones have so many times their bytes. */
const GAIN = 1.25;

interface Cell {
  isRestless: boolean;
  paintedAt: number;
  changedAt: number;
  /** What the reader does not have of it. */
  heldBack: Rect | null;
}

export class Restless {
  readonly #columns: number;
  readonly #cells: Cell[];
  readonly #verdicts: Verdicts;

  constructor(size: Size, pictures: PictureEncoder) {
    this.#columns = Math.ceil(size.width / CELL);
    const never = Number.NEGATIVE_INFINITY;
    this.#cells = Array.from({ length: this.#columns * Math.ceil(size.height / CELL) }, () => {
      return { isRestless: false, paintedAt: never, changedAt: never, heldBack: null };
    });
    this.#verdicts = new Verdicts(pictures, GAIN);
  }

  /**
   * What is to be painted now: of `changed`, a rectangle for each cell that changed, all that is not held back, and what was held back before
   * and is due. `changesOften` says whether the cell in which a rectangle lies changes again and again.
   */
  due(changed: readonly Rect[], screen: Pixels, changesOften: (rect: Rect) => boolean, now: number): Rect[] {
    const due: Rect[] = [];
    const restless = this.#restless(changed, screen, changesOften, now);
    for (const rect of changed) {
      const cell = this.#at(rect);
      cell.isRestless = restless.has(rect);
      cell.changedAt = now;
      const whole = cell.heldBack ? union(cell.heldBack, rect) : rect;
      cell.heldBack = cell.isRestless && now < cell.paintedAt + INTERVAL_US ? whole : null;
      if (cell.heldBack) continue;
      cell.paintedAt = now;
      due.push(whole);
    }
    for (const cell of this.#cells) {
      if (!cell.heldBack || now < cell.changedAt + REST_US) continue;
      due.push(cell.heldBack);
      Object.assign(cell, { isRestless: false, paintedAt: now, heldBack: null });
    }
    return due;
  }

  /** What is owed of a cell that is held back is held back with it. */
  takeOver(owed: (rect: Rect) => Rect | null): void {
    for (const cell of this.#cells) {
      const more = cell.heldBack && owed(cell.heldBack);
      if (cell.heldBack && more) cell.heldBack = union(cell.heldBack, more);
    }
  }

  /** Whether the cell in which the rectangle lies is to be painted roughly. */
  isRough(rect: Rect): boolean {
    return this.#at(rect).isRestless;
  }

  /** When something that was held back is due, if nothing changes until then; null when nothing is. */
  get dueAt(): number | null {
    let first = Number.POSITIVE_INFINITY;
    for (const { heldBack, changedAt } of this.#cells) if (heldBack) first = Math.min(first, changedAt + REST_US);
    return first === Number.POSITIVE_INFINITY ? null : first;
  }

  /** Which of the changed rectangles change again and again and cost much when painted exactly. */
  #restless(changed: readonly Rect[], screen: Pixels, changesOften: (rect: Rect) => boolean, now: number): Set<Rect> {
    const hot = changed.filter((rect) => area(cellAt(rect, screen)) <= SHARE * area(rect) && changesOften(rect));
    const largest = new Map<number, Rect>();
    for (const rect of hot) {
      const before = largest.get(squareOf(rect));
      if (!before || area(before) < area(rect)) largest.set(squareOf(rect), rect);
    }
    const rough = new Set([...largest].filter(([, rect]) => this.#verdicts.decide(rect, screen, now)).map(([square]) => square));
    return new Set(hot.filter((rect) => rough.has(squareOf(rect))));
  }

  #at({ x, y }: Rect): Cell {
    return this.#cells[Math.floor(y / CELL) * this.#columns + Math.floor(x / CELL)] as Cell;
  }
}
