// The meeting's WebSocket: joins, keeps the connection, and comes back by itself after it was lost.

import { type ClientMessage, parseServerMessage, PROTOCOL_VERSION, type ServerMessage } from "../protocol";
import { retryDelay } from "./backoff";

export interface Join {
  readonly code: string;
  readonly name: string;
  readonly token: string | null;
}

export interface ConnectionEvents {
  onMessage(message: ServerMessage): void;
  onStream(bytes: ArrayBuffer): void;
  onConnecting(): void;
  /** The connection was lost; the next try comes in `retryMs`. */
  onLost(retryMs: number): void;
}

/** The part of a WebSocket that is used here. */
export interface Socket {
  binaryType: BinaryType;
  onopen: ((event: Event) => void) | null;
  onmessage: ((event: MessageEvent) => void) | null;
  onclose: ((event: CloseEvent) => void) | null;
  send(data: string | ArrayBuffer): void;
  close(): void;
}

/** What the connection needs of the world. */
export interface World {
  open(): Socket;
  later(run: () => void, ms: number): () => void;
  chance(): number;
}

/** How long a new connection may take until it has joined. */
const JOIN_MS_MAX = 10_000;

export class Connection {
  readonly #join: Join;
  readonly #events: ConnectionEvents;
  readonly #world: World;
  #socket: Socket | null = null;
  #isJoined = false;
  #isClosed = false;
  #everJoined = false;
  #tries = 0;
  #cancelTimer: () => void = () => undefined;

  constructor(join: Join, events: ConnectionEvents, world: World = browser()) {
    this.#join = join;
    this.#events = events;
    this.#world = world;
    this.#connect();
  }

  /** Whether the message was handed to a joined connection; otherwise it is dropped. */
  send(message: ClientMessage): boolean {
    if (!this.#socket || !this.#isJoined) return false;
    this.#socket.send(JSON.stringify(message));
    return true;
  }

  sendStream(bytes: ArrayBuffer): boolean {
    if (!this.#socket || !this.#isJoined) return false;
    this.#socket.send(bytes);
    return true;
  }

  /** Tries at once instead of waiting, for instance when the network is back. */
  retryNow(): void {
    if (this.#isClosed || this.#socket) return;
    this.#cancelTimer();
    this.#tries = 0;
    this.#connect();
  }

  /** The network is gone: do not wait until the socket notices. */
  drop(): void {
    if (this.#socket) this.#lost();
  }

  /** Leaves for good. */
  close(): void {
    if (this.#isClosed) return;
    this.send({ type: "leave" });
    this.#stop();
  }

  #connect(): void {
    this.#events.onConnecting();
    const socket = this.#world.open();
    this.#socket = socket;
    socket.binaryType = "arraybuffer";
    socket.onopen = () => {
      const { code, name, token } = this.#join;
      const join: ClientMessage = { type: "join", protocol: PROTOCOL_VERSION, code, name, ...(token ? { token } : {}) };
      socket.send(JSON.stringify(join));
    };
    socket.onmessage = ({ data }: MessageEvent<unknown>) => {
      if (data instanceof ArrayBuffer) this.#events.onStream(data);
      else if (typeof data === "string") this.#heard(data);
    };
    socket.onclose = () => this.#lost();
    this.#cancelTimer = this.#world.later(() => this.#lost(), JOIN_MS_MAX);
  }

  #heard(text: string): void {
    const message = parseServerMessage(text);
    if (!message) return;
    if (message.type === "refused" && message.reason === "shutting-down" && this.#everJoined) {
      // Another server may answer the next try.
      this.#lost();
      return;
    }
    if (message.type === "joined") {
      this.#cancelTimer();
      this.#isJoined = true;
      this.#everJoined = true;
      this.#tries = 0;
    }
    if (message.type === "ended" || message.type === "refused") this.#stop();
    this.#events.onMessage(message);
  }

  #lost(): void {
    this.#release();
    if (this.#isClosed) return;
    const retryMs = retryDelay(this.#tries, this.#world.chance());
    this.#tries += 1;
    this.#cancelTimer = this.#world.later(() => this.#connect(), retryMs);
    this.#events.onLost(retryMs);
  }

  #stop(): void {
    this.#isClosed = true;
    this.#release();
  }

  #release(): void {
    this.#cancelTimer();
    const socket = this.#socket;
    this.#socket = null;
    this.#isJoined = false;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
  }
}

function browser(): World {
  const url = new URL("/ws", location.href);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  return {
    open: () => new WebSocket(url),
    later: (run, ms) => {
      const timer = setTimeout(run, ms);
      return () => clearTimeout(timer);
    },
    chance: () => Math.random(),
  };
}
