// The painter's worker: decodes with the browser's own WebP decoder and paints on the transferred canvas.

import { FilmDecoder } from "./film";
import type { Rect, Size } from "./geometry";
import type { CursorLook, FromPainter, ToPainter } from "./messages";
import { Painter, type Shown, type Surface } from "./painter";
import { screenHash } from "./pixels";
import type { WebpHeader } from "./webp";

/** A picture as the canvas takes it: a bitmap, plain pixels where a bitmap would not be exact, or a frame of a film. */
type Picture = ImageBitmap | ImageData | VideoFrame;

class CanvasSurface implements Surface<Picture> {
  readonly #canvas: OffscreenCanvas;
  readonly #context: OffscreenCanvasRenderingContext2D;

  constructor(canvas: OffscreenCanvas) {
    // Opaque, so that nothing is ever blended: what is drawn is what is there.
    const context = canvas.getContext("2d", { alpha: false, colorSpace: "srgb" });
    if (!context) throw new Error("This browser gives no 2d context for a canvas in a worker.");
    this.#canvas = canvas;
    this.#context = context;
  }

  resize({ width, height }: Size): void {
    this.#canvas.width = width;
    this.#canvas.height = height;
    this.#context.imageSmoothingEnabled = false;
    this.#context.fillStyle = "#000";
    this.#context.fillRect(0, 0, width, height);
  }

  fill({ x, y, width, height }: Rect, red: number, green: number, blue: number): void {
    this.#context.fillStyle = `rgb(${red} ${green} ${blue})`;
    this.#context.fillRect(x, y, width, height);
  }

  /** A canvas drawn onto itself reads what it showed before, also where the two overlap. */
  move({ x, y, width, height }: Rect, fromX: number, fromY: number): void {
    this.#context.drawImage(this.#canvas, fromX, fromY, width, height, x, y, width, height);
  }

  picture({ x, y, width, height }: Rect, picture: Picture): void {
    if (picture instanceof ImageData) {
      this.#context.putImageData(picture, x, y);
    } else {
      this.#context.drawImage(picture, x, y, width, height);
      picture.close();
    }
  }

  plain({ width, height }: Size, pixels: Uint32Array<ArrayBuffer>): Picture {
    return new ImageData(new Uint8ClampedArray(pixels.buffer), width, height);
  }

  discard(picture: Picture): void {
    if (!(picture instanceof ImageData)) picture.close();
  }

  get size(): Size {
    return { width: this.#canvas.width, height: this.#canvas.height };
  }

  read(): Uint8ClampedArray {
    return this.#context.getImageData(0, 0, this.#canvas.width, this.#canvas.height).data;
  }
}

const EXACT: ImageBitmapOptions = { premultiplyAlpha: "none", colorSpaceConversion: "none" };

/** The worker's state; pictures of a stream that came before the canvas would have nowhere to go. */
let surface: CanvasSurface | null = null;
let painter: Painter<Picture> | null = null;
let epoch = 0;
let isSized = false;

self.onmessage = ({ data }: MessageEvent<ToPainter>): void => {
  switch (data.type) {
    case "canvas":
      surface = new CanvasSurface(data.canvas);
      painter = new Painter(
        surface,
        decode,
        onShown,
        (error) => tell({ type: "error", epoch, name: error.name, message: error.message }),
        new FilmDecoder(),
      );
      break;
    case "reset":
      epoch = data.epoch;
      painter?.reset();
      break;
    case "stream":
      if (data.epoch === epoch) painter?.push(new Uint8Array(data.bytes));
      break;
    case "hash":
      void hash(data.id);
  }
};

async function decode(webp: Uint8Array, header: WebpHeader, use: "screen" | "cursor"): Promise<Picture> {
  // Drawing a bitmap that is not opaque would mix its colours with its alpha, which the format says to ignore.
  if (use === "screen" && header.alpha) return (await import("./opaque")).decodeOpaque(webp);
  return createImageBitmap(new Blob([webp as Uint8Array<ArrayBuffer>]), EXACT);
}

function onShown({ bytes, started, resized, cursor, shape }: Shown<Picture>): void {
  if (resized) isSized = true;
  let look: CursorLook | null = null;
  if (shape?.picture instanceof ImageBitmap) {
    const { picture: bitmap, hotX, hotY, width, height } = shape;
    look = { hotX, hotY, width, height, bitmap };
  }
  tell({ type: "shown", epoch, bytes, started, size: resized, cursor, look }, look ? [look.bitmap] : []);
}

async function hash(id: number): Promise<void> {
  await painter?.idle();
  const size = surface && isSized ? surface.size : null;
  const hash = surface && isSized ? await screenHash(surface.read()) : null;
  tell({ type: "hash", id, hash, size });
}

function tell(message: FromPainter, transfer: Transferable[] = []): void {
  self.postMessage(message, { transfer });
}
