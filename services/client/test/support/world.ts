// What an encoder needs of the world, in Node: libwebp is the real one; films are only where a test brings an encoder for them.

import type { World } from "../../src/present/encoder";
import type { OpenFilm } from "../../src/present/reel";
import { nodeEncoder } from "./webp";

export async function nodeWorld(openFilm: OpenFilm = () => null): Promise<World> {
  return { pictures: await nodeEncoder(), openFilm, onFilmFrame: () => undefined };
}
