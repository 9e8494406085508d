// What was found out by trial about each square of the picture grid, and for how long it holds. As `encoder/verdicts.rs` of `convene-screen`.

import type { Rect } from "../screen/geometry";
import type { Pixels } from "../screen/pixels";
import { squareOf } from "./diff";
import type { PictureEncoder } from "./pictures";

/** A verdict is kept for so long, and one that goes the other way later has to be clearer. */
const AGE_US = 1_000_000;
const MARGIN = 1.6;
/** Side of the part that is encoded both ways. */
const TRIAL_SIDE = 64;

/** Whether lossy pictures pay, square by square. */
export class Verdicts {
  readonly #pictures: PictureEncoder;
  readonly #gain: number;
  readonly #verdicts = new Map<number, { readonly isLossy: boolean; readonly at: number }>();

  /** Lossy pictures pay where others have `gain` times their bytes. */
  constructor(pictures: PictureEncoder, gain: number) {
    this.#pictures = pictures;
    this.#gain = gain;
  }

  note(rect: Rect, isLossy: boolean, at: number): void {
    this.#verdicts.set(squareOf(rect), { isLossy, at });
  }

  /** By trial, unless there was one a moment ago. */
  decide(rect: Rect, screen: Pixels, now: number): boolean {
    const before = this.#verdicts.get(squareOf(rect));
    if (before && now - before.at < AGE_US) return before.isLossy;
    const gain = before ? (before.isLossy ? this.#gain / MARGIN : this.#gain * MARGIN) : this.#gain;
    const part = middleOf(rect);
    const rgba = new Uint8Array(screen.cut(part).buffer);
    const isLossy = gain * this.#pictures.lossy(rgba, part, "fine").length <= this.#pictures.lossless(rgba, part).length;
    this.note(rect, isLossy, now);
    return isLossy;
  }
}

function middleOf({ x, y, width, height }: Rect): Rect {
  const start = (from: number, side: number): number => from + Math.floor(Math.max(0, side - TRIAL_SIDE) / 2);
  return { x: start(x, width), y: start(y, height), width: Math.min(width, TRIAL_SIDE), height: Math.min(height, TRIAL_SIDE) };
}
