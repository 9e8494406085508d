// A presenter keeps a mebibyte at most on its way, lets frames go meanwhile, and sends the newest when there is room.

import { beforeAll, expect, test } from "vitest";
import { Encoder, type EncodeLossless } from "../src/present/encoder";
import { Flow } from "../src/present/flow";
import { Sender } from "../src/present/sender";
import { IN_FLIGHT_BYTES_MAX } from "../src/protocol";
import type { Decode } from "../src/screen/painter";
import { seeded } from "./support/random";
import { replay } from "./support/replay";
import { block, screen } from "./support/screens";
import { nodeDecoder, nodeEncoder } from "./support/webp";

let encode: EncodeLossless;
let decode: Decode<Uint32Array>;

beforeAll(async () => {
  encode = await nodeEncoder();
  decode = await nodeDecoder();
});

test("the window is full at its limit, not before", () => {
  const flow = new Flow();
  flow.sent(IN_FLIGHT_BYTES_MAX - 10);
  expect(flow.fits(10)).toBe(true);
  expect(flow.fits(11)).toBe(false);
  flow.taken(1);
  expect(flow.fits(11)).toBe(true);
});

test("what is larger than the window goes alone", () => {
  const flow = new Flow();
  expect(flow.fits(2 * IN_FLIGHT_BYTES_MAX)).toBe(true);
  flow.sent(1);
  expect(flow.fits(2 * IN_FLIGHT_BYTES_MAX)).toBe(false);
});

test("a count that went back, or beyond what was sent, is not believed", () => {
  const flow = new Flow();
  flow.sent(100);
  flow.taken(60);
  flow.taken(40);
  expect(flow.inFlight).toBe(40);
  flow.taken(1_000);
  expect(flow.inFlight).toBe(0);
});

test("a screen of noise goes out within the window, and wants no other frame before it is all on its way", async () => {
  const sender = new Sender(new Encoder(encode));
  const noise = noiseScreen(1);
  const stream: Uint8Array[] = [];
  let [sent, taken, stalls] = [0, 0, 0];
  expect(sender.wantsFrame).toBe(true);
  sender.frame(noise, 1);
  while (!sender.wantsFrame) {
    for (let message = sender.next(); message; message = sender.next()) {
      stream.push(message);
      sent += message.length;
      expect(sent - taken).toBeLessThanOrEqual(IN_FLIGHT_BYTES_MAX);
    }
    if (sender.wantsFrame) break;
    stalls++;
    taken += Math.floor((sent - taken) / 2) + 1;
    sender.taken(taken);
  }
  expect(sent).toBeGreaterThan(3 * IN_FLIGHT_BYTES_MAX);
  expect(stalls).toBeGreaterThan(2);
  const { screen: shown, error } = await replay(stream, decode);
  expect(error).toBeNull();
  expect(Buffer.compare(Buffer.from(shown.data.buffer), Buffer.from(noise.pixels.buffer))).toBe(0);
});

test("a new grant in the middle of an update begins anew", async () => {
  const sender = new Sender(new Encoder(encode));
  sender.frame(noiseScreen(2), 1);
  while (sender.next());
  expect(sender.wantsFrame).toBe(false);
  sender.restart();
  expect(sender.wantsFrame).toBe(true);
  expect(sender.next()).toBeNull();
  const frame = screen(100, 100, 0x00ff00);
  sender.frame(frame, 2);
  const message = sender.next();
  const { screen: shown, error } = await replay(message ? [message] : [], decode);
  expect(error).toBeNull();
  expect(shown.data).toEqual(frame.pixels);
});

test("a frame without a change sends nothing and the next is wanted at once", () => {
  const sender = new Sender(new Encoder(encode));
  sender.frame(screen(50, 50), 1);
  expect(sender.next()).not.toBeNull();
  sender.frame(screen(50, 50), 2);
  expect(sender.next()).toBeNull();
  expect(sender.wantsFrame).toBe(true);
});

function noiseScreen(seed: number) {
  const frame = screen(1_536, 1_024);
  const chance = seeded(seed);
  block(frame, 0, 0, 1_536, 1_024, () => Math.floor(0x1000000 * chance()));
  return frame;
}
