/** An X display that nobody looks at, and a real Chromium page on it, to be presented. */
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";

import { type BrowserContext, chromium, type Page } from "playwright-core";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { CHROMIUM, CHROMIUM_FLAGS } from "./browser.ts";
import { Process, run } from "./process.ts";

export class Display {
  private constructor(
    readonly process: Process,
    readonly name: string,
    readonly width: number,
    readonly height: number,
  ) {}

  static async start(width: number, height: number): Promise<Display> {
    const child = Process.start(
      "Xvfb",
      ["-displayfd", "3", "-screen", "0", `${width}x${height}x24`, "-nolisten", "tcp", "-noreset"],
      { stdio: ["ignore", "pipe", "pipe", "pipe"] },
    );
    const [number] = (await once(createInterface({ input: child.child.stdio[3] as Readable }), "line")) as [string];
    return new Display(child, `:${number}`, width, height);
  }

  /** A real browser that fills the display with one page. */
  async page(url: string): Promise<{ page: Page; context: BrowserContext }> {
    const context = await chromium.launchPersistentContext(await mkdtemp(join(tmpdir(), "convene-presented-")), {
      executablePath: CHROMIUM,
      headless: false,
      viewport: null,
      ignoreHTTPSErrors: true,
      env: { ...process.env, DISPLAY: this.name } as Record<string, string>,
      ignoreDefaultArgs: ["--enable-automation"],
      args: [...CHROMIUM_FLAGS, "--kiosk", "--window-position=0,0", `--window-size=${this.width},${this.height}`],
    });
    const page = context.pages()[0] ?? (await context.newPage());
    await page.goto(url);
    return { page, context };
  }

  /** SHA-256 of the framebuffer's RGB bytes, without the pointer. */
  async hash(): Promise<string> {
    const { stdout } = await run("ffmpeg", [
      ...["-v", "error", "-f", "x11grab", "-draw_mouse", "0", "-video_size", `${this.width}x${this.height}`, "-i", this.name],
      ...["-frames:v", "1", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"],
    ]);
    return createHash("sha256").update(stdout).digest("hex");
  }

  async stop(): Promise<void> {
    await this.process.stop();
  }
}
