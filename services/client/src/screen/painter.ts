// The painter: stream bytes in, whole updates onto a surface. Pictures of an update are decoded side by side; records are
// painted strictly in order, and all of an update in one go, so that nobody sees half of it.

import type { Picture } from "./cache";
import type { Rect, Size } from "./geometry";
import { decodeGraphic, Series } from "./graphic";
import { badPicture, badVideo, Reader, type Record, StreamError } from "./record";
import { vp8Header } from "./vp8";
import { webpHeader, type WebpHeader } from "./webp";

/** Where pixels go. `P` is a decoded picture. */
export interface Surface<P> {
  /** The screen has this size from now on, all black. */
  resize(size: Size): void;
  fill(rect: Rect, red: number, green: number, blue: number): void;
  move(rect: Rect, fromX: number, fromY: number): void;
  picture(rect: Rect, picture: P): void;
  /** A picture of these RGBA numbers. */
  plain(size: Size, pixels: Uint32Array<ArrayBuffer>): P;
  /** A picture that will not be painted. */
  discard?(picture: P): void;
}

/** Decodes films: frames in order, each to a picture. */
export interface Films<P> {
  /** Rejects when the frame does not decode; a film needs a key frame then. */
  decode(frame: Uint8Array, isKey: boolean, size: Size): Promise<P>;
  /** Nobody waits any more for what was to be decoded. */
  reset(): void;
}

/** Decodes one WebP file; rejects when it does not decode. A cursor keeps its alpha, the screen's pictures have none. */
export type Decode<P> = (webp: Uint8Array, header: WebpHeader, use: "screen" | "cursor") => Promise<P>;

export interface CursorShape<P> {
  readonly hotX: number;
  readonly hotY: number;
  readonly width: number;
  readonly height: number;
  readonly picture: P;
}

export interface Shown<P> {
  /** Bytes of the stream up to the end of this update. */
  readonly bytes: number;
  readonly resized: Size | null;
  readonly cursor: { readonly x: number; readonly y: number; readonly visible: boolean } | null;
  /** A new look of the pointer. */
  readonly shape: CursorShape<P> | null;
  /** The stream began anew: the pointer is to be forgotten before `cursor` and `shape` are looked at. */
  readonly started: boolean;
}

type Step<P> =
  | Exclude<Record, { kind: "picture" | "serial" | "video" | "keep" | "recall" | "cursor-shape" | "update" }>
  | { kind: "picture"; rect: Rect; picture: Promise<P> }
  | { kind: "cursor-shape"; hotX: number; hotY: number; width: number; height: number; picture: Promise<P> };

export class Painter<P> {
  readonly #surface: Surface<P>;
  readonly #decode: Decode<P>;
  readonly #films: Films<P> | null;
  readonly #onShown: (shown: Shown<P>) => void;
  readonly #onError: (error: StreamError) => void;
  #reader = new Reader();
  #series: Series | null = null;
  #steps: Step<P>[] = [];
  /** Counts resets: what an older stream still decodes is dropped. */
  #generation = 0;
  /** Set at the first fault in the bytes: what comes after it is dropped. */
  #refused = false;
  /** Set when the fault's turn comes in painting: nothing is painted after it. */
  #failed = false;
  #painting: Promise<void> = Promise.resolve();

  constructor(
    surface: Surface<P>,
    decode: Decode<P>,
    onShown: (shown: Shown<P>) => void,
    onError: (error: StreamError) => void,
    films: Films<P> | null = null,
  ) {
    this.#surface = surface;
    this.#decode = decode;
    this.#films = films;
    this.#onShown = onShown;
    this.#onError = onError;
  }

  /** Another stream begins. The surface keeps what it shows until that stream's first update. */
  reset(): void {
    this.#reader = new Reader();
    this.#series = null;
    this.#steps.forEach((step) => this.#discard(step));
    this.#steps = [];
    this.#films?.reset();
    this.#generation += 1;
    this.#refused = false;
    this.#failed = false;
  }

