/** Debian's Chromium, as a participant's browser, and what the client's page shows and tells. */
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";

export const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium";

/** Quiet, and nothing that asks the network for anything but the page. */
export const CHROMIUM_FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--disable-features=Translate,MediaRouter",
  "--autoplay-policy=no-user-gesture-required",
  // Unattended screen sharing: the tab that asks shares itself.
  "--use-fake-ui-for-media-stream",
  "--use-fake-device-for-media-stream=display-media-type=browser",
];

export async function launch(flags: string[] = []): Promise<Browser> {
  return chromium.launch({ executablePath: CHROMIUM, headless: true, args: [...CHROMIUM_FLAGS, ...flags] });
}

/** What the client tells about itself; see services/client/README.md. */
interface ConveneHooks {
  paintedUpdates: number;
  screenHash(): Promise<string>;
  presentedHash(): Promise<string | null>;
}

export class Participant {
  private constructor(
    readonly page: Page,
    readonly context: BrowserContext,
  ) {}

  static async open(browser: Browser, url: string): Promise<Participant> {
    const context = await browser.newContext({ ignoreHTTPSErrors: true, viewport: { width: 1280, height: 800 } });
    return new Participant(await context.newPage().then(async (page) => (await page.goto(url), page)), context);
  }

  /** Starts a meeting from the first page; gives its code. */
  static async host(browser: Browser, url: string, name: string): Promise<{ host: Participant; code: string }> {
    const host = await Participant.open(browser, url);
    await host.at("name-input").first().fill(name);
    await host.at("start-meeting").click();
    const shown = (await host.at("meeting-code").first().textContent()) ?? "";
    const code = shown.replace(/\D/g, "");
    if (!/^\d{9}$/.test(code)) throw new Error(`the page shows no code of nine digits but "${shown}"`);
    return { host, code };
  }

  /** Joins by link; `prepare` is for the page before that. */
  static async join(
    browser: Browser,
    url: string,
    code: string,
    name: string,
    prepare: (page: Page) => Promise<void> = async () => {},
  ): Promise<Participant> {
    const guest = await Participant.open(browser, `${url}/${code}`);
    await prepare(guest.page);
    await guest.at("name-input").first().fill(name);
    await guest.at("join").click();
    await guest.at("roster").first().waitFor();
    return guest;
  }

  at(testId: string) {
    return this.page.getByTestId(testId);
  }

  async screenHash(): Promise<string> {
    return this.page.evaluate(() => (window as unknown as { convene: ConveneHooks }).convene.screenHash());
  }

  async presentedHash(): Promise<string | null> {
    return this.page.evaluate(() => (window as unknown as { convene: ConveneHooks }).convene.presentedHash());
  }

  async paintedUpdates(): Promise<number> {
    return this.page.evaluate(() => (window as unknown as { convene: ConveneHooks }).convene.paintedUpdates);
  }

  async leave(): Promise<void> {
    await this.context.close();
  }
}

/** Asks again until the answer fits; the last answer is in the complaint. */
export async function until<T>(what: string, ask: () => Promise<T>, fits: (answer: T) => boolean, patienceMs = 30_000): Promise<T> {
  const end = performance.now() + patienceMs;
  for (;;) {
    const answer = await ask();
    if (fits(answer)) return answer;
    if (end < performance.now()) throw new Error(`${what} did not happen within ${patienceMs} ms; at last: ${JSON.stringify(answer)}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
