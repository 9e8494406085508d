/** The way of a page's media: a UDP proxy for each answer of the service, which loses, holds and mixes up datagrams, and can break without a
 * word, as a network that goes away. */
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";

import type { Page } from "playwright-core";

/** The service's candidate for UDP: its port is what we put ours in the place of. */
const CANDIDATE = /(a=candidate:\S+ \d+ udp \d+ 127\.0\.0\.1 )(\d+)( typ host)/gi;

/** A UDP port that nobody uses. */
export async function freePort(): Promise<number> {
  const socket = createSocket("udp4").bind(0, "127.0.0.1");
  await once(socket, "listening");
  const { port } = socket.address();
  socket.close();
  return port;
}

/** What happens to datagrams in one direction. */
export interface Weather {
  /** The share that is lost, from 0 to 1. */
  readonly loss: number;
  /** From one end to the other. */
  readonly delayMs: number;
  /** At most this much is added by chance, so that datagrams overtake each other. */
  readonly jitterMs: number;
  /** So much passes at most; none for any. What would wait for longer than its buffers hold is lost. */
  readonly kbps?: number;
}

/** The buffers of a narrow line, in milliseconds. */
const BUFFER_MS = 300;

export const FAIR: Weather = { loss: 0, delayMs: 0, jitterMs: 0 };

export class Path {
  /** How many there have been. */
  ways = 0;
  /** From the page to the service and back; each may be changed while datagrams are on their way. */
  up = FAIR;
  down = FAIR;
  /** Datagrams that came here, and those of them that were lost. */
  readonly count = { came: 0, lost: 0 };
  #chance: number;
  /** When a narrow line has let through what came before, by way and direction. */
  readonly #freeAt = new Map<string, number>();
  #sockets: Socket[] = [];
  #broken = new Set<number>();
  #isBlocked = false;

  /** What is lost and how long the others take follows from the seed. */
  constructor(seed = 1) {
    this.#chance = seed | 1;
  }

  /** The same in both directions: half of the round trip in each. */
  set weather({ loss, roundTripMs, jitterMs }: { loss: number; roundTripMs: number; jitterMs: number }) {
    this.up = this.down = { loss, delayMs: roundTripMs / 2, jitterMs };
  }

  /** All media of this page, which has not joined yet, goes this way. */
  async lead(page: Page): Promise<void> {
    await page.routeWebSocket("**/ws", (socket) => {
      const server = socket.connectToServer();
      server.onMessage(async (message) => {
        const isAnswer = typeof message === "string" && message.includes('"media_answer"');
        socket.send(isAnswer ? await this.#redirected(message) : message);
      });
    });
  }

  /** Nothing passes any more; the next answer gets a new way. */
  break(): void {
    for (let way = 0; way < this.ways; way++) this.#broken.add(way);
  }

  /** No UDP passes, now and on any later way. */
  block(): void {
    this.#isBlocked = true;
  }

  close(): void {
    this.break();
    for (const socket of this.#sockets) socket.close();
  }

  #passes(way: number): boolean {
    return !this.#isBlocked && !this.#broken.has(way);
  }

  #carry(way: number, direction: "up" | "down", bytes: number, send: () => void): void {
    if (!this.#passes(way)) return;
    const { loss, delayMs, jitterMs, kbps } = this[direction];
    this.count.came += 1;
    const now = performance.now();
    const freeAt = kbps === undefined ? now : Math.max(now, this.#freeAt.get(`${way} ${direction}`) ?? 0) + (8 * bytes) / kbps;
    if (this.#roll() < loss || now + BUFFER_MS < freeAt) {
      this.count.lost += 1;
      return;
    }
    this.#freeAt.set(`${way} ${direction}`, freeAt);
    const waitMs = freeAt - now + delayMs + this.#roll() * jitterMs;
    if (waitMs === 0) send();
    else setTimeout(() => this.#passes(way) && send(), waitMs);
  }

  /** From 0 to 1, from the seed (xorshift32). */
  #roll(): number {
    this.#chance ^= this.#chance << 13;
    this.#chance ^= this.#chance >>> 17;
    this.#chance ^= this.#chance << 5;
    return (this.#chance >>> 0) / 2 ** 32;
  }

  async #redirected(message: string): Promise<string> {
    const way = this.ways++;
    const [, , port] = [...message.matchAll(CANDIDATE)][0] ?? [];
    if (port === undefined) throw new Error(`the answer has no candidate: ${message}`);
    const ours = await this.#proxy(Number(port), way);
    return message.replace(CANDIDATE, (_, head: string, _port: string, tail: string) => `${head}${ours}${tail}`);
  }

  /** A socket of its own towards the service for each address of the page's. */
  async #proxy(port: number, way: number): Promise<number> {
    const front = createSocket("udp4");
    this.#sockets.push(front);
    const backs = new Map<string, Socket>();
    front.on("message", (packet, from) => {
      const name = `${from.address}:${from.port}`;
      let back = backs.get(name);
      if (!back) {
        back = createSocket("udp4");
        back.on("message", (answer) => this.#carry(way, "down", answer.length, () => front.send(answer, from.port, from.address)));
        this.#sockets.push(back);
        backs.set(name, back);
      }
      const towards = back;
      this.#carry(way, "up", packet.length, () => towards.send(packet, port, "127.0.0.1"));
    });
    await new Promise<void>((resolve) => front.bind(0, "127.0.0.1", resolve));
    return front.address().port;
  }
}