  /** Takes the next bytes of the stream. After an error, bytes are dropped until `reset`. */
  push(bytes: Uint8Array): void {
    if (this.#refused) return;
    try {
      this.#reader.push(bytes);
      for (let record = this.#reader.next(); record; record = this.#reader.next()) this.#take(record);
    } catch (error) {
      this.#failAfterPainting(error);
    }
  }

  /** Refuses a stream that ends inside a record. */
  finish(): void {
    if (this.#refused) return;
    try {
      this.#reader.finish();
    } catch (error) {
      this.#failAfterPainting(error);
    }
  }

  /** Settles when all that was pushed is painted or refused. */
  async idle(): Promise<void> {
    await this.#painting;
  }

  #take(record: Record): void {
    if (record.kind === "keep") {
      return;
    } else if (record.kind === "picture" || record.kind === "recall") {
      const picture = this.#screenPicture(record.picture, record.rect);
      this.#steps.push({ kind: "picture", rect: record.rect, picture });
    } else if (record.kind === "serial") {
      if (record.begins) this.#series = new Series();
      const picture = this.#plain(this.#series?.decode(record.graphic, record.rect) ?? null, record.rect);
      if (record.isShown) this.#steps.push({ kind: "picture", rect: record.rect, picture });
    } else if (record.kind === "video") {
      this.#steps.push({ kind: "picture", rect: record.rect, picture: this.#played(record) });
    } else if (record.kind === "cursor-shape") {
      const { hotX, hotY, width, height } = record;
      const picture = this.#decoded(record.webp, record, "cursor");
      this.#steps.push({ kind: "cursor-shape", hotX, hotY, width, height, picture });
    } else if (record.kind === "update") {
      const steps = this.#steps;
      const bytes = this.#reader.consumedBytes;
      const generation = this.#generation;
      this.#steps = [];
      this.#painting = this.#painting.then(() => this.#paint(steps, bytes, generation));
    } else {
      this.#steps.push(record);
    }
  }

  /** Graphics are decoded here and now. */
  #screenPicture({ form, bytes }: Picture, size: Size): Promise<P> {
    if (form === "webp") return this.#decoded(bytes, size, "screen");
    return this.#plain(decodeGraphic(bytes, size), size);
  }

  #plain(pixels: Uint32Array<ArrayBuffer> | null, size: Size): Promise<P> {
    if (!pixels) throw badPicture(size);
    return Promise.resolve(this.#surface.plain(size, pixels));
  }

  /** The picture's own header is looked at before anything is decoded. */
  #decoded(webp: Uint8Array, { width, height }: Size, use: "screen" | "cursor"): Promise<P> {
    const header = webpHeader(webp);
    if (!header || header.width !== width || header.height !== height) throw badPicture({ width, height });
    const decoded = this.#decode(webp, header, use).catch(() => {
      throw badPicture({ width, height });
    });
    // It is awaited when its update is painted; until then nobody else must see the rejection.
    decoded.catch(() => undefined);
    return decoded;
  }

  /** As with pictures, the frame's own header comes first. */
  #played({ rect, isKey, frame }: Extract<Record, { kind: "video" }>): Promise<P> {
    const header = vp8Header(frame);
    const isRight = header?.isKey ? isKey && header.width === rect.width && header.height === rect.height : !isKey;
    if (!header || !isRight || !this.#films) throw badVideo(rect);
    const decoded = this.#films.decode(frame, isKey, rect).catch(() => {
      throw badVideo(rect);
    });
    decoded.catch(() => undefined);
    return decoded;
  }

  #discard(step: Step<P>): void {
    if (step.kind !== "picture" && step.kind !== "cursor-shape") return;
    step.picture.then((picture) => this.#surface.discard?.(picture)).catch(() => undefined);
  }

  async #paint(steps: Step<P>[], bytes: number, generation: number): Promise<void> {
    if (generation !== this.#generation || this.#failed) return steps.forEach((step) => this.#discard(step));
    let pictures: P[];
    try {
      pictures = await Promise.all(
        steps.flatMap((step) => (step.kind === "picture" || step.kind === "cursor-shape" ? [step.picture] : [])),
      );
    } catch (error) {
      steps.forEach((step) => this.#discard(step));
      if (generation === this.#generation) this.#fail(error);
      return;
    }
    if (generation !== this.#generation || this.#failed) return steps.forEach((step) => this.#discard(step));
    this.#onShown({ ...this.#apply(steps, pictures), bytes });
  }

  #apply(steps: Step<P>[], pictures: P[]): Omit<Shown<P>, "bytes"> {
    const seen: { -readonly [K in keyof Omit<Shown<P>, "bytes">]: Shown<P>[K] } = {
      resized: null,
      cursor: null,
      shape: null,
      started: false,
    };
    let next = 0;
    for (const step of steps) {
      switch (step.kind) {
        case "start":
          Object.assign(seen, { started: true, resized: null, cursor: null, shape: null });
          break;
        case "size":
          this.#surface.resize(step.size);
          seen.resized = step.size;
          break;
        case "fill":
          this.#surface.fill(step.rect, step.red, step.green, step.blue);
          break;
        case "move":
          this.#surface.move(step.rect, step.fromX, step.fromY);
          break;
        case "picture":
          this.#surface.picture(step.rect, pictures[next++] as P);
          break;
        case "cursor":
          seen.cursor = { x: step.x, y: step.y, visible: step.visible };
          break;
        case "cursor-shape": {
          const { hotX, hotY, width, height } = step;
          seen.shape = { hotX, hotY, width, height, picture: pictures[next++] as P };
          break;
        }
      }
    }
    return seen;
  }

  /** Updates that came whole before the fault are still shown. */
  #failAfterPainting(error: unknown): void {
    const generation = this.#generation;
    this.#refused = true;
    this.#painting = this.#painting.then(() => {
      if (generation === this.#generation && !this.#failed) this.#fail(error);
    });
  }

  #fail(error: unknown): void {
    this.#refused = true;
    this.#failed = true;
    this.#steps = [];
    if (error instanceof StreamError) this.#onError(error);
    else this.#onError(new StreamError("bad-picture", `A picture could not be painted: ${String(error)}.`));
  }
}
