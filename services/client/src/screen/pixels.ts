// A screen as plain memory: what a presenter remembers of what it has sent, and what tests paint on.

import type { Rect, Size } from "./geometry";
import type { Surface } from "./painter";

/** Opaque black, as every screen begins. Pixels are RGBA in memory, so 0xAABBGGRR as little-endian numbers. */
export const BLACK = 0xff000000;

/** Rows without gaps, one 32-bit number a pixel. */
export class Pixels implements Surface<Uint32Array> {
  width = 0;
  height = 0;
  data = new Uint32Array(0);

  resize({ width, height }: Size): void {
    this.width = width;
    this.height = height;
    this.data = new Uint32Array(width * height).fill(BLACK);
  }

  fill(rect: Rect, red: number, green: number, blue: number): void {
    const colour = (BLACK | (blue << 16) | (green << 8) | red) >>> 0;
    for (let y = rect.y; y < rect.y + rect.height; y++) {
      const at = y * this.width + rect.x;
      this.data.fill(colour, at, at + rect.width);
    }
  }

  move(rect: Rect, fromX: number, fromY: number): void {
    const isDownwards = fromY < rect.y;
    for (let i = 0; i < rect.height; i++) {
      // Never overwrite a row that is still to be read; within a row copyWithin takes care of it.
      const row = isDownwards ? rect.height - 1 - i : i;
      const from = (fromY + row) * this.width + fromX;
      this.data.copyWithin((rect.y + row) * this.width + rect.x, from, from + rect.width);
    }
  }

  plain(_: Size, pixels: Uint32Array): Uint32Array {
    return pixels;
  }

  /** A picture has just the rectangle's size; its alpha is ignored. */
  picture(rect: Rect, picture: Uint32Array): void {
    for (let row = 0; row < rect.height; row++) {
      const to = (rect.y + row) * this.width + rect.x;
      for (let x = 0; x < rect.width; x++) this.data[to + x] = (picture[row * rect.width + x] ?? 0) | BLACK;
    }
  }

  /** Takes over the rectangle from another screen of the same size. */
  copy(rect: Rect, from: Uint32Array): void {
    for (let y = rect.y; y < rect.y + rect.height; y++) {
      const at = y * this.width + rect.x;
      this.data.set(from.subarray(at, at + rect.width), at);
    }
  }

  /** The rectangle's pixels, rows without gaps. */
  cut(rect: Rect): Uint32Array {
    const out = new Uint32Array(rect.width * rect.height);
    for (let row = 0; row < rect.height; row++) {
      const at = (rect.y + row) * this.width + rect.x;
      out.set(this.data.subarray(at, at + rect.width), row * rect.width);
    }
    return out;
  }
}

/** The colours alone, three bytes a pixel, rows without gaps: what two screens are compared by. */
export function rgbBytes(rgba: Uint8Array | Uint8ClampedArray): Uint8Array<ArrayBuffer> {
  const rgb = new Uint8Array((rgba.length / 4) * 3);
  for (let from = 0, to = 0; from < rgba.length; from += 4, to += 3) {
    rgb[to] = rgba[from] as number;
    rgb[to + 1] = rgba[from + 1] as number;
    rgb[to + 2] = rgba[from + 2] as number;
  }
  return rgb;
}

/** SHA-256 of the colours in hexadecimal. */
export async function screenHash(rgba: Uint8Array | Uint8ClampedArray): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", rgbBytes(rgba));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
