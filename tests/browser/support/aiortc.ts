/** Programs on another WebRTC stack, aiortc (PyPI): `aiortc/peer.py` sends a colour and a tone by WHIP, or watches by WHEP. */
import { existsSync } from "node:fs";
import { resolve } from "node:path";

import { until } from "./browser.ts";
import { type Colour, COLOURS } from "./faces.ts";
import { Process } from "./process.ts";
import type { Service } from "./service.ts";
import type { Pass } from "./stream.ts";

/** `.ci/install test` makes it. */
const PYTHON = resolve(import.meta.dirname, "../../../target/tools/aiortc/bin/python");
const PEER = resolve(import.meta.dirname, "../aiortc/peer.py");

/** A tone of this part of full scale is heard. */
const LOUD = 0.02;

interface Said {
  readonly sees?: readonly number[];
  readonly hears?: Readonly<Record<string, number>>;
  readonly deleted?: number;
}

export class Program {
  private constructor(private readonly process: Process) {}

  static send(service: Service, pass: Pass, colour: Colour, hertz: number): Program {
    return Program.#start("send", service, pass, COLOURS[colour].yuv.join(","), String(hertz));
  }

  /** Listens for these tones. */
  static watch(service: Service, pass: Pass, tones: readonly number[]): Program {
    return Program.#start("watch", service, pass, tones.join(","));
  }

  static #start(kind: "send" | "watch", service: Service, { address, token }: Pass, ...media: string[]): Program {
    if (!existsSync(PYTHON)) throw new Error(`${PYTHON} is missing: run .ci/install test first`);
    const args = [PEER, kind, address, token, service.certificate, ...media];
    return new Program(Process.start(PYTHON, args, { stdio: ["pipe", "pipe", "pipe"] }));
  }

  async expectToSee(colour: Colour): Promise<void> {
    const off = (seen: readonly number[]) => COLOURS[colour].yuv.reduce<number>((sum, value, index) => sum + Math.abs(value - seen[index]!), 0);
    await until(`aiortc sees ${colour}`, async () => this.#last("sees"), (seen) => seen !== undefined && off(seen) < 60);
  }

  async expectToHear(hertz: number): Promise<void> {
    await until(`aiortc hears ${hertz} Hz`, async () => this.#last("hears"), (heard) => LOUD < (heard?.[hertz] ?? 0));
  }

  async expectNotToHear(hertz: number): Promise<void> {
    await until(`aiortc does not hear ${hertz} Hz`, async () => this.#last("hears"), (heard) => (heard?.[hertz] ?? 1) < LOUD / 4);
  }

  /** What it said last of this; what is no JSON is a complaint of Python's. */
  #last<Key extends keyof Said>(key: Key): Said[Key] {
    for (const line of this.process.output.toReversed()) {
      const said = line.startsWith("{") ? (JSON.parse(line) as Said) : {};
      if (said[key] !== undefined) return said[key];
    }
    if (this.process.ended) throw new Error(`aiortc has ended:\n${this.process.output.slice(-20).join("\n")}`);
    return undefined;
  }

  /** Ends its session; gives the service's answer to that. */
  async end(): Promise<number | undefined> {
    this.process.child.stdin?.end();
    await this.process.exit();
    return this.#last("deleted");
  }
}
