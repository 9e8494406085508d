// What a VP8 frame says of itself, read before anything is decoded: RFC 6386, 9.1. Mirrors plugins/screen/core/src/vp8/header.rs.

export type Vp8Header =
  | { readonly isKey: true; readonly width: number; readonly height: number }
  | { readonly isKey: false };

const TAG_BYTES = 3;
/** Behind the tag of a key frame: the start code, width and height. */
const KEY_BYTES = 7;
const PROFILE_MAX = 3;
/** The upper two bits of a side ask for an upscaling, which nobody does. */
const SIDE_MAX = 0x3fff;

/** Null for what is not a frame that is shown as it is. */
export function vp8Header(frame: Uint8Array): Vp8Header | null {
  if (frame.length < TAG_BYTES) return null;
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  const tag = view.getUint16(0, true) | (view.getUint8(2) << 16);
  const firstPartition = tag >>> 5;
  if (PROFILE_MAX < ((tag >>> 1) & 7) || ((tag >>> 4) & 1) === 0) return null;
  if ((tag & 1) === 1) return firstPartition <= frame.length - TAG_BYTES ? { isKey: false } : null;
  if (frame.length < TAG_BYTES + KEY_BYTES || view.getUint32(TAG_BYTES) >>> 8 !== 0x9d012a) return null;
  const width = view.getUint16(TAG_BYTES + 3, true);
  const height = view.getUint16(TAG_BYTES + 5, true);
  const isPlain = 0 < width && width <= SIDE_MAX && 0 < height && height <= SIDE_MAX;
  return isPlain && firstPartition <= frame.length - TAG_BYTES - KEY_BYTES ? { isKey: true, width, height } : null;
}
