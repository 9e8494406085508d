// What is a photograph and what is text, where both meet, and for how long a verdict holds.

import { beforeAll, expect, test } from "vitest";
import { Encoder, type Frame, type World } from "../src/present/encoder";
import { cut, type Judge, plan } from "../src/present/plan";
import { Verdicts } from "../src/present/verdicts";
import { area, intersection, type Rect } from "../src/screen/geometry";
import { Pixels } from "../src/screen/pixels";
import { merge } from "../src/present/diff";
import { replay } from "./support/replay";
import { settle } from "./support/settle";
import { seeded } from "./support/random";
import { block, photograph, screen } from "./support/screens";
import { nodeDecoder } from "./support/webp";
import { nodeWorld } from "./support/world";

const CELL: Rect = { x: 64, y: 64, width: 64, height: 64 };
/** The upper half of the cell. */
const TEXT: Rect = { ...CELL, height: 32 };

let world: World;

beforeAll(async () => {
  world = await nodeWorld();
});

function shown({ width, height, pixels }: Frame): Pixels {
  const shown = new Pixels();
  shown.resize({ width, height });
  shown.data.set(pixels);
  return shown;
}

/** A cell of text above a photograph. */
function mixed(): Frame {
  const frame = screen(256, 256);
  photograph(frame, 0, 96, 256, 160, 3);
  const chance = seeded(4);
  block(frame, TEXT.x, TEXT.y, TEXT.width, TEXT.height, () => (chance() < 0.4 ? 0x222222 : 0xffffff));
  return frame;
}

function judge(): Judge {
  return { verdicts: new Verdicts(world.pictures, 2.5), isRough: () => false, now: 0 };
}

test("where text and a photograph meet in a cell, it is cut between them", () => {
  const { fine, exact } = plan(shown(mixed()), [CELL], judge());
  expect(fine).toEqual([{ ...CELL, y: 96, height: 32 }]);
  expect(exact).toEqual([TEXT]);
});

test("text beside a photograph is exact at once, and all of it soon after", async () => {
  const encoder = new Encoder(world);
  const frame = mixed();
  const stream = [...encoder.frame(frame, 0)];
  const decode = await nodeDecoder();
  const rows = (pixels: Pixels | Frame, { x, y, width, height }: Rect): Uint32Array[] =>
    Array.from({ length: height }, (_, row) => {
      const at = (y + row) * 256 + x;
      return ("data" in pixels ? pixels.data : pixels.pixels).slice(at, at + width);
    });
  const first = await replay(stream, decode);
  expect(rows(first.screen, TEXT)).toEqual(rows(frame, TEXT));
  expect(first.screen.data).not.toEqual(frame.pixels);
  settle(encoder, stream);
  const last = await replay(stream, decode);
  expect([last.error, last.screen.data]).toEqual([null, frame.pixels]);
});

test("a shade is decided by trial, and the other way later only where that is clearer", () => {
  let [lossy, lossless] = [100, 300];
  const pictures = { lossy: () => new Uint8Array(lossy), lossless: () => new Uint8Array(lossless) };
  const verdicts = new Verdicts(pictures, 2.5);
  const pixels = shown(screen(256, 256));
  const decide = (now: number): boolean => verdicts.decide(CELL, pixels, now);
  expect(decide(0)).toBe(true);
  lossless = 120;
  expect(decide(900_000)).toBe(true);
  expect(decide(1_000_000)).toBe(false);
  lossless = 300;
  expect(decide(2_000_000)).toBe(false);
  [lossy, lossless] = [100, 401];
  expect(decide(3_000_000)).toBe(true);
  lossless = 200;
  expect(decide(4_000_000)).toBe(true);
});

test("what is cut covers all, and nothing twice", () => {
  const rects = [0, 1, 2].flatMap((row) => [0, 1, 3].map((column) => ({ x: 64 * column, y: 64 * row, width: 64, height: 64 })));
  const ragged = [...rects, { x: 325, y: 3, width: 40, height: 9 }];
  const out = cut(ragged);
  expect(out.length).toBe(3);
  expect(out.reduce((sum, rect) => sum + area(rect), 0)).toBe(ragged.reduce((sum, rect) => sum + area(rect), 0));
  for (const rect of ragged) expect(out.filter((one) => intersection(one, rect)).length).toBe(1);
});

test("a photograph between keeps two pieces of text apart", () => {
  const text = [CELL, { ...CELL, x: 192 }].map((rect) => ({ ...rect, height: 20 }));
  expect(merge(text).length).toBe(1);
  expect(merge(text, [{ ...CELL, x: 128 }]).length).toBe(2);
});
