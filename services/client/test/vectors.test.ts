// The test vectors that the Rust reader passes too.

import { beforeAll, describe, expect, test } from "vitest";
import type { Decode } from "../src/screen/painter";
import { Reader, type Record, StreamError } from "../src/screen/record";
import { cut, replay, rowsOf } from "./support/replay";
import { hasFilm, streamOf, type Vector, vectors } from "./support/vectors";
import { nodeDecoder } from "./support/webp";

const all = vectors();
let decode: Decode<Uint32Array>;

beforeAll(async () => {
  decode = await nodeDecoder();
});

test("there are vectors of both kinds", () => {
  expect(all.filter(({ error }) => error).length).toBeGreaterThan(5);
  expect(all.filter(({ screen }) => screen).length).toBeGreaterThan(5);
});

describe.each(all.filter(({ error }) => error))("$name", (vector: Vector) => {
  test("is refused", async () => {
    const { error } = await replay([streamOf(vector)], decode);
    expect(error).toBeInstanceOf(StreamError);
    expect(error?.name).toBe(vector.error);
  });
});

describe.each(all.filter(({ screen }) => screen))("$name", (vector: Vector) => {
  test("has these records", () => {
    expect(recordsOf(streamOf(vector))).toEqual(vector.records);
  });

  // Node has no decoder for films: the browser's tests compare what they show.
  if (hasFilm(vector)) return;
  test.each([1, 7, 1 << 20])("shows this screen when it comes in pieces of %i bytes", async (size) => {
    const { screen, shown, error } = await replay(cut(streamOf(vector), size), decode);
    expect(error).toBeNull();
    expect(screen.width).toBe(vector.screen?.width);
    expect(screen.height).toBe(vector.screen?.height);
    expect(rowsOf(screen.data, screen.width)).toEqual(vector.screen?.pixels);
    expect(cursorOf(shown)).toEqual(vector.screen?.cursor);
  });
});

function recordsOf(stream: Uint8Array): object[] {
  const reader = new Reader();
  reader.push(stream);
  const records: object[] = [];
  for (let record = reader.next(); record; record = reader.next()) records.push(plain(record));
  return records;
}

/** A record as the vectors write it. */
function plain(record: Record): object {
  const { kind } = record;
  switch (kind) {
    case "start":
      return { kind };
    case "size":
      return { kind, ...record.size };
    case "fill":
      return { kind, rect: rectOf(record.rect), colour: hex(record.red, record.green, record.blue) };
    case "move":
      return { kind, rect: rectOf(record.rect), from: [record.fromX, record.fromY] };
    case "picture":
      return { kind: record.picture.form === "webp" ? "picture" : "graphic", rect: rectOf(record.rect) };
    case "serial":
      return { kind, rect: rectOf(record.rect), begins: record.begins, shown: record.isShown };
    case "video":
      return { kind, rect: rectOf(record.rect), key: record.isKey };
    case "keep":
      return { kind, key: hexKey(record.key) };
    case "recall":
      return { kind, rect: rectOf(record.rect), key: hexKey(record.key) };
    case "cursor":
      return { kind, x: record.x, y: record.y, visible: record.visible };
    case "cursor-shape":
      return { kind, hot: [record.hotX, record.hotY], width: record.width, height: record.height };
    case "update":
      return { kind, time_us: Number(record.timeUs) };
  }
}

/** The pointer after the last update, as the vectors write it. */
function cursorOf(shown: Awaited<ReturnType<typeof replay>>["shown"]): unknown {
  let place = { x: 0, y: 0, visible: false };
  let shape: (typeof shown)[number]["shape"] = null;
  for (const update of shown) {
    if (update.started) [place, shape] = [{ x: 0, y: 0, visible: false }, null];
    place = update.cursor ?? place;
    shape = update.shape ?? shape;
  }
  if (!shape) return undefined;
  return { ...place, hot: [shape.hotX, shape.hotY], pixels: rowsOf(shape.picture, shape.width, 8) };
}

function rectOf({ x, y, width, height }: { x: number; y: number; width: number; height: number }): number[] {
  return [x, y, width, height];
}

function hexKey(key: bigint): string {
  return key.toString(16).padStart(16, "0");
}

function hex(...bytes: number[]): string {
  return Buffer.from(bytes).toString("hex");
}
