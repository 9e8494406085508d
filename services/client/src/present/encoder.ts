// Pixels in, the screen stream out: what changed since the last frame, as moves, fills and pictures. Text is exact from the first;
// photographs are lossy at first, and sharpened when they rest; what changes again and again is rough and rare until it rests.

import { area, intersection, outside, type Rect, type Size, union } from "../screen/geometry";
import { Pixels } from "../screen/pixels";
import * as write from "../screen/write";
import { Brush } from "./brush";
import { Coarse } from "./coarse";
import { bySquare, changedCells, changedIn, widened } from "./diff";
import { Finder } from "./finder";
import { movesOf } from "./moves";
import { bytesOf, type PictureEncoder } from "./pictures";
import { Owed, type Turn } from "./owed";
import { plan } from "./plan";
import { bitsFor, type OpenFilm, Reel } from "./reel";
import { Restless } from "./restless";
import { Verdicts } from "./verdicts";

/** Pixels that are sharpened at once, about 15 ms of work: what is newer waits no longer. */
const STEP_PIXELS = 4 * 128 * 128;

/** Lossless pictures cost this many times as much as lossy ones, or more, where lossy pays; text gives 1, photographs 5 to 20. */
const LOSSY_GAIN = 2.5;

export interface Frame {
  readonly width: number;
  readonly height: number;
  /** RGBA in memory, alpha 255 throughout, rows without gaps. */
  readonly pixels: Uint32Array;
}

/** What an encoder needs of the world. */
export interface World {
  readonly pictures: PictureEncoder;
  readonly openFilm: OpenFilm;
  /** A frame of the film can be had by `filmFrame`. */
  onFilmFrame(): void;
}

type Records = Generator<Uint8Array, void, void>;

export class Encoder {
  readonly #world: World;
  /** The last frame. */
  readonly #shown = new Pixels();
  /** What a reader shows that has painted all that came out of here, once it is sharp: the last frame but for what is held back. */
  readonly #sent = new Pixels();
  readonly #coarse = new Coarse();
  readonly #brush: Brush;
  #finder = new Finder(this.#sent);
  #restless: Restless;
  #owed: Owed;
  /** Of what is soft. */
  #verdicts: Verdicts;
  #paintedAt = 0;
  #reel: Reel | null = null;
  /** This browser can encode films. */
  #canFilm = true;
  /** What the line carries, in bits a second, if that is known. */
  line: number | null = null;
  /** About how many bytes an update may have: the rest is owed, and goes with the next ones, as it is by then. Null for all that a frame takes. */
  room: number | null = null;
  #started = false;

  constructor(world: World) {
    this.#world = world;
    this.#brush = new Brush(world.pictures, this.#sent, this.#coarse);
    this.#restless = new Restless(this.#sent, world.pictures);
    this.#owed = new Owed(this.#sent);
    this.#verdicts = new Verdicts(world.pictures, LOSSY_GAIN);
  }

