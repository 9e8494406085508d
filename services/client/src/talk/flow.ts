// Notices that packets which came steadily come no more: a way that is gone without a word, long before the browser gives it up.

/** How often somebody should look, in milliseconds. */
export const LOOK_MS = 250;
/** So many packets between two looks are a steady flow; a silent meeting has one at most. */
const STEADY_MIN = 5;
/** A flow that has stopped for so many looks, a second, is broken: silence has a packet each 400 ms. Whoever was heard or seen last may also just
 * have left; then a new way is found for nothing, which nobody notices. */
const STILL_LOOKS = 4;

export class Flow {
  #packets = 0;
  #isSteady = false;
  #still = 0;

  /** One look at how many packets have come so far; true, once, when a steady flow has stopped. */
  look(packets: number): boolean {
    const came = packets - this.#packets;
    this.#packets = packets;
    if (0 < came) {
      this.#still = 0;
      this.#isSteady ||= STEADY_MIN <= came;
      return false;
    }
    if (!this.#isSteady || ++this.#still < STILL_LOOKS) return false;
    this.#isSteady = false;
    return true;
  }
}

/** All packets of voices and pictures that a connection has received. */
export async function packetsOf(connection: RTCPeerConnection): Promise<number> {
  let packets = 0;
  for (const report of (await connection.getStats()).values() as Iterable<{ type: string; packetsReceived?: number }>) {
    if (report.type === "inbound-rtp") packets += report.packetsReceived ?? 0;
  }
  return packets;
}
