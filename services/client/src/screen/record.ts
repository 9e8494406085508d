// The records of the screen stream: bytes in, records out. Mirrors plugins/screen/core/src/record.rs check by check.

import { Cache, type KeptPicture, type Picture } from "./cache";
import {
  area,
  CURSOR_SIDE_MAX,
  FILM_AREA_MAX,
  isInside,
  isScreenSize,
  PICTURE_SIDE_MAX,
  type Rect,
  type Size,
} from "./geometry";

/** The version of the format that this reader knows. */
export const VERSION = 1;
/** Kind and length in front of every body. */
export const HEADER_BYTES = 5;
/** Longest body of a record. */
export const RECORD_BODY_BYTES_MAX = 2 * 1024 * 1024;
/** Most records between two updates. */
export const UPDATE_RECORDS_MAX = 65_536;
/** Most bytes between two updates: an 8K screen of noise. */
export const UPDATE_BYTES_MAX = 134_217_728;
/** Most pixels that are painted between two `Update`s, in screens, and beyond that: what is decoded is held until then. */
export const UPDATE_SCREENS_MAX = 8;
export const UPDATE_PIXELS_MORE = 4_194_304;
/** Kinds from here on may be skipped by a reader that does not know them. */
const OPTIONAL_FROM = 0x80;

export const Kind = {
  Start: 0x01,
  Size: 0x02,
  Fill: 0x03,
  Move: 0x04,
  Picture: 0x05,
  Video: 0x06,
  Cursor: 0x07,
  CursorShape: 0x08,
  Update: 0x09,
  Keep: 0x0a,
  Recall: 0x0b,
  Graphic: 0x0c,
  Serial: 0x0d,
} as const;

export type Record =
  | { readonly kind: "start" }
  | { readonly kind: "size"; readonly size: Size }
  | { readonly kind: "fill"; readonly rect: Rect; readonly red: number; readonly green: number; readonly blue: number }
  | { readonly kind: "move"; readonly rect: Rect; readonly fromX: number; readonly fromY: number }
  | { readonly kind: "picture"; readonly rect: Rect; readonly picture: Picture }
  | {
      readonly kind: "serial";
      readonly rect: Rect;
      readonly begins: boolean;
      /** Else it only teaches. */
      readonly isShown: boolean;
      readonly graphic: Uint8Array;
    }
  | { readonly kind: "video"; readonly rect: Rect; readonly isKey: boolean; readonly frame: Uint8Array }
  | { readonly kind: "keep"; readonly key: bigint }
  /** With what was kept. */
  | { readonly kind: "recall"; readonly rect: Rect; readonly key: bigint; readonly picture: Picture }
  | { readonly kind: "cursor"; readonly x: number; readonly y: number; readonly visible: boolean }
  | {
      readonly kind: "cursor-shape";
      readonly hotX: number;
      readonly hotY: number;
      readonly width: number;
      readonly height: number;
      readonly webp: Uint8Array;
    }
  | { readonly kind: "update"; readonly timeUs: bigint };

/** The names of `StreamError::name`, which the test vectors use. */
export type StreamErrorName =
  | "not-a-screen-stream"
  | "unknown-version"
  | "unknown-kind"
  | "body-too-long"
  | "bad-length"
  | "bad-size"
  | "no-size"
  | "bad-rect"
  | "picture-too-large"
  | "bad-picture"
  | "bad-video"
  | "bad-flag"
  | "bad-keep"
  | "unknown-key"
  | "update-too-long"
  | "truncated";

/** Why a stream was refused: a name for the test vectors, a sentence for people. */
export class StreamError extends Error {
  override readonly name: StreamErrorName;

  constructor(name: StreamErrorName, message: string) {
    super(message);
    this.name = name;
  }
}

/**
 * Reads records from bytes that come in pieces of any size, and holds them to the limits and the order of the format.
 * Pictures and films are not decoded here: `bad-picture` comes from whoever paints, and so may `bad-video`. What a stream keeps to be
 * recalled is held here.
 */
