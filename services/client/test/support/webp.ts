// libwebp in Node: the decoder that tests paint with and the encoder that the presenter's worker uses.

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import decoderFactory from "@jsquash/webp/codec/dec/webp_dec.js";
import encoderFactory from "@jsquash/webp/codec/enc/webp_enc_simd.js";
import { type PictureEncoder, pictureEncoder } from "../../src/present/pictures";
import type { Decode } from "../../src/screen/painter";

/** What the decoder makes its pictures of; Node has none. */
class PlainImageData {
  constructor(
    readonly data: Uint8ClampedArray,
    readonly width: number,
    readonly height: number,
  ) {}
}
Object.assign(globalThis, { ImageData: PlainImageData });

const require = createRequire(import.meta.url);

async function options(file: string): Promise<object> {
  const wasm = await WebAssembly.compile(await readFile(require.resolve(`@jsquash/webp/codec/${file}`)));
  return {
    noInitialRun: true,
    instantiateWasm: (imports: WebAssembly.Imports, done: (instance: WebAssembly.Instance) => void) => {
      const instance = new WebAssembly.Instance(wasm, imports);
      done(instance);
      return instance.exports;
    },
  };
}

/** Decodes to RGBA numbers, alpha as it is in the file. */
export async function nodeDecoder(): Promise<Decode<Uint32Array>> {
  const libwebp = await decoderFactory(await options("dec/webp_dec.wasm"));
  return async (webp) => {
    const picture = libwebp.decode(new Uint8Array(webp).buffer);
    if (!picture) throw new Error("not a WebP file");
    return new Uint32Array(picture.data.slice().buffer);
  };
}

export async function nodeEncoder(): Promise<PictureEncoder> {
  return pictureEncoder(await encoderFactory(await options("enc/webp_enc_simd.wasm")));
}
