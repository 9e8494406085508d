// The binary range coder: probabilities that learn, and bytes. Mirrors plugins/screen/core/src/graphic/range.rs.

/** Probabilities are parts of so many. */
const ONE = 1 << 15;
const EVEN = ONE / 2;
/** A probability that has seen so many bits learns no slower any more. */
const SEEN_MAX = 30;
/** The range is kept above this, a byte at a time. */
const RANGE_MIN = 1 << 24;
/** Bytes in which the coder's number ends: as many may be missing, and are zeros then. */
const TAIL_BYTES = 4;
const CARRY = 2 ** 32;

/** How far a probability goes towards what it has seen, by how often it has seen something. */
const RATES = Uint32Array.from({ length: SEEN_MAX + 1 }, (_, seen) => Math.floor(655_360 / (10 * seen + 16)));

/** Probabilities that a bit is one, each at a number. */
export class Bits {
  readonly one: Uint16Array;
  readonly seen: Uint8Array;

  /** In the beginning: `[count, per cent]`, one group after another. */
  constructor(groups: readonly (readonly [count: number, perCent: number])[]) {
    const count = groups.reduce((sum, [count]) => sum + count, 0);
    this.one = new Uint16Array(count);
    this.seen = new Uint8Array(count);
    let at = 0;
    for (const [count, perCent] of groups) {
      this.one.fill(Math.floor((ONE * perCent) / 100), at, at + count);
      at += count;
    }
  }

  learn(at: number, bit: boolean): void {
    const one = this.one[at] as number;
    const seen = this.seen[at] as number;
    const rate = RATES[seen] as number;
    this.one[at] = bit ? one + (((ONE - one) * rate) >>> 16) : one - ((one * rate) >>> 16);
    if (seen < SEEN_MAX) this.seen[at] = seen + 1;
  }
}

/** Both ways of the coder: an encoder takes `bit` and returns it, a decoder ignores it and returns what it has read. */
export abstract class Coder {
  abstract bit(bit: boolean, bits: Bits, at: number): boolean;
  abstract evenBit(bit: boolean): boolean;

  /** A byte, bit by bit from the highest; there are 256 probabilities. */
  byte(value: number, bits: Bits, at: number): number {
    let node = 1;
    for (let shift = 7; 0 <= shift; shift--) {
      node = (node << 1) | (this.bit(((value >> shift) & 1) === 1, bits, at + node) ? 1 : 0);
    }
    return node - 256;
  }

  /** How many bits `value + 1` has beyond the first, in ones and a zero; then those bits. `most` probabilities, and bits. */
  number(value: number, bits: Bits, at: number, most: number): number {
    const length = 31 - Math.clz32(value + 1);
    let read = 0;
    while (read < most && this.bit(read < length, bits, at + read)) read++;
    let number = 1;
    for (let shift = read - 1; 0 <= shift; shift--) {
      number = (number << 1) | (this.evenBit((((value + 1) >> shift) & 1) === 1) ? 1 : 0);
    }
    return number - 1;
  }
}

export class RangeDecoder extends Coder {
  readonly #bytes: Uint8Array;
  #at = 0;
  #range = 0xffffffff;
  #code = 0;

  constructor(bytes: Uint8Array) {
    super();
    this.#bytes = bytes;
    for (let count = 0; count < TAIL_BYTES; count++) this.#shift();
  }

  /** Whether it has read more than there is. */
  get isExhausted(): boolean {
    return this.#bytes.length + TAIL_BYTES < this.#at;
  }

  /** Whether it has read all that there is, and no more. */
  get isAtEnd(): boolean {
    return this.#bytes.length <= this.#at && !this.isExhausted;
  }

  bit(_: boolean, bits: Bits, at: number): boolean {
    const bit = this.#read((this.#range >>> 15) * (bits.one[at] as number));
    bits.learn(at, bit);
    return bit;
  }

  evenBit(_: boolean): boolean {
    return this.#read((this.#range >>> 15) * EVEN);
  }

  #read(bound: number): boolean {
    const bit = this.#code < bound;
    if (bit) {
      this.#range = bound;
    } else {
      this.#code -= bound;
      this.#range -= bound;
    }
    while (this.#range < RANGE_MIN) {
      this.#range = (this.#range << 8) >>> 0;
      this.#shift();
    }
    return bit;
  }

  #shift(): void {
    this.#code = ((this.#code << 8) | (this.#at < this.#bytes.length ? (this.#bytes[this.#at] as number) : 0)) >>> 0;
    this.#at++;
  }
}

export class RangeEncoder extends Coder {
  #low = 0;
  #range = 0xffffffff;
  /** The last byte that is known but for a carry, and how many bytes of 0xff follow it. */
  #held = -1;
  #fullBytes = 0;
  readonly #out: number[] = [];

  /** Bytes that are known by now. */
  get length(): number {
    return this.#out.length;
  }

  bit(bit: boolean, bits: Bits, at: number): boolean {
    this.#write(bit, (this.#range >>> 15) * (bits.one[at] as number));
    bits.learn(at, bit);
    return bit;
  }

  evenBit(bit: boolean): boolean {
    this.#write(bit, (this.#range >>> 15) * EVEN);
    return bit;
  }

  /** The number within the last range that ends with the most zeros, without those of its last four bytes. */
  finish(): Uint8Array {
    const highest = this.#low + this.#range - 1;
    for (let unit = CARRY / 2; 1 <= unit; unit /= 2) {
      const rounded = Math.ceil(this.#low / unit) * unit;
      if (highest < rounded) continue;
      this.#low = rounded;
      break;
    }
    // One more, as one is always held back.
    for (let count = 0; count <= TAIL_BYTES; count++) this.#shift();
    const least = Math.max(1, this.#out.length - TAIL_BYTES);
    while (least < this.#out.length && this.#out.at(-1) === 0) this.#out.pop();
    return Uint8Array.from(this.#out);
  }

  #write(bit: boolean, bound: number): void {
    if (bit) {
      this.#range = bound;
    } else {
      this.#low += bound;
      this.#range -= bound;
    }
    while (this.#range < RANGE_MIN) {
      this.#range = (this.#range << 8) >>> 0;
      this.#shift();
    }
  }

  #shift(): void {
    const carry = CARRY <= this.#low ? 1 : 0;
    const byte = (this.#low >>> 24) & 0xff;
    if (byte === 0xff && carry === 0) {
      this.#fullBytes++;
    } else {
      if (0 <= this.#held) this.#out.push((this.#held + carry) & 0xff);
      for (; 0 < this.#fullBytes; this.#fullBytes--) this.#out.push((0xff + carry) & 0xff);
      this.#held = byte;
    }
    this.#low = (this.#low << 8) >>> 0;
  }
}
