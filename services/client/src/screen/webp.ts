// What a WebP file's own header says, read before anything is decoded.

export interface WebpHeader {
  readonly width: number;
  readonly height: number;
  /** Whether the picture says that some of its pixels are not opaque. */
  readonly alpha: boolean;
}

const FILE_HEADER_BYTES = 12;
const CHUNK_HEADER_BYTES = 8;
const BODY = FILE_HEADER_BYTES + CHUNK_HEADER_BYTES;

const ANIMATION_FLAG = 0x02;
const ALPHA_FLAG = 0x10;

/** Null for what is not a whole, still WebP file. */
export function webpHeader(bytes: Uint8Array): WebpHeader | null {
  if (bytes.length < BODY + 10 || tag(bytes, 0) !== "RIFF" || tag(bytes, 8) !== "WEBP") return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const chunkBytes = view.getUint32(FILE_HEADER_BYTES + 4, true);
  if (bytes.length < CHUNK_HEADER_BYTES + view.getUint32(4, true) || bytes.length < BODY + chunkBytes) return null;
  switch (tag(bytes, FILE_HEADER_BYTES)) {
    case "VP8L":
      return lossless(view);
    case "VP8 ":
      return lossy(view);
    case "VP8X":
      return extended(view);
    default:
      return null;
  }
}

/** RFC 9649, 3.4: a signature byte, 14 bits of width - 1, 14 bits of height - 1, a bit for alpha, 3 bits of version. */
function lossless(view: DataView): WebpHeader | null {
  if (view.getUint8(BODY) !== 0x2f) return null;
  const bits = view.getUint32(BODY + 1, true);
  if (bits >>> 29 !== 0) return null;
  return { width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1, alpha: (bits & (1 << 28)) !== 0 };
}

/** RFC 6386, 9.1: a frame tag of three bytes, the start code, 14 bits of width and of height. */
function lossy(view: DataView): WebpHeader | null {
  const isKeyframe = (view.getUint8(BODY) & 1) === 0;
  const startCode = view.getUint32(BODY + 3, false) >>> 8;
  if (!isKeyframe || startCode !== 0x9d012a) return null;
  const width = view.getUint16(BODY + 6, true) & 0x3fff;
  const height = view.getUint16(BODY + 8, true) & 0x3fff;
  return 0 < width && 0 < height ? { width, height, alpha: false } : null;
}

/** RFC 9649, 2.7: flags, then 24 bits of width - 1 and of height - 1. */
function extended(view: DataView): WebpHeader | null {
  const flags = view.getUint8(BODY);
  if ((flags & ANIMATION_FLAG) !== 0) return null;
  const width = (view.getUint32(BODY + 4, true) & 0xffffff) + 1;
  const height = (view.getUint32(BODY + 6, true) >>> 8) + 1;
  return { width, height, alpha: (flags & ALPHA_FLAG) !== 0 };
}

function tag(bytes: Uint8Array, at: number): string {
  return String.fromCharCode(...bytes.subarray(at, at + 4));
}
