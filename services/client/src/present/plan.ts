// From what changed in a square to rectangles, and how each is painted. As `encoder/plan.rs` of `convene-screen`.

import { area, intersection, PICTURE_SIDE_MAX, type Rect, union } from "../screen/geometry";
import type { Pixels } from "../screen/pixels";
import { Content, contentOf, photographTiles, TILE_SIDE } from "./content";
import { cellAt, merge } from "./diff";
import type { Verdicts } from "./verdicts";

/** Smaller changes of a photograph are exact at once: they cost no more than they would in two steps. */
const LOSSY_AREA_MIN = 48 * 48;
/** Tiles a side of a square. */
const TILES = PICTURE_SIDE_MAX / TILE_SIDE;

/** By what is decided. */
export interface Judge {
  /** Of what is soft. */
  readonly verdicts: Verdicts;
  /** Whether the cell of a rectangle is to be painted roughly. */
  isRough(rect: Rect): boolean;
  /** Microseconds. */
  readonly now: number;
}

/** To be painted in this order: what is exact may cover some of what is not. */
export interface Plan {
  /** None touches a cell that is not rough. */
  readonly rough: readonly Rect[];
  /** Photographs. None touches a tile of text. */
  readonly fine: readonly Rect[];
  readonly exact: readonly Rect[];
}

/** `changed` has a rectangle for each cell of a square that changed. */
export function plan(screen: Pixels, changed: readonly Rect[], judge: Judge): Plan {
  const rough = cut(changed.filter((rect) => judge.isRough(rect)));
  const others = changed.filter((rect) => !judge.isRough(rect));
  const { fine, lines, mixed } = sorted(screen, others, judge);
  const photographs = cut(fine);
  return { rough, fine: photographs, exact: [...merge(lines, [...rough, ...photographs]), ...cut(mixed)] };
}

/** Photographs; text, with what is cut from beside photographs; and what is better kept apart from both. */
function sorted(screen: Pixels, changed: readonly Rect[], judge: Judge): { fine: Rect[]; lines: Rect[]; mixed: Rect[] } {
  if (changed.reduce((sum, rect) => sum + area(rect), 0) < LOSSY_AREA_MIN) return { fine: [], lines: [...changed], mixed: [] };
  const { data, width } = screen;
  const contents = changed.map((rect) => ({ rect, content: contentOf(data, width, cellAt(rect, screen)) }));
  const isLossy = areLossy(screen, contents, judge);
  const of = (...kinds: readonly Content[]): Rect[] => contents.filter(({ content }) => kinds.includes(content)).map(({ rect }) => rect);
  if (!isLossy) return { fine: [], lines: of(Content.Lines, Content.Soft), mixed: of(Content.Photograph, Content.Mixed) };
  const parts = of(Content.Mixed).flatMap((rect) => partsOf(screen, rect));
  const partsThat = (are: boolean): Rect[] => parts.filter(({ isPhotograph }) => isPhotograph === are).map(({ part }) => part);
  return {
    fine: [...of(Content.Photograph, Content.Soft), ...partsThat(true)],
    lines: [...of(Content.Lines), ...cut(partsThat(false))],
    mixed: [],
  };
}

/** What is soft belongs to the photograph beside it; alone it is decided by trial. */
function areLossy(screen: Pixels, contents: readonly { rect: Rect; content: Content }[], { verdicts, now }: Judge): boolean {
  const soft = contents.filter(({ content }) => content === Content.Soft).map(({ rect }) => rect);
  const photographs = contents.filter(({ content }) => content === Content.Photograph).length;
  if (photographs < soft.length) {
    const largest = soft.reduce((a, b) => (area(a) < area(b) ? b : a));
    return verdicts.decide(largest, screen, now);
  }
  const first = contents[0];
  if (first) verdicts.note(first.rect, true, now);
  return true;
}

/** A rectangle within a cell, cut along its tiles. */
function partsOf(screen: Pixels, rect: Rect): { part: Rect; isPhotograph: boolean }[] {
  return photographTiles(screen.data, screen.width, cellAt(rect, screen)).flatMap(({ tile, isPhotograph }) => {
    const part = intersection(tile, rect);
    return part ? [{ part, isPhotograph }] : [];
  });
}

/** Rectangles of a square, each within a cell or a tile and none touching another, as few rectangles that touch no other tile. */
export function cut(rects: readonly Rect[]): Rect[] {
  const tiles = new Map<number, Rect>();
  const place = ({ x, y }: Rect): number => (Math.floor(y / TILE_SIDE) % TILES) * TILES + (Math.floor(x / TILE_SIDE) % TILES);
  for (const rect of rects) {
    for (const part of partsByTile(rect)) {
      const other = tiles.get(place(part));
      tiles.set(place(part), other ? union(other, part) : part);
    }
  }
  const out: Rect[] = [];
  for (let first = 0; first < TILES * TILES; first++) {
    if (!tiles.has(first)) continue;
    let [columns, rows] = [1, 1];
    while (first % TILES < TILES - columns && tiles.has(first + columns)) columns++;
    const run = Array.from({ length: columns }, (_, column) => first + column);
    while (run.every((at) => tiles.has(at + rows * TILES))) rows++;
    const taken = Array.from({ length: rows }, (_, row) => run.map((at) => at + row * TILES)).flat();
    out.push(taken.map((at) => tiles.get(at) as Rect).reduce(union));
    for (const at of taken) tiles.delete(at);
  }
  return out;
}

/** What of a rectangle lies in each tile that it touches. */
function partsByTile(rect: Rect): Rect[] {
  const parts: Rect[] = [];
  for (let y = rect.y - (rect.y % TILE_SIDE); y < rect.y + rect.height; y += TILE_SIDE) {
    for (let x = rect.x - (rect.x % TILE_SIDE); x < rect.x + rect.width; x += TILE_SIDE) {
      const part = intersection({ x, y, width: TILE_SIDE, height: TILE_SIDE }, rect);
      if (part) parts.push(part);
    }
  }
  return parts;
}
