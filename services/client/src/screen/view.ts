// The page's side of the screen: one canvas and one pointer over it, painted by a worker.

import { canPlayFilms } from "./film";
import type { Size } from "./geometry";
import type { CursorLook, CursorPlace, FromPainter, ToPainter } from "./messages";
import { Kind } from "./record";

export interface ScreenEvents {
  /** `bytes` of the stream since the last `begin` are painted. */
  onPainted(bytes: number): void;
  onSize(size: Size): void;
  /** The stream was refused; nothing is painted until the next `begin`. */
  onError(message: string): void;
}

/** Owns its canvas and its worker until `close`. */
export class ScreenView {
  readonly canvas: HTMLCanvasElement;
  readonly cursor: HTMLCanvasElement;
  /** Updates painted since this view was made. */
  paintedUpdates = 0;
  size: Size | null = null;
  /** Whether films may come as they are; else they are to come as pictures. */
  playsFilms = false;
  readonly #worker: Worker;
  readonly #events: ScreenEvents;
  readonly #hashes = new Map<number, (hash: string | null) => void>();
  #epoch = 0;
  #nextHash = 1;
  /** A stream begins with `Start`; what still comes of the stream before is not counted as the new one's. */
  #isAwaitingStart = true;
  #place: CursorPlace = { x: 0, y: 0, visible: false };
  #look: Omit<CursorLook, "bitmap"> | null = null;

  constructor(canvas: HTMLCanvasElement, cursor: HTMLCanvasElement, events: ScreenEvents) {
    this.canvas = canvas;
    this.cursor = cursor;
    this.#events = events;
    this.#worker = new Worker(new URL("./painter.worker.ts", import.meta.url), { type: "module" });
    this.#worker.onmessage = ({ data }: MessageEvent<FromPainter>) => this.#heard(data);
    this.#worker.onerror = (event) => events.onError(`The painter stopped: ${event.message || "its script did not load"}.`);
    void canPlayFilms().then((canPlay) => {
      this.playsFilms = canPlay;
    });
    const offscreen = canvas.transferControlToOffscreen();
    this.#tell({ type: "canvas", canvas: offscreen }, [offscreen]);
  }

  /** Another stream is to come. The canvas keeps its picture until that stream's first update. */
  begin(): void {
    this.#epoch += 1;
    this.#isAwaitingStart = true;
    this.#tell({ type: "reset", epoch: this.#epoch });
  }

  /** The next bytes of the stream; the buffer is given away. */
  push(bytes: ArrayBuffer): void {
    if (this.#isAwaitingStart && new Uint8Array(bytes, 0, Math.min(1, bytes.byteLength))[0] !== Kind.Start) return;
    this.#isAwaitingStart = false;
    this.#tell({ type: "stream", epoch: this.#epoch, bytes }, [bytes]);
  }

  /** SHA-256 of the canvas's colours, read back from the worker; null before the first screen. */
  hash(): Promise<string | null> {
    const id = this.#nextHash++;
    return new Promise((resolve) => {
      this.#hashes.set(id, resolve);
      this.#tell({ type: "hash", id });
    });
  }

  close(): void {
    this.#worker.terminate();
    for (const resolve of this.#hashes.values()) resolve(null);
    this.#hashes.clear();
  }

  #heard(message: FromPainter): void {
    if (message.type === "hash") {
      this.#hashes.get(message.id)?.(message.hash);
      this.#hashes.delete(message.id);
      return;
    }
    if (message.epoch !== this.#epoch) return;
    if (message.type === "error") {
      // What cannot be decoded here is asked for as pictures.
      if (message.name === "bad-video") this.playsFilms = false;
      this.#events.onError(message.message);
      return;
    }
    this.paintedUpdates += 1;
    if (message.size) {
      this.size = message.size;
      this.#events.onSize(message.size);
    }
    if (message.started) this.#forgetCursor();
    if (message.look) this.#takeLook(message.look);
    if (message.cursor) this.#place = message.cursor;
    this.#placeCursor();
    this.#events.onPainted(message.bytes);
  }

  #forgetCursor(): void {
    this.#look = null;
    this.#place = { x: 0, y: 0, visible: false };
  }

  #takeLook({ bitmap, ...look }: CursorLook): void {
    this.#look = look;
    this.cursor.width = look.width;
    this.cursor.height = look.height;
    this.cursor.getContext("bitmaprenderer")?.transferFromImageBitmap(bitmap);
  }

  /** In shares of the screen's size, so that the pointer follows the canvas however large that is shown. */
  #placeCursor(): void {
    const isShown = this.#place.visible && this.#look !== null && this.size !== null;
    this.cursor.hidden = !isShown;
    if (!this.#look || !this.size) return;
    const { width, height } = this.size;
    this.cursor.style.left = `${(100 * (this.#place.x - this.#look.hotX)) / width}%`;
    this.cursor.style.top = `${(100 * (this.#place.y - this.#look.hotY)) / height}%`;
    this.cursor.style.width = `${(100 * this.#look.width) / width}%`;
    this.cursor.style.height = `${(100 * this.#look.height) / height}%`;
  }

  #tell(message: ToPainter, transfer: Transferable[] = []): void {
    this.#worker.postMessage(message, transfer);
  }
}
