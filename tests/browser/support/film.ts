/** Something to present: a photograph, and a film that plays until it is stopped. And what a browser sends of it. */
import type { Page } from "playwright-core";

/** Kinds of records (plugins/screen/core/FORMAT.md). */
const PICTURE = 5;
const VIDEO = 6;
const HEADER_BYTES = 5;

/** Lays both over the page. */
export async function showFilm(page: Page): Promise<void> {
  await page.evaluate(() => {
    const canvas = document.createElement("canvas");
    Object.assign(canvas, { width: 640, height: 360, id: "film" });
    Object.assign(canvas.style, { position: "fixed", left: "40px", top: "200px", zIndex: "1000" });
    document.body.append(canvas);
    const context = canvas.getContext("2d") as CanvasRenderingContext2D;
    const picture = context.createImageData(640, 360);
    let frame = 0;
    const draw = (): void => {
      frame++;
      for (let at = 0; at < picture.data.length; at += 4) {
        const [x, y] = [(at / 4) % 640, Math.floor(at / 2560)];
        const light = 128 + 60 * Math.sin((x + 9 * frame) / 47) + 50 * Math.sin((y - 5 * frame) / 31) + 8 * Math.random();
        picture.data[at] = light;
        picture.data[at + 1] = light * 0.8;
        picture.data[at + 2] = 255 - light;
        picture.data[at + 3] = 255;
      }
      context.putImageData(picture, 0, 0);
    };
    draw();
    Object.assign(window, { film: setInterval(draw, 40) });
  });
}

/** It stops where it is. */
export async function stopFilm(page: Page): Promise<void> {
  await page.evaluate(() => clearInterval((window as unknown as { film: number }).film));
}

/** Counts what a page that is about to join sends of its screen. */
export class SentScreen {
  readonly records = { videos: 0, lossy: 0, lossless: 0 };
  readonly bytes = { videos: 0, lossy: 0, lossless: 0 };

  constructor(page: Page) {
    page.on("websocket", (socket) =>
      socket.on("framesent", ({ payload }) => {
        if (typeof payload !== "string") this.#count(payload);
      }),
    );
  }

  #count(message: Buffer): void {
    for (let at = 0; at + HEADER_BYTES <= message.length; at += HEADER_BYTES + message.readUInt32BE(at + 1)) {
      const length = message.readUInt32BE(at + 1);
      const kind = message[at];
      // A WebP file follows a rectangle of eight bytes; its thirteenth byte begins the name of its coding.
      const coding = message.toString("latin1", at + HEADER_BYTES + 20, at + HEADER_BYTES + 24);
      const name = kind === VIDEO ? "videos" : kind === PICTURE ? (coding === "VP8 " ? "lossy" : "lossless") : null;
      if (!name) continue;
      this.records[name]++;
      this.bytes[name] += length;
    }
  }
}
