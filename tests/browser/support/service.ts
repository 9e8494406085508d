/** The real service, on a free port, with a data folder of its own. */
import { existsSync } from "node:fs";
import { mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

import { Process } from "./process.ts";

const TOP = resolve(import.meta.dirname, "../../..");
export const CONVENE = join(process.env.CARGO_TARGET_DIR ?? join(TOP, "target"), "debug/convene");

export class Service {
  private constructor(
    readonly process: Process,
    readonly port: number,
    readonly data: string,
  ) {}

  static async start(options: { data?: string; mediaPort?: number; args?: string[]; env?: NodeJS.ProcessEnv } = {}): Promise<Service> {
    if (!existsSync(CONVENE)) throw new Error(`${CONVENE} is missing: run cargo build first`);
    const data = options.data ?? (await mkdtemp(join(tmpdir(), "convene-story-")));
    const ports = ["--listen", "127.0.0.1:0", "--media-port", String(options.mediaPort ?? 0)];
    const child = Process.start(CONVENE, ["serve", ...ports, "--data", data, ...(options.args ?? [])], {
      env: { ...process.env, ...options.env },
    });
    const match = await child.line(/Convene is at https:\/\/[^:]+:(\d+)/);
    return new Service(child, Number(match[1]), data);
  }

  get url(): string {
    return `https://localhost:${this.port}`;
  }

  /** The certificate that its clients are to trust. */
  get certificate(): string {
    return join(this.data, "tls/cert.pem");
  }

  region(name: "a" | "b"): string {
    return join(this.data, "regions", name);
  }

  /** The file of the recording that was written last. */
  async newestRecording(): Promise<string> {
    const names = (await readdir(this.region("a"))).filter((name) => name.endsWith(".webm"));
    const files = await Promise.all(names.map(async (name) => ({ path: join(this.region("a"), name), written: (await stat(join(this.region("a"), name))).mtimeMs })));
    const newest = files.sort((one, other) => other.written - one.written)[0];
    if (!newest) throw new Error(`${this.region("a")} has no recording`);
    return newest.path;
  }

  /** Ends it as an operator would, and takes its data away unless it is still needed. */
  async stop(keepData = false): Promise<number | null> {
    const code = await this.process.stop();
    if (!keepData) await rm(this.data, { recursive: true, force: true });
    return code;
  }
}
