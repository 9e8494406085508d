// The connection joins, comes back when it is lost, and knows when to stop.

import { expect, test } from "vitest";
import { retryDelay } from "../src/meeting/backoff";
import { Connection, type Socket, type World } from "../src/meeting/connection";
import { Acknowledger } from "../src/meeting/acknowledger";
import type { ServerMessage } from "../src/protocol";

const JOINED = '{"type":"joined","you":1,"code":"123456789","host":false,"participants":[],"presenter":null,"recording":null,"chat":[]}';

test("it joins as soon as it is open, with the token when there is one", () => {
  const { world } = meet("secret");
  world.socket.onopen?.(new Event("open"));
  expect(world.socket.sent).toEqual([{ type: "join", protocol: 1, code: "123456789", name: "Ann", token: "secret" }]);
  const other = meet(null);
  other.world.socket.onopen?.(new Event("open"));
  expect(other.world.socket.sent).toEqual([{ type: "join", protocol: 1, code: "123456789", name: "Ann" }]);
});

test("nothing is sent before it has joined", () => {
  const { world, connection } = meet();
  expect(connection.send({ type: "watch", video: true, series: true })).toBe(false);
  world.hear(JOINED);
  expect(connection.send({ type: "watch", video: true, series: true })).toBe(true);
});

test("it comes back after a loss, later each time, and at once when the network is back", () => {
  const { world, connection, log } = meet();
  world.hear(JOINED);
  world.lose();
  expect(log.at(-1)).toBe("lost 250");
  world.pass(249);
  expect(world.sockets.length).toBe(1);
  world.pass(1);
  expect(world.sockets.length).toBe(2);
  world.lose();
  expect(log.at(-1)).toBe("lost 500");
  connection.retryNow();
  expect(world.sockets.length).toBe(3);
  world.pass(600_000);
  world.hear(JOINED);
  world.lose();
  expect(log.at(-1)).toBe("lost 250");
});

test("a server that says nothing for ten seconds is lost", () => {
  const { world, log } = meet();
  world.pass(9_999);
  expect(log).toEqual(["connecting"]);
  world.pass(1);
  expect(log.at(-1)).toBe("lost 250");
  expect(world.sockets[0]?.isClosed).toBe(true);
});

test("a socket that was given up is not heard any more", () => {
  const { world, connection, log } = meet();
  const old = world.socket;
  world.hear(JOINED);
  const { onmessage } = old;
  connection.drop();
  expect(old.onmessage).toBeNull();
  expect(onmessage).not.toBeNull();
  expect(log.at(-1)).toBe("lost 250");
});

test.each(['{"type":"ended","message":"over"}', '{"type":"refused","reason":"no-meeting","message":"no"}'])("it stops after %s", (text) => {
  const { world, log } = meet();
  world.hear(text);
  world.pass(600_000);
  expect(world.sockets.length).toBe(1);
  expect(log.at(-1)).toMatch(/ended|refused/);
});

test("a server that shuts down is no end for whoever was in: another may answer", () => {
  const refused = '{"type":"refused","reason":"shutting-down","message":"later"}';
  const { world, log } = meet();
  world.hear(JOINED);
  world.lose();
  world.pass(250);
  world.hear(refused);
  expect(log.at(-1)).toBe("lost 500");
  const stranger = meet();
  stranger.world.hear(refused);
  expect(stranger.log.at(-1)).toBe("refused");
});

test("leaving says so, and nothing comes back", () => {
  const { world, connection } = meet();
  world.hear(JOINED);
  connection.close();
  expect(world.sockets[0]?.sent).toEqual([{ type: "leave" }]);
  world.pass(600_000);
  expect(world.sockets.length).toBe(1);
});

test("waits double up to five seconds and are spread by a quarter", () => {
  expect([0, 1, 2, 3, 4, 5, 50].map((tries) => retryDelay(tries, 0))).toEqual([250, 500, 1_000, 2_000, 4_000, 5_000, 5_000]);
  expect(retryDelay(5, 0.999)).toBeLessThanOrEqual(6_250);
});

test("what is painted is said at once when it is quiet, and then only the newest", () => {
  const world = new TestWorld();
  const said: number[] = [];
  const acknowledger = new Acknowledger((bytes) => said.push(bytes), (run, ms) => world.later(run, ms));
  acknowledger.painted(10);
  acknowledger.painted(20);
  acknowledger.painted(30);
  expect(said).toEqual([10]);
  world.pass(25);
  expect(said).toEqual([10, 30]);
  world.pass(1_000);
  expect(said).toEqual([10, 30]);
  acknowledger.restart();
  acknowledger.painted(10);
  expect(said).toEqual([10, 30, 10]);
});

test("a second of many updates is no more than forty messages", () => {
  const world = new TestWorld();
  let said = 0;
  const acknowledger = new Acknowledger(() => said++, (run, ms) => world.later(run, ms));
  for (let update = 1; update <= 500; update++) {
    acknowledger.painted(update);
    world.pass(2);
  }
  expect(said).toBeLessThanOrEqual(41);
});

class TestSocket implements Socket {
  binaryType: BinaryType = "blob";
  onopen: ((event: Event) => void) | null = null;
  onmessage: ((event: MessageEvent) => void) | null = null;
  onclose: ((event: CloseEvent) => void) | null = null;
  sent: unknown[] = [];
  isClosed = false;

  send(data: string | ArrayBuffer): void {
    this.sent.push(typeof data === "string" ? JSON.parse(data) : data);
  }

  close(): void {
    this.isClosed = true;
  }
}

/** Time that passes only when it is told to. */
class TestWorld implements World {
  sockets: TestSocket[] = [];
  #now = 0;
  #timers = new Map<number, { at: number; run: () => void }>();
  #next = 0;

  get socket(): TestSocket {
    return this.sockets.at(-1) as TestSocket;
  }

  open(): Socket {
    this.sockets.push(new TestSocket());
    return this.socket;
  }

  later(run: () => void, ms: number): () => void {
    const id = this.#next++;
    this.#timers.set(id, { at: this.#now + ms, run });
    return () => this.#timers.delete(id);
  }

  chance(): number {
    return 0;
  }

  pass(ms: number): void {
    const end = this.#now + ms;
    for (let due = this.#due(end); due; due = this.#due(end)) {
      this.#now = due.at;
      due.run();
      if (100 < this.sockets.length) break;
    }
    this.#now = end;
  }

  hear(text: string): void {
    this.socket.onmessage?.({ data: text } as MessageEvent);
  }

  lose(): void {
    this.socket.onclose?.({} as CloseEvent);
  }

  #due(end: number): { at: number; run: () => void } | null {
    const next = [...this.#timers].filter(([, { at }]) => at <= end).sort(([, a], [, b]) => a.at - b.at)[0];
    if (!next) return null;
    this.#timers.delete(next[0]);
    return next[1];
  }
}

function meet(token: string | null = null): { world: TestWorld; connection: Connection; log: string[] } {
  const world = new TestWorld();
  const log: string[] = [];
  const connection = new Connection(
    { code: "123456789", name: "Ann", token },
    {
      onMessage: (message: ServerMessage) => log.push(message.type),
      onStream: () => undefined,
      onConnecting: () => log.push("connecting"),
      onLost: (retryMs) => log.push(`lost ${retryMs}`),
    },
    world,
  );
  return { world, connection, log };
}
