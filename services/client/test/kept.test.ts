// What a presenter recalls, its readers have.

import { expect, test } from "vitest";
import { Kept } from "../src/present/kept";
import { Cache, CACHE_ENTRIES_MAX } from "../src/screen/cache";
import type { Rect } from "../src/screen/geometry";

const CELL: Rect = { x: 64, y: 128, width: 64, height: 64 };
const picture = { form: "webp", bytes: new Uint8Array(2_000) } as const;

function pixels(rect: Rect, seed: number): Uint32Array {
  return new Uint32Array(rect.width * rect.height).map((_, at) => 0xff000000 | (seed * 7_919 + at));
}

test("what left the reader's cache is not recalled", () => {
  const [kept, reader] = [new Kept(), new Cache()];
  for (let seed = 0; seed < CACHE_ENTRIES_MAX + 100; seed++) {
    const key = kept.keep(CELL, pixels(CELL, seed), picture);
    expect(key).not.toBeNull();
    expect(reader.keep(key as bigint, { width: 64, height: 64, picture })).toBe(true);
  }
  for (let seed = 0; seed < CACHE_ENTRIES_MAX + 100; seed += 9) {
    const key = kept.find(CELL, pixels(CELL, seed));
    expect(key !== null).toBe(100 <= seed);
    if (key !== null) expect(reader.get(key)).toBeDefined();
  }
});

test("pixels are remembered for so long only, and nothing is recalled that they do not prove", () => {
  const kept = new Kept();
  const large: Rect = { x: 0, y: 0, width: 512, height: 512 };
  const key = kept.keep(large, pixels(large, 0), picture);
  expect(kept.find(large, pixels(large, 0))).toBe(key);
  expect(kept.find({ ...large, x: 512 }, pixels(large, 0))).toBe(key);
  expect(kept.find({ ...large, width: 256, height: 1_024 }, pixels(large, 0))).toBeNull();
  for (let seed = 1; seed <= 64; seed++) kept.keep(large, pixels(large, seed), picture);
  expect(kept.find(large, pixels(large, 0))).toBeNull();
  expect(kept.keep(large, pixels(large, 0), picture), "readers have it still").toBeNull();
  expect(kept.find(large, pixels(large, 64))).not.toBeNull();
});

test("what is small or short is not kept, and nothing after a new start", () => {
  const kept = new Kept();
  const small: Rect = { ...CELL, width: 63 };
  expect(kept.keep(small, pixels(small, 1), picture)).toBeNull();
  expect(kept.keep(CELL, pixels(CELL, 1), { form: "graphic", bytes: new Uint8Array(1_023) })).toBeNull();
  expect(kept.keep(CELL, pixels(CELL, 1), picture)).not.toBeNull();
  kept.clear();
  expect(kept.find(CELL, pixels(CELL, 1))).toBeNull();
});
