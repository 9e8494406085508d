/** A screen is shared, and every viewer sees exactly its pixels: early, late, and over a poor line. */
import type { Browser } from "playwright-core";
import { afterEach, expect, test } from "vitest";

import { Participant, until } from "../support/browser.ts";
import { SentScreen, showFilm, stopFilm } from "../support/film.ts";
import { Line } from "../support/line.ts";
import { Presented } from "../support/presented.ts";
import type { Service } from "../support/service.ts";
import { stage } from "../support/stage.ts";

let service: Service;
let browser: Browser;
let endings: (() => Promise<unknown>)[] = [];

stage((...both) => ([service, browser] = both));

afterEach(async () => {
  for (const end of endings.reverse()) await end();
  endings = [];
});

/** The viewer's canvas becomes the framebuffer. */
async function equal(viewer: Participant, truth: () => Promise<string | null>, patienceMs = 30_000): Promise<void> {
  await until(
    "the canvas equals the framebuffer",
    async () => [await viewer.screenHash(), await truth()],
    ([seen, shown]) => seen !== undefined && seen !== null && seen === shown,
    patienceMs,
  );
}

/** What a viewer sees at a place: red, green, blue. */
async function pixel(viewer: Participant, x: number, y: number): Promise<number> {
  return await viewer.at("screen").evaluate((screen, [x, y]) => {
    const context = new OffscreenCanvas(1, 1).getContext("2d")!;
    context.drawImage(screen as HTMLCanvasElement, x!, y!, 1, 1, 0, 0, 1, 1);
    const [red, green, blue] = context.getImageData(0, 0, 1, 1).data;
    return (red! << 16) | (green! << 8) | blue!;
  }, [x, y]);
}

test("an X11 screen is pixel for pixel the same at viewers who are early, late and on a poor line", async () => {
  const { host, code } = await Participant.host(browser, service.url, "Ann");
  endings.push(() => host.leave());
  const line = await Line.to(service.port);
  endings.push(() => line.stop());
  const poor = await Participant.join(browser, `https://localhost:${line.port}`, code, "Poor");
  endings.push(() => poor.leave());

  const presented = await Presented.start(service, code);
  endings.push(() => presented.stop());
  await host.at("screen").waitFor();
  const framebuffer = () => presented.display.hash();
  await equal(host, framebuffer);
  await equal(poor, framebuffer);

  line.kbps = 100;
  await presented.type("Ships come in at noon. ");
  await presented.scroll(12);
  await equal(host, framebuffer);
  await presented.scroll(8, -120);
  await equal(host, framebuffer);

  const late = await Participant.join(browser, service.url, code, "Late");
  endings.push(() => late.leave());
  await equal(late, framebuffer);

  line.kbps = Infinity;
  await equal(poor, framebuffer);
  expect(await host.at("screen").evaluate((canvas) => [(canvas as HTMLCanvasElement).width, (canvas as HTMLCanvasElement).height])).toEqual(
    [1024, 768],
  );
});

/** Half of the page is another one four times a second, which takes far more than the line carries. */
test("a presenter on a slow line shows what is new at once, and in the end all of it", async () => {
  const { host, code } = await Participant.host(browser, service.url, "Ann");
  endings.push(() => host.leave());
  const line = await Line.to(service.port);
  endings.push(() => line.stop());
  const presented = await Presented.start(service, code, { server: `https://localhost:${line.port}` });
  endings.push(() => presented.stop());
  await host.at("screen").waitFor();
  await equal(host, () => presented.display.hash());

  line.upKbps = 400;
  await presented.page.evaluate(() => {
    document.body.innerHTML = `<p id="page" style="position:fixed;inset:0 0 350px;margin:0;overflow:hidden;font:12px serif"></p>
      <p id="mark" style="position:fixed;right:64px;bottom:64px;width:32px;height:32px;margin:0"></p>`;
    const write = () => {
      const words = Array.from({ length: 900 }, () => Math.random().toString(36).slice(2, 9));
      (document.querySelector("#page") as HTMLElement).textContent = words.join(" ");
    };
    Object.assign(window, { writing: setInterval(write, 250) });
  });
  await presented.page.waitForTimeout(3_000);
  const waits: number[] = [];
  for (const [name, rgb] of [["red", 0xff0000], ["lime", 0x00ff00], ["blue", 0x0000ff], ["black", 0], ["yellow", 0xffff00]] as const) {
    const since = performance.now();
    await presented.page.evaluate((colour) => (document.querySelector<HTMLElement>("#mark")!.style.background = colour), name);
    await until("the mark is there", () => pixel(host, 1024 - 80, 768 - 80), (seen) => seen === rgb, 20_000);
    waits.push(Math.round(performance.now() - since));
  }
  const [, , half] = waits.sort((a, b) => a - b);
  expect(half, `waits of ${waits} ms`).toBeLessThan(2_500);

  await presented.page.evaluate(() => clearInterval((window as unknown as { writing: number }).writing));
  await equal(host, () => presented.display.hash());
});

test("a browser's screen is pixel for pixel what the browser captured", async () => {
  const { host, code } = await Participant.host(browser, service.url, "Ann");
  endings.push(() => host.leave());
  const viewer = await Participant.join(browser, service.url, code, "Bob");
  endings.push(() => viewer.leave());
  await host.at("present").click();
  await until("the viewer paints", () => viewer.paintedUpdates(), (updates) => updates > 0);
  for (const text of ["one", "two", "three"]) {
    await host.at("chat-input").fill(text);
    await host.at("chat-send").click();
  }
  await host.page.evaluate(() => (document.activeElement as HTMLElement).blur());
  await equal(viewer, () => host.presentedHash());
  const late = await Participant.join(browser, service.url, code, "Late");
  endings.push(() => late.leave());
  await equal(late, () => host.presentedHash());
  await host.at("stop-present").click();
});

test("a browser's film plays at viewers as a film, beside text that is exact, and is exact itself when it has stopped", async () => {
  const { host, code } = await Participant.host(browser, service.url, "Ann");
  endings.push(() => host.leave());
  const presenting = await Participant.open(browser, `${service.url}/${code}`);
  endings.push(() => presenting.leave());
  const sent = new SentScreen(presenting.page);
  await presenting.at("name-input").first().fill("Pat");
  await presenting.at("join").click();
  await presenting.at("present").click();
  await until("the viewer paints", () => host.paintedUpdates(), (updates) => updates > 0);

  await showFilm(presenting.page);
  await until("the film goes as VP8", async () => sent.records.videos, (videos) => 50 < videos, 60_000);
  const [pictures, painted] = [sent.records.lossy, await host.paintedUpdates()];
  await until("it goes on", async () => sent.records.videos, (videos) => 100 < videos, 60_000);
  expect(sent.records.lossy - pictures, "pictures of a film that is found").toBeLessThan(20);
  expect((await host.paintedUpdates()) - painted, "updates that the viewer has shown").toBeGreaterThan(10);
  expect(sent.bytes.videos / sent.records.videos).toBeLessThan(8_000);

  await stopFilm(presenting.page);
  await equal(host, () => presenting.presentedHash());
});
