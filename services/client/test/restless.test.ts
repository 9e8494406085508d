// What changes again and again: slides that fade in, a cell that blinks.

import { beforeAll, expect, test } from "vitest";
import { Encoder, type Frame, type World } from "../src/present/encoder";
import { REST_US } from "../src/present/coarse";
import { Restless } from "../src/present/restless";
import { Pixels } from "../src/screen/pixels";
import type { Decode } from "../src/screen/painter";
import { replay } from "./support/replay";
import { photograph, screen, scrolledPage } from "./support/screens";
import { settle } from "./support/settle";
import { nodeDecoder } from "./support/webp";
import { nodeWorld } from "./support/world";

/** Frames of a fade: a quarter of a second, when there are thirty a second. */
const FADE = 8;
const FRAME_US = 33_000;

let world: World;
let decode: Decode<Uint32Array>;

beforeAll(async () => {
  world = await nodeWorld();
  decode = await nodeDecoder();
});

function slide(seed: number): Frame {
  const frame = screen(800, 600);
  scrolledPage(frame, 0, 800, 1_000);
  photograph(frame, 60, 40, 700, 500, seed);
  return frame;
}

function mixed(from: Frame, to: Frame, step: number): Frame {
  const mix = (shift: number, a: number, b: number): number =>
    Math.floor((((a >>> shift) & 0xff) * (FADE - step) + ((b >>> shift) & 0xff) * step) / FADE) << shift;
  const pixels = from.pixels.map((a, at) => {
    const b = to.pixels[at] as number;
    return (0xff000000 | mix(0, a, b) | mix(8, a, b) | mix(16, a, b)) >>> 0;
  });
  return { ...from, pixels };
}

/** The first slide, and the second that fades in; the bytes of the fade. */
function fade(encoder: Encoder, frameUs: number, stream: Uint8Array[] = []): number {
  const [first, second] = [slide(1), slide(200)];
  stream.push(...encoder.frame(first, 0));
  const begun = stream.length;
  for (let step = 1; step <= FADE; step++) stream.push(...encoder.frame(mixed(first, second, step), step * frameUs));
  return stream.slice(begun).reduce((sum, { length }) => sum + length, 0);
}

test("a slide that fades in costs a part of what its steps would alone", () => {
  const [fading, slow] = [FRAME_US, 500_000].map((frameUs) => fade(new Encoder(world), frameUs)) as [number, number];
  expect(3 * fading).toBeLessThan(slow);
});

test("what was held back is painted as soon as it rests, and exact soon after", async () => {
  const encoder = new Encoder(world);
  const stream: Uint8Array[] = [];
  fade(encoder, FRAME_US, stream);
  const second = slide(200);
  expect(Buffer.compare(Buffer.from(encoder.sent), Buffer.from(second.pixels.buffer))).not.toBe(0);
  expect(encoder.restsAt).toBe(FADE * FRAME_US + REST_US);
  expect(settle(encoder, stream)).toBeLessThan(FADE * FRAME_US + 500_000);
  const { screen: shown, error } = await replay(stream, decode);
  expect(error).toBeNull();
  expect(Buffer.compare(Buffer.from(shown.data.buffer), Buffer.from(second.pixels.buffer))).toBe(0);
});

test("a page that is typed on and scrolled is never held back", () => {
  const encoder = new Encoder(world);
  for (let step = 0; step < 20; step++) {
    const frame = screen(800, 600);
    scrolledPage(frame, 0, 800, 1_000 + 40 * Math.floor(step / 2));
    frame.pixels.fill(0xff222222, 800 * 20 + 30, 800 * 20 + 30 + (step % 2) * 8);
    [...encoder.frame(frame, step * FRAME_US)];
    expect(encoder.restsAt).toBeNull();
  }
});

test("a restless cell is painted only so often, and once more when it rests", () => {
  const shown = new Pixels();
  shown.resize({ width: 200, height: 100 });
  const frame = screen(200, 100);
  photograph(frame, 0, 0, 200, 100, 3);
  shown.copy({ x: 0, y: 0, width: 200, height: 100 }, frame.pixels);
  const restless = new Restless(shown, world.pictures);
  const cell = { x: 64, y: 0, width: 64, height: 64 };
  const part = { ...cell, width: 32 };
  const due = (changed: (typeof cell)[], often: boolean, ms: number) => restless.due(changed, shown, () => often, 1_000 * ms);
  expect(due([cell], false, 200)).toEqual([cell]);
  expect(restless.isRough(cell)).toBe(false);
  expect(due([cell], true, 260)).toEqual([]);
  expect(due([part], true, 300)).toEqual([]);
  expect(due([part], true, 350)).toEqual([cell]);
  expect(restless.isRough(cell)).toBe(true);
  expect(due([cell], true, 380)).toEqual([]);
  expect(restless.dueAt).toBe(380_000 + REST_US);
  expect(due([], true, 459)).toEqual([]);
  expect(due([], true, 460)).toEqual([cell]);
  expect([restless.isRough(cell), restless.dueAt]).toEqual([false, null]);
});
