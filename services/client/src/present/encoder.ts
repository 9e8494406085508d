// Pixels in, the screen stream out: what changed since the last frame, as moves, fills and pictures. Text is exact from the first;
// photographs are lossy at first, and sharpened when they rest.

import type { Picture } from "../screen/cache";
import { area, intersection, outside, type Rect, type Size, union } from "../screen/geometry";
import { encodeGraphic } from "../screen/graphic";
import { Pixels } from "../screen/pixels";
import * as write from "../screen/write";
import { Coarse, piecesIn } from "./coarse";
import { changedCells, widened } from "./diff";
import { Finder } from "./finder";
import { Kept } from "./kept";
import type { PictureEncoder } from "./pictures";
import { movesOf } from "./moves";
import { plan } from "./plan";
import { bitsFor, type OpenFilm, Reel } from "./reel";

/** Bits a pixel beyond which a graphic is given up, and so many bytes more, as few pixels take more each. */
const GRAPHIC_BITS_MAX = 3;
const GRAPHIC_BYTES_MIN = 256;
/** Pixels that are sharpened at once, about 15 ms of work: what is newer waits no longer. */
const STEP_PIXELS = 4 * 128 * 128;

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

export class Encoder {
  readonly #world: World;
  /** What a reader shows that has painted all that came out of here, once it is sharp. */
  #sent = new Pixels();
  readonly #coarse = new Coarse();
  readonly #kept = new Kept();
  #finder = new Finder(this.#sent);
  #reel: Reel | null = null;
  /** This browser can encode films. */
  #canFilm = true;
  /** What the line carries, in bits a second, if that is known. */
  line: number | null = null;
  #started = false;

  constructor(world: World) {
    this.#world = world;
  }

