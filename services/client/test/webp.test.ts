// WebP headers, from files of libwebp and from hand.

import { beforeAll, expect, test } from "vitest";
import type { PictureEncoder } from "../src/present/pictures";
import { webpHeader } from "../src/screen/webp";
import { nodeEncoder } from "./support/webp";

let encode: PictureEncoder;

beforeAll(async () => {
  encode = await nodeEncoder();
});

test.each([
  [1, 1],
  [3, 512],
  [512, 7],
])("a lossless file of %i x %i pixels says so", (width, height) => {
  const opaque = new Uint8Array(width * height * 4).fill(255);
  expect(webpHeader(encode.lossless(opaque, { width, height }))).toEqual({ width, height, alpha: false });
  const clear = new Uint8Array(width * height * 4).fill(99);
  expect(webpHeader(encode.lossless(clear, { width, height }))).toEqual({ width, height, alpha: true });
});

test("a file that is cut anywhere is none", () => {
  const file = encode.lossless(new Uint8Array(20 * 10 * 4).map((_, i) => (i % 4 === 3 ? 255 : i)), { width: 20, height: 10 });
  for (let length = 0; length < file.length; length++) expect(webpHeader(file.subarray(0, length))).toBeNull();
});

test("a lossy file's header is read", () => {
  expect(webpHeader(riff("VP8 ", [0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x40, 0x01, 0xf0, 0x00]))).toEqual({
    width: 320,
    height: 240,
    alpha: false,
  });
  // A frame that is no keyframe cannot stand alone.
  expect(webpHeader(riff("VP8 ", [0x11, 0, 0, 0x9d, 0x01, 0x2a, 0x40, 0x01, 0xf0, 0x00]))).toBeNull();
});

test("an extended file is read when it is still, and refused when it is animated", () => {
  expect(webpHeader(riff("VP8X", [0x10, 0, 0, 0, 0x3f, 1, 0, 0xef, 0, 0]))).toEqual({ width: 320, height: 240, alpha: true });
  expect(webpHeader(riff("VP8X", [0x02, 0, 0, 0, 0x3f, 1, 0, 0xef, 0, 0]))).toBeNull();
});

function riff(chunk: string, body: number[]): Uint8Array {
  const file = new Uint8Array(20 + body.length);
  const view = new DataView(file.buffer);
  file.set(Buffer.from("RIFF"), 0);
  view.setUint32(4, 12 + body.length, true);
  file.set(Buffer.from(`WEBP${chunk}`), 8);
  view.setUint32(16, body.length, true);
  file.set(body, 20);
  return file;
}
