// What a reader keeps, as the writer knows it: pictures that need not be sent again. The cache is the reader's own, entry by entry; the
// pixels beside it prove that a picture is the same, as its hash alone does not.

import { Cache, type Picture } from "../screen/cache";
import { area, type Rect } from "../screen/geometry";

/** Smaller rectangles are sent again: looking for them costs more than they do. */
const AREA_MIN = 64 * 64;
/** Shorter ones are not worth an entry. */
const BYTES_MIN = 1_024;
/** Pixels that are remembered: eight screens of 1920 x 1080. What is older is kept by readers, and not recalled. */
const PIXELS_MAX = 8 * 1_920 * 1_080;

export class Kept {
  readonly #cache = new Cache();
  /** A map hands its entries out in the order in which they came. */
  readonly #pixels = new Map<bigint, Uint32Array>();
  #remembered = 0;

  /** The key of a kept picture that looks just like these pixels of the rectangle. */
  find(rect: Rect, pixels: Uint32Array): bigint | null {
    if (area(rect) < AREA_MIN || this.#pixels.size === 0) return null;
    const key = keyOf(rect, pixels);
    const kept = this.#cache.get(key);
    const known = this.#pixels.get(key);
    if (!kept || !known || kept.width !== rect.width || kept.height !== rect.height) return null;
    return known.every((pixel, at) => pixel === pixels[at]) ? key : null;
  }

  /** The key under which a reader shall keep this lossless picture of the rectangle. */
  keep(rect: Rect, pixels: Uint32Array, picture: Picture): bigint | null {
    if (area(rect) < AREA_MIN || picture.bytes.length < BYTES_MIN) return null;
    const key = keyOf(rect, pixels);
    if (!this.#cache.keep(key, { width: rect.width, height: rect.height, picture })) return null;
    this.#forget(key);
    this.#pixels.set(key, pixels);
    this.#remembered += pixels.length;
    for (const oldest of this.#pixels.keys()) {
      if (this.#remembered <= PIXELS_MAX) break;
      this.#forget(oldest);
    }
    return key;
  }

  clear(): void {
    this.#cache.clear();
    this.#pixels.clear();
    this.#remembered = 0;
  }

  #forget(key: bigint): void {
    this.#remembered -= this.#pixels.get(key)?.length ?? 0;
    this.#pixels.delete(key);
  }
}

/** Two hashes of 32 bits, as one number. */
function keyOf({ width, height }: Rect, pixels: Uint32Array): bigint {
  let [one, other] = [0x811c9dc5 ^ width, 0x9e3779b1 ^ height];
  for (const pixel of pixels) {
    one = Math.imul(one ^ pixel, 0x01000193);
    other = Math.imul(other ^ pixel ^ (one >>> 13), 0x85ebca6b);
    other ^= other >>> 15;
  }
  return (BigInt(one >>> 0) << 32n) | BigInt(other >>> 0);
}
