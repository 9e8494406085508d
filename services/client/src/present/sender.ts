// Decides what a presenter sends next: the rest of an update that has begun, else the newest frame; all that came between is
// let go. It knows neither clocks nor cameras.

import type { Encoder, Frame } from "./encoder";
import { Flow } from "./flow";

/** Records are gathered into messages of about this size, so that a large update is on its way early. */
const MESSAGE_BYTES = 128 * 1024;

export class Sender {
  readonly #encoder: Encoder;
  readonly #flow = new Flow();
  #update: Iterator<Uint8Array, void, void> | null = null;
  /** A message that is made and has no room yet. */
  #waiting: Uint8Array<ArrayBuffer> | null = null;

  constructor(encoder: Encoder) {
    this.#encoder = encoder;
  }

  /** A new grant: the stream begins anew with the next frame. */
  restart(): void {
    this.#encoder.restart();
    this.#flow.restart();
    this.#update = null;
    this.#waiting = null;
  }

  taken(bytes: number): void {
    this.#flow.taken(bytes);
  }

  /** Whether a frame may be given now; otherwise it is to be kept until this is true, or a newer one comes. */
  get wantsFrame(): boolean {
    return this.#update === null && this.#waiting === null && this.#flow.fits(MESSAGE_BYTES);
  }

  /** Begins the next update. To be called only when `wantsFrame`. */
  frame(frame: Frame, timeUs: number): void {
    this.#update = this.#encoder.frame(frame, timeUs);
  }

  /** The next message to send now, whole records; null until something is taken or another frame is given. */
  next(): Uint8Array<ArrayBuffer> | null {
    this.#waiting ??= this.#gather();
    const message = this.#waiting;
    if (!message || !this.#flow.fits(message.length)) return null;
    this.#waiting = null;
    this.#flow.sent(message.length);
    return message;
  }

  #gather(): Uint8Array<ArrayBuffer> | null {
    const records: Uint8Array[] = [];
    let bytes = 0;
    while (this.#update && bytes < MESSAGE_BYTES) {
      const { value, done } = this.#update.next();
      if (done) {
        this.#update = null;
      } else {
        records.push(value);
        bytes += value.length;
      }
    }
    if (bytes === 0) return null;
    const message = new Uint8Array(bytes);
    let at = 0;
    for (const record of records) {
      message.set(record, at);
      at += record.length;
    }
    return message;
  }
}
