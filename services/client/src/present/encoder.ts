// Pixels in, the screen stream out: what changed since the last frame, as moves, fills and pictures. Text is exact from the first;
// photographs are lossy at first, and sharpened when they rest.

import type { Picture } from "../screen/cache";
import { area, type Rect, type Size } from "../screen/geometry";
import { encodeGraphic } from "../screen/graphic";
import { Pixels } from "../screen/pixels";
import * as write from "../screen/write";
import { Coarse } from "./coarse";
import { changedCells } from "./diff";
import type { PictureEncoder } from "./pictures";
import { plan } from "./plan";
import { proposeMoves, verifiedMove } from "./scroll";

/** A change of fewer pixels is not searched for moves: a picture of it is small enough. */
const MOVE_PIXELS_MIN = 128 * 128;

/** Bits a pixel beyond which a graphic is given up, and so many bytes more, as few pixels take more each. */
const GRAPHIC_BITS_MAX = 3;
const GRAPHIC_BYTES_MIN = 256;
/** Pixels that are sharpened at once, about 15 ms of work: what is newer waits no longer. */
const STEP_PIXELS = 4 * 128 * 128;

export interface Frame {
  readonly width: number;
  readonly height: number;
  /** RGBA in memory, alpha 255 throughout, rows without gaps. */
  readonly pixels: Uint32Array;
}

export class Encoder {
  readonly #pictures: PictureEncoder;
  /** What a reader shows that has painted all that came out of here, once it is sharp. */
  #sent = new Pixels();
  readonly #coarse = new Coarse();
  #started = false;

  constructor(pictures: PictureEncoder) {
    this.#pictures = pictures;
  }

  /** What a reader shows when all is sharp, as RGBA; empty before the first frame. */
  get sent(): Uint8Array {
    return bytesOf(this.#sent.data);
  }

  /** The next frame begins with `Start` and carries the whole screen. */
  restart(): void {
    this.#sent = new Pixels();
    this.#coarse.resize(this.#sent);
    this.#started = false;
  }

  /** When `refine` has something to send, if nothing changes until then, in microseconds; null when a reader has everything exactly. */
  get refinesAt(): number | null {
    return this.#coarse.restsAt();
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
      this.#coarse.resize({ width, height });
      isChanged = true;
      yield write.size({ width, height });
    }
    let squares = changedCells(this.#sent, this.#sent.data, pixels);
    const rects = squares.flat();
    for (const rect of rects) this.#coarse.disturb(rect, timeUs);
    if (MOVE_PIXELS_MIN <= rects.reduce((sum, rect) => sum + area(rect), 0)) {
      let hasMoved = false;
      for (const record of this.#moves(pixels, timeUs)) {
        hasMoved = true;
        yield record;
      }
      if (hasMoved) {
        isChanged = true;
        squares = changedCells(this.#sent, this.#sent.data, pixels);
      }
    }
    for (const cells of squares) {
      isChanged = true;
      yield* this.#paint(cells, pixels, timeUs);
    }
    if (isChanged) yield write.update(timeUs);
  }

  /** A step of sharpening, as one update; nothing when nothing has rested long enough. Take all of it before the next frame. */
  *refine(timeUs: number): Generator<Uint8Array, void, void> {
    let pixels = 0;
    while (pixels < STEP_PIXELS) {
      const piece = this.#coarse.piece(timeUs);
      if (!piece) break;
      pixels += area(piece);
      this.#coarse.clear(piece);
      yield this.#content(piece);
    }
    if (0 < pixels) yield write.update(timeUs);
  }

  /** Paints what changed in a square. */
  *#paint(cells: readonly Rect[], pixels: Uint32Array, timeUs: number): Generator<Uint8Array, void, void> {
    for (const rect of cells) this.#sent.copy(rect, pixels);
    const { lossy, exact } = plan(this.#sent, cells);
    for (const rect of lossy) {
      this.#coarse.mark(rect, timeUs);
      const file = this.#pictures.lossy(bytesOf(this.#sent.cut(rect)), rect);
      yield write.picture(rect, { form: "webp", bytes: file });
    }
    for (const rect of exact) {
      this.#coarse.clear(rect);
      yield this.#content(rect);
    }
  }

  *#moves(pixels: Uint32Array, timeUs: number): Generator<Uint8Array, void, void> {
    for (const proposed of proposeMoves(this.#sent, this.#sent.data, pixels)) {
      // Verified against what the moves before this one have left behind.
      const move = verifiedMove(proposed, this.#sent, this.#sent.data, pixels);
      if (!move) continue;
      this.#sent.move(move.rect, move.rect.x, move.fromY);
      this.#coarse.shift(move.rect, move.rect.x, move.fromY, timeUs);
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
    return { form: "webp", bytes: this.#pictures.lossless(bytesOf(pixels), size) };
  }
}

function bytesOf(pixels: Uint32Array): Uint8Array {
  return new Uint8Array(pixels.buffer, pixels.byteOffset, pixels.byteLength);
}
