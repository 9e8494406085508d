// From what changed in a square to rectangles, and which of them are photographs.

import { area, type Rect, union } from "../screen/geometry";
import type { Pixels } from "../screen/pixels";
import { Content, contentOf } from "./content";
import { CELL, cellAt, merge } from "./diff";

/** Smaller changes of a photograph are exact at once: they cost no more than they would in two steps. */
const LOSSY_AREA_MIN = 48 * 48;

/** To be painted in this order: what is exact may cover some of what is not. */
export interface Plan {
  /** None touches a cell that is not rough. */
  readonly rough: readonly Rect[];
  /** Photographs. None touches a cell of text. */
  readonly fine: readonly Rect[];
  readonly exact: readonly Rect[];
}

/** `changed` has a rectangle for each cell of a square that changed. */
export function plan(screen: Pixels, changed: readonly Rect[], isRough: (rect: Rect) => boolean): Plan {
  return { rough: joined(changed.filter(isRough)), ...planFine(screen, changed.filter((rect) => !isRough(rect))) };
}

function planFine(screen: Pixels, changed: readonly Rect[]): Omit<Plan, "rough"> {
  if (changed.reduce((sum, rect) => sum + area(rect), 0) < LOSSY_AREA_MIN) {
    return { fine: [], exact: merge([...changed]) };
  }
  const contents = changed.map((rect) => contentOf(screen.data, screen.width, cellAt(rect, screen)));
  const count = (content: Content): number => contents.filter((other) => other === content).length;
  // What is soft belongs to the photograph beside it; alone it is a shade, which lossless pictures do well.
  const lossyFrom = count(Content.Soft) < count(Content.Photograph) ? Content.Soft : Content.Photograph;
  const isLossy = (_: Rect, index: number): boolean => lossyFrom <= (contents[index] as Content);
  const exact = changed.filter((rect, index) => !isLossy(rect, index));
  return { fine: joined(changed.filter(isLossy)), exact: merge(exact) };
}

/** Rectangles of neighbouring cells, row by row, as rectangles that touch no other cell. */
function joined(rects: readonly Rect[]): Rect[] {
  const runs: Rect[] = [];
  for (const rect of rects) {
    const last = runs.at(-1);
    const isNext = last && row(last) === row(rect) && column(last, last.width - 1) + 1 === column(rect);
    if (isNext) runs[runs.length - 1] = union(last, rect);
    else runs.push(rect);
  }
  const out: Rect[] = [];
  for (const run of runs) {
    const above = out.findIndex(
      (other) =>
        row(other, other.height - 1) + 1 === row(run) &&
        column(other) === column(run) &&
        column(other, other.width - 1) === column(run, run.width - 1),
    );
    if (0 <= above) out[above] = union(out[above] as Rect, run);
    else out.push(run);
  }
  return out;
}

const row = ({ y }: Rect, below = 0): number => Math.floor((y + below) / CELL);
const column = ({ x }: Rect, right = 0): number => Math.floor((x + right) / CELL);