export class Reader {
  #buffer: Uint8Array = new Uint8Array(0);
  #at = 0;
  #consumed = 0;
  #size: Size | null = null;
  /** The rectangle of the film that runs. */
  #film: Rect | null = null;
  /** A series has begun. */
  #hasSeries = false;
  #started = false;
  #updateRecords = 0;
  #updateBytes = 0;
  #updatePixels = 0;
  readonly #kept = new Cache();
  /** The record before was this picture: it may be kept. */
  #lastPicture: KeptPicture | null = null;
  #failed: StreamError | null = null;

  /** Bytes of the whole records read so far, those that were skipped included. */
  get consumedBytes(): number {
    return this.#consumed;
  }

  /** Takes the next bytes of the stream and keeps them. Drain with `next` before the next call: the buffer grows otherwise. */
  push(bytes: Uint8Array): void {
    const left = this.#buffer.length - this.#at;
    if (left === 0) {
      this.#buffer = bytes;
    } else {
      const joined = new Uint8Array(left + bytes.length);
      joined.set(this.#buffer.subarray(this.#at));
      joined.set(bytes, left);
      this.#buffer = joined;
    }
    this.#at = 0;
  }

  /** The next whole record, or null until more bytes are pushed. After an error it keeps throwing that `StreamError`. */
  next(): Record | null {
    if (this.#failed) throw this.#failed;
    try {
      return this.#parseNext();
    } catch (error) {
      if (error instanceof StreamError) this.#failed = error;
      this.#buffer = new Uint8Array(0);
      this.#at = 0;
      throw error;
    }
  }

  /** To be called at the stream's end: throws if it ends inside a record. */
  finish(): void {
    if (this.#failed) throw this.#failed;
    const have = this.#buffer.length - this.#at;
    if (have === 0) return;
    const missing =
      have < HEADER_BYTES ? HEADER_BYTES - have : HEADER_BYTES + this.#view(this.#at).getUint32(1) - have;
    throw new StreamError("truncated", `The screen stream ends inside a record: ${missing} more bytes were to come.`);
  }

  #parseNext(): Record | null {
    for (;;) {
      const have = this.#buffer.length - this.#at;
      if (have < HEADER_BYTES) return null;
      const header = this.#view(this.#at);
      const kind = header.getUint8(0);
      const length = header.getUint32(1);
      this.#checkHeader(kind, length);
      const total = HEADER_BYTES + length;
      if (have < total) return null;
      const body = this.#buffer.subarray(this.#at + HEADER_BYTES, this.#at + total);
      this.#at += total;
      this.#consumed += total;
      this.#count(kind, total);
      if (kind !== Kind.Keep) this.#lastPicture = null;
      if (kind < OPTIONAL_FROM) {
        const record = this.#parseBody(kind, body);
        this.#countPixels(record);
        return record;
      }
    }
  }

  /** All that can be refused before the body is there. */
  #checkHeader(kind: number, length: number): void {
    if (!this.#started && kind !== Kind.Start) throw notAScreenStream(kind);
    if (RECORD_BODY_BYTES_MAX < length) {
      throw new StreamError(
        "body-too-long",
        `A record of kind ${hex(kind)} claims ${length} bytes; the most is ${RECORD_BODY_BYTES_MAX}.`,
      );
    }
    switch (kind) {
      case Kind.Start:
      case Kind.Size:
      case Kind.Cursor:
      case Kind.CursorShape:
      case Kind.Update:
      case Kind.Keep:
        return;
      case Kind.Fill:
      case Kind.Move:
      case Kind.Picture:
      case Kind.Graphic:
      case Kind.Serial:
      case Kind.Video:
      case Kind.Recall:
        if (this.#size) return;
        throw new StreamError("no-size", `A record of kind ${hex(kind)} came before the screen's size.`);
      default:
        if (OPTIONAL_FROM <= kind) return;
        throw new StreamError("unknown-kind", `Record kind ${hex(kind)} is not known and must not be skipped.`);
    }
  }

  #count(kind: number, bytes: number): void {
    if (kind === Kind.Start || kind === Kind.Update) {
      this.#updateRecords = 0;
      this.#updateBytes = 0;
      this.#updatePixels = 0;
      return;
    }
    this.#updateRecords += 1;
    this.#updateBytes += bytes;
    if (UPDATE_RECORDS_MAX < this.#updateRecords || UPDATE_BYTES_MAX < this.#updateBytes) {
      throw new StreamError(
        "update-too-long",
        `An update has more than ${UPDATE_RECORDS_MAX} records or ${UPDATE_BYTES_MAX} bytes.`,
      );
    }
  }

  #countPixels(record: Record): void {
    if (record.kind === "size") this.#updatePixels += area(record.size);
    else if ("rect" in record) this.#updatePixels += area(record.rect);
    const most = UPDATE_SCREENS_MAX * (this.#size ? area(this.#size) : 0) + UPDATE_PIXELS_MORE;
    if (most < this.#updatePixels) {
      throw new StreamError("update-too-long", `An update paints more than ${UPDATE_SCREENS_MAX} screens.`);
    }
  }

  #parseBody(kind: number, body: Uint8Array): Record {
    if (!lengthFits(kind, body.length)) {
      if (!this.#started) throw notAScreenStream(kind);
      throw new StreamError(
        "bad-length",
        `A record of kind ${hex(kind)} has ${body.length} bytes, which does not fit that kind.`,
      );
    }
    const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
    switch (kind) {
      case Kind.Start:
        return this.#start(view);
      case Kind.Size:
        return this.#resize({ width: view.getUint16(0), height: view.getUint16(2) });
      case Kind.Fill: {
        const rect = this.#inside(rectOf(view));
        return { kind: "fill", rect, red: view.getUint8(8), green: view.getUint8(9), blue: view.getUint8(10) };
      }
      case Kind.Move: {
        const rect = this.#inside(rectOf(view));
        const fromX = view.getUint16(8);
        const fromY = view.getUint16(10);
        this.#inside({ ...rect, x: fromX, y: fromY });
        return { kind: "move", rect, fromX, fromY };
      }
      case Kind.Picture:
      case Kind.Graphic: {
        const rect = this.#pictureRect(view);
        const picture: Picture = { form: kind === Kind.Picture ? "webp" : "graphic", bytes: body.subarray(8) };
        this.#lastPicture = { width: rect.width, height: rect.height, picture };
        return { kind: "picture", rect, picture };
      }
      case Kind.Serial:
        return this.#serial(this.#pictureRect(view), view.getUint8(8), body.subarray(9));
      case Kind.Video:
        return this.#video(this.#inside(rectOf(view)), view.getUint8(8), body.subarray(9));
      case Kind.Keep:
        return this.#keep(view.getBigUint64(0));
      case Kind.Recall:
        return this.#recall(this.#inside(rectOf(view)), view.getBigUint64(8));
      case Kind.Cursor:
        return cursor(view);
      case Kind.CursorShape:
        return cursorShape(view, body.subarray(8));
      default:
        return { kind: "update", timeUs: view.getBigUint64(0) };
    }
  }

  #start(view: DataView): Record {
    // "CNVS"
    if (view.getUint32(0) !== 0x434e5653) throw notAScreenStream(Kind.Start);
    const version = view.getUint8(4);
    if (version !== VERSION) {
      throw new StreamError(
        "unknown-version",
        `The screen stream has version ${version}; this reader knows version ${VERSION}.`,
      );
    }
    this.#started = true;
    this.#size = null;
    this.#film = null;
    this.#hasSeries = false;
    this.#kept.clear();
    return { kind: "start" };
  }

  #resize(size: Size): Record {
    if (!isScreenSize(size)) {
      throw new StreamError("bad-size", `A screen of ${size.width} x ${size.height} pixels is outside of the limits.`);
    }
    this.#size = size;
    this.#film = null;
    return { kind: "size", size };
  }

