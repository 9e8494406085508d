// Says how much is painted: at once when it is quiet, otherwise the newest count now and then, as the server takes only so
// many messages a second.

/** Forty a second leave room for everything else below the server's hundred. */
const INTERVAL_MS = 25;

export class Acknowledger {
  readonly #send: (bytes: number) => void;
  readonly #later: (run: () => void, ms: number) => () => void;
  #painted = 0;
  #said = 0;
  #isResting = false;
  #cancel: () => void = () => undefined;

  constructor(
    send: (bytes: number) => void,
    later: (run: () => void, ms: number) => () => void = (run, ms) => {
      const timer = setTimeout(run, ms);
      return () => clearTimeout(timer);
    },
  ) {
    this.#send = send;
    this.#later = later;
  }

  /** Counting begins anew, with a new `watch`. */
  restart(): void {
    this.#cancel();
    this.#isResting = false;
    this.#painted = 0;
    this.#said = 0;
  }

  painted(bytes: number): void {
    this.#painted = bytes;
    this.#sayIfDue();
  }

  #sayIfDue(): void {
    if (this.#isResting || this.#painted === this.#said) return;
    this.#said = this.#painted;
    this.#isResting = true;
    this.#cancel = this.#later(() => {
      this.#isResting = false;
      this.#sayIfDue();
    }, INTERVAL_MS);
    this.#send(this.#painted);
  }
}
