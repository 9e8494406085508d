// The other end of a page's WebSocket: what the page said, and what it is told.

import type { Page, WebSocketRoute } from "playwright-core";
import type { ClientMessage, ServerMessage } from "../../src/protocol";

/** What the page said: a message, or bytes of the screen stream. */
export type Said = ClientMessage | Buffer;

export class Peer {
  #route: WebSocketRoute | null = null;
  #said: Said[] = [];
  #waiting: (() => void)[] = [];
  /** Connections that the page has opened so far. */
  connections = 0;
  /** Called for everything that the page says, before it can be waited for. */
  onSaid: (said: Said) => void = () => undefined;

  /** Before the page opens its meeting. */
  static async of(page: Page): Promise<Peer> {
    const peer = new Peer();
    await page.routeWebSocket("**/ws", (route) => {
      peer.#route = route;
      peer.connections += 1;
      route.onMessage((data) => {
        const said = typeof data === "string" ? (JSON.parse(data) as ClientMessage) : data;
        peer.#said.push(said);
        peer.onSaid(said);
        for (const wake of peer.#waiting.splice(0)) wake();
      });
    });
    return peer;
  }

  tell(message: ServerMessage): void {
    this.#route?.send(JSON.stringify(message));
  }

  stream(bytes: Uint8Array): void {
    this.#route?.send(Buffer.from(bytes));
  }

  /** As a lost connection looks to the page. */
  async drop(): Promise<void> {
    await this.#route?.close({ code: 1011 });
    this.#route = null;
  }

  /** The next message of this type; what came before it is forgotten. */
  async said<T extends ClientMessage["type"]>(type: T): Promise<Extract<ClientMessage, { type: T }>> {
    for (;;) {
      for (let said = this.#said.shift(); said; said = this.#said.shift()) {
        if (!Buffer.isBuffer(said) && said.type === type) return said as Extract<ClientMessage, { type: T }>;
      }
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  /** Lets the page in, as participant 1 and host. */
  async welcome(more: Partial<Extract<ServerMessage, { type: "joined" }>> = {}): Promise<void> {
    const { code, name } = await this.said("join");
    const you = { id: 1, name, host: true, camera: false, microphone: false, telephone: false };
    const joined = { type: "joined", you: 1, code, host: true, participants: [you], presenter: null } as const;
    const camera_policy = { width: 1280, height: 720, max_kbps: 2_000 };
    this.tell({ ...joined, recording: null, camera_policy, dial_in: null, chat: [], ...more });
  }
}