  #serial(rect: Rect, flags: number, graphic: Uint8Array): Record {
    const [begins, isShown] = [(flags & 1) !== 0, (flags & 2) === 0];
    if (3 < flags || (!begins && !this.#hasSeries)) throw badPicture(rect);
    this.#hasSeries = true;
    return { kind: "serial", rect, begins, isShown, graphic };
  }

  #video(rect: Rect, flags: number, frame: Uint8Array): Record {
    if (FILM_AREA_MAX < area(rect)) throw pictureTooLarge(rect);
    const isKey = flags === 1;
    if (!isKey && (flags !== 0 || !isSame(this.#film, rect))) throw badVideo(rect);
    this.#film = rect;
    return { kind: "video", rect, isKey, frame };
  }

  #keep(key: bigint): Record {
    const last = this.#lastPicture;
    this.#lastPicture = null;
    // A copy of its own: what is kept must not hold the buffer that it came in.
    const picture = last && { ...last.picture, bytes: last.picture.bytes.slice() };
    if (!picture || !this.#kept.keep(key, { ...last, picture })) {
      throw new StreamError("bad-keep", `A Keep of key ${key} does not follow a picture, or that key is kept already.`);
    }
    return { kind: "keep", key };
  }

  #recall(rect: Rect, key: bigint): Record {
    const kept = this.#kept.get(key);
    if (kept?.width !== rect.width || kept.height !== rect.height) {
      throw new StreamError(
        "unknown-key",
        `No picture of ${rect.width} x ${rect.height} pixels is kept under the key ${key}.`,
      );
    }
    return { kind: "recall", rect, key, picture: kept.picture };
  }

  /** Of what is as large as a picture may be. */
  #pictureRect(view: DataView): Rect {
    const rect = this.#inside(rectOf(view));
    if (PICTURE_SIDE_MAX < Math.max(rect.width, rect.height)) throw pictureTooLarge(rect);
    return rect;
  }

