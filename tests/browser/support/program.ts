/** Programs on other WebRTC stacks, aiortc (PyPI) and GStreamer's webrtcbin: `peers/` send a colour and a tone by WHIP, or watch by WHEP. */
import { existsSync } from "node:fs";
import { resolve } from "node:path";

import { until } from "./browser.ts";
import { type Colour, COLOURS } from "./faces.ts";
import { Process } from "./process.ts";
import type { Service } from "./service.ts";
import type { Pass } from "./stream.ts";

/** What runs each; `.ci/install test` installs them. */
const PYTHONS = {
  aiortc: resolve(import.meta.dirname, "../../../target/tools/aiortc/bin/python"),
  // The same with bad intentions.
  hostile: resolve(import.meta.dirname, "../../../target/tools/aiortc/bin/python"),
  // The one that Debian's bindings of GStreamer are for.
  webrtcbin: "/usr/bin/python3",
} as const;

export type Stack = keyof typeof PYTHONS;

/** A tone of this part of full scale is heard. */
const LOUD = 0.02;

interface Said {
  readonly sees?: readonly number[];
  readonly hears?: Readonly<Record<string, number>>;
  readonly deleted?: number;
  readonly harm?: number;
}

export class Program {
  private constructor(
    private readonly stack: Stack,
    private readonly process: Process,
  ) {}

  static send(service: Service, pass: Pass, colour: Colour, hertz: number, stack: Stack = "aiortc"): Program {
    return Program.#start(stack, "send", service, pass, COLOURS[colour].yuv.join(","), String(hertz));
  }

  /** Listens for these tones. */
  static watch(service: Service, pass: Pass, tones: readonly number[], stack: Stack = "aiortc"): Program {
    return Program.#start(stack, "watch", service, pass, tones.join(","));
  }

  static #start(stack: Stack, kind: "send" | "watch", service: Service, { address, token }: Pass, ...media: string[]): Program {
    const python = PYTHONS[stack];
    if (!existsSync(python)) throw new Error(`${python} is missing: run .ci/install test first`);
    const peer = resolve(import.meta.dirname, `../peers/${stack}_peer.py`);
    // Without a cache beside the sources.
    const args = ["-B", peer, kind, address, token, service.certificate, ...media];
    return new Program(stack, Process.start(python, args, { stdio: ["pipe", "pipe", "pipe"] }));
  }

  async expectToSee(colour: Colour): Promise<void> {
    const off = (seen: readonly number[]) => COLOURS[colour].yuv.reduce<number>((sum, value, index) => sum + Math.abs(value - seen[index]!), 0);
    await until(`${this.stack} sees ${colour}`, async () => this.#last("sees"), (seen) => seen !== undefined && off(seen) < 60);
  }

  async expectToHear(hertz: number): Promise<void> {
    await until(`${this.stack} hears ${hertz} Hz`, async () => this.#last("hears"), (heard) => LOUD < (heard?.[hertz] ?? 0));
  }

  async expectNotToHear(hertz: number): Promise<void> {
    await until(`${this.stack} does not hear ${hertz} Hz`, async () => this.#last("hears"), (heard) => (heard?.[hertz] ?? 1) < LOUD / 4);
  }

  /** A hostile one has sent at least so many packets that mean harm. */
  async expectHarm(packets: number): Promise<void> {
    await until(`${packets} packets mean harm`, async () => this.#last("harm"), (sent) => packets <= (sent ?? 0), 60_000);
  }

  /** What it said last of this; what is no JSON is a complaint of Python's. */
  #last<Key extends keyof Said>(key: Key): Said[Key] {
    for (const line of this.process.output.toReversed()) {
      const said = line.startsWith("{") ? (JSON.parse(line) as Said) : {};
      if (said[key] !== undefined) return said[key];
    }
    if (this.process.ended) throw new Error(`${this.stack} has ended:\n${this.process.output.slice(-20).join("\n")}`);
    return undefined;
  }

  /** Stands still with all it has, as if it had crashed, or its line were cut. */
  freeze(): void {
    this.process.child.kill("SIGSTOP");
  }

  thaw(): void {
    this.process.child.kill("SIGCONT");
  }

  /** Ends its session; gives the service's answer to that. */
  async end(): Promise<number | undefined> {
    this.thaw();
    this.process.child.stdin?.end();
    await this.process.exit();
    return this.#last("deleted");
  }
}
