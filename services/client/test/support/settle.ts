// A screen that rests: what was held back comes, and what is blurred is sharpened.

import type { Encoder } from "../../src/present/encoder";

/** Lets the time pass until nothing is due any more, and gives the last time at which something was. */
export function settle(encoder: Encoder, stream: Uint8Array[]): number {
  let now = 0;
  for (;;) {
    const [rests, refines] = [encoder.restsAt, encoder.refinesAt];
    if (rests === null && refines === null) return now;
    const isRest = rests !== null && (refines === null || rests <= refines);
    now = isRest ? rests : (refines as number);
    stream.push(...(isRest ? encoder.rest(now) : encoder.refine(now)));
  }
}
