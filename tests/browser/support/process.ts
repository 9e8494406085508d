/** Child processes that end with the story: started, waited for by what they print, stopped by their own id. */
import { type ChildProcess, spawn, type SpawnOptions } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

/** Milliseconds that a process gets to end by itself after SIGTERM. */
const END_PATIENCE_MS = 20_000;

export class Process {
  readonly output: string[] = [];
  private waiting: ((line: string) => void)[] = [];

  private constructor(
    readonly name: string,
    readonly child: ChildProcess,
  ) {
    for (const stream of [child.stdout, child.stderr]) {
      if (!stream) continue;
      createInterface({ input: stream }).on("line", (line) => {
        this.output.push(line);
        for (const look of this.waiting) look(line);
      });
    }
  }

  static start(command: string, args: string[], options: SpawnOptions = {}): Process {
    const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"], ...options });
    return new Process(command, child);
  }

  get pid(): number {
    if (this.child.pid === undefined) throw new Error(`${this.name} did not start: is it installed?`);
    return this.child.pid;
  }

  get ended(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }

  /** The first match of `pattern` in a line of its output, past or to come. */
  async line(pattern: RegExp, patienceMs = 30_000): Promise<RegExpMatchArray> {
    const said = () => new Error(`${this.name} never printed ${pattern}; it said:\n${this.output.slice(-20).join("\n")}`);
    for (const line of this.output) {
      const match = line.match(pattern);
      if (match) return match;
    }
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(said()), patienceMs);
      this.child.once("exit", () => setTimeout(() => reject(said()), 200));
      this.child.once("error", reject);
      this.waiting.push((line) => {
        const match = line.match(pattern);
        if (!match) return;
        clearTimeout(timer);
        resolve(match);
      });
    });
  }

  /** Asks it to end, and sees that it does. Resolves to its exit code. */
  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<number | null> {
    if (!this.ended) {
      const exit = once(this.child, "exit");
      this.child.kill(signal);
      const timer = setTimeout(() => this.child.kill("SIGKILL"), END_PATIENCE_MS);
      await exit;
      clearTimeout(timer);
    }
    return this.child.exitCode;
  }

  /** Waits for it to end by itself. */
  async exit(): Promise<number | null> {
    if (!this.ended) await once(this.child, "exit");
    return this.child.exitCode;
  }
}

/** Runs a command to its end and gives what it printed; throws when it fails. */
export async function run(command: string, args: string[], options: SpawnOptions = {}): Promise<{ stdout: Buffer; stderr: string }> {
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"], ...options });
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout?.on("data", (data: Buffer) => stdout.push(data));
  child.stderr?.on("data", (data: Buffer) => stderr.push(data));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  const complaint = Buffer.concat(stderr).toString();
  if (code !== 0) throw new Error(`${command} ${args.join(" ")} failed (${code}): ${complaint}`);
  return { stdout: Buffer.concat(stdout), stderr: complaint };
}
