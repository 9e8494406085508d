// How much may be on its way from a presenter to its relay: `convene_screen::Window`, line by line, with milliseconds as numbers.
//
// Socket buffers lie, so the window comes from what the server says it has taken in: the rate at which it did while there was more to send,
// times the shortest round trip, twice, and a little more; less where what was sent tells of a queue in front of the line. The round trip is measured anew now and then on an empty line.

/** Never less: two short pieces, so that the line is not idle while one is acknowledged. */
export const BYTES_MIN = 6 * 1024;
export const BYTES_MAX = 4 * 1024 * 1024;
/** Before anything is known: as much as TCP itself sends at first. */
const BYTES_AT_FIRST = 16 * 1024;
/** The longest piece: something newer may come in between. */
const PIECE_BYTES_MAX = 256 * 1024;
/** The rate is the best of so many samples. */
const RATE_SAMPLES = 8;
/** What may wait in front of the line beside two round trips. */
const SLACK_MS = 50;
/** What waits in front of a line that is known to carry no more, or two short pieces: the time until somebody sees what is newest. */
const QUEUE_MAX_MS = 90;
/** There is a queue in front of the line once a piece has taken so much longer than the round trip, until one has taken hardly longer. */
const QUEUE_SEEN_MS = 50;
const QUEUE_GONE_MS = 20;
/** When a piece is not acknowledged for so long beyond two round trips, the window is wrong. */
const STALL_MS = 150;
/** A round trip older than this may no longer be true; one that was measured with a long piece is soon measured again. */
const ROUND_TRIP_AGE_MAX_MS = 10_000;
const ROUGH_ROUND_TRIP_AGE_MAX_MS = 1_000;
/** So much acknowledged at once, and faster than was known, tells of a faster line. */
const NEWS_BYTES_MIN = 32 * 1024;
/** Longer pieces measure the round trip only roughly. */
const PROBE_BYTES_MAX = 2 * 1024;
/** Pieces on their way are remembered one by one up to here. */
const PIECES_MAX = 4096;

interface RoundTrip {
  readonly time: number;
  readonly measuredAt: number;
  readonly isRough: boolean;
}

interface Piece {
  /** Bytes sent up to its end. */
  readonly end: number;
  readonly bytes: number;
  readonly at: number;
  readonly acknowledged: number;
  readonly acknowledgedAt: number;
  /** Nothing else was on its way. */
  readonly alone: boolean;
  /** There was as much to send as the window allows, so its acknowledgement tells the line's rate. */
  readonly limited: boolean;
}

export class Window {
  #sent = 0;
  #acknowledged = 0;
  #acknowledgedAt = 0;
  readonly #pieces: Piece[] = [];
  /** Bytes a millisecond. */
  readonly #rates: number[] = [];
  #roundTrip: RoundTrip | null = null;
  /** What is sent waits in front of the line. */
  #isQueueing = false;
  /** Nothing is sent until the line is empty, to measure the round trip. */
  #draining = false;

