// Whatever is presented, a reader shows exactly that.

import { beforeAll, describe, expect, test } from "vitest";
import { Encoder, type Frame, type World } from "../src/present/encoder";
import type { Rect } from "../src/screen/geometry";
import type { Decode } from "../src/screen/painter";
import { Kind } from "../src/screen/record";
import { seeded } from "./support/random";
import { replay } from "./support/replay";
import { block, copyOf, photograph, screen, scrolledPage } from "./support/screens";
import { nodeDecoder } from "./support/webp";
import { nodeWorld } from "./support/world";

let world: World;
let decode: Decode<Uint32Array>;

beforeAll(async () => {
  world = await nodeWorld();
  decode = await nodeDecoder();
});

describe("a reader shows what was presented", () => {
  test.each([1, 2, 3, 4, 5, 6])("after random changes, seed %i", async (seed) => {
    const chance = seeded(seed);
    const upTo = (most: number): number => Math.floor(most * chance());
    const [width, height] = [1 + upTo(900), 1 + upTo(700)];
    const frames = [screen(width, height, upTo(0x1000000))];
    for (let round = 0; round < 8; round++) {
      const next = copyOf(frames.at(-1) as Frame);
      const plain = upTo(0x1000000);
      for (let count = upTo(6); 0 <= count; count--) {
        const pixel = chance() < 0.5 ? () => plain : () => upTo(0x1000000);
        block(next, upTo(width), upTo(height), 1 + upTo(width), 1 + upTo(120), pixel);
      }
      frames.push(next);
    }
    await expectShown(frames);
  });

  test("after it became another size", async () => {
    await expectShown([screen(300, 200, 0x123456), screen(200, 300, 0x654321), screen(64, 64)]);
  });

  test.each([3, 17, 100, -3, -40, -250])("after a page beside a pinned head and a bar scrolled by %i rows", async (distance) => {
    const at = (top: number): Frame => {
      const frame = screen(700, 600, 0xeeeeee);
      scrolledPage(frame, 30, 660, 1_000 + top);
      block(frame, 0, 0, 700, 50, () => 0x334455);
      block(frame, 680, 100 + Math.round(top / 10), 15, 60, () => 0x999999);
      return frame;
    };
    const kinds = await expectShown([at(0), at(distance), at(2 * distance), at(0)]);
    expect(kinds.slice(1).every((records) => records.includes(Kind.Move))).toBe(true);
  });
});

test("a scrolled page costs a small part of a new one", () => {
  const encoder = new Encoder(world);
  const [first, second] = [0, 40].map((top) => {
    const frame = screen(1_280, 720);
    scrolledPage(frame, 100, 1_180, top);
    return bytesOf(encoder, frame);
  });
  expect(10 * (second as number)).toBeLessThan(first as number);
});

test("nothing is sent when nothing changed", () => {
  const encoder = new Encoder(world);
  const frame = screen(200, 100, 0xabcdef);
  expect([...encoder.frame(frame, 1)].map(([kind]) => kind)).toEqual([Kind.Start, Kind.Size, Kind.Fill, Kind.Update]);
  expect([...encoder.frame(copyOf(frame), 2)]).toEqual([]);
});

test("a black screen is a size alone, as every screen begins black", () => {
  const records = [...new Encoder(world).frame(screen(200, 100, 0), 1)];
  expect(records.map(([kind]) => kind)).toEqual([Kind.Start, Kind.Size, Kind.Update]);
});

test("after a restart the stream begins anew with the whole screen", async () => {
  const encoder = new Encoder(world);
  const frame = screen(300, 200);
  scrolledPage(frame, 0, 300, 5);
  [...encoder.frame(frame, 1)];
  encoder.restart();
  const { screen: shown } = await replay(encoder.frame(frame, 2), decode);
  expect(shown.data).toEqual(frame.pixels);
});

