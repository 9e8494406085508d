// An uplink under virtual time, in milliseconds: so many kilobits a second behind a deep buffer, and a way there and back.

export class Line {
  #bytesPerMs: number;
  readonly #delay: number;
  readonly #arrivals: { readonly at: number; readonly count: number }[] = [];
  #freeAt = 0;
  /** All that was given to the line. */
  sentBytes = 0;

  constructor(kbps: number, delay: number) {
    this.#bytesPerMs = kbps / 8;
    this.#delay = delay;
  }

  /** It has another rate from now on. */
  become(kbps: number): void {
    this.#bytesPerMs = kbps / 8;
  }

  send(bytes: number, now: number): void {
    this.sentBytes += bytes;
    this.#freeAt = Math.max(now, this.#freeAt) + bytes / this.#bytesPerMs;
    this.#arrivals.push({ at: this.#freeAt + 2 * this.#delay, count: this.sentBytes });
  }

  /** The acknowledgements that have come back by now. */
  arrived(now: number): number[] {
    const rest = this.#arrivals.findIndex(({ at }) => now < at);
    return this.#arrivals.splice(0, rest < 0 ? this.#arrivals.length : rest).map(({ count }) => count);
  }

  /** For how long what is sent now waits in front of the line. */
  queueMs(now: number): number {
    return Math.max(0, this.#freeAt - now);
  }
}
