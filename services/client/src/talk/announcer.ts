// Says what is so now: at once when it is quiet, otherwise the newest a little later, and nothing twice.

type Later = (run: () => void, ms: number) => () => void;

export class Announcer<T> {
  readonly #say: (value: T) => void;
  readonly #restMs: number;
  readonly #later: Later;
  #newest: T;
  #said: T;
  readonly #initial: T;
  #isResting = false;
  #cancel: () => void = () => undefined;

  /** `initial` is what the listener takes for granted before anything is said. */
  constructor(initial: T, restMs: number, say: (value: T) => void, later: Later) {
    this.#initial = this.#newest = this.#said = initial;
    this.#restMs = restMs;
    this.#say = say;
    this.#later = later;
  }

  set(value: T): void {
    this.#newest = value;
    this.#sayIfDue();
  }

  /** The listener is a new one, who knows nothing but `initial`. */
  restart(): void {
    this.#cancel();
    this.#isResting = false;
    this.#said = this.#initial;
    this.#sayIfDue();
  }

  /** Nobody listens: nothing is said until `restart`. */
  pause(): void {
    this.#cancel();
    this.#isResting = true;
  }

  #sayIfDue(): void {
    if (this.#isResting || this.#newest === this.#said) return;
    this.#said = this.#newest;
    this.#isResting = true;
    this.#cancel = this.#later(() => {
      this.#isResting = false;
      this.#sayIfDue();
    }, this.#restMs);
    this.#say(this.#said);
  }
}
