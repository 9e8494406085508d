// The reader beyond the vectors: every cut, every limit, and bytes of no sense.

import { expect, test } from "vitest";
import { HEADER_BYTES, Kind, Reader, RECORD_BODY_BYTES_MAX, StreamError, UPDATE_RECORDS_MAX } from "../src/screen/record";
import * as write from "../src/screen/write";
import { seeded } from "./support/random";

const RECT = { x: 1, y: 2, width: 3, height: 4 };
const RECORDS = [
  write.start(),
  write.size({ width: 640, height: 480 }),
  write.fill(RECT, 1, 2, 3),
  write.move(RECT, 5, 6),
  write.picture(RECT, { form: "webp", bytes: new Uint8Array(40) }),
  write.picture(RECT, { form: "graphic", bytes: new Uint8Array(30) }),
  write.update(17),
];

test("what is written is read back", () => {
  expect(read(concat(RECORDS))).toEqual([
    { kind: "start" },
    { kind: "size", size: { width: 640, height: 480 } },
    { kind: "fill", rect: RECT, red: 1, green: 2, blue: 3 },
    { kind: "move", rect: RECT, fromX: 5, fromY: 6 },
    { kind: "picture", rect: RECT, picture: { form: "webp", bytes: new Uint8Array(40) } },
    { kind: "picture", rect: RECT, picture: { form: "graphic", bytes: new Uint8Array(30) } },
    { kind: "update", timeUs: 17n },
  ]);
});

test("a stream that is cut anywhere is whole records and then truncated", () => {
  const stream = concat(RECORDS);
  const ends = new Set(RECORDS.map((_, i) => concat(RECORDS.slice(0, i)).length));
  for (let length = 0; length < stream.length; length++) {
    const reader = new Reader();
    reader.push(stream.subarray(0, length));
    while (reader.next());
    if (ends.has(length)) expect(() => reader.finish()).not.toThrow();
    else expect(errorOf(() => reader.finish())).toBe("truncated");
  }
});

test("an error stays", () => {
  const reader = new Reader();
  reader.push(write.update(1));
  expect(errorOf(() => reader.next())).toBe("not-a-screen-stream");
  reader.push(write.start());
  expect(errorOf(() => reader.next())).toBe("not-a-screen-stream");
});

test("a screen may have the most pixels, and none more", () => {
  expect(sizeError(16_384, 2_048)).toBeNull();
  expect(sizeError(16_384, 2_049)).toBe("bad-size");
  expect(sizeError(16_385, 1)).toBe("bad-size");
  expect(sizeError(0, 1)).toBe("bad-size");
});

test("a body may be as long as the limit, and is refused by its header beyond", () => {
  const reader = new Reader();
  reader.push(concat([write.start(), header(0x80, RECORD_BODY_BYTES_MAX)]));
  reader.next();
  expect(reader.next()).toBeNull();
  reader.push(new Uint8Array(RECORD_BODY_BYTES_MAX));
  expect(reader.next()).toBeNull();
  expect(reader.consumedBytes).toBe(11 + HEADER_BYTES + RECORD_BODY_BYTES_MAX);
  reader.push(header(0x80, RECORD_BODY_BYTES_MAX + 1));
  expect(errorOf(() => reader.next())).toBe("body-too-long");
});

test("an update may have the most records, and none more", () => {
  const reader = new Reader();
  const cursor = Uint8Array.of(Kind.Cursor, 0, 0, 0, 5, 0, 1, 0, 1, 1);
  reader.push(concat([write.start(), ...Array<Uint8Array>(UPDATE_RECORDS_MAX).fill(cursor), write.update(1), cursor]));
  for (let count = 0; count < UPDATE_RECORDS_MAX + 3; count++) expect(reader.next()).not.toBeNull();
  reader.push(concat(Array<Uint8Array>(UPDATE_RECORDS_MAX).fill(cursor)));
  expect(errorOf(() => drain(reader))).toBe("update-too-long");
});

test("bytes of no sense are refused, never more than that", () => {
  const chance = seeded(7);
  for (let round = 0; round < 2_000; round++) {
    const stream = concat(RECORDS).slice();
    for (let flips = 1 + Math.floor(4 * chance()); 0 < flips; flips--) {
      stream[Math.floor(chance() * stream.length)] = Math.floor(256 * chance());
    }
    try {
      read(stream);
    } catch (error) {
      expect(error).toBeInstanceOf(StreamError);
    }
  }
});

function read(stream: Uint8Array): unknown[] {
  const reader = new Reader();
  reader.push(stream);
  const records: unknown[] = [];
  for (let record = reader.next(); record; record = reader.next()) records.push(record);
  reader.finish();
  return records;
}

function drain(reader: Reader): void {
  while (reader.next());
}

function sizeError(width: number, height: number): string | null {
  return errorOf(() => read(concat([write.start(), write.size({ width, height })])));
}

function errorOf(act: () => unknown): string | null {
  try {
    act();
    return null;
  } catch (error) {
    if (error instanceof StreamError) return error.name;
    throw error;
  }
}

function header(kind: number, length: number): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES);
  bytes[0] = kind;
  new DataView(bytes.buffer).setUint32(1, length);
  return bytes;
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}