  /** What a reader shows when all is sharp, as RGBA; empty before the first frame. */
  get sent(): Uint8Array {
    return bytesOf(this.#sent.data);
  }

  /** The next frame begins with `Start` and carries the whole screen. */
  restart(): void {
    this.#begin({ width: 0, height: 0 });
    this.#brush.forget();
    this.#started = false;
  }

  /** When `refine` has something to sharpen, if nothing changes until then, in microseconds; null when nothing is blurred. */
  get refinesAt(): number | null {
    // What is newer goes first.
    return earlier(this.owes ? null : this.#coarse.restsAt(), this.#reel && this.#finder.endsAt);
  }

  /** Whether the last update had no room for some of the screen. */
  get owes(): boolean {
    return !this.#owed.isEmpty;
  }

  /** When `rest` has something that is owed or held back now, if nothing changes until then, in microseconds; null when nothing is. */
  get restsAt(): number | null {
    return this.owes ? this.#paintedAt : this.#restless.dueAt;
  }

  /**
   * The records of one whole update, one at a time, so that the first are on their way while the last are still encoded.
   * Nothing when nothing changed, or all of it is held back. Take all of them before the next frame.
   */
  *frame({ width, height, pixels }: Frame, timeUs: number): Records {
    let isChanged = false;
    if (!this.#started) {
      this.#started = true;
      isChanged = true;
      yield write.start();
    }
    if (width !== this.#sent.width || height !== this.#sent.height) {
      this.#begin({ width, height });
      isChanged = true;
      yield write.size({ width, height });
    }
    let changed = changedCells(this.#shown, this.#shown.data, pixels);
    this.#owed.note(changed, timeUs);
    for (const rect of this.#apart(changed)) this.#coarse.disturb(rect, timeUs);
    for (const rect of changed) this.#shown.copy(rect, pixels);
    const moves = this.#moves(changed, timeUs);
    yield* moves;
    if (0 < moves.length) {
      isChanged = true;
      changed = this.#unsent(changed);
    }
    for (const record of this.#paint(changed, timeUs)) {
      isChanged = true;
      yield record;
    }
    if (isChanged) yield write.update(timeUs);
  }

  /** Whether `filmFrame` has something. */
  get hasFilmFrame(): boolean {
    return this.#reel?.hasFrame ?? false;
  }

  /** The film's next frame, as one update; nothing when there is none. Take all of it before the next frame of the screen. */
  *filmFrame(timeUs: number): Records {
    const encoded = this.#reel?.take();
    if (!encoded) return;
    yield write.video(encoded.rect, encoded.isKey, encoded.frame);
    yield write.update(timeUs);
  }

  /** More of what is owed, and what was held back and rests now, as one update; nothing when there is nothing. Take all of it before the next frame. */
  *rest(timeUs: number): Records {
    let isChanged = false;
    for (const record of this.#paint([], timeUs)) {
      isChanged = true;
      yield record;
    }
    if (isChanged) yield write.update(timeUs);
  }

  /** A step of sharpening, as one update; nothing when nothing has rested long enough. Take all of it before the next frame. */
  *refine(timeUs: number): Records {
    this.#followFilm([], timeUs);
    let pixels = 0;
    while (!this.owes && pixels < STEP_PIXELS) {
      const piece = this.#coarse.piece(timeUs);
      if (!piece) break;
      pixels += area(piece);
      this.#coarse.clear(piece);
      for (const part of outside(piece, this.#film)) yield* this.#brush.exact(part);
    }
    if (0 < pixels) yield write.update(timeUs);
  }

  get #film(): Rect | null {
    return this.#reel?.rect ?? null;
  }

  #begin(size: Size): void {
    this.#shown.resize(size);
    this.#sent.resize(size);
    this.#coarse.resize(size);
    this.#finder = new Finder(size);
    this.#restless = new Restless(size, this.#world.pictures);
    this.#owed = new Owed(size);
    this.#verdicts = new Verdicts(this.#world.pictures, LOSSY_GAIN);
    this.#reel?.close();
    this.#reel = null;
  }

  /** What of the rectangles a reader does not have. */
  #unsent(rects: readonly Rect[]): Rect[] {
    const { width, data } = this.#sent;
    return rects.map((rect) => changedIn(rect, width, data, this.#shown.data)).filter((rect) => rect !== null);
  }

  /** What of the rectangles lies outside of the film. */
  #apart(rects: readonly Rect[]): Rect[] {
    return rects.flatMap((rect) => outside(rect, this.#film));
  }

  /** Paints what changed, what is owed and what was held back before, but for the film, for what is held back now and what there is no room for. */
  *#paint(changed: readonly Rect[], timeUs: number): Records {
    this.#followFilm(changed, timeUs);
    // What a film does says nothing about the text in a cell at its edge.
    const around = this.#film ? changed.flatMap((rect) => joined(this.#unsent(this.#apart([rect])))) : changed;
    const isRestless = (rect: Rect): boolean => this.#finder.isRestless(rect, timeUs);
    const due = this.#unsent(this.#restless.due(around, this.#shown, isRestless, timeUs));
    this.#restless.takeOver((rect) => this.#owed.take(rect));
    for (const rect of due) this.#owed.add(rect, timeUs);
    // What has moved there, has changed back or is shown by a film is owed no longer.
    if (0 < changed.length) this.#owed.settle((rect) => joined(this.#unsent(this.#apart([rect])))[0] ?? null);
    let written = 0;
    for (let turn = this.#turn(0); turn; turn = this.#turn(written)) {
      const before = written;
      for (const record of this.#paintTurn(turn.rects, timeUs)) {
        written += record.length;
        yield record;
      }
      this.#owed.learn(turn, written - before);
    }
    this.#owed.endUpdate();
    this.#paintedAt = timeUs;
  }

  #turn(written: number): Turn | null {
    return this.#owed.next(this.#shown, this.room, written);
  }

  *#paintTurn(rects: readonly Rect[], timeUs: number): Records {
    for (const rect of rects) this.#sent.copy(rect, this.#shown.data);
    for (const cells of bySquare(rects)) yield* this.#paintSquare(cells, timeUs);
  }

  /** Paints what changed in a square, but for the film. */
  *#paintSquare(cells: readonly Rect[], timeUs: number): Records {
    const isRough = (rect: Rect): boolean => this.#restless.isRough(rect);
    const judge = { verdicts: this.#verdicts, isRough, now: timeUs };
    const whole = cells.some(isRough) ? cells : widened(cells, this.#sent);
    const around = whole.flatMap((rect) => joined(this.#apart([rect])));
    const { rough, fine, exact } = plan(this.#sent, around, judge);
    for (const rect of this.#apart(rough)) yield this.#brush.rough(rect, timeUs);
    for (const rect of this.#apart(fine)) yield* this.#brush.photograph(rect, timeUs);
    for (const rect of this.#apart(exact)) yield* this.#brush.exact(rect);
  }

  /** A film that runs is never sharpened; one that has just ended is inexact. */
  #followFilm(changed: readonly Rect[], now: number): void {
    this.#finder.look(changed, this.#shown, now);
    const film = this.#canFilm ? this.#finder.film : null;
    if (film !== this.#film) {
      if (this.#reel) this.#coarse.mark(this.#reel.rect, now);
      this.#reel?.close();
      const onFrame = (): void => this.#world.onFilmFrame();
      this.#reel = film && Reel.open(film, bitsFor(film, this.line), this.#world.openFilm, onFrame);
      if (film && !this.#reel) this.#canFilm = false;
      // Each frame of it shows all of it.
      if (this.#reel) this.#sent.copy(this.#reel.rect, this.#shown.data);
    }
    if (!this.#reel) return;
    this.#coarse.clear(this.#reel.rect);
    const { rect } = this.#reel;
    const parts = changed.map((one) => intersection(one, rect)).filter((part) => part !== null);
    for (const part of parts) this.#sent.copy(part, this.#shown.data);
    if (0 < parts.length) this.#reel.show(this.#shown.cut(rect), now);
    // What comes now is shown as pictures.
    if (this.#reel.hasFailed) this.#canFilm = false;
  }

  /** Applies what moved. */
  #moves(changed: readonly Rect[], timeUs: number): Uint8Array[] {
    const records: Uint8Array[] = [];
    const places: Rect[] = [];
    let moved = 0;
    for (const { rect, from } of movesOf(this.#sent, this.#shown.data, changed, this.#film)) {
      this.#sent.move(rect, from.x, from.y);
      this.#coarse.shift(rect, from.x, from.y, timeUs);
      records.push(write.move(rect, from.x, from.y));
      places.push(union(rect, { ...rect, ...from }));
      moved += area(rect);
    }
    // A page was scrolled, if that is most of what happened; a picture that pans may have moved in places too.
    const isMost = changed.reduce((sum, rect) => sum + area(rect), 0) <= 2 * moved;
    if (isMost) for (const place of places) this.#finder.scrolled(place, timeUs);
    return records;
  }
}

/** The rectangle around all of them, if there are any. */
function joined(rects: readonly Rect[]): Rect[] {
  return 0 < rects.length ? [rects.reduce(union)] : [];
}

function earlier(a: number | null, b: number | null): number | null {
  return a === null || b === null ? (a ?? b) : Math.min(a, b);
}
