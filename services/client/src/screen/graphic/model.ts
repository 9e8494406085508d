// What a pixel is likely to be, from those before it. Mirrors plugins/screen/core/src/graphic/model.rs.

import { Colours } from "./colours";
import { Bits, type Coder } from "./range";

/** Pixels beside a row and rows above a picture, all of the background's colour. */
const MARGIN = 2;
/** Entries of a memory, as a power of two, for the smallest and the largest picture. */
const MEMORY_BITS = [6, 14] as const;
/** The same for a series: one megabyte for both. */
const SERIES_MEMORY_BITS = 17;
/** Runs have at most 512 pixels, whose logarithm is 9. */
const RUN_LOGS = 10;
const TRUST_MAX = 7;
const PATTERNS = 256;
const RUN_LENGTHS = RUN_LOGS;
const NO_COLOUR = -1;

/**
 * Codes a picture row by row: an encoder takes its colours (0xrrggbb), a decoder gives them. What it has learned from one picture serves it for the
 * next.
 */
export class Model {
  #coder!: Coder;
  #background = 0;
  /** The row that is being coded, the one above it and the one above that, with margins. */
  #row = new Uint32Array();
  #above = new Uint32Array();
  #over = new Uint32Array();
  readonly #wide: Memory;
  readonly #narrow: Memory;
  readonly #neighbours = new Bits([
    [2 * PATTERNS, 50],
    [PATTERNS, 37],
    [PATTERNS, 25],
  ]);
  readonly #runs = new Bits([
    [RUN_LOGS, 85],
    [RUN_LOGS * RUN_LOGS, 50],
  ]);
  readonly #colours = new Colours();
  /** What the pixel is known not to be. */
  readonly #ruledOut = new Int32Array(7);
  #ruledOutCount = 0;

  /** Of one picture. */
  static forArea(area: number): Model {
    const bits = 32 - Math.clz32(4 * area - 1);
    return new Model(Math.min(Math.max(bits, MEMORY_BITS[0]), MEMORY_BITS[1]));
  }

  /** Of as many pictures as there will be. */
  static forSeries(): Model {
    return new Model(SERIES_MEMORY_BITS);
  }

  private constructor(memoryBits: number) {
    this.#wide = new Memory(memoryBits, 80);
    this.#narrow = new Memory(memoryBits, 60);
  }

  /** Begins a picture: codes the background, which an encoder has chosen. */
  begin(coder: Coder, width: number, background: number): void {
    this.#coder = coder;
    this.#background = this.#colours.background(coder, background);
    const row = () => new Uint32Array(width + 2 * MARGIN).fill(this.#background);
    [this.#row, this.#above, this.#over] = [row(), row(), row()];
  }

  /** Codes the next row: an encoder's has its colours, a decoder's gets them. */
  row(pixels: Uint32Array): void {
    const row = this.#over;
    [this.#row, this.#above, this.#over] = [row, this.#row, this.#above];
    const [above, over] = [this.#above, this.#over];
    const width = pixels.length;
    for (let x = 0; x < width; x++) {
      let at = x + MARGIN;
      const flat = row[at - 1] as number;
      this.#ruledOutCount = 0;
      if (
        above[at] === flat &&
        above[at - 1] === flat &&
        above[at + 1] === flat &&
        row[at - 2] === flat &&
        over[at] === flat
      ) {
        const limit = flatLength(above, over, at, width + MARGIN, flat);
        const length = this.#run(flat, limit, pixels, x);
        pixels.fill(flat, x, x + length);
        row.fill(flat, at, at + length);
        x += length;
        at += length;
        if (length === limit) {
          x--;
          continue;
        }
        this.#ruleOut(flat);
      }
      const colour = this.#pixel(at, pixels[x] as number);
      pixels[x] = colour;
      row[at] = colour;
    }
  }

  /** How many pixels are of the colour all around them, up to `limit`. */
  #run(flat: number, limit: number, pixels: Uint32Array, x: number): number {
    let length = 0;
    while (length < limit && pixels[x + length] === flat) length++;
    const log = 31 - Math.clz32(limit);
    if (this.#coder.bit(length === limit, this.#runs, log)) return limit;
    return Math.min(this.#coder.number(length, this.#runs, RUN_LENGTHS + log * RUN_LOGS, log), limit - 1);
  }

  #pixel(at: number, pixel: number): number {
    const [row, above] = [this.#row, this.#above];
    const w = row[at - 1] as number;
    const n = above[at] as number;
    const nw = above[at - 1] as number;
    const ne = above[at + 1] as number;
    const ww = row[at - 2] as number;
    const nn = this.#over[at] as number;
    const narrowHash =
      (Math.imul(w, 0x9e3779b1) + Math.imul(n, 0x85ebca77) + Math.imul(nw, 0xc2b2ae3d) + Math.imul(ne, 0x27d4eb2f)) | 0;
    const wideHash = (narrowHash + Math.imul(ww, 0x165667b1) + Math.imul(nn, 0xd3a2646d)) | 0;
    this.#wide.look(wideHash);
    this.#narrow.look(narrowHash);
    let colour = this.#remembered(this.#wide, w, n, pixel);
    if (colour === NO_COLOUR) colour = this.#remembered(this.#narrow, w, n, pixel);
    if (colour === NO_COLOUR) {
      const pattern =
        (w === n ? 1 : 0) |
        (w === nw ? 2 : 0) |
        (n === nw ? 4 : 0) |
        (n === ne ? 8 : 0) |
        (w === ww ? 16 : 0) |
        (n === nn ? 32 : 0) |
        (w === this.#background ? 64 : 0) |
        (n === this.#background ? 128 : 0);
      colour = this.#neighbour(w, pattern, pixel);
      if (colour === NO_COLOUR) colour = this.#neighbour(n, PATTERNS + pattern, pixel);
      if (colour === NO_COLOUR) colour = this.#neighbour(ne, 2 * PATTERNS + pattern, pixel);
      if (colour === NO_COLOUR) colour = this.#neighbour(nw, 3 * PATTERNS + pattern, pixel);
      if (colour === NO_COLOUR) colour = this.#colours.code(this.#coder, pixel);
    }
    this.#wide.learn(colour);
    this.#narrow.learn(colour);
    return colour;
  }

  #remembered(memory: Memory, w: number, n: number, pixel: number): number {
    if (memory.trust === 0 || this.#isRuledOut(memory.colour)) return NO_COLOUR;
    const { colour } = memory;
    const like = colour === w ? 0 : colour === n ? 1 : colour === this.#background ? 2 : 3;
    const model = memory.trust * 8 + like * 2 + (0 < this.#ruledOutCount ? 1 : 0);
    if (this.#coder.bit(colour === pixel, memory.bits, model)) return colour;
    this.#ruleOut(colour);
    return NO_COLOUR;
  }

  #neighbour(colour: number, model: number, pixel: number): number {
    if (this.#isRuledOut(colour)) return NO_COLOUR;
    if (this.#coder.bit(colour === pixel, this.#neighbours, model)) return colour;
    this.#ruleOut(colour);
    return NO_COLOUR;
  }

  #ruleOut(colour: number): void {
    this.#ruledOut[this.#ruledOutCount++] = colour;
  }

  #isRuledOut(colour: number): boolean {
    for (let at = 0; at < this.#ruledOutCount; at++) if (this.#ruledOut[at] === colour) return true;
    return false;
  }
}

/** How many pixels from `at` on will be flat if those before each of them are of this colour. */
function flatLength(above: Uint32Array, over: Uint32Array, at: number, end: number, flat: number): number {
  let next = at + 1;
  while (next < end && above[next + 1] === flat && over[next] === flat) next++;
  return next - at;
}

/** Which colour followed the same surroundings before. */
class Memory {
  /** A colour, three bits of trust (0: nothing is there), and five bits of the hash. */
  readonly #entries: Uint32Array;
  readonly #shift: number;
  readonly bits: Bits;
  #at = 0;
  #check = 0;
  /** What is remembered of the surroundings that were looked up last; nothing when `trust` is 0. */
  colour = 0;
  trust = 0;

  constructor(bits: number, perCent: number) {
    this.#entries = new Uint32Array(1 << bits);
    this.#shift = 32 - bits;
    this.bits = new Bits([[64, perCent]]);
  }

  look(surroundings: number): void {
    const mixed = Math.imul(surroundings ^ (surroundings >>> 15), 0x2c1b3c6d);
    const hash = mixed ^ (mixed >>> 13);
    this.#at = hash >>> this.#shift;
    this.#check = hash & 31;
    const entry = this.#entries[this.#at] as number;
    this.colour = entry & 0xffffff;
    this.trust = entry >>> 27 === this.#check ? (entry >>> 24) & 7 : 0;
  }

  /** The surroundings that were looked up last are followed by this colour. */
  learn(colour: number): void {
    let [kept, trust] = [colour, 1];
    if (0 < this.trust && this.colour === colour) trust = Math.min(this.trust + 1, TRUST_MAX);
    else if (4 <= this.trust) [kept, trust] = [this.colour, 2];
    this.#entries[this.#at] = (kept | (trust << 24) | (this.#check << 27)) >>> 0;
  }
}
