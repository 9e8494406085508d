// Decides what a presenter sends next: the rest of an update that has begun, else the newest frame; all that came between is
// let go. It knows neither clocks nor cameras: `now` is milliseconds since any fixed start.

import { IN_FLIGHT_BYTES_MAX } from "../protocol";
import type { Encoder, Frame } from "./encoder";
import { Window } from "./window";

/** Records are gathered into messages of at most about this size, so that a large update is on its way early. */
const MESSAGE_BYTES = 128 * 1024;

export class Sender {
  readonly #encoder: Encoder;
  #window = new Window();
  #update: Iterator<Uint8Array, void, void> | null = null;
  /** A message that is made and has no room yet. */
  #waiting: Uint8Array<ArrayBuffer> | null = null;
  /** Something had to wait for room since the last message. */
  #hasWaited = false;

  constructor(encoder: Encoder) {
    this.#encoder = encoder;
  }

  /** A new grant: the stream begins anew with the next frame. */
  restart(): void {
    this.#encoder.restart();
    this.#window = new Window();
    this.#update = null;
    this.#waiting = null;
  }

  taken(bytes: number, now: number): void {
    this.#window.taken(bytes, now);
  }

  /** Whether a frame may be given now; otherwise it is to be kept until this is true, or a newer one comes. */
  wantsFrame(now: number): boolean {
    if (this.#update !== null || this.#waiting !== null) return false;
    const fits = this.#fits(1, now);
    this.#hasWaited ||= !fits;
    return fits;
  }

  /** Begins the next update. To be called only when `wantsFrame`. */
  frame(frame: Frame, timeUs: number): void {
    this.#learnLine();
    this.#update = this.#encoder.frame(frame, timeUs);
  }

  /** Whether a film's frame waits to be sent, before any newer frame of the screen. */
  get hasFilmFrame(): boolean {
    return this.#encoder.hasFilmFrame;
  }

  /** Begins to send it. To be called only when `wantsFrame` and `hasFilmFrame`. */
  filmFrame(timeUs: number): void {
    this.#update = this.#encoder.filmFrame(timeUs);
  }

  /** When something that is owed or held back is due, in microseconds; null when nothing is. */
  get restsAt(): number | null {
    return this.#encoder.restsAt;
  }

  /** Begins to send it. To be called only when `wantsFrame`. */
  rest(timeUs: number): void {
    this.#learnLine();
    this.#update = this.#encoder.rest(timeUs);
  }

  /** When there is something to sharpen, in microseconds; null when there is nothing. */
  get refinesAt(): number | null {
    return this.#encoder.refinesAt;
  }

  /** Whether the line is idle enough to sharpen: what is newer must find room at once. */
  mayRefine(now: number): boolean {
    return this.wantsFrame(now) && 4 * this.#window.inFlight <= this.#window.size;
  }

  /** Begins a step of it. To be called only when `mayRefine`. */
  refine(timeUs: number): void {
    this.#update = this.#encoder.refine(timeUs);
  }

  /** The next message to send now, whole records; null until something is taken or another frame is given. */
  next(now: number): Uint8Array<ArrayBuffer> | null {
    this.#waiting ??= this.#gather(Math.min(MESSAGE_BYTES, this.#window.pieceBytes));
    const message = this.#waiting;
    if (!message) return null;
    if (!this.#fits(message.length, now)) {
      this.#hasWaited = true;
      return null;
    }
    this.#waiting = null;
    this.#window.sent(message.length, this.#hasWaited || this.#update !== null || this.#encoder.owes, now);
    this.#hasWaited = false;
    return message;
  }

  #learnLine(): void {
    this.#encoder.line = this.#window.bitsPerSecond;
    this.#encoder.room = this.#window.pieceBytes;
  }

  /** What is longer than all room goes alone: nothing else could ever make room for it. What is longer than a piece has the room of one. */
  #fits(bytes: number, now: number): boolean {
    const { inFlight, pieceBytes } = this.#window;
    return inFlight === 0 || (inFlight + bytes <= IN_FLIGHT_BYTES_MAX && Math.min(bytes, pieceBytes) <= this.#window.room(now));
  }

  #gather(room: number): Uint8Array<ArrayBuffer> | null {
    const records: Uint8Array[] = [];
    let bytes = 0;
    while (this.#update && bytes < room) {
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
