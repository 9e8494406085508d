// Where programs send and watch.

import type { StreamKind } from "../protocol";

/** As services/web/PROTOCOL.md has it: WHIP to send, WHEP to watch. */
export function streamAddress(kind: StreamKind, code: string, origin: string): string {
  return `${origin}/${kind === "send" ? "whip" : "whep"}/${code}`;
}
