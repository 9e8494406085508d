// How long to wait before the next try to connect.

const FIRST_MS = 250;
const LONGEST_MS = 5_000;

/**
 * Doubles from a quarter of a second up to five seconds. `chance` in [0, 1) spreads clients that were lost together, by up to
 * a quarter of the wait.
 */
export function retryDelay(tries: number, chance: number): number {
  const wait = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(tries, 16));
  return Math.round(wait * (1 + chance / 4));
}
