// How often each cell changes, where its changes end, and whether it looks like a photograph. As `film/heat.rs` of `convene-screen`,
// with microseconds as numbers.

import type { Rect, Size } from "../screen/geometry";
import type { Pixels } from "../screen/pixels";
import { Content, contentOf } from "./content";
import { CELL, cellsOf } from "./diff";

/** Changes are counted over about so long: each one counts less the older it is. */
const MEMORY_US = 350_000;
/** A cell that changes at least so often a second is hot. At eight changes a second the count never falls below 6.6. */
const HOT = 6;
/** A cell that changed twice within a tenth of a second has at least this, one that changes at most four times a second never. */
const RESTLESS = 5;
/** A cell of a film that runs may rest for a while. */
const WARM = 2.5;
/** A change after which nothing remains of what was before. */
const COLD = 0.5;
/** The last changes of a cell that say where they end. */
const EXTENTS = 8;
/** A photograph stays one for so long. */
const JUDGEMENT_AGE_MAX_US = 200_000;

interface Cell {
  /** Changes a second, as of `at`. */
  rate: number;
  at: number;
  isPhotograph: boolean;
  judgedAt: number;
  extents: Rect[];
}

/** Cells that hang together: the columns and rows that they span, ends excluded. */
interface Group {
  left: number;
  right: number;
  top: number;
  bottom: number;
  cells: number;
}

export class Heat {
  readonly #columns: number;
  readonly #rows: number;
  readonly #cells: Cell[];

  constructor({ width, height }: Size) {
    this.#columns = Math.ceil(width / CELL);
    this.#rows = Math.ceil(height / CELL);
    const never = Number.NEGATIVE_INFINITY;
    this.#cells = Array.from({ length: this.#columns * this.#rows }, () => {
      return { rate: 0, at: 0, isPhotograph: false, judgedAt: never, extents: [] };
    });
  }

  /** `changed` has a tight rectangle for each cell that changed. */
  note(changed: readonly Rect[], screen: Pixels, now: number): void {
    for (const rect of changed) {
      const cell = this.#at(Math.floor(rect.x / CELL), Math.floor(rect.y / CELL));
      if (!cell) continue;
      const rate = rateAt(cell, now);
      // What changed here long before was something else.
      if (rate < COLD) cell.extents = [];
      cell.rate = rate + 1e6 / MEMORY_US;
      cell.at = now;
      cell.extents.push(rect);
      if (EXTENTS < cell.extents.length) cell.extents.shift();
      if (HOT <= cell.rate && JUDGEMENT_AGE_MAX_US <= now - cell.judgedAt) {
        cell.isPhotograph = contentOf(screen.data, screen.width, rect) !== Content.Lines;
        cell.judgedAt = now;
      }
    }
  }

  /** Nothing is known any more of the cells that the rectangle touches; it may extend beyond the screen. */
  forget(rect: Rect): void {
    for (const cell of this.#touched(rect)) cell.rate = 0;
  }

  /** Whether the cell in which the rectangle lies changes again and again. */
  isRestless({ x, y }: Rect, now: number): boolean {
    const cell = this.#at(Math.floor(x / CELL), Math.floor(y / CELL));
    return cell !== undefined && RESTLESS <= rateAt(cell, now);
  }

  /** Enough of the rectangle changes and looks like photographs for a film that runs. */
  isAlive(rect: Rect, now: number): boolean {
    const cells = this.#touched(rect);
    const warm = cells.filter((cell) => cell.isPhotograph && WARM <= rateAt(cell, now));
    return cells.length <= 4 * warm.length;
  }

  /** The tight rectangle around the largest group of hot cells that look like photographs, if they fill it. */
  hottest(now: number): Rect | null {
    const hot = this.#cells.map((cell) => isFilm(cell, now));
    let largest: Group | null = null;
    for (let index = 0; index < hot.length; index++) {
      if (!hot[index]) continue;
      const group = this.#takeGroup(hot, index);
      if (!largest || largest.cells < group.cells) largest = group;
    }
    if (!largest) return null;
    const { left, right, top, bottom, cells } = largest;
    return (right - left) * (bottom - top) <= 2 * cells ? this.#tight(largest, now) : null;
  }

  /** Takes out the cells that hang together with the first; a gap of one cell holds them together. */
  #takeGroup(hot: boolean[], first: number): Group {
    const group: Group = { left: this.#columns, right: 0, top: this.#rows, bottom: 0, cells: 0 };
    const open = [first];
    hot[first] = false;
    for (let index = open.pop(); index !== undefined; index = open.pop()) {
      const [column, row] = [index % this.#columns, Math.floor(index / this.#columns)];
      group.left = Math.min(group.left, column);
      group.right = Math.max(group.right, column + 1);
      group.top = Math.min(group.top, row);
      group.bottom = Math.max(group.bottom, row + 1);
      group.cells++;
      for (let y = Math.max(0, row - 2); y < Math.min(row + 3, this.#rows); y++) {
        for (let x = Math.max(0, column - 2); x < Math.min(column + 3, this.#columns); x++) {
          const near = y * this.#columns + x;
          if (hot[near]) open.push(near);
          hot[near] = false;
        }
      }
    }
    return group;
  }

  /** Where most changes of the outermost cells end: beside a film somebody may type. */
  #tight({ left, right, top, bottom }: Group, now: number): Rect | null {
    const edges = (x: readonly [number, number], y: readonly [number, number], edge: (rect: Rect) => number): number[] => {
      const found: number[] = [];
      for (let row = y[0]; row < y[1]; row++) {
        for (let column = x[0]; column < x[1]; column++) {
          const cell = this.#at(column, row);
          if (cell && isFilm(cell, now)) found.push(...cell.extents.map(edge));
        }
      }
      return found.sort((a, b) => a - b);
    };
    // Of two in the middle the inner one.
    const low = (sorted: number[]): number | undefined => sorted[Math.floor(sorted.length / 2)];
    const high = (sorted: number[]): number | undefined => sorted[Math.floor((sorted.length - 1) / 2)];
    const x = low(edges([left, left + 1], [top, bottom], (rect) => rect.x));
    const y = low(edges([left, right], [top, top + 1], (rect) => rect.y));
    const end = high(edges([right - 1, right], [top, bottom], (rect) => rect.x + rect.width));
    const foot = high(edges([left, right], [bottom - 1, bottom], (rect) => rect.y + rect.height));
    if (x === undefined || y === undefined || end === undefined || foot === undefined) return null;
    return x < end && y < foot ? { x, y, width: end - x, height: foot - y } : null;
  }

  #touched(rect: Rect): Cell[] {
    return cellsOf(rect).flatMap(({ x, y }) => this.#at(x / CELL, y / CELL) ?? []);
  }

  #at(column: number, row: number): Cell | undefined {
    return column < this.#columns && row < this.#rows ? this.#cells[row * this.#columns + column] : undefined;
  }
}

function isFilm(cell: Cell, now: number): boolean {
  return cell.isPhotograph && HOT <= rateAt(cell, now);
}

function rateAt({ rate, at }: Cell, now: number): number {
  return rate * Math.exp((at - now) / MEMORY_US);
}