  /** Bytes that may be on their way. */
  get size(): number {
    if (!this.#roundTrip || this.#rates.length === 0) return BYTES_AT_FIRST;
    const [rate, { time }] = [Math.max(...this.#rates), this.#roundTrip];
    const queue = time + SLACK_MS;
    const bytes = this.#isQueueing
      ? rate * time + Math.max(BYTES_MIN, rate * Math.min(queue, QUEUE_MAX_MS))
      : rate * (time + queue);
    return Math.min(BYTES_MAX, Math.max(BYTES_MIN, Math.floor(bytes)));
  }

  /** What the line carries, once there was more to send than it took at once. */
  get bitsPerSecond(): number | null {
    return this.#rates.length === 0 ? null : 8_000 * Math.max(...this.#rates);
  }

  /** Bytes on their way. */
  get inFlight(): number {
    return this.#sent - this.#acknowledged;
  }

  /** Bytes that may be sent now. */
  room(now: number): number {
    const inFlight = this.inFlight;
    if ((this.#draining && 0 < inFlight) || (BYTES_MIN <= inFlight && this.#isStalled(now))) return 0;
    return Math.max(0, this.size - inFlight);
  }

  /**
   * How long a piece may be, so that what is newer need not wait long behind it. As short as can be when the line has been emptied to
   * measure the round trip.
   */
  get pieceBytes(): number {
    if (this.#draining && this.inFlight === 0) return 1;
    return Math.min(PIECE_BYTES_MAX, Math.max(BYTES_MIN / 2, Math.floor(this.size / (this.#isQueueing ? 8 : 4))));
  }

  /** `isMoreWaiting`: more would have been sent if there were room. */
  sent(bytes: number, isMoreWaiting: boolean, now: number): void {
    const alone = this.inFlight === 0;
    if (alone) {
      this.#draining = false;
      this.#acknowledgedAt = now;
    }
    this.#sent += bytes;
    if (PIECES_MAX <= this.#pieces.length) this.#pieces.pop();
    this.#pieces.push({
      end: this.#sent,
      bytes,
      at: now,
      acknowledged: this.#acknowledged,
      acknowledgedAt: this.#acknowledgedAt,
      alone,
      limited: isMoreWaiting || this.size < 2 * this.inFlight,
    });
  }

  /** The server's count; what goes back, or beyond what was sent, is no news. */
  taken(count: number, now: number): void {
    const bytes = Math.min(count, this.#sent);
    if (bytes <= this.#acknowledged) return;
    this.#acknowledged = bytes;
    this.#acknowledgedAt = now;
    const rest = this.#pieces.findIndex((piece) => bytes < piece.end);
    const last = this.#pieces.splice(0, rest < 0 ? this.#pieces.length : rest).at(-1);
    if (last) this.#learn(last, now);
  }

  /** The line has become slower than the window believes. */
  #isStalled(now: number): boolean {
    const oldest = this.#pieces[0];
    return !!oldest && !!this.#roundTrip && 2 * this.#roundTrip.time + STALL_MS < now - oldest.at;
  }

  #learn(piece: Piece, now: number): void {
    const time = now - piece.at;
    const measured = { time, measuredAt: now, isRough: !piece.alone || PROBE_BYTES_MAX < piece.bytes };
    const known = this.#roundTrip;
    if (!known || time <= known.time) {
      this.#roundTrip = measured;
    } else {
      const ageMax = known.isRough ? ROUGH_ROUND_TRIP_AGE_MAX_MS : ROUND_TRIP_AGE_MAX_MS;
      const isOld = ageMax < now - known.measuredAt;
      // No longer than it takes to pass the line: it has not changed, and need not be emptied.
      if (!known.isRough && time <= 1.25 * known.time + this.#passingTime(piece)) {
        this.#roundTrip = { ...known, measuredAt: now };
      } else if (isOld && piece.alone && !measured.isRough) {
        this.#roundTrip = measured;
      } else if (isOld && (piece.alone || piece.limited)) {
        this.#draining = true;
      }
    }
    this.#lookForQueue(piece, time);
    this.#learnRate(piece, now);
  }

  #lookForQueue(piece: Piece, time: number): void {
    if (this.#rates.length === 0) return;
    const excess = time - (this.#roundTrip?.time ?? 0);
    const own = piece.bytes / Math.max(...this.#rates, 0.001);
    // What comes back sooner than the line could carry it tells of a faster line.
    this.#isQueueing = Math.max(this.#isQueueing ? QUEUE_GONE_MS : QUEUE_SEEN_MS, 0.8 * own) < excess;
  }

  #learnRate(piece: Piece, now: number): void {
    const bytes = this.#acknowledged - piece.acknowledged;
    const rate = bytes / Math.max(1, now - piece.acknowledgedAt);
    // What a presenter with little to show has sent says nothing about its line, unless it is much and faster than was known.
    const isNews = NEWS_BYTES_MIN <= bytes && this.#rates.every((known) => known < rate);
    if (!piece.limited && !isNews) return;
    this.#rates.push(rate);
    if (RATE_SAMPLES < this.#rates.length) this.#rates.shift();
  }

  /** How long a piece, and what was on its way before it, take to pass the line. */
  #passingTime(piece: Piece): number {
    return this.#rates.length === 0 ? 0 : (piece.end - piece.acknowledged) / Math.max(...this.#rates, 0.001);
  }
}
