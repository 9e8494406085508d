// How a rectangle is painted: as the records that do it, with what a reader has then.

import type { Picture } from "../screen/cache";
import { outside, type Rect, type Size } from "../screen/geometry";
import { encodeGraphic } from "../screen/graphic";
import type { Pixels } from "../screen/pixels";
import * as write from "../screen/write";
import { type Coarse, piecesIn } from "./coarse";
import { Kept } from "./kept";
import { bytesOf, type PictureEncoder } from "./pictures";

/** Bits a pixel beyond which a graphic is given up, and so many bytes more, as few pixels take more each. */
const GRAPHIC_BITS_MAX = 3;
const GRAPHIC_BYTES_MIN = 256;

export class Brush {
  readonly #pictures: PictureEncoder;
  readonly #sent: Pixels;
  readonly #coarse: Coarse;
  readonly #kept = new Kept();

  /** Paints what `sent` shows, and notes in `coarse` what is only about right. */
  constructor(pictures: PictureEncoder, sent: Pixels, coarse: Coarse) {
    this.#pictures = pictures;
    this.#sent = sent;
    this.#coarse = coarse;
  }

  /** A new reader has kept nothing. */
  forget(): void {
    this.#kept.clear();
  }

  /** What will have changed again before anybody has looked at it. */
  rough(rect: Rect, timeUs: number): Uint8Array {
    this.#coarse.mark(rect, timeUs);
    return write.picture(rect, { form: "webp", bytes: this.#pictures.lossy(bytesOf(this.#sent.cut(rect)), rect, "rough") });
  }

  /** About right; but what a reader has kept of it when it was sharp is recalled. */
  *photograph(rect: Rect, timeUs: number): Generator<Uint8Array, void, void> {
    const kept = piecesIn(rect).map((piece) => ({ piece, key: this.#kept.find(piece, this.#sent.cut(piece)) }));
    const known = kept.filter(({ key }) => key !== null);
    // Holes would leave many small pictures.
    if (2 * known.length < kept.length || known.length === 0) {
      this.#coarse.mark(rect, timeUs);
      const file = this.#pictures.lossy(bytesOf(this.#sent.cut(rect)), rect, "fine");
      yield write.picture(rect, { form: "webp", bytes: file });
      return;
    }
    let rest = [rect];
    for (const { piece, key } of known) {
      rest = rest.flatMap((part) => outside(part, piece));
      this.#coarse.clear(piece);
      yield write.recall(piece, key as bigint);
    }
    for (const part of rest) {
      yield* this.exact(part);
    }
  }

  /** As it is. */
  *exact(rect: Rect): Generator<Uint8Array, void, void> {
    this.#coarse.clear(rect);
    const pixels = this.#sent.cut(rect);
    const first = pixels[0] as number;
    if (pixels.every((pixel) => pixel === first)) {
      yield write.fill(rect, first & 0xff, (first >>> 8) & 0xff, (first >>> 16) & 0xff);
      return;
    }
    const known = this.#kept.find(rect, pixels);
    if (known !== null) {
      yield write.recall(rect, known);
      return;
    }
    const picture = this.#picture(pixels, rect);
    yield write.picture(rect, picture);
    const key = this.#kept.keep(rect, pixels, picture);
    if (key !== null) yield write.keep(key);
  }

  /** What is short as a graphic is text, which takes more in any other form. */
  #picture(pixels: Uint32Array, size: Size): Picture {
    const graphic = encodeGraphic(pixels, size, (pixels.length * GRAPHIC_BITS_MAX) / 8 + GRAPHIC_BYTES_MIN);
    if (graphic) return { form: "graphic", bytes: graphic };
    return { form: "webp", bytes: this.#pictures.lossless(bytesOf(pixels), size) };
  }
}
