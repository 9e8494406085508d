/** Another site, on this machine: what its pages may do is up to CORS. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

export class OtherSite {
  private constructor(private readonly server: Server) {}

  static async open(): Promise<OtherSite> {
    const server = createServer((_, answer) => answer.setHeader("content-type", "text/html").end("<!doctype html><title>Another site</title>"));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return new OtherSite(server);
  }

  /** Browsers take what is on this machine for safe, also without TLS, so its pages may use a camera. */
  get url(): string {
    return `http://localhost:${(this.server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}
