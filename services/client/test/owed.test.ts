// A presenter whose line carries less than its screen changes: what is newest goes first, nothing waits for ever, nothing old is sent.

import { beforeAll, expect, test } from "vitest";
import { Encoder, type Frame, type World } from "../src/present/encoder";
import { Sender } from "../src/present/sender";
import type { Rect } from "../src/screen/geometry";
import { type Decode, Painter } from "../src/screen/painter";
import { Pixels } from "../src/screen/pixels";
import { Line } from "./support/line";
import { seeded } from "./support/random";
import { block, photograph, screen, scrolledPage } from "./support/screens";
import { nodeDecoder } from "./support/webp";
import { nodeWorld } from "./support/world";

const FRAME_US = 33_000;
const [WIDTH, HEIGHT] = [1_280, 720];
const PAGE: Rect = { x: 0, y: 0, width: WIDTH, height: 340 };

let world: World;
let decode: Decode<Uint32Array>;

beforeAll(async () => {
  world = await nodeWorld();
  decode = await nodeDecoder();
});

/** A presenter, and who takes in what it sends. */
class Talk {
  readonly frame: Frame;
  readonly encoder = new Encoder(world);
  readonly #shown = new Pixels();
  readonly #painter: Painter<Uint32Array>;
  #now = 0;

  constructor(frame = page()) {
    this.frame = frame;
    this.#painter = new Painter(this.#shown, decode, () => {}, (error) => expect(error).toBeNull());
    this.show();
  }

  /** The bytes of the next frame's update. */
  show(): number {
    this.#now += FRAME_US;
    return this.#take(this.encoder.frame({ ...this.frame, pixels: this.frame.pixels.slice() }, this.#now));
  }

  /** And of one between two frames. */
  more(): number {
    return this.#take(this.encoder.rest(this.#now));
  }

