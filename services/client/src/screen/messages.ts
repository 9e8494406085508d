// What the page and the painter's worker say to each other. `epoch` counts the streams: a new `watch` is a new epoch.

import type { Size } from "./geometry";
import type { StreamErrorName } from "./record";

export type ToPainter =
  | { readonly type: "canvas"; readonly canvas: OffscreenCanvas }
  | { readonly type: "reset"; readonly epoch: number }
  | { readonly type: "stream"; readonly epoch: number; readonly bytes: ArrayBuffer }
  | { readonly type: "hash"; readonly id: number };

export interface CursorPlace {
  readonly x: number;
  readonly y: number;
  readonly visible: boolean;
}

export interface CursorLook {
  readonly hotX: number;
  readonly hotY: number;
  readonly width: number;
  readonly height: number;
  readonly bitmap: ImageBitmap;
}

export type FromPainter =
  | {
      readonly type: "shown";
      readonly epoch: number;
      /** Bytes of the epoch's stream up to the end of the update that was just painted. */
      readonly bytes: number;
      readonly started: boolean;
      readonly size: Size | null;
      readonly cursor: CursorPlace | null;
      readonly look: CursorLook | null;
    }
  | { readonly type: "error"; readonly epoch: number; readonly name: StreamErrorName; readonly message: string }
  | { readonly type: "hash"; readonly id: number; readonly hash: string | null; readonly size: Size | null };
