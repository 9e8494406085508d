// A film on a presented screen: found, encoded in its own rectangle, and exact when it is over.

import { beforeAll, expect, test } from "vitest";
import { Encoder, type Frame, type World } from "../src/present/encoder";
import { bitsFor, type OpenFilm } from "../src/present/reel";
import { intersection, type Rect } from "../src/screen/geometry";
import type { Decode } from "../src/screen/painter";
import { HEADER_BYTES, Kind } from "../src/screen/record";
import { seeded } from "./support/random";
import { replay } from "./support/replay";
import { settle } from "./support/settle";
import { block, copyOf, photograph, screen, scrolledPage } from "./support/screens";
import { nodeDecoder } from "./support/webp";
import { nodeWorld } from "./support/world";

const FILM: Rect = { x: 70, y: 90, width: 320, height: 240 };
const INTERVAL_US = 40_000;

let decode: Decode<Uint32Array>;
beforeAll(async () => {
  decode = await nodeDecoder();
});

/** A page of text with a film in it, and an encoder of films that only says what it was given: Node has none. */
class Stage {
  readonly encoder: Encoder;
  readonly stream: Uint8Array[] = [];
  frame: Frame;
  now = 0;
  #picture = 0;

  private constructor(world: World) {
    this.encoder = new Encoder(world);
    this.frame = screen(800, 600);
    scrolledPage(this.frame, 20, 780, 0);
  }

  static async open(openFilm: OpenFilm): Promise<Stage> {
    return new Stage(await nodeWorld(openFilm));
  }