  /** Whether what was sent shows a rectangle as it is. */
  async shows({ x, y, width, height }: Rect): Promise<boolean> {
    await this.#painter.idle();
    for (let row = y; row < y + height; row++) {
      const [from, to] = [row * this.frame.width + x, row * this.frame.width + x + width];
      if (Buffer.compare(Buffer.from(this.#shown.data.slice(from, to).buffer), Buffer.from(this.frame.pixels.slice(from, to).buffer))) return false;
    }
    return true;
  }

  async rest(): Promise<void> {
    for (let turns = 0; this.encoder.restsAt !== null || this.encoder.refinesAt !== null; turns++) {
      expect(turns).toBeLessThan(2_000);
      this.#now = Math.max(this.#now, this.encoder.restsAt ?? this.encoder.refinesAt ?? 0);
      this.#take(this.encoder.restsAt === null ? this.encoder.refine(this.#now) : this.encoder.rest(this.#now));
    }
  }

  #take(records: Iterable<Uint8Array>): number {
    let bytes = 0;
    for (const record of records) {
      this.#painter.push(record);
      bytes += record.length;
    }
    return bytes;
  }
}

function page(): Frame {
  const frame = screen(WIDTH, HEIGHT);
  scrolledPage(frame, 0, WIDTH, 0);
  return frame;
}

function write(frame: Frame, seed: number, { x, y, width, height } = PAGE): void {
  const chance = seeded(seed + 1);
  block(frame, x, y, width, height, () => Math.floor(3 * chance()) * 0x535353);
}

function letterAt(letter: number): Rect {
  return { x: 500 + 10 * letter, y: 378, width: 9, height: 14 };
}

test("an update has about as much as there is room for, and all arrives", async () => {
  const talk = new Talk();
  for (const room of [3_000, 10_000, 40_000]) {
    talk.encoder.room = room;
    write(talk.frame, room);
    const updates = [talk.show()];
    while (talk.encoder.owes) updates.push(talk.more());
    expect(Math.max(...updates)).toBeLessThan(2 * room);
    expect(updates.length * room).toBeLessThan(3 * updates.reduce((sum, bytes) => sum + bytes, 0) + 2 * room);
    expect(await talk.shows({ x: 0, y: 0, width: WIDTH, height: HEIGHT })).toBe(true);
  }
});

test("what somebody types goes before a page that is owed", async () => {
  const talk = new Talk();
  talk.encoder.room = 3_000;
  write(talk.frame, 1);
  talk.show();
  for (let letter = 0; letter < 5; letter++) {
    write(talk.frame, letter, letterAt(letter));
    talk.show();
    talk.show();
    expect(await talk.shows(letterAt(letter)), `letter ${letter}`).toBe(true);
  }
  expect([talk.encoder.owes, await talk.shows(PAGE)]).toEqual([true, false]);
});

test("nothing waits for ever beside what never rests", async () => {
  const talk = new Talk();
  talk.encoder.room = 3_000;
  const below = { x: 0, y: 500, width: WIDTH, height: 60 };
  write(talk.frame, 77, below);
  let frames = 0;
  for (; !(await talk.shows(below)); frames++) {
    expect(frames).toBeLessThan(150);
    write(talk.frame, frames);
    talk.show();
  }
  expect(frames).toBeGreaterThan(1);
});

test("whatever happens while something is owed, a reader ends with the frame", async () => {
  const chance = seeded(5);
  const below = (limit: number): number => Math.floor(limit * chance());
  const talk = new Talk();
  for (let step = 0; step < 40; step++) {
    talk.encoder.room = 0.2 < chance() ? 1_500 + below(8_000) : null;
    const kind = below(4);
    const [x, y] = [below(WIDTH - 300), below(HEIGHT - 200)];
    if (kind === 0) scrolledPage(talk.frame, 100, 1_100, 17 * step);
    else if (kind === 1) photograph(talk.frame, x, y, 300, 200, step);
    else if (kind === 2) write(talk.frame, step, { x, y, width: 1 + below(300), height: 1 + below(200) });
    else write(talk.frame, step, letterAt(below(20)));
    talk.show();
    if (chance() < 0.3) talk.more();
    if (step === 25) talk.encoder.restart();
  }
  await talk.rest();
  expect(await talk.shows({ x: 0, y: 0, width: WIDTH, height: HEIGHT })).toBe(true);
}, 60_000);

/** 400 kbit/s, 80 ms there and back, behind a buffer without an end; half of the screen is another one each second, which is more than the line carries. */
test("on a slow line a letter is there soon", () => {
  const encoder = new Encoder(world);
  const sender = new Sender(encoder);
  const line = new Line(400, 40);
  const frame = page();
  const waits: number[] = [];
  let typed: { at: number; place: Rect } | null = null;
  let isFrameDue = false;
  for (let now = 0; now < 15_000; now++) {
    for (const bytes of line.arrived(now)) sender.taken(bytes, now);
    if (now % 1_000 === 0) write(frame, now);
    if (now % 1_000 === 500) {
      typed = { at: now, place: letterAt(Math.floor(now / 1_000)) };
      write(frame, now, typed.place);
    }
    isFrameDue ||= now % 33 === 0;
    for (;;) {
      const message = sender.next(now);
      if (message) {
        line.send(message.length, now);
        if (!typed || !isShown(encoder.sent, frame, typed.place)) continue;
        waits.push(line.queueMs(now) + 40 + now - typed.at);
        typed = null;
      } else if (!sender.wantsFrame(now)) break;
      else if (isFrameDue) {
        isFrameDue = false;
        sender.frame({ ...frame, pixels: frame.pixels.slice() }, 1_000 * now);
      } else if (sender.restsAt !== null && sender.restsAt <= 1_000 * now) sender.rest(1_000 * now);
      else break;
    }
  }
  waits.sort((a, b) => a - b);
  expect(waits.length).toBe(15);
  expect(waits[7]).toBeLessThan(400);
  expect(waits.at(-1)).toBeLessThan(700);
}, 60_000);

function isShown(sent: Uint8Array, { width, pixels }: Frame, { x, y, ...size }: Rect): boolean {
  const shown = new Uint32Array(sent.buffer, sent.byteOffset, sent.byteLength / 4);
  for (let row = y; row < y + size.height; row++) {
    for (let at = row * width + x; at < row * width + x + size.width; at++) if (shown[at] !== pixels[at]) return false;
  }
  return true;
}
