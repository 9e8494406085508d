// A presenter keeps no more on its way than its line carries, lets frames go meanwhile, and sends the newest when there is room.

import { beforeAll, expect, test } from "vitest";
import { Encoder, type World } from "../src/present/encoder";
import { Sender } from "../src/present/sender";
import { IN_FLIGHT_BYTES_MAX } from "../src/protocol";
import type { Decode } from "../src/screen/painter";
import { Line } from "./support/line";
import { seeded } from "./support/random";
import { replay } from "./support/replay";
import { block, inks, photograph, screen } from "./support/screens";
import { nodeDecoder } from "./support/webp";
import { nodeWorld } from "./support/world";

let world: World;
let decode: Decode<Uint32Array>;

beforeAll(async () => {
  world = await nodeWorld();
  decode = await nodeDecoder();
});

test("a screen of noise goes out within the window, piece by piece", async () => {
  const sender = new Sender(new Encoder(world));
  const noise = noiseScreen(1);
  const stream: Uint8Array[] = [];
  let [sent, taken, stalls, now] = [0, 0, 0, 0];
  expect(sender.wantsFrame(now)).toBe(true);
  sender.frame(noise, 1);
  for (;;) {
    for (let message = sender.next(now); message; message = sender.next(now)) {
      stream.push(message);
      sent += message.length;
      expect(sent - taken).toBeLessThanOrEqual(IN_FLIGHT_BYTES_MAX);
    }
    if (sender.wantsFrame(now)) {
      if (sender.restsAt === null) break;
      sender.rest(1_000 * now);
      continue;
    }
    stalls++;
    taken += Math.floor((sent - taken) / 2) + 1;
    sender.taken(taken, ++now);
  }
  expect(sent).toBeGreaterThan(3 * IN_FLIGHT_BYTES_MAX);
  expect(stalls).toBeGreaterThan(2);
  const { screen: shown, error } = await replay(stream, decode);
  expect(error).toBeNull();
  expect(Buffer.compare(Buffer.from(shown.data.buffer), Buffer.from(noise.pixels.buffer))).toBe(0);
});

test("a new grant in the middle of an update begins anew", async () => {
  const sender = new Sender(new Encoder(world));
  sender.frame(noiseScreen(2), 1);
  expect([sender.wantsFrame(0), sender.next(0) !== null]).toEqual([false, true]);
  sender.restart();
  expect(sender.wantsFrame(0)).toBe(true);
  expect(sender.next(0)).toBeNull();
  const frame = screen(100, 100, 0x00ff00);
  sender.frame(frame, 2);
  const message = sender.next(0);
  const { screen: shown, error } = await replay(message ? [message] : [], decode);
  expect(error).toBeNull();
  expect(shown.data).toEqual(frame.pixels);
});

test("a frame without a change sends nothing and the next is wanted at once", () => {
  const sender = new Sender(new Encoder(world));
  sender.frame(screen(50, 50), 1);
  expect(sender.next(0)).not.toBeNull();
  sender.frame(screen(50, 50), 2);
  expect(sender.next(0)).toBeNull();
  expect(sender.wantsFrame(0)).toBe(true);
});

test("what is sharpened waits until the line is idle, and then until it has rested", () => {
  const sender = new Sender(new Encoder(world));
  const frame = screen(640, 480);
  photograph(frame, 0, 0, 640, 480, 1);
  sender.frame(frame, 0);
  let sent = 0;
  const send = (now: number): void => {
    for (let message = sender.next(now); message; message = sender.next(now)) sent += message.length;
  };
  send(0);
  while (sender.wantsFrame(0) && sender.restsAt !== null) {
    expect(sender.refinesAt).toBeNull();
    sender.rest(0);
    send(0);
  }
  expect(sender.mayRefine(100)).toBe(false);
  for (let now = 10; sender.restsAt !== null || sender.refinesAt === null; now++) {
    sender.taken(sent, now);
    if (sender.wantsFrame(now)) sender.rest(0);
    send(now);
  }
  expect(sender.refinesAt).toBe(80_000);
  sender.taken(sent, 100);
  expect(sender.mayRefine(100)).toBe(true);
  sender.refine(79_000);
  expect(sender.next(100)).toBeNull();
  sender.refine(100_000);
  expect(sender.next(100)).not.toBeNull();
});

/** An animation, too small to be held back, on a slow uplink with a deep buffer: frames are left out, and what is sent never waits long in front of the line. */
test("a slow uplink has hardly a standing queue", () => {
  const sender = new Sender(new Encoder(world));
  const line = new Line(400, 15);
  const frame = screen(640, 480);
  const chance = seeded(3);
  let [longest, frames] = [0, 0];
  for (let now = 0; now < 8_000; now++) {
    for (const bytes of line.arrived(now)) sender.taken(bytes, now);
    for (;;) {
      const message = sender.next(now);
      if (message) line.send(message.length, now);
      else if (sender.wantsFrame(now) && frames <= now / 20) {
        frames = Math.floor(now / 20) + 1;
        block(frame, 64, 64, 22, 22, () => Math.floor(0x1000000 * chance()));
        sender.frame(frame, 1_000 * now);
      } else break;
    }
    if (3_000 < now) longest = Math.max(longest, line.queueMs(now));
  }
  // Two blocks take 80 ms, and the smallest window 120.
  expect(longest).toBeLessThan(200);
  expect(line.sentBytes).toBeGreaterThan(0.8 * 8_000 * 50);
});

function noiseScreen(seed: number) {
  const frame = screen(3_072, 1_536);
  block(frame, 0, 0, 3_072, 1_536, inks(seeded(seed)));
  return frame;
}