  #inside(rect: Rect): Rect {
    if (!this.#size || !isInside(rect, this.#size)) throw badRect(rect);
    return rect;
  }

  #view(at: number): DataView {
    return new DataView(this.#buffer.buffer, this.#buffer.byteOffset + at, this.#buffer.length - at);
  }
}

function lengthFits(kind: number, length: number): boolean {
  switch (kind) {
    case Kind.Start:
      return length === 6;
    case Kind.Size:
      return length === 4;
    case Kind.Fill:
      return length === 11;
    case Kind.Move:
      return length === 12;
    case Kind.Cursor:
      return length === 5;
    case Kind.Update:
    case Kind.Keep:
      return length === 8;
    case Kind.Recall:
      return length === 16;
    case Kind.Serial:
    case Kind.Video:
      return 9 < length;
    default:
      return 8 < length;
  }
}

function cursor(view: DataView): Record {
  const flag = view.getUint8(4);
  if (1 < flag) throw new StreamError("bad-flag", `The cursor's visibility is ${flag}; it is 0 or 1.`);
  return { kind: "cursor", x: view.getInt16(0), y: view.getInt16(2), visible: flag === 1 };
}

function cursorShape(view: DataView, webp: Uint8Array): Record {
  const [hotX, hotY, width, height] = [view.getUint16(0), view.getUint16(2), view.getUint16(4), view.getUint16(6)];
  if (CURSOR_SIDE_MAX < Math.max(width, height)) throw pictureTooLarge({ width, height });
  if (width === 0 || height === 0 || width <= hotX || height <= hotY) {
    throw badRect({ x: hotX, y: hotY, width, height });
  }
  return { kind: "cursor-shape", hotX, hotY, width, height, webp };
}

function isSame(a: Rect | null, b: Rect): boolean {
  return a !== null && a.x === b.x && a.y === b.y && a.width === b.width && a.height === b.height;
}

export function badPicture({ width, height }: Size): StreamError {
  return new StreamError("bad-picture", `A picture for ${width} x ${height} pixels does not decode to that size.`);
}

export function badVideo({ width, height }: Size): StreamError {
  return new StreamError(
    "bad-video",
    `A frame of a film for ${width} x ${height} pixels is not VP8 of that size, or does not continue the film of its rectangle.`,
  );
}

function rectOf(view: DataView): Rect {
  return { x: view.getUint16(0), y: view.getUint16(2), width: view.getUint16(4), height: view.getUint16(6) };
}

function notAScreenStream(kind: number): StreamError {
  return new StreamError(
    "not-a-screen-stream",
    `This is not a screen stream: it does not begin with a Start record (kind ${hex(kind)} came first).`,
  );
}

function pictureTooLarge({ width, height }: Size): StreamError {
  return new StreamError("picture-too-large", `A picture of ${width} x ${height} pixels is too large.`);
}

function badRect({ x, y, width, height }: Rect): StreamError {
  return new StreamError("bad-rect", `The rectangle ${width} x ${height} at ${x}, ${y} is empty or beyond the screen.`);
}

function hex(kind: number): string {
  return `0x${kind.toString(16).padStart(2, "0")}`;
}
