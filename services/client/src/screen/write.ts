// Records of the screen stream as bytes.

import type { Picture } from "./cache";
import type { Rect, Size } from "./geometry";
import { HEADER_BYTES, Kind, RECORD_BODY_BYTES_MAX, VERSION } from "./record";

const RECT_BYTES = 8;

export function start(): Uint8Array {
  const [bytes, body] = record(Kind.Start, 6);
  body.setUint32(0, 0x434e5653); // "CNVS"
  body.setUint8(4, VERSION);
  return bytes;
}

export function size({ width, height }: Size): Uint8Array {
  const [bytes, body] = record(Kind.Size, 4);
  body.setUint16(0, width);
  body.setUint16(2, height);
  return bytes;
}

export function fill(rect: Rect, red: number, green: number, blue: number): Uint8Array {
  const [bytes, body] = record(Kind.Fill, RECT_BYTES + 3);
  putRect(body, rect);
  body.setUint8(8, red);
  body.setUint8(9, green);
  body.setUint8(10, blue);
  return bytes;
}

export function move(rect: Rect, fromX: number, fromY: number): Uint8Array {
  const [bytes, body] = record(Kind.Move, RECT_BYTES + 4);
  putRect(body, rect);
  body.setUint16(8, fromX);
  body.setUint16(10, fromY);
  return bytes;
}

export function picture(rect: Rect, { form, bytes: encoded }: Picture): Uint8Array {
  const kind = form === "webp" ? Kind.Picture : Kind.Graphic;
  const [bytes, body] = record(kind, RECT_BYTES + encoded.length);
  putRect(body, rect);
  bytes.set(encoded, HEADER_BYTES + RECT_BYTES);
  return bytes;
}

export function video(rect: Rect, isKey: boolean, frame: Uint8Array): Uint8Array {
  const [bytes, body] = record(Kind.Video, RECT_BYTES + 1 + frame.length);
  putRect(body, rect);
  body.setUint8(RECT_BYTES, isKey ? 1 : 0);
  bytes.set(frame, HEADER_BYTES + RECT_BYTES + 1);
  return bytes;
}

/** The picture just before is to be kept. */
export function keep(key: bigint): Uint8Array {
  const [bytes, body] = record(Kind.Keep, 8);
  body.setBigUint64(0, key);
  return bytes;
}

export function recall(rect: Rect, key: bigint): Uint8Array {
  const [bytes, body] = record(Kind.Recall, RECT_BYTES + 8);
  putRect(body, rect);
  body.setBigUint64(RECT_BYTES, key);
  return bytes;
}

export function update(timeUs: number): Uint8Array {
  const [bytes, body] = record(Kind.Update, 8);
  body.setBigUint64(0, BigInt(Math.max(0, Math.round(timeUs))));
  return bytes;
}

function record(kind: number, length: number): [Uint8Array, DataView] {
  if (RECORD_BODY_BYTES_MAX < length) throw new RangeError(`a record of ${length} bytes is too long`);
  const bytes = new Uint8Array(HEADER_BYTES + length);
  const header = new DataView(bytes.buffer);
  header.setUint8(0, kind);
  header.setUint32(1, length);
  return [bytes, new DataView(bytes.buffer, HEADER_BYTES)];
}

function putRect(body: DataView, { x, y, width, height }: Rect): void {
  body.setUint16(0, x);
  body.setUint16(2, y);
  body.setUint16(4, width);
  body.setUint16(6, height);
}
