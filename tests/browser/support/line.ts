/** A poor line: a TCP proxy whose rates can be changed while it runs. */
import { createServer, connect, type AddressInfo, type Server, type Socket } from "node:net";

/** How often a share of the rate is handed on, in milliseconds. */
const TICK_MS = 20;
/** What may wait in the proxy before the sender feels the line, like a home router's buffer. */
const BUFFER_BYTES_MAX = 16 * 1024;

export class Line {
  /** Kilobits a second from the server to the client; `Infinity` for a good line. */
  kbps = Infinity;
  /** And from the client to the server. */
  upKbps = Infinity;
  private sockets = new Set<Socket>();

  private constructor(
    private server: Server,
    readonly port: number,
  ) {}

  static async to(port: number): Promise<Line> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const line = new Line(server, (server.address() as AddressInfo).port);
    server.on("connection", (client) => line.carry(client, connect(port, "127.0.0.1")));
    return line;
  }

  private carry(client: Socket, upstream: Socket): void {
    for (const socket of [client, upstream]) {
      this.sockets.add(socket);
      socket.on("error", () => socket.destroy());
      socket.on("close", () => {
        client.destroy();
        upstream.destroy();
        this.sockets.delete(socket);
      });
    }
    shape(client, upstream, () => this.upKbps);
    shape(upstream, client, () => this.kbps);
  }

  /** Ends every connection, as a network that went away; new ones are carried. */
  cut(): void {
    for (const socket of this.sockets) socket.destroy();
  }

  async stop(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

/** Hands on what comes, no faster than the rate of the moment. */
function shape(from: Socket, to: Socket, rate: () => number): void {
  let waiting: Buffer[] = [];
  let bytes = 0;
  let credit = 0;
  const drain = () => {
    const kbps = rate();
    credit = Number.isFinite(kbps) ? Math.min(credit + (kbps * TICK_MS) / 8, 8 * 1024) : Infinity;
    while (waiting.length > 0 && credit > 0) {
      const next = waiting[0]!;
      const part = next.subarray(0, Math.max(1, Math.min(next.length, Math.floor(credit))));
      to.write(part);
      credit -= part.length;
      bytes -= part.length;
      if (part.length === next.length) waiting.shift();
      else waiting[0] = next.subarray(part.length);
    }
    if (bytes < BUFFER_BYTES_MAX) from.resume();
  };
  const timer = setInterval(drain, TICK_MS);
  from.on("data", (data: Buffer) => {
    waiting.push(data);
    bytes += data.length;
    if (!Number.isFinite(rate())) drain();
    if (BUFFER_BYTES_MAX <= bytes) from.pause();
  });
  from.on("close", () => {
    clearInterval(timer);
    waiting = [];
  });
}