describe("a photograph", () => {
  const picture = { x: 0, y: 0, width: 384, height: 448 };
  const text = { x: 400, y: 0, width: 400, height: 600 };
  const page = (seed: number): Frame => {
    const frame = screen(800, 600);
    scrolledPage(frame, 400, 800, 7);
    photograph(frame, picture.x, picture.y, picture.width, picture.height, seed);
    return frame;
  };

  test("is about right at once in a small part of the bytes, beside text that is exact, and exact when it rests", async () => {
    const encoder = new Encoder(world);
    const frame = page(1);
    const stream = [...encoder.frame(frame, 0)];
    const bytes = stream.reduce((sum, { length }) => sum + length, 0);
    const { screen: first } = await replay(stream, decode);
    expect(wrong(first.data, frame, text)).toBe(0);
    expect(wrong(first.data, frame, picture)).toBeGreaterThan(10_000);
    expect(encoder.refinesAt).toBe(80_000);
    expect([...encoder.refine(79_999)]).toEqual([]);
    const sharpening = rest(encoder);
    expect(4 * bytes).toBeLessThan(sharpening.reduce((sum, { length }) => sum + length, 0));
    const { screen: sharp } = await replay([...stream, ...sharpening], decode);
    expect(wrong(sharp.data, frame, { x: 0, y: 0, width: 800, height: 600 })).toBe(0);
  });

  test("that changes is not sharpened meanwhile", async () => {
    const encoder = new Encoder(world);
    [...encoder.frame(page(1), 0)];
    [...encoder.frame(page(2), 70_000)];
    expect(encoder.refinesAt).toBe(150_000);
    expect([...encoder.refine(149_000)]).toEqual([]);
  });

  test.each([40, -64, 100])("that was scrolled by %i rows before it was exact is exact in the end", async (distance) => {
    const encoder = new Encoder(world);
    const at = (top: number): Frame => {
      const frame = screen(800, 600);
      scrolledPage(frame, 400, 800, 1_000 + top);
      photograph(frame, 64, 150 - top, 256, 256, 3);
      return frame;
    };
    const stream = [...encoder.frame(at(0), 0)];
    const scrolled = [...encoder.frame(at(distance), 50_000)];
    expect(scrolled.map(([kind]) => kind)).toContain(Kind.Move);
    stream.push(...scrolled, ...rest(encoder));
    const { screen: shown, error } = await replay(stream, decode);
    expect(error).toBeNull();
    expect(wrong(shown.data, at(distance), { x: 0, y: 0, width: 800, height: 600 })).toBe(0);
  });
});

describe("what was shown before", () => {
  const slide = (seed: number): Frame => {
    const frame = screen(1_024, 768);
    scrolledPage(frame, 520, 1_000, 1_000 * seed);
    photograph(frame, 0, 128, 512, 512, seed);
    return frame;
  };

  test("is recalled when it comes back, and exact at once", async () => {
    const encoder = new Encoder(world);
    const stream: Uint8Array[] = [];
    const sizes: number[] = [];
    for (const [index, seed] of [1, 2, 1, 2].entries()) {
      const begun = stream.length;
      stream.push(...encoder.frame(slide(seed), 5_000_000 * index));
      sizes.push(stream.slice(begun).reduce((sum, { length }) => sum + length, 0));
      if (1 < index) {
        expect(stream.slice(begun).map(([kind]) => kind)).toContain(Kind.Recall);
        const { screen: shown, error } = await replay(stream, decode);
        expect(error).toBeNull();
        expect(wrong(shown.data, slide(seed), { x: 0, y: 0, width: 1_024, height: 768 })).toBe(0);
      }
      stream.push(...rest(encoder));
    }
    expect(20 * (sizes[2] as number)).toBeLessThan(sizes[0] as number);
  });
});

/** Presents the frames one after another; gives the kinds of the records of each. */
async function expectShown(frames: readonly Frame[]): Promise<number[][]> {
  const encoder = new Encoder(world);
  const stream: Uint8Array[] = [];
  const kinds: number[][] = [];
  for (const [index, frame] of frames.entries()) {
    const records = [...encoder.frame(frame, 1_000_000 * index)];
    kinds.push(records.map(([kind]) => kind as number));
    stream.push(...records);
    const { screen: shown, error } = await replay(stream, decode);
    expect(error).toBeNull();
    expect([shown.width, shown.height]).toEqual([frame.width, frame.height]);
    stream.push(...rest(encoder));
    const { screen: sharp } = await replay(stream, decode);
    expect(Buffer.compare(Buffer.from(sharp.data.buffer), Buffer.from(frame.pixels.buffer))).toBe(0);
    expect(Buffer.compare(Buffer.from(encoder.sent), Buffer.from(frame.pixels.buffer))).toBe(0);
  }
  return kinds;
}

/** Everything that is still to be sharpened, at the times at which it is due. */
function rest(encoder: Encoder): Uint8Array[] {
  const records: Uint8Array[] = [];
  for (let due = encoder.refinesAt; due !== null; due = encoder.refinesAt) {
    const step = [...encoder.refine(due)];
    expect(step.length).toBeGreaterThan(1);
    records.push(...step);
  }
  return records;
}

/** Pixels that are shown otherwise than they are, within a rectangle. */
function wrong(shown: Uint32Array, frame: Frame, rect: Rect): number {
  let count = 0;
  for (let y = rect.y; y < rect.y + rect.height; y++) {
    for (let x = rect.x; x < rect.x + rect.width; x++) {
      if (shown[y * frame.width + x] !== frame.pixels[y * frame.width + x]) count++;
    }
  }
  return count;
}

function bytesOf(encoder: Encoder, frame: Frame): number {
  return [...encoder.frame(frame, 0)].reduce((sum, record) => sum + record.length, 0);
}
