// Pixels in, the screen stream out: what changed since the last frame, as moves, fills and lossless pictures.

import type { Picture } from "../screen/cache";
import type { Rect, Size } from "../screen/geometry";
import { encodeGraphic } from "../screen/graphic";
import { Pixels } from "../screen/pixels";
import * as write from "../screen/write";
import { changedRects } from "./diff";
import { proposeMoves, verifiedMove } from "./scroll";

/** Encodes RGBA rows without gaps as a lossless WebP file. */
export type EncodeLossless = (rgba: Uint8Array, size: Size) => Uint8Array;

/** A change of fewer pixels is not searched for moves: a picture of it is small enough. */
const MOVE_PIXELS_MIN = 128 * 128;

/** Bits a pixel beyond which a graphic is given up, and so many bytes more, as few pixels take more each. */
const GRAPHIC_BITS_MAX = 3;
const GRAPHIC_BYTES_MIN = 256;

export interface Frame {
  readonly width: number;
  readonly height: number;
  /** RGBA in memory, alpha 255 throughout, rows without gaps. */
  readonly pixels: Uint32Array;
}

export class Encoder {
  readonly #encode: EncodeLossless;
  /** What a reader shows that has painted all that came out of here. */
  #sent = new Pixels();
  #started = false;

  constructor(encode: EncodeLossless) {
    this.#encode = encode;
  }

  /** What has been sent, as RGBA; empty before the first frame. */
  get sent(): Uint8Array {
    return bytesOf(this.#sent.data);
  }

  /** The next frame begins with `Start` and carries the whole screen. */
  restart(): void {
    this.#sent = new Pixels();
    this.#started = false;
  }

  /**
   * The records of one whole update, one at a time, so that the first are on their way while the last are still encoded.
   * Nothing when nothing changed. Take all of them before the next frame.
   */
  *frame({ width, height, pixels }: Frame, timeUs: number): Generator<Uint8Array, void, void> {
    let isChanged = false;
    if (!this.#started) {
      this.#started = true;
      isChanged = true;
      yield write.start();
    }
    if (width !== this.#sent.width || height !== this.#sent.height) {
      this.#sent.resize({ width, height });
      isChanged = true;
      yield write.size({ width, height });
    }
    let rects = changedRects(this.#sent, this.#sent.data, pixels);
    if (MOVE_PIXELS_MIN <= rects.reduce((sum, rect) => sum + rect.width * rect.height, 0)) {
      let hasMoved = false;
      for (const record of this.#moves(pixels)) {
        hasMoved = true;
        yield record;
      }
      if (hasMoved) {
        isChanged = true;
        rects = changedRects(this.#sent, this.#sent.data, pixels);
      }
    }
    for (const rect of rects) {
      isChanged = true;
      this.#sent.copy(rect, pixels);
      yield this.#content(rect);
    }
    if (isChanged) yield write.update(timeUs);
  }

  *#moves(pixels: Uint32Array): Generator<Uint8Array, void, void> {
    for (const proposed of proposeMoves(this.#sent, this.#sent.data, pixels)) {
      // Verified against what the moves before this one have left behind.
      const move = verifiedMove(proposed, this.#sent, this.#sent.data, pixels);
      if (!move) continue;
      this.#sent.move(move.rect, move.rect.x, move.fromY);
      yield write.move(move.rect, move.rect.x, move.fromY);
    }
  }

  #content(rect: Rect): Uint8Array {
    const pixels = this.#sent.cut(rect);
    const first = pixels[0] as number;
    if (pixels.every((pixel) => pixel === first)) {
      return write.fill(rect, first & 0xff, (first >>> 8) & 0xff, (first >>> 16) & 0xff);
    }
    return write.picture(rect, this.#picture(pixels, rect));
  }

  /** What is short as a graphic is text, which takes more in any other form. */
  #picture(pixels: Uint32Array, size: Size): Picture {
    const graphic = encodeGraphic(pixels, size, (pixels.length * GRAPHIC_BITS_MAX) / 8 + GRAPHIC_BYTES_MIN);
    if (graphic) return { form: "graphic", bytes: graphic };
    return { form: "webp", bytes: this.#encode(bytesOf(pixels), size) };
  }
}

function bytesOf(pixels: Uint32Array): Uint8Array {
  return new Uint8Array(pixels.buffer, pixels.byteOffset, pixels.byteLength);
}
