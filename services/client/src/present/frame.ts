// A captured frame as plain pixels: RGBA in memory, alpha 255, rows without gaps.

import { BLACK } from "../screen/pixels";
import type { Frame } from "./encoder";

export class FrameReader {
  #pixels = new Uint32Array(0);
  #canvas: OffscreenCanvas | null = null;
  #canConvert = true;

  /** The frame's pixels; they stay until the next call, which writes over them. The source is not closed. */
  async read(source: VideoFrame | ImageBitmap): Promise<Frame> {
    if (source instanceof ImageBitmap) return this.#draw(source, source.width, source.height);
    const { width, height } = source.visibleRect ?? { width: source.codedWidth, height: source.codedHeight };
    if (this.#canConvert) {
      try {
        return await this.#convert(source, width, height);
      } catch {
        // Not every browser converts to RGBX by itself.
        this.#canConvert = false;
      }
    }
    return this.#draw(source, width, height);
  }

  async #convert(source: VideoFrame, width: number, height: number): Promise<Frame> {
    const pixels = this.#room(width * height);
    const layout = [{ offset: 0, stride: 4 * width }];
    const got = await source.copyTo(new Uint8Array(pixels.buffer), { format: "RGBX", layout } as VideoFrameCopyToOptions);
    // A browser that ignores the wish for a format gives planes instead.
    if (got.length !== 1 || got[0]?.stride !== 4 * width) throw new Error("the frame was not converted");
    for (let i = 0; i < pixels.length; i++) pixels[i] = (pixels[i] as number) | BLACK;
    return { width, height, pixels };
  }

  #draw(source: VideoFrame | ImageBitmap, width: number, height: number): Frame {
    if (!this.#canvas || this.#canvas.width !== width || this.#canvas.height !== height) {
      this.#canvas = new OffscreenCanvas(width, height);
    }
    const context = this.#canvas.getContext("2d", { alpha: false, willReadFrequently: true });
    if (!context) throw new Error("this browser gives no 2d context for a canvas in a worker");
    context.drawImage(source, 0, 0, width, height);
    const { data } = context.getImageData(0, 0, width, height);
    return { width, height, pixels: new Uint32Array(data.buffer) };
  }

  #room(pixels: number): Uint32Array<ArrayBuffer> {
    if (this.#pixels.length !== pixels) this.#pixels = new Uint32Array(pixels);
    return this.#pixels as Uint32Array<ArrayBuffer>;
  }
}
