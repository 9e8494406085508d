// How much a presenter may send: at most so many bytes that the server has not yet taken.

import { IN_FLIGHT_BYTES_MAX } from "../protocol";

export class Flow {
  #sent = 0;
  #taken = 0;

  /** Counting begins anew, with a new grant. */
  restart(): void {
    this.#sent = 0;
    this.#taken = 0;
  }

  sent(bytes: number): void {
    this.#sent += bytes;
  }

  /** The server's count since the grant; a smaller one than before says nothing new, a larger one than was sent is not believed. */
  taken(bytes: number): void {
    this.#taken = Math.min(this.#sent, Math.max(this.#taken, bytes));
  }

  get inFlight(): number {
    return this.#sent - this.#taken;
  }

  /** Whether `bytes` more may go now. What is larger than the whole window goes alone. */
  fits(bytes: number): boolean {
    return this.inFlight === 0 || this.inFlight + bytes <= IN_FLIGHT_BYTES_MAX;
  }
}
