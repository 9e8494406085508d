// What only moved is found, and every move is true.

import { describe, expect, test } from "vitest";
import { changedCells } from "../src/present/diff";
import type { Frame } from "../src/present/encoder";
import { type Move, movesOf } from "../src/present/moves";
import { isInside, type Rect } from "../src/screen/geometry";
import { BLACK, Pixels } from "../src/screen/pixels";
import { seeded } from "./support/random";
import { block, copyOf, inks, screen, scrolledPage } from "./support/screens";

interface Found {
  readonly moves: readonly Move[];
  /** How many pixels differed, and how many still do. */
  readonly before: number;
  readonly after: number;
}

/** Finds what moved from one frame to the next, and sees whether each move is true. */
function find(from: Frame, to: Frame, film: Rect | null = null): Found {
  const sent = new Pixels();
  sent.resize(from);
  sent.data.set(from.pixels);
  const differing = (): number => sent.data.reduce((count, pixel, at) => (pixel === to.pixels[at] ? count : count + 1), 0);
  const before = differing();
  const moves: Move[] = [];
  for (const move of movesOf(sent, to.pixels, changedCells(sent, sent.data, to.pixels), film)) {
    const { rect, from: source } = move;
    expect(isInside(rect, sent) && isInside({ ...rect, ...source }, sent)).toBe(true);
    sent.move(rect, source.x, source.y);
    const wanted = cut(to, rect);
    expect(sent.cut(rect).every((pixel, at) => pixel === wanted[at])).toBe(true);
    moves.push(move);
  }
  return { moves, before, after: differing() };
}

function cut({ width, height, pixels }: Frame, rect: Rect): Uint32Array {
  const all = new Pixels();
  all.resize({ width, height });
  all.data.set(pixels);
  return all.cut(rect);
}

/** A picture of many colours at a place. */
function picture(frame: Frame, x: number, y: number, width: number, height: number, seed: number): Frame {
  block(frame, x, y, width, height, inks(seeded(seed)));
  return frame;
}

/** Text that goes by sideways: the page, lying on its side. */
function sideways(frame: Frame, left: number): void {
  const page = screen(frame.height, frame.width);
  scrolledPage(page, 0, page.width, left);
  for (let y = 0; y < frame.height; y++) {
    for (let x = 0; x < frame.width; x++) frame.pixels[y * frame.width + x] = (page.pixels[x * page.width + y] as number) | BLACK;
  }
}

describe("pages that scroll", () => {
  test.each([1, 40, -3, -250])("by %i rows beside a pinned head and a bar", (distance) => {
    const at = (top: number): Frame => {
      const frame = screen(900, 700, 0xeeeeee);
      scrolledPage(frame, 130, 860, 1_000 + top);
      block(frame, 0, 0, 900, 50, () => 0x334455);
      return frame;
    };
    const { moves, before, after } = find(at(0), at(distance));
    expect(moves.length).toBeLessThanOrEqual(3);
    // What comes in at the edge is new, and what is between 50 and the strip's next line.
    expect(after).toBeLessThan(0.2 * before + 900 * Math.abs(distance));
  });

  test("two beside each other, by different distances", () => {
    const at = (left: number, right: number): Frame => {
      const frame = screen(1_280, 720);
      scrolledPage(frame, 0, 600, 1_000 + left);
      scrolledPage(frame, 680, 1_280, 5_000 + right);
      return frame;
    };
    const { moves, before, after } = find(at(0, 0), at(48, -31));
    expect(new Set(moves.map(({ rect, from }) => from.y - rect.y))).toEqual(new Set([48, -31]));
    expect(after).toBeLessThan(0.15 * before);
  });

  test.each([5, 64, -90])("sideways by %i columns", (distance) => {
    const at = (left: number): Frame => {
      const frame = screen(800, 500);
      sideways(frame, 2_000 + left);
      return frame;
    };
    const { moves, before, after } = find(at(0), at(distance));
    expect(moves.map(({ rect, from }) => [from.x - rect.x, from.y - rect.y])).toContainEqual([distance, 0]);
    expect(after).toBeLessThan(0.2 * before + 500 * Math.abs(distance));
  });
});

test.each([
  [37, 21],
  [-64, 5],
  [3, -90],
])("a window that was dragged by %i and %i over a picture", (dx, dy) => {
  const behind = picture(screen(1_280, 720), 0, 0, 1_280, 720, 1);
  const first = picture(copyOf(behind), 400, 250, 420, 260, 2);
  const then = picture(copyOf(behind), 400 + dx, 250 + dy, 420, 260, 2);
  const { moves } = find(first, then);
  expect(moves).toHaveLength(1);
  expect(moves[0]).toEqual({ rect: { x: 400 + dx, y: 250 + dy, width: 420, height: 260 }, from: { x: 400, y: 250 } });
});

test("nothing is moved into a film or out of it", () => {
  const at = (top: number): Frame => {
    const frame = screen(1_280, 720);
    scrolledPage(frame, 0, 600, 1_000 + top);
    scrolledPage(frame, 680, 1_280, 5_000 + top);
    // A bar between them that rests.
    return picture(frame, 600, 0, 80, 720, 3);
  };
  const isLeft = ({ rect }: Move): boolean => rect.x + rect.width <= 640;
  expect(find(at(0), at(40)).moves.every(isLeft)).toBe(false);
  const { moves } = find(at(0), at(40), { x: 800, y: 200, width: 320, height: 240 });
  expect(moves.length).toBeGreaterThan(0);
  expect(moves.every(isLeft)).toBe(true);
});

test("another page, noise, and one colour instead of another have not moved", () => {
  const page = (seed: number): Frame => picture(screen(640, 480), 0, 0, 640, 480, seed);
  expect(find(page(1), page(2)).moves).toEqual([]);
  expect(find(screen(640, 480, 0xff0000), screen(640, 480, 0x00ff00)).moves).toEqual([]);
});

test("little is not searched", () => {
  const frame = screen(640, 480);
  const next = copyOf(frame);
  block(next, 10, 10, 127, 127, inks(seeded(1)));
  const { moves, before } = find(frame, next);
  expect(before).toBeLessThan(128 * 128);
  expect(moves).toEqual([]);
});
