// Screens to be presented: pages of text that scroll, blocks of colour, noise.

import type { Frame } from "../../src/present/encoder";
import { BLACK } from "../../src/screen/pixels";
import { seeded } from "./random";

export function screen(width: number, height: number, colour = 0xffffff): Frame {
  return { width, height, pixels: new Uint32Array(width * height).fill((BLACK | colour) >>> 0) };
}

export function block(frame: Frame, x: number, y: number, width: number, height: number, pixel: () => number): void {
  for (let row = y; row < Math.min(y + height, frame.height); row++) {
    for (let column = x; column < Math.min(x + width, frame.width); column++) {
      frame.pixels[row * frame.width + column] = (BLACK | pixel()) >>> 0;
    }
  }
}

/** A photograph: soft light and the grain of a camera; another one for each seed. */
export function photograph(frame: Frame, x: number, y: number, width: number, height: number, seed: number): void {
  const chance = seeded(seed);
  const wave = (at: number, length: number): number => 50 * Math.sin(at / length);
  let at = 0;
  block(frame, x, y, width, height, () => {
    const [column, row] = [(at % width) + 13 * seed, Math.floor(at++ / width)];
    const light = 120 + wave(column, 37) + wave(row, 23) + 14 * chance();
    return (Math.floor(light * 0.6) << 16) | (Math.floor(light * 0.8) << 8) | Math.floor(light);
  });
}

/** Pixels of 64 colours by chance: they take many bytes, and are no photograph. */
export function inks(chance: () => number): () => number {
  return () => Math.floor(64 * chance()) * 0x030507;
}

export function copyOf({ width, height, pixels }: Frame): Frame {
  return { width, height, pixels: pixels.slice() };
}

/** A long page of something like text, seen from row `top` on, between `left` and `right`. */
export function scrolledPage(frame: Frame, left: number, right: number, top: number): void {
  for (let y = 0; y < frame.height; y++) {
    const line = Math.floor((y + top) / 18);
    const isInk = (y + top) % 18 < 12;
    const chance = seeded(1_000 * line + ((y + top) % 18));
    for (let x = left; x < right; x++) {
      const ink = isInk && chance() < 0.4 ? 0x222222 : 0xffffff;
      frame.pixels[y * frame.width + x] = (BLACK | ink) >>> 0;
    }
  }
}
