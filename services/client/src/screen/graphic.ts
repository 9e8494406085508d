// Pictures of few colours, such as text and line work: the form of a `Graphic` record. Mirrors plugins/screen/core/src/graphic.rs.

import type { Size } from "./geometry";
import { Model } from "./graphic/model";
import { RangeDecoder, RangeEncoder } from "./graphic/range";
import { BLACK } from "./pixels";

/** RGBA numbers in rows without gaps; null for bytes that are too few or too many for a picture of this size. */
export function decodeGraphic(graphic: Uint8Array, size: Size): Uint32Array<ArrayBuffer> | null {
  return decodeBy(Model.forArea(size.width * size.height), graphic, size);
}

/** Graphics one after another, each coded with what those before it have taught: the form of `Serial` records. */
export class Series {
  readonly #model = Model.forSeries();

  /** As `decodeGraphic`. After null the series is over. */
  decode(graphic: Uint8Array, size: Size): Uint32Array<ArrayBuffer> | null {
    return decodeBy(this.#model, graphic, size);
  }
}

function decodeBy(model: Model, graphic: Uint8Array, { width, height }: Size): Uint32Array<ArrayBuffer> | null {
  const coder = new RangeDecoder(graphic);
  model.begin(coder, width, 0);
  const pixels = new Uint32Array(width * height);
  const row = new Uint32Array(width);
  for (let at = 0; at < pixels.length; at += width) {
    model.row(row);
    if (coder.isExhausted) return null;
    for (let x = 0; x < width; x++) pixels[at + x] = (BLACK | swapped(row[x] as number)) >>> 0;
  }
  return coder.isAtEnd ? pixels : null;
}

/** Null as soon as it takes more than `bytesMax`. */
export function encodeGraphic(pixels: Uint32Array, { width, height }: Size, bytesMax: number): Uint8Array | null {
  const coder = new RangeEncoder();
  const model = Model.forArea(width * height);
  model.begin(coder, width, swapped(background(pixels)));
  const row = new Uint32Array(width);
  for (let at = 0; at < pixels.length; at += width) {
    for (let x = 0; x < width; x++) row[x] = swapped(pixels[at + x] as number);
    model.row(row);
    if (bytesMax < coder.length) return null;
  }
  const graphic = coder.finish();
  return graphic.length <= bytesMax ? graphic : null;
}

/** The colour that most pixels have, if there is one; else any that is frequent (Boyer and Moore's vote). */
function background(pixels: Uint32Array): number {
  let [winner, votes] = [0, 0];
  for (const pixel of pixels) {
    if (votes === 0) winner = pixel;
    votes += pixel === winner ? 1 : -1;
  }
  return winner;
}

/** From 0xaabbggrr to 0xrrggbb, and back without alpha. */
function swapped(colour: number): number {
  return ((colour & 0xff) << 16) | (colour & 0xff00) | ((colour >>> 16) & 0xff);
}
