// WebP by libwebp in WebAssembly. Chromium's own lossless encoder was measured against it: not faster, its files
// twice as large, and other browsers have none.

import type { WebPModule } from "@jsquash/webp/codec/enc/webp_enc.js";
import type { Size } from "../screen/geometry";

/** Encodes RGBA rows without gaps as a WebP file. */
export interface PictureEncoder {
  lossless(rgba: Uint8Array, size: Size): Uint8Array;
  /** For photographs: about right, in a tenth of the bytes. */
  lossy(rgba: Uint8Array, size: Size, grade: Grade): Uint8Array;
}

/** A rough one has a third of the bytes: for what will have changed again before anybody has looked at it. */
export type Grade = "fine" | "rough";

/** libwebp's WebPConfig. Method 0: higher ones are 4 to 13 times slower on screens for little. */
const LOSSLESS = {
  lossless: 1,
  exact: 1,
  method: 0,
  quality: 75,
  near_lossless: 100,
  target_size: 0,
  target_PSNR: 0,
  sns_strength: 50,
  filter_strength: 60,
  filter_sharpness: 0,
  filter_type: 1,
  partitions: 0,
  segments: 4,
  pass: 1,
  show_compressed: 0,
  preprocessing: 0,
  autofilter: 0,
  partition_limit: 0,
  alpha_compression: 1,
  alpha_filtering: 1,
  alpha_quality: 100,
  image_hint: 0,
  emulate_jpeg_size: 0,
  thread_level: 0,
  low_memory: 0,
  use_delta_palette: 0,
  use_sharp_yuv: 0,
} as const;

/** Quality 75 of 100: nobody complains about a photograph that is sharpened a moment later. Method 2: more takes longer for little. */
const FINE = { ...LOSSLESS, lossless: 0, exact: 0, method: 2 } as const;
const ROUGH = { ...FINE, quality: 18 } as const;

export function pictureEncoder(libwebp: WebPModule): PictureEncoder {
  const encode = (rgba: Uint8Array, { width, height }: Size, how: typeof LOSSLESS | typeof FINE | typeof ROUGH): Uint8Array => {
    const webp = libwebp.encode(rgba as Uint8Array<ArrayBuffer>, width, height, how);
    if (!webp) throw new Error(`libwebp refused a picture of ${width} x ${height} pixels`);
    return webp;
  };
  return {
    lossless: (rgba, size) => encode(rgba, size, LOSSLESS),
    lossy: (rgba, size, grade) => encode(rgba, size, grade === "fine" ? FINE : ROUGH),
  };
}

/** Pixels as the encoder takes them. */
export function bytesOf(pixels: Uint32Array): Uint8Array {
  return new Uint8Array(pixels.buffer, pixels.byteOffset, pixels.byteLength);
}
