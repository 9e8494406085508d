// Decodes a WebP picture whose alpha is to be ignored: exact colours, which no canvas gives for pixels that are not opaque.

import factory from "@jsquash/webp/codec/dec/webp_dec.js";

let decoder: ReturnType<typeof factory> | null = null;

export async function decodeOpaque(webp: Uint8Array): Promise<ImageData> {
  decoder ??= factory({ noInitialRun: true });
  const picture = (await decoder).decode(new Uint8Array(webp).buffer);
  if (!picture) throw new Error("The picture does not decode.");
  for (let alpha = 3; alpha < picture.data.length; alpha += 4) picture.data[alpha] = 0xff;
  return picture;
}
