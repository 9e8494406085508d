// Colours that nothing before a pixel foretells. Mirrors plugins/screen/core/src/graphic/colours.rs.

import { Bits, type Coder } from "./range";

/** Colours of one green that are remembered. */
const ALIKE_MAX = 8;
/** A difference of up to 255 has at most 8 bits. */
const DIFFERENCE_BITS = 8;
/** What differs by more from what is expected is drawn with another ink. */
const INK_MISS_MAX = 8;

const IS_KNOWN = 256;
/** Of red; then of blue, where red was another than expected, and where it was as expected. */
const DIFFERENCES = IS_KNOWN + ALIKE_MAX;
const IS_LESS = 1;
const SIZE = 2;
const DIFFERENCE_COUNT = SIZE + DIFFERENCE_BITS;
const DIFFERENCE = [
  [1, 70],
  [1 + DIFFERENCE_BITS, 50],
] as const;

/** Text is drawn in steps between two colours: green says which step, and red and blue are about where green lets one expect them. */
export class Colours {
  readonly #bits = new Bits([[256, 50], [ALIKE_MAX, 70], ...DIFFERENCE, ...DIFFERENCE, ...DIFFERENCE]);
  /** By green, the newest first. */
  readonly #known = new Uint32Array(256 * ALIKE_MAX);
  readonly #knownCount = new Uint8Array(256);
  #background = 0;
  /** What is drawn on the background at present. */
  #ink = 0xffffff;

  /** The first colour of a picture; where nothing came before, it is expected to be grey. */
  background(coder: Coder, colour: number): number {
    const coded = this.code(coder, colour);
    this.#background = coded;
    this.#ink = coded;
    return coded;
  }

  code(coder: Coder, colour: number): number {
    const green = coder.byte((colour >> 8) & 0xff, this.#bits, 0);
    const first = green * ALIKE_MAX;
    const known = this.#known;
    const count = this.#knownCount[green] as number;
    for (let at = 0; at < count; at++) {
      if (!coder.bit(known[first + at] === colour, this.#bits, IS_KNOWN + at)) continue;
      const found = known[first + at] as number;
      known.copyWithin(first + 1, first, first + at);
      known[first] = found;
      return found;
    }
    const coded = this.#unknown(coder, green, colour);
    known.copyWithin(first + 1, first, first + ALIKE_MAX - 1);
    known[first] = coded;
    if (count < ALIKE_MAX) this.#knownCount[green] = count + 1;
    return coded;
  }

  #unknown(coder: Coder, green: number, colour: number): number {
    const expectedRed = this.#expected(green, 16);
    const expectedBlue = this.#expected(green, 0);
    const red = this.#channel(coder, DIFFERENCES, expectedRed, colour >> 16);
    const isRight = red === expectedRed;
    const blue = this.#channel(coder, DIFFERENCES + (isRight ? 2 : 1) * DIFFERENCE_COUNT, expectedBlue, colour & 0xff);
    const coded = (red << 16) | (green << 8) | blue;
    const miss = Math.abs(red - expectedRed) + Math.abs(blue - expectedBlue);
    if (INK_MISS_MAX < miss || this.#distance(this.#ink) < this.#distance(coded)) this.#ink = coded;
    return coded;
  }

  #channel(coder: Coder, at: number, expected: number, value: number): number {
    if (coder.bit(value === expected, this.#bits, at)) return expected;
    const isLess = coder.bit(value < expected, this.#bits, at + IS_LESS);
    const beyond = Math.max(0, Math.abs(value - expected) - 1);
    const size = 1 + coder.number(beyond, this.#bits, at + SIZE, DIFFERENCE_BITS);
    return isLess ? Math.max(0, expected - size) : Math.min(0xff, expected + size);
  }

  /** From the background, by green. */
  #distance(colour: number): number {
    return Math.abs(((colour >> 8) & 0xff) - ((this.#background >> 8) & 0xff));
  }

  /** On the line from the background to the ink, at this green. */
  #expected(green: number, shift: number): number {
    const inkGreen = (this.#ink >> 8) & 0xff;
    const ink = (this.#ink >> shift) & 0xff;
    const length = inkGreen - ((this.#background >> 8) & 0xff);
    const rise = length === 0 ? 1 : ink - ((this.#background >> shift) & 0xff);
    const expected = ink + Math.trunc((rise * (green - inkGreen)) / (length === 0 ? 1 : length));
    return Math.min(0xff, Math.max(0, expected));
  }
}
