/**
 * Leads Chromium through a scene of `make bench-screen`, one captured picture after the other: prints `shown` when the next one is on the display,
 * and goes on after a line on stdin. The scene's own time counts, not the machine's, so the same scene shows the same pictures.
 * usage: bench.ts SCENE DISPLAY WIDTH HEIGHT FRAMES MATERIAL
 */
import { createInterface } from "node:readline";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { chromium, type Page } from "playwright-core";

import { CHROMIUM, CHROMIUM_FLAGS } from "./support/browser.ts";

const [scene, display, width, height, frames, material] = process.argv.slice(2) as [string, string, string, string, string, string];
const HANDBOOK = "file:///usr/share/doc/debian-handbook/html/en-US";
/** Captured pictures a second. */
const RATE = 15;
/** Of the films. */
const FILM_RATE = 25;

interface Scene {
  url: string;
  /** Brings the page to where it is at this picture. */
  step(page: Page, number: number): Promise<void>;
}

/** From 0 to 1, slow at both ends, as browsers animate a notch of the wheel. */
const ease = (share: number) => (share < 0.5 ? 2 * share * share : 1 - 2 * (1 - share) * (1 - share));

/** A notch of 100 pixels every two thirds of a second, eased over four pictures; after eight notches a reader reads. */
function mildly(number: number): number {
  const cycle = 11 * 10;
  const within = number % cycle;
  const notch = Math.min(Math.floor(within / 10), 8);
  const share = notch < 8 ? ease(Math.min((within % 10) / 4, 1)) : 0;
  return Math.round(100 * (8 * Math.floor(number / cycle) + notch + share));
}

/** 45 pixels a picture, down and, after ten seconds, up again. */
const steadily = (number: number) => 45 * (number < 150 ? number : 300 - number);

/** Flung: 150 pixels in the first picture, a tenth less in each that follows; a new fling every 24 pictures. */
function flung(number: number): number {
  const travel = (pictures: number) => (150 * (1 - 0.9 ** pictures)) / 0.1;
  return Math.round(Math.floor(number / 24) * travel(24) + travel(number % 24));
}

const scrolled = (url: string, place: (number: number) => number): Scene => ({
  url,
  step: (page, number) => page.evaluate((top) => window.scrollTo({ top, behavior: "instant" }), place(number)),
});

/** The films in turn, picture by picture. */
async function showFilm(page: Page, number: number): Promise<void> {
  await page.evaluate(async (time) => {
    const films = [...document.querySelectorAll("video")];
    const lengths = films.map((film) => film.duration);
    const whole = lengths.reduce((sum, length) => sum + length, 0);
    let at = time % whole;
    let shown = 0;
    while (lengths[shown]! <= at) at -= lengths[shown++]!;
    films.forEach((film, index) => (film.style.visibility = index === shown ? "visible" : "hidden"));
    const film = films[shown]!;
    const sought = new Promise((resolve) => film.addEventListener("seeked", resolve, { once: true }));
    film.currentTime = at;
    await sought;
  }, (Math.floor((number * FILM_RATE) / RATE) + 0.5) / FILM_RATE);
}

/** Turns the pages of a talk: the first stands for a second, then one comes every so many pictures, within `fade` of them. */
const slides = (every: number, fade: number) => async (page: Page, number: number) => {
  const past = Math.max(number - RATE, -1);
  const shown = Math.floor(past / every) + 1;
  const share = past < 0 ? 1 : Math.min(((past % every) + 1) / fade, 1);
  await page.evaluate(
    async ([top, opacity]) => {
      const pages = [...document.images];
      await Promise.all(pages.map((image) => image.decode()));
      pages.forEach((image, index) => (image.style.opacity = index < top ? "1" : index === top ? String(opacity) : "0"));
    },
    [shown, share] as const,
  );
};

const film = (page: string): Scene => ({ url: `file://${material}/${page}`, step: showFilm });

const PAGES = ["network-services", "sect.virtualization", "advanced-administration", "sect.debian-internals", "sect.network-config", "sect.monitoring"];

const SCENES: Record<string, Scene> = {
  text_mild: scrolled(`${HANDBOOK}/network-services.html`, mildly),
  text_heavy: scrolled(`${HANDBOOK}/network-services.html`, steadily),
  mixed_heavy: scrolled(`file://${material}/mixed.html`, flung),
  slides_plain: { url: `file://${material}/plain.html`, step: slides(3 * RATE, 1) },
  slides_rich: { url: `file://${material}/rich.html`, step: slides(4 * RATE, 6) },
  film_window: film("film_window.html"),
  film_full: film("film_full.html"),
  pages_1080p: {
    url: `${HANDBOOK}/index.html`,
    step: async (page, number) => {
      await page.goto(`${HANDBOOK}/${PAGES[number % PAGES.length]}.html`);
      await page.evaluate((top) => window.scrollTo({ top, behavior: "instant" }), 300 + 700 * Math.floor(number / PAGES.length));
    },
  },
};

/** What was asked for has been painted, and the compositor has handed it to the display. */
async function settle(page: Page): Promise<void> {
  await page.evaluate(async () => {
    for (let frame = 0; frame < 3; frame++) await new Promise((resolve) => requestAnimationFrame(resolve));
  });
}

const led = SCENES[scene];
if (!led) throw new Error(`there is no scene ${scene}`);
const profile = await mkdtemp(join(tmpdir(), "convene-bench-"));
const context = await chromium.launchPersistentContext(profile, {
  executablePath: CHROMIUM,
  headless: false,
  viewport: null,
  env: { ...process.env, DISPLAY: display } as Record<string, string>,
  ignoreDefaultArgs: ["--enable-automation"],
  args: [...CHROMIUM_FLAGS, "--kiosk", "--window-position=0,0", `--window-size=${width},${height}`, "--allow-file-access-from-files"],
});
try {
  const page = context.pages()[0] ?? (await context.newPage());
  await page.goto(led.url, { waitUntil: "load" });
  await page.evaluate(() => document.fonts.ready.then(() => undefined));
  const answers = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
  for (let number = 0; number < Number(frames); number++) {
    await led.step(page, number);
    await settle(page);
    console.log("shown");
    if ((await answers.next()).done) break;
  }
} finally {
  await context.close();
  await rm(profile, { recursive: true, force: true });
}
process.exit(0);
