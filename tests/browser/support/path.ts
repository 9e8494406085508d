/** The way of a page's media: a UDP proxy for each answer of the service, which can break without a word, as a network that goes away. */
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

export class Path {
  /** How many there have been. */
  ways = 0;
  #sockets: Socket[] = [];
  #broken = new Set<number>();
  #isBlocked = false;

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
    for (const socket of this.#sockets) socket.close();
  }

  #passes(way: number): boolean {
    return !this.#isBlocked && !this.#broken.has(way);
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
      if (!this.#passes(way)) return;
      const name = `${from.address}:${from.port}`;
      let back = backs.get(name);
      if (!back) {
        back = createSocket("udp4");
        back.on("message", (answer) => {
          if (this.#passes(way)) front.send(answer, from.port, from.address);
        });
        this.#sockets.push(back);
        backs.set(name, back);
      }
      back.send(packet, port, "127.0.0.1");
    });
    await new Promise<void>((resolve) => front.bind(0, "127.0.0.1", resolve));
    return front.address().port;
  }
}
