// A stream painted on plain memory: what a reader shows at its end.

import { type Decode, Painter, type Shown } from "../../src/screen/painter";
import { Pixels } from "../../src/screen/pixels";
import type { StreamError } from "../../src/screen/record";

export interface Replay {
  readonly screen: Pixels;
  readonly shown: readonly Shown<Uint32Array>[];
  readonly error: StreamError | null;
}

/** `pieces` are pushed one after another, then the stream ends. */
export async function replay(pieces: Iterable<Uint8Array>, decode: Decode<Uint32Array>): Promise<Replay> {
  const screen = new Pixels();
  const shown: Shown<Uint32Array>[] = [];
  let error: StreamError | null = null;
  const painter = new Painter(
    screen,
    decode,
    (update) => shown.push(update),
    (refused) => {
      error = refused;
    },
  );
  for (const piece of pieces) painter.push(piece);
  painter.finish();
  await painter.idle();
  return { screen, shown, error };
}

export function* cut(bytes: Uint8Array, size: number): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

/** Rows of a screen as the vectors write them. */
export function rowsOf(pixels: Uint32Array, width: number, digits: 6 | 8 = 6): string[] {
  const bytes = Buffer.from(pixels.buffer, pixels.byteOffset, pixels.byteLength);
  const rows: string[] = [];
  for (let at = 0; at < pixels.length; at += width) {
    let row = "";
    for (let x = at; x < at + width; x++) row += bytes.toString("hex", 4 * x, 4 * x + digits / 2);
    rows.push(row);
  }
  return rows;
}
