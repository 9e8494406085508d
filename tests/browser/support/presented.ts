/** A real page on a display of its own, presented by `convene present`. */
import type { BrowserContext, Page } from "playwright-core";
import { resolve } from "node:path";

import { Display } from "./display.ts";
import { Process } from "./process.ts";
import { CONVENE, type Service } from "./service.ts";

const ARTICLE = `file://${resolve(import.meta.dirname, "../pages/article.html")}`;

export class Presented {
  private constructor(
    readonly display: Display,
    readonly page: Page,
    private context: BrowserContext,
    readonly presenter: Process,
  ) {}

  /** `server` where the presenter does not reach the service directly. */
  static async start(service: Service, code: string, { server = service.url, width = 1024, height = 768 } = {}): Promise<Presented> {
    const display = await Display.start(width, height);
    const { page, context } = await display.page(ARTICLE);
    const presenter = Process.start(CONVENE, [
      ...["present", "--server", server, "--code", code, "--ca-file", service.certificate],
      ...["--display", display.name, "--name", "Projector"],
    ]);
    return new Presented(display, page, context, presenter);
  }

  /** Scrolls as a reader does: in steps of the wheel. */
  async scroll(steps: number, pixels = 120): Promise<void> {
    await this.page.mouse.move(400, 400);
    for (let step = 0; step < steps; step++) {
      await this.page.mouse.wheel(0, pixels);
      await this.page.waitForTimeout(60);
    }
  }

  /** Types into the page, and leaves the field, so that no caret blinks. */
  async type(text: string): Promise<void> {
    await this.page.focus("#notes");
    await this.page.keyboard.type(text, { delay: 25 });
    await this.page.evaluate(() => (document.activeElement as HTMLElement).blur());
  }

  async stop(): Promise<void> {
    await this.presenter.stop();
    await this.context.close();
    await this.display.stop();
  }
}
