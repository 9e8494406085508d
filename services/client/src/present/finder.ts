// Finds the film on a screen: the one rectangle that keeps changing and looks like photographs. As `film.rs` of `convene-screen`.
// Starting and ending take some time, so that neither a slide's transition nor a film's short rest does either.

import { area, FILM_AREA_MAX, intersection, type Rect, type Size, union } from "../screen/geometry";
import type { Pixels } from "../screen/pixels";
import { CELL } from "./diff";
import { Heat } from "./heat";

/**
 * A rectangle of `START_AREA` that keeps changing for so long is a film; a larger one, which costs more until it is found, as much sooner as it is
 * larger. The cells need about 0.1 s before that until they count as changing.
 */
const START_US = 350_000;
const START_AREA = 960 * 540;
/** No film starts sooner: what changes twice is no film. */
const START_US_MIN = 60_000;
/** Between two frames of something that becomes a film. */
const PAUSE_MAX_US = 150_000;
/** A film that does not change for so long, or no longer looks like one, is over. */
const END_US = 300_000;
/** A film of which only a part has changed for so long, or whose rectangle turns out to be a little larger, gets its new rectangle. */
const CORRECTION_US = 2_000_000;
/** One that has grown gets its new rectangle sooner: what is outside is sent as pictures. */
const GROWTH_US = 150_000;
/** Smaller ones are cheap enough as pictures: an advertisement, a spinner. */
const AREA_MIN = 128 * 96;
const SIDE_MIN = 64;
/** A film that extends beyond its rectangle by more than this has grown. */
const BEYOND_MAX = 16;

export class Finder {
  readonly #heat: Heat;
  /** What may soon be a film, since when it has looked like it, and when it did last. */
  #candidate: { readonly rect: Rect; readonly since: number; readonly seenAt: number } | null = null;
  #film: { readonly rect: Rect; changedAt: number; aliveAt: number } | null = null;

  constructor(size: Size) {
    this.#heat = new Heat(size);
  }

  /** The film's rectangle. */
  get film(): Rect | null {
    return this.#film?.rect ?? null;
  }

  /** When the film that runs is over if nothing changes until then. */
  get endsAt(): number | null {
    return this.#film && Math.min(this.#film.changedAt, this.#film.aliveAt) + END_US + 1;
  }

  /** Whether the cell in which the rectangle lies changes again and again. */
  isRestless(rect: Rect, now: number): boolean {
    return this.#heat.isRestless(rect, now);
  }

  /** A page was scrolled, with all that is close to it: what changes there says nothing about where a film is. One that runs goes on. */
  scrolled(target: Rect, now: number): void {
    const [x, y] = [Math.max(0, target.x - CELL), Math.max(0, target.y - CELL)];
    const close = { x, y, width: target.x + target.width + CELL - x, height: target.y + target.height + CELL - y };
    this.#heat.forget(close);
    if (this.#film && intersection(this.#film.rect, close)) {
      this.#heat.forget(this.#film.rect);
      this.#film.aliveAt = now;
    }
  }

  /** Takes in a frame: `changed` has a tight rectangle for each cell that changed and did not merely move; `screen` shows the frame. */
  look(changed: readonly Rect[], screen: Pixels, now: number): void {
    this.#heat.note(changed, screen, now);
    this.#endIfOver(changed, now);
    const hot = this.#heat.hottest(now);
    if (hot && isOfASize(hot)) this.#consider(hot, isMuchOf(changed, hot), now);
    else this.#candidate = null;
  }

  #endIfOver(changed: readonly Rect[], now: number): void {
    const film = this.#film;
    if (!film) return;
    if (changed.some((rect) => intersection(rect, film.rect))) film.changedAt = now;
    if (this.#heat.isAlive(film.rect, now)) film.aliveAt = now;
    if (END_US < now - Math.min(film.changedAt, film.aliveAt)) this.#film = null;
  }

  /** `hot` looks like a film in this frame; a film starts when it `changes`. */
  #consider(hot: Rect, changes: boolean, now: number): void {
    const proposal = this.#proposal(hot);
    if (!proposal) {
      this.#candidate = null;
      return;
    }
    const [rect, patience] = proposal;
    const before = this.#candidate;
    // While nothing changes, no frame may come that would say so.
    const goesOn = before && areAlike(before.rect, rect) && now - before.seenAt <= PAUSE_MAX_US;
    const since = goesOn ? before.since : now;
    this.#candidate = { rect, since, seenAt: now };
    if (changes && patience <= now - since) {
      this.#candidate = null;
      this.#film = { rect, changedAt: now, aliveAt: now };
    }
  }

  /** The rectangle that the film should have, and how long it must look so; null when it is the one that it has. */
  #proposal(hot: Rect): [Rect, number] | null {
    const film = this.film;
    if (!film) return [hot, startOf(hot)];
    const isMostlyShared = area(film) <= 2 * area(intersection(film, hot) ?? { ...film, width: 0 });
    const beyond = Math.max(
      film.x - hot.x,
      film.y - hot.y,
      hot.x + hot.width - film.x - film.width,
      hot.y + hot.height - film.y - film.height,
    );
    if (beyond <= 0) return 2 * area(film) <= 3 * area(hot) ? null : [hot, CORRECTION_US];
    const both = union(hot, film);
    if (!isMostlyShared || !isOfASize(both)) return [hot, startOf(hot)];
    // A part of it may only rest.
    return [both, beyond <= BEYOND_MAX ? CORRECTION_US : GROWTH_US];
  }
}

/** For how long the rectangle of no film must look like one. */
function startOf(rect: Rect): number {
  return Math.max(START_US_MIN, (START_US * START_AREA) / Math.max(START_AREA, area(rect)));
}

function isOfASize(rect: Rect): boolean {
  return SIDE_MIN <= Math.min(rect.width, rect.height) && AREA_MIN <= area(rect) && area(rect) <= FILM_AREA_MAX;
}

/** The changes fill a quarter of the rectangle. */
function isMuchOf(changed: readonly Rect[], rect: Rect): boolean {
  const inside = changed.map((one) => intersection(one, rect)).reduce((sum, one) => sum + (one ? area(one) : 0), 0);
  return area(rect) <= 4 * inside;
}

/** What both have is more than two thirds of what they cover together. */
function areAlike(a: Rect, b: Rect): boolean {
  const both = intersection(a, b);
  return both !== null && 2 * (area(a) + area(b)) <= 5 * area(both);
}