  play(frames: number, film = FILM): void {
    for (let count = 0; count < frames; count++) {
      this.frame = copyOf(this.frame);
      photograph(this.frame, film.x, film.y, film.width, film.height, ++this.#picture);
      this.show();
    }
  }

  show(): void {
    this.now += INTERVAL_US;
    this.stream.push(...this.encoder.frame(this.frame, this.now));
    while (this.encoder.hasFilmFrame) this.stream.push(...this.encoder.filmFrame(this.now));
  }

  rest(): void {
    this.now = settle(this.encoder, this.stream);
  }

  records(kind: number): Rect[] {
    return this.stream.filter((record) => record[0] === kind).map(rectOf);
  }

  async isExact(): Promise<boolean> {
    const { screen: shown, error } = await replay(this.stream.filter(([kind]) => kind !== Kind.Video), decode);
    expect(error).toBeNull();
    return Buffer.compare(Buffer.from(shown.data.buffer), Buffer.from(this.frame.pixels.buffer)) === 0;
  }
}

const scripted: OpenFilm = (width, height, _, events) => ({
  encode: (rgba, timeUs, isKey) => {
    expect(rgba.length).toBe(width * height);
    events.onFrame(new Uint8Array([timeUs & 0xff]), isKey);
  },
  close: () => undefined,
});

test("a film goes as VP8 in its own rectangle, with key frames at its start, after a second, and then every four", async () => {
  const stage = await Stage.open(scripted);
  stage.play(160);
  const films = stage.stream.filter((record) => record[0] === Kind.Video);
  expect(films.length).toBeGreaterThan(140);
  expect(new Set(films.map((record) => JSON.stringify(rectOf(record))))).toEqual(new Set([JSON.stringify(FILM)]));
  const keys = films.flatMap((record, index) => (record[HEADER_BYTES + 8] === 1 ? [(index * INTERVAL_US) / 1e6] : []));
  expect(keys).toEqual([0, 1, 5]);
});

test("text beside a film is exact, and the film when it is over", async () => {
  const stage = await Stage.open(scripted);
  stage.play(25);
  const begun = stage.stream.length;
  for (let letter = 0; letter < 20; letter++) {
    block(stage.frame, 30 + 9 * letter, 400, 7, 12, () => 0x332211);
    // In a cell that the film touches.
    block(stage.frame, FILM.x + FILM.width + 2 * letter, 200, 1, 12, () => 0x332211);
    stage.play(1);
  }
  const painted = stage.stream.slice(begun).filter(([kind]) => kind === Kind.Picture || kind === Kind.Graphic || kind === Kind.Fill);
  expect(painted.length).toBeGreaterThan(30);
  expect(painted.every((record) => intersection(rectOf(record), FILM) === null)).toBe(true);
  expect(await stage.isExact()).toBe(false);
  stage.rest();
  expect(await stage.isExact()).toBe(true);
});

test("a page that is scrolled with its film in it rests exact", async () => {
  const stage = await Stage.open(scripted);
  stage.play(20);
  for (let top = 4; top <= 80; top += 4) {
    stage.frame = copyOf(stage.frame);
    scrolledPage(stage.frame, 20, 780, top);
    stage.play(1, { ...FILM, y: FILM.y - top });
  }
  stage.rest();
  expect(await stage.isExact()).toBe(true);
});

test("where the browser has no encoder, or it fails, a film goes as pictures", async () => {
  let opened = 0;
  const none = await Stage.open(() => {
    opened++;
    return null;
  });
  none.play(40);
  expect([opened, none.records(Kind.Video).length]).toEqual([1, 0]);
  none.rest();
  expect(await none.isExact()).toBe(true);

  const broken = await Stage.open((_width, _height, _bits, events) => {
    opened++;
    return { encode: () => events.onFailed(), close: () => undefined };
  });
  broken.play(80);
  expect([opened, broken.records(Kind.Video).length]).toEqual([2, 0]);
  const last = broken.records(Kind.Picture).at(-1) as Rect;
  expect(intersection(last, FILM)).not.toBeNull();
  broken.rest();
  expect(await broken.isExact()).toBe(true);
});

test("a slide that fades in and a picture that changes now and then are no films", async () => {
  const stage = await Stage.open(scripted);
  stage.play(8);
  for (let change = 0; change < 10; change++) {
    stage.now += 400_000;
    stage.play(1);
  }
  expect(stage.records(Kind.Video)).toEqual([]);
});

test("a film costs as much as its sides are long, and leaves a third of the line to the rest", () => {
  const kbits = (width: number, height: number, line: number | null): number =>
    Math.round(bitsFor({ x: 0, y: 0, width, height }, line) / 1_000);
  expect([kbits(640, 360, null), kbits(1_920, 1_080, null), kbits(640, 360, 300_000), kbits(640, 360, 9_000)]).toEqual([300, 900, 200, 50]);
});

function rectOf(record: Uint8Array): Rect {
  const body = new DataView(record.buffer, record.byteOffset + HEADER_BYTES);
  return { x: body.getUint16(0), y: body.getUint16(2), width: body.getUint16(4), height: body.getUint16(6) };
}

test.each([1, 2, 3, 4, 5])("whatever plays, blinks and is typed side by side, all rests exact, seed %i", async (seed) => {
  const stage = await Stage.open(scripted);
  const chance = seeded(seed);
  const upTo = (most: number): number => Math.floor(most * chance());
  for (let round = 0; round < 6; round++) {
    const film = { x: upTo(500), y: upTo(300), width: 100 + upTo(200), height: 100 + upTo(200) };
    const noise = { x: upTo(700), y: upTo(500), width: 20 + upTo(200), height: 20 + upTo(200) };
    for (let count = upTo(30); 0 <= count; count--) {
      stage.frame = copyOf(stage.frame);
      if (chance() < 0.5) block(stage.frame, noise.x, noise.y, noise.width, noise.height, () => upTo(0x1000000));
      if (chance() < 0.3) block(stage.frame, upTo(780), upTo(580), 8, 12, () => 0x332211);
      stage.play(1, film);
    }
    if (chance() < 0.3) stage.rest();
  }
  stage.rest();
  expect(await stage.isExact()).toBe(true);
});
