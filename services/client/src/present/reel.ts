// A film that plays: its frames, encoded one after another as VP8, in the order in which they are to be sent.

import { area, type Rect } from "../screen/geometry";

/** One encoder for one film; frames come out in the order in which they went in. */
export interface FilmEncoder {
  /** RGBA rows without gaps, of the film's size. */
  encode(rgba: Uint32Array, timeUs: number, isKey: boolean): void;
  close(): void;
}

export interface FilmEvents {
  onFrame(frame: Uint8Array, isKey: boolean): void;
  onFailed(): void;
}

/** Begins a film of this size at so many bits a second; null where the browser cannot. */
export type OpenFilm = (width: number, height: number, bitsPerSecond: number, events: FilmEvents) => FilmEncoder | null;

export interface FilmFrame {
  readonly rect: Rect;
  readonly isKey: boolean;
  readonly frame: Uint8Array;
}

/** A reader that lost a frame begins again with a key frame; the second one comes soon, as the first was encoded in haste. */
const KEY_FRAME_INTERVAL_US = 4_000_000;
const SECOND_KEY_FRAME_US = 1_000_000;
/** More frames a second are not worth what they cost. */
const FRAME_INTERVAL_MIN_US = 30_000;
/** So many frames may be with the encoder, or wait to be sent. */
const FRAMES_WAITING_MAX = 2;
/** What a film of 640 x 360 may cost. One with sides three times as long costs three times as much. */
const BITS_A_SECOND = 300_000;
const BITS_AREA = 640 * 360;
/** libvpx makes something of it; on a line that carries less, frames are left out. */
const BITS_A_SECOND_MIN = 50_000;

export class Reel {
  readonly rect: Rect;
  #encoder: FilmEncoder | null = null;
  readonly #encoded: FilmFrame[] = [];
  /** With the encoder. */
  #inside = 0;
  #keyDue = Number.NEGATIVE_INFINITY;
  #hasStarted = false;
  #shownAt = Number.NEGATIVE_INFINITY;
  #hasFailed = false;

  /** Null where the browser has no encoder. `onFrame` is called when a frame may be taken. */
  static open(rect: Rect, bitsPerSecond: number, open: OpenFilm, onFrame: () => void): Reel | null {
    const reel = new Reel(rect);
    reel.#encoder = open(rect.width, rect.height, bitsPerSecond, {
      onFrame: (frame, isKey) => {
        reel.#inside--;
        reel.#encoded.push({ rect, isKey, frame });
        onFrame();
      },
      onFailed: () => {
        reel.#hasFailed = true;
      },
    });
    return reel.#encoder && reel;
  }

  private constructor(rect: Rect) {
    this.rect = rect;
  }

  /** No more frames will come: it is to be shown as pictures. */
  get hasFailed(): boolean {
    return this.#hasFailed;
  }

  /** Shows the next frame, if it is time for one. */
  show(rgba: Uint32Array, now: number): void {
    if (FRAMES_WAITING_MAX <= this.#inside + this.#encoded.length || now - this.#shownAt < FRAME_INTERVAL_MIN_US) return;
    const isKey = this.#keyDue <= now;
    if (isKey) {
      this.#keyDue = now + (this.#hasStarted ? KEY_FRAME_INTERVAL_US : SECOND_KEY_FRAME_US);
      this.#hasStarted = true;
    }
    this.#shownAt = now;
    this.#inside++;
    this.#encoder?.encode(rgba, now, isKey);
  }

  get hasFrame(): boolean {
    return 0 < this.#encoded.length;
  }

  /** The next frame that is to be sent; all of them, one after another. */
  take(): FilmFrame | undefined {
    return this.#encoded.shift();
  }

  close(): void {
    this.#encoder?.close();
  }
}

/** What a film costs, in bits a second; `line` is what the line carries, if that is known. A film takes two thirds of it at most. */
export function bitsFor(rect: Rect, line: number | null): number {
  const wanted = BITS_A_SECOND * Math.sqrt(area(rect) / BITS_AREA);
  return Math.floor(line === null ? wanted : Math.max(BITS_A_SECOND_MIN, Math.min(wanted, (line * 2) / 3)));
}

/** VP8 by the browser (WebCodecs); null where it has none. */
export const openFilm: OpenFilm = (width, height, bitrate, events) => {
  if (typeof VideoEncoder === "undefined") return null;
  const encoder = new VideoEncoder({
    output: (chunk) => {
      const frame = new Uint8Array(chunk.byteLength);
      chunk.copyTo(frame);
      events.onFrame(frame, chunk.type === "key");
    },
    error: () => events.onFailed(),
  });
  try {
    encoder.configure({ codec: "vp8", width, height, bitrate, bitrateMode: "variable", latencyMode: "realtime" });
  } catch {
    return null;
  }
  return {
    encode: (rgba, timestamp, keyFrame) => {
      const layout = { format: "RGBX", codedWidth: width, codedHeight: height, timestamp } as const;
      const picture = new VideoFrame(rgba as Uint32Array<ArrayBuffer>, layout);
      encoder.encode(picture, { keyFrame });
      picture.close();
    },
    close: () => {
      if (encoder.state !== "closed") encoder.close();
    },
  };
};
