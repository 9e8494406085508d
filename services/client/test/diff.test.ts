// The changed rectangles hold every change, and no square is left.

import { expect, test } from "vitest";
import { bySquare, changedCells, merge } from "../src/present/diff";
import { screen } from "./support/screens";
import { seeded } from "./support/random";

test.each([1, 2, 3, 4])("every changed pixel is inside a rectangle, and no rectangle leaves its square, seed %i", (seed) => {
  const chance = seeded(seed);
  const [before, after] = [screen(1_300, 700), screen(1_300, 700)];
  const changed = Array.from({ length: 60 }, () => ({ x: Math.floor(1_300 * chance()), y: Math.floor(700 * chance()) }));
  for (const { x, y } of changed) after.pixels[y * 1_300 + x] = 0xff000001;
  const rects = bySquare(changedCells(after, before.pixels, after.pixels)).flatMap((rects) => merge(rects));
  for (const { x, y } of changed) {
    expect(rects.some((r) => r.x <= x && x < r.x + r.width && r.y <= y && y < r.y + r.height)).toBe(true);
  }
  for (const { x, y, width, height } of rects) {
    expect(Math.floor(x / 512)).toBe(Math.floor((x + width - 1) / 512));
    expect(Math.floor(y / 512)).toBe(Math.floor((y + height - 1) / 512));
    expect(x + width <= 1_300 && y + height <= 700).toBe(true);
  }
});

test("a typed word is one tight rectangle", () => {
  const [before, after] = [screen(800, 600), screen(800, 600)];
  for (let x = 100; x < 300; x += 3) after.pixels[207 * 800 + x] = after.pixels[219 * 800 + x] = 0xff000000;
  expect(bySquare(changedCells(after, before.pixels, after.pixels)).flatMap((rects) => merge(rects))).toEqual([{ x: 100, y: 207, width: 199, height: 13 }]);
});

test("near rectangles become one, far ones stay apart", () => {
  const [a, near, far] = [
    { x: 0, y: 0, width: 60, height: 60 },
    { x: 64, y: 0, width: 60, height: 60 },
    { x: 400, y: 400, width: 10, height: 10 },
  ];
  expect(merge([a, far, near])).toEqual([{ x: 0, y: 0, width: 124, height: 60 }, far]);
});