  /** What a reader shows when all is sharp, as RGBA; empty before the first frame. */
  get sent(): Uint8Array {
    return bytesOf(this.#sent.data);
  }

  /** The next frame begins with `Start` and carries the whole screen. */
  restart(): void {
    this.#begin({ width: 0, height: 0 });
    this.#kept.clear();
    this.#started = false;
  }

  /** When `refine` has something to send, if nothing changes until then, in microseconds; null when a reader has everything exactly. */
  get refinesAt(): number | null {
    const [restsAt, endsAt] = [this.#coarse.restsAt(), this.#reel && this.#finder.endsAt];
    return restsAt === null || endsAt === null ? (restsAt ?? endsAt) : Math.min(restsAt, endsAt);
  }

  /**
   * The records of one whole update, one at a time, so that the first are on their way while the last are still encoded.
   * Nothing when nothing changed. Take all of them before the next frame.
   */
  *frame({ width, height, pixels }: Frame, timeUs: number): Generator<Uint8Array, void, void> {
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
    let squares = changedCells(this.#sent, this.#sent.data, pixels);
    for (const rect of squares.flat()) this.#coarse.disturb(rect, timeUs);
    const moves = this.#moves(pixels, squares.flat(), timeUs);
    yield* moves;
    if (0 < moves.length) {
      isChanged = true;
      squares = changedCells(this.#sent, this.#sent.data, pixels);
    }
    for (const rect of squares.flat()) this.#sent.copy(rect, pixels);
    this.#followFilm(squares.flat(), timeUs);
    for (const cells of squares) {
      for (const record of this.#paint(widened(cells, this.#sent), timeUs)) {
        isChanged = true;
        yield record;
      }
    }
    if (isChanged) yield write.update(timeUs);
  }

  /** Whether `filmFrame` has something. */
  get hasFilmFrame(): boolean {
    return this.#reel?.hasFrame ?? false;
  }

  /** The film's next frame, as one update; nothing when there is none. Take all of it before the next frame of the screen. */
  *filmFrame(timeUs: number): Generator<Uint8Array, void, void> {
    const encoded = this.#reel?.take();
    if (!encoded) return;
    yield write.video(encoded.rect, encoded.isKey, encoded.frame);
    yield write.update(timeUs);
  }

  /** A step of sharpening, as one update; nothing when nothing has rested long enough. Take all of it before the next frame. */
  *refine(timeUs: number): Generator<Uint8Array, void, void> {
    this.#followFilm([], timeUs);
    let pixels = 0;
    while (pixels < STEP_PIXELS) {
      const piece = this.#coarse.piece(timeUs);
      if (!piece) break;
      pixels += area(piece);
      this.#coarse.clear(piece);
      for (const part of outside(piece, this.#film)) yield* this.#content(part);
    }
    if (0 < pixels) yield write.update(timeUs);
  }

  get #film(): Rect | null {
    return this.#reel?.rect ?? null;
  }

  #begin(size: Size): void {
    this.#sent.resize(size);
    this.#coarse.resize(size);
    this.#finder = new Finder(size);
    this.#reel?.close();
    this.#reel = null;
  }

  /** Paints what changed in a square, but for the film. */
  *#paint(cells: readonly Rect[], timeUs: number): Generator<Uint8Array, void, void> {
    const around = cells.flatMap((rect) => {
      const parts = outside(rect, this.#film);
      return 0 < parts.length ? [parts.reduce(union)] : [];
    });
    const { lossy, exact } = plan(this.#sent, around);
    for (const rect of lossy.flatMap((rect) => outside(rect, this.#film))) yield* this.#photograph(rect, timeUs);
    for (const rect of exact.flatMap((rect) => outside(rect, this.#film))) {
      this.#coarse.clear(rect);
      yield* this.#content(rect);
    }
  }

  /** A film that runs is never sharpened; one that has just ended is inexact. */
  #followFilm(changed: readonly Rect[], now: number): void {
    this.#finder.look(changed, this.#sent, now);
    const film = this.#canFilm ? this.#finder.film : null;
    if (film !== this.#film) {
      if (this.#reel) this.#coarse.mark(this.#reel.rect, now);
      this.#reel?.close();
      const onFrame = (): void => this.#world.onFilmFrame();
      this.#reel = film && Reel.open(film, bitsFor(film, this.line), this.#world.openFilm, onFrame);
      if (film && !this.#reel) this.#canFilm = false;
    }
    if (!this.#reel) return;
    this.#coarse.clear(this.#reel.rect);
    const { rect } = this.#reel;
    if (changed.some((one) => intersection(one, rect))) this.#reel.show(this.#sent.cut(rect), now);
    // What comes now is shown as pictures.
    if (this.#reel.hasFailed) this.#canFilm = false;
  }

  /** Applies what moved. */
  #moves(pixels: Uint32Array, changed: readonly Rect[], timeUs: number): Uint8Array[] {
    const records: Uint8Array[] = [];
    const places: Rect[] = [];
    let moved = 0;
    for (const { rect, from } of movesOf(this.#sent, pixels, changed, this.#film)) {
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

  /** About right; but what a reader has kept of it when it was sharp is recalled. */
  *#photograph(rect: Rect, timeUs: number): Generator<Uint8Array, void, void> {
    const kept = piecesIn(rect).map((piece) => ({ piece, key: this.#kept.find(piece, this.#sent.cut(piece)) }));
    const known = kept.filter(({ key }) => key !== null);
    // Holes would leave many small pictures.
    if (2 * known.length < kept.length || known.length === 0) {
      this.#coarse.mark(rect, timeUs);
      const file = this.#world.pictures.lossy(bytesOf(this.#sent.cut(rect)), rect);
      yield write.picture(rect, { form: "webp", bytes: file });
      return;
    }
    let rest = [rect];
    for (const { piece, key } of known) {
      rest = rest.flatMap((part) => outside(part, piece));
      this.#coarse.clear(piece);
      yield write.recall(piece, key as bigint);
    }
    for (const part of rest) {
      this.#coarse.clear(part);
      yield* this.#content(part);
    }
  }

  /** The rectangle, exactly. */
  *#content(rect: Rect): Generator<Uint8Array, void, void> {
    const pixels = this.#sent.cut(rect);
    const first = pixels[0] as number;
    if (pixels.every((pixel) => pixel === first)) {
      yield write.fill(rect, first & 0xff, (first >>> 8) & 0xff, (first >>> 16) & 0xff);
      return;
    }
    const known = this.#kept.find(rect, pixels);
    if (known !== null) {
      yield write.recall(rect, known);
      return;
    }
    const picture = this.#picture(pixels, rect);
    yield write.picture(rect, picture);
    const key = this.#kept.keep(rect, pixels, picture);
    if (key !== null) yield write.keep(key);
  }

  /** What is short as a graphic is text, which takes more in any other form. */
  #picture(pixels: Uint32Array, size: Size): Picture {
    const graphic = encodeGraphic(pixels, size, (pixels.length * GRAPHIC_BITS_MAX) / 8 + GRAPHIC_BYTES_MIN);
    if (graphic) return { form: "graphic", bytes: graphic };
    return { form: "webp", bytes: this.#world.pictures.lossless(bytesOf(pixels), size) };
  }
}

function bytesOf(pixels: Uint32Array): Uint8Array {
  return new Uint8Array(pixels.buffer, pixels.byteOffset, pixels.byteLength);
}
