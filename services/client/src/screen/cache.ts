// What a stream keeps to be shown again. Mirrors plugins/screen/core/src/cache.rs, so that both ends let go of the same entries.

import type { Size } from "./geometry";

/** Bytes of pictures that are kept at most. */
export const CACHE_BYTES_MAX = 16 * 1024 * 1024;
/** Entries that are kept at most. */
export const CACHE_ENTRIES_MAX = 1024;

/** A picture in one of its two forms, encoded. */
export interface Picture {
  readonly form: "webp" | "graphic";
  readonly bytes: Uint8Array;
}

/** A picture that may be recalled, and the size that its record said. */
export interface KeptPicture extends Size {
  readonly picture: Picture;
}

/** First in, first out, by number and by bytes. */
export class Cache {
  /** A map hands its entries out in the order in which they came. */
  readonly #entries = new Map<bigint, KeptPicture>();
  #bytes = 0;

  /** Entries and bytes that are kept. */
  get held(): { readonly entries: number; readonly bytes: number } {
    return { entries: this.#entries.size, bytes: this.#bytes };
  }

  get(key: bigint): KeptPicture | undefined {
    return this.#entries.get(key);
  }

  /** Lets the oldest go until the new one fits. False, and nothing done, when the key is there. */
  keep(key: bigint, kept: KeptPicture): boolean {
    if (this.#entries.has(key)) return false;
    const bytes = kept.picture.bytes.length;
    for (const [oldest, { picture }] of this.#entries) {
      if (this.#entries.size < CACHE_ENTRIES_MAX && this.#bytes + bytes <= CACHE_BYTES_MAX) break;
      this.#entries.delete(oldest);
      this.#bytes -= picture.bytes.length;
    }
    this.#entries.set(key, kept);
    this.#bytes += bytes;
    return true;
  }

  clear(): void {
    this.#entries.clear();
    this.#bytes = 0;
  }
}
