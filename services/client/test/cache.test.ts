// The same numbers as in plugins/screen/core/src/cache.rs: both ends let go of the same entries.

import { expect, test } from "vitest";
import { CACHE_BYTES_MAX, CACHE_ENTRIES_MAX, Cache } from "../src/screen/cache";

function picture(bytes: number) {
  return { width: 1, height: 1, picture: { form: "webp" as const, bytes: new Uint8Array(bytes) } };
}

test("the oldest leave first", () => {
  const cache = new Cache();
  for (let key = 0; key <= CACHE_ENTRIES_MAX; key++) expect(cache.keep(BigInt(key), picture(10))).toBe(true);
  expect(cache.get(0n)).toBeUndefined();
  expect(cache.get(1n)).toBeDefined();
  expect(cache.held.entries).toBe(CACHE_ENTRIES_MAX);
  expect(cache.keep(1n, picture(10))).toBe(false);

  expect(cache.keep(5000n, picture(CACHE_BYTES_MAX - 20))).toBe(true);
  expect(cache.held).toEqual({ entries: 3, bytes: CACHE_BYTES_MAX });
  expect(cache.keep(5001n, picture(1))).toBe(true);
  expect(cache.held).toEqual({ entries: 3, bytes: CACHE_BYTES_MAX - 9 });
  cache.clear();
  expect(cache.held).toEqual({ entries: 0, bytes: 0 });
});
