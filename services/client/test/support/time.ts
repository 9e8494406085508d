// Time that passes only when it is told to.

export class Clock {
  #now = 0;
  #next = 0;
  readonly #timers = new Map<number, { at: number; run: () => void }>();

  readonly later = (run: () => void, ms: number): (() => void) => {
    const id = this.#next++;
    this.#timers.set(id, { at: this.#now + ms, run });
    return () => this.#timers.delete(id);
  };

  /** Lets everything run that is due until then, and what it promised. */
  async pass(ms: number): Promise<void> {
    const end = this.#now + ms;
    await settled();
    for (let due = this.#due(end); due; due = this.#due(end)) {
      this.#now = due.at;
      due.run();
      await settled();
    }
    this.#now = end;
  }

  #due(end: number): { at: number; run: () => void } | null {
    const next = [...this.#timers].filter(([, { at }]) => at <= end).sort(([, a], [, b]) => a.at - b.at)[0];
    if (!next) return null;
    this.#timers.delete(next[0]);
    return next[1];
  }
}

/** All promises that wait for no timer are kept. */
export async function settled(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}
