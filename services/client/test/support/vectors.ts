// The test vectors of the screen stream, as plugins/screen/core/FORMAT.md describes them.

import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const FOLDER = fileURLToPath(new URL("../../../../plugins/screen/core/vectors/", import.meta.url));

export interface Vector {
  readonly name: string;
  readonly about: string;
  readonly stream: string;
  readonly repeat?: { readonly times: number; readonly stream: string };
  readonly error?: string;
  readonly records?: readonly object[];
  readonly screen?: VectorScreen;
}

export interface VectorScreen {
  readonly width: number;
  readonly height: number;
  readonly pixels: readonly string[];
  readonly cursor?: {
    readonly x: number;
    readonly y: number;
    readonly visible: boolean;
    readonly hot: readonly [number, number];
    readonly pixels: readonly string[];
  };
}

export function vectors(): Vector[] {
  return readdirSync(FOLDER)
    .filter((file) => file.endsWith(".json"))
    .sort()
    .map((file) => ({ name: file.slice(0, -".json".length), ...JSON.parse(readFileSync(FOLDER + file, "utf8")) }));
}

/** Whether frames of a film are among its records. */
export function hasFilm({ records }: Vector): boolean {
  return records?.some((record) => "kind" in record && record.kind === "video") === true;
}

export function streamOf({ stream, repeat }: Vector): Uint8Array<ArrayBuffer> {
  const head = Buffer.from(stream, "hex");
  const tail = repeat ? Buffer.from(repeat.stream, "hex") : Buffer.alloc(0);
  const bytes = new Uint8Array(head.length + tail.length * (repeat?.times ?? 0));
  bytes.set(head);
  for (let i = 0; i < (repeat?.times ?? 0); i++) bytes.set(tail, head.length + i * tail.length);
  return bytes;
}
