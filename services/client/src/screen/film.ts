// Films by the browser's own VP8 decoder (WebCodecs).

import type { Size } from "./geometry";
import type { Films } from "./painter";

/** Software keeps no frame back, and takes any size; a film on a page is small enough for it. The colours are those of the format. */
const CONFIG = {
  codec: "vp8",
  optimizeForLatency: true,
  hardwareAcceleration: "prefer-software",
  colorSpace: { primaries: "bt709", transfer: "iec61966-2-1", matrix: "smpte170m", fullRange: false },
} as const;

interface Waiting {
  readonly resolve: (frame: VideoFrame) => void;
  readonly reject: (error: unknown) => void;
}

/** Whether this browser can decode films; to be asked in a window or in a worker. */
export async function canPlayFilms(): Promise<boolean> {
  if (typeof VideoDecoder === "undefined") return false;
  try {
    return (await VideoDecoder.isConfigSupported(CONFIG)).supported === true;
  } catch {
    return false;
  }
}

/** One film after another; every frame that goes in comes out, in order. */
export class FilmDecoder implements Films<VideoFrame> {
  #decoder: VideoDecoder | null = null;
  #size: Size | null = null;
  /** By the number of the frame, which the decoder hands through as its time. */
  readonly #waiting = new Map<number, Waiting>();
  #frames = 0;

  decode(frame: Uint8Array, isKey: boolean, size: Size): Promise<VideoFrame> {
    return new Promise((resolve, reject) => {
      const number = this.#frames++;
      this.#waiting.set(number, { resolve, reject });
      try {
        this.#decoderFor(isKey, size).decode(
          new EncodedVideoChunk({ type: isKey ? "key" : "delta", timestamp: number, data: frame as Uint8Array<ArrayBuffer> }),
        );
      } catch (error) {
        this.#fail(error);
      }
    });
  }

  reset(): void {
    this.#fail(new Error("The film was left."));
  }

  #decoderFor(isKey: boolean, { width, height }: Size): VideoDecoder {
    if (!isKey) {
      if (!this.#decoder) throw new Error("The film was not begun.");
      return this.#decoder;
    }
    this.#decoder ??= new VideoDecoder({
      output: (frame) => this.#decoded(frame),
      error: (error) => this.#fail(error),
    });
    if (this.#size?.width !== width || this.#size.height !== height) {
      this.#decoder.configure({ ...CONFIG, codedWidth: width, codedHeight: height });
      this.#size = { width, height };
    }
    return this.#decoder;
  }

  #decoded(frame: VideoFrame): void {
    const waiting = this.#waiting.get(frame.timestamp);
    this.#waiting.delete(frame.timestamp);
    if (waiting) waiting.resolve(frame);
    else frame.close();
  }

  /** All that is still awaited is lost; the next film gets a decoder of its own. */
  #fail(error: unknown): void {
    const decoder = this.#decoder;
    this.#decoder = null;
    this.#size = null;
    if (decoder && decoder.state !== "closed") decoder.close();
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}
