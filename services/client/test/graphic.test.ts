// Graphics beyond the vectors: what is written is read back, and what is cut is refused.

import { describe, expect, test } from "vitest";
import { decodeGraphic, encodeGraphic } from "../src/screen/graphic";
import { BLACK } from "../src/screen/pixels";
import { seeded } from "./support/random";
import { block, screen, scrolledPage } from "./support/screens";

function page(width: number, height: number): Uint32Array {
  const frame = screen(width, height, 0xf6f5f4);
  scrolledPage(frame, 5, width - 3, 7);
  return frame.pixels;
}

/** As `toEqual`, in much less time. */
function expectSame(got: Uint32Array | null, wanted: Uint32Array): void {
  expect(got && Buffer.compare(Buffer.from(got.buffer), Buffer.from(wanted.buffer))).toBe(0);
}

describe("a graphic comes back as it was", () => {
  test.each([1, 2, 3, 4, 5, 6, 7, 8])("when it is of any colours, seed %i", (seed) => {
    const chance = seeded(seed);
    const upTo = (most: number): number => Math.floor(most * chance());
    const frame = screen(1 + upTo(90), 1 + upTo(70), upTo(0x1000000));
    const palette = Array.from({ length: 1 + upTo(40) }, () => upTo(0x1000000));
    for (let count = upTo(30); 0 <= count; count--) {
      const plain = palette[upTo(palette.length)] as number;
      const pixel = chance() < 0.7 ? () => plain : () => palette[upTo(palette.length)] as number;
      block(frame, upTo(frame.width), upTo(frame.height), 1 + upTo(30), 1 + upTo(20), pixel);
    }
    const graphic = encodeGraphic(frame.pixels, frame, Number.POSITIVE_INFINITY) as Uint8Array;
    expectSame(decodeGraphic(graphic, frame), frame.pixels);
  });

  test.each([1, 2, 3])("when it is noise, seed %i", (seed) => {
    const chance = seeded(seed);
    const size = { width: 64, height: 48 };
    const pixels = Uint32Array.from({ length: 64 * 48 }, () => (BLACK | (0x1000000 * chance())) >>> 0);
    const graphic = encodeGraphic(pixels, size, Number.POSITIVE_INFINITY) as Uint8Array;
    expectSame(decodeGraphic(graphic, size), pixels);
  });

  test("when it is as large as a picture may be", () => {
    const size = { width: 512, height: 512 };
    const pixels = page(size.width, size.height);
    const graphic = encodeGraphic(pixels, size, Number.POSITIVE_INFINITY) as Uint8Array;
    expectSame(decodeGraphic(graphic, size), pixels);
    expect(encodeGraphic(pixels, size, graphic.length)?.length).toBe(graphic.length);
    expect(encodeGraphic(pixels, size, graphic.length - 1)).toBeNull();
  });
});

test("bytes of no sense paint or are refused, and a graphic that is cut short is refused for the most part", () => {
  const size = { width: 60, height: 40 };
  const graphic = encodeGraphic(page(60, 40), size, Number.POSITIVE_INFINITY) as Uint8Array;
  const refused = Array.from(graphic.keys()).filter((length) => !decodeGraphic(graphic.subarray(0, length), size));
  expect(refused.length).toBeGreaterThan(graphic.length / 2);
  const longer = new Uint8Array(graphic.length + 5);
  longer.set(graphic);
  expect(decodeGraphic(longer, size)).toBeNull();
  const chance = seeded(5);
  for (let round = 0; round < 200; round++) {
    const bytes = Uint8Array.from({ length: Math.floor(60 * chance()) }, () => 256 * chance());
    const pixels = decodeGraphic(bytes, size);
    expect(pixels === null || pixels.length === 2_400).toBe(true);
  }
});
