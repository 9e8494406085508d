/** Debian's Firefox, as a participant's browser: a camera of one colour, a voice of one tone, on a display of its own whose screen it presents. */
import puppeteer, { type Browser, type Page } from "puppeteer-core";

import { until } from "./browser.ts";
import { Display } from "./display.ts";
import { type Colour, COLOURS, heardOf, seenOf, type Tab } from "./faces.ts";

const FIREFOX = process.env.FIREFOX ?? "/usr/bin/firefox-esr";

/** What the person would click away, and what keeps media within this machine. */
const PREFERENCES = {
  "media.navigator.streams.fake": true,
  // A machine without a sound card plays nothing, so nobody could listen.
  "media.cubeb.force_mock_context": true,
  "media.navigator.permission.disabled": true,
  "media.peerconnection.ice.loopback": true,
  "media.autoplay.default": 0,
  "media.autoplay.blocking_policy": 0,
};

export class Fox {
  private constructor(
    private readonly display: Display,
    private readonly browser: Browser,
    private readonly page: Page,
  ) {}

  readonly #tab: Tab = {
    // Puppeteer's types know of handles, which are of no use here.
    evaluate: (ask, given) => this.page.evaluate(ask as (given: unknown) => unknown, given) as Promise<never>,
  };

  /** Joins by link. */
  static async join(url: string, code: string, name: string, colour: Colour, hertz: number): Promise<Fox> {
    const display = await Display.start(1280, 900);
    const browser = await puppeteer.launch({
      browser: "firefox",
      executablePath: FIREFOX,
      headless: false,
      acceptInsecureCerts: true,
      env: { ...process.env, DISPLAY: display.name },
      extraPrefsFirefox: { ...PREFERENCES, "media.navigator.audio.fake_frequency": hertz },
    });
    const fox = new Fox(display, browser, await browser.newPage());
    await fox.page.evaluateOnNewDocument(pretend, COLOURS[colour].rgb);
    await fox.page.goto(`${url}/${code}`);
    await (await fox.at("name-input")).type(name);
    await fox.click("join");
    await fox.at("roster");
    return fox;
  }

  async at(testId: string) {
    return (await this.page.waitForSelector(`[data-testid=${testId}]`))!;
  }

  async click(testId: string): Promise<void> {
    await (await this.at(testId)).click();
  }

  async expectToSee(name: string, colour: Colour): Promise<void> {
    await until(`${name} is seen in ${colour}`, () => seenOf(name, this.#tab), (seen) => seen === colour);
  }

  async expectToHear(hertz: number): Promise<void> {
    await until(`${hertz} Hz is heard`, () => heardOf(hertz, this.#tab), (decibels) => 20 < decibels);
  }

  /** What the page shows of a shared screen, or what it presents itself. */
  async hash(which: "screenHash" | "presentedHash"): Promise<string | null> {
    return this.page.evaluate(
      async (which) => (window as unknown as { convene: Record<string, () => Promise<string | null>> }).convene[which]!(),
      which,
    );
  }

  async close(): Promise<void> {
    await this.browser.close();
    await this.display.stop();
  }
}

/** In the page: a camera that shows a colour with a bar that moves. Firefox's own fake one shows all colours in turn. */
function pretend([red, green, blue]: readonly [number, number, number]): void {
  const camera = (): MediaStreamTrack => {
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [640, 480];
    const context = canvas.getContext("2d")!;
    let frame = 0;
    setInterval(() => {
      context.fillStyle = `rgb(${red} ${green} ${blue})`;
      context.fillRect(0, 0, 640, 480);
      context.fillStyle = "black";
      context.fillRect((frame++ * 40) % 640, 0, 24, 160);
    }, 66);
    return canvas.captureStream(15).getVideoTracks()[0]!;
  };
  const { mediaDevices } = navigator;
  const ask = mediaDevices.getUserMedia.bind(mediaDevices);
  mediaDevices.getUserMedia = async ({ audio, video } = {}) => {
    const voice = audio ? (await ask({ audio })).getTracks() : [];
    return new MediaStream(video ? [...voice, camera()] : voice);
  };
}
