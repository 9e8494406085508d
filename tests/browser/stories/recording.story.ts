/** A meeting is recorded to two regions, played at once after its end, sought, and deleted. */
import type { Browser } from "playwright-core";
import { existsSync } from "node:fs";
import { readdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";

import { Participant, until } from "../support/browser.ts";
import { Person, seenOf } from "../support/faces.ts";
import { colourAt, corners, loudness, probe, sha256 } from "../support/media.ts";
import { Presented } from "../support/presented.ts";
import type { Service } from "../support/service.ts";
import { brightness, newest, record, stage } from "../support/stage.ts";

let service: Service;
let browser: Browser;

stage((...both) => ([service, browser] = both));

/** Starts recording, does `meanwhile`, stops. The file's length lies between these two, in seconds: it begins between the click and the word, and ends likewise. */
async function timed(host: Participant, meanwhile: () => Promise<void>): Promise<{ atLeast: number; atMost: number; stopped: number }> {
  const asked = performance.now();
  await record(host);
  const begun = performance.now();
  await meanwhile();
  const stopped = performance.now();
  await host.at("stop-record").click();
  await until("the end", () => host.at("recording-state").innerText(), (state) => state !== "Recording");
  return { atLeast: (stopped - begun) / 1000 - 0.5, atMost: (performance.now() - asked) / 1000 + 0.5, stopped };
}

async function blobs(region: "a" | "b"): Promise<string[]> {
  const folder = service.region(region);
  return existsSync(folder) ? (await readdir(folder)).filter((name) => name.endsWith(".webm")) : [];
}

test("a recording is whole, in both regions, and plays within two seconds of its end", async () => {
  const { host, code } = await Participant.host(browser, service.url, "Ann");
  const presented = await Presented.start(service, code, { width: 800, height: 600 });
  await until("the host sees the screen", () => host.paintedUpdates(), (updates) => updates > 0);

  const { atLeast, atMost, stopped } = await timed(host, async () => {
    await presented.type("We are being recorded. ");
    await presented.scroll(10);
    await presented.page.waitForTimeout(4_000);
  });
  const recording = await newest(host, "ready");
  expect(performance.now() - stopped).toBeLessThan(2_000);

  const [name] = await blobs("a");
  const [first, second] = [join(service.region("a"), name!), join(service.region("b"), name!)];
  expect(await sha256(first)).toBe(await sha256(second));
  const { duration, codecs } = await probe(first);
  expect(codecs).toContain("vp8");
  expect(duration).toBeGreaterThan(atLeast);
  expect(duration).toBeLessThan(atMost);
  expect(Math.abs(recording.duration_ms / 1000 - duration)).toBeLessThan(0.1);

  await host.page.goto(`${service.url}/recordings`);
  await host.at("play").first().click();
  const player = host.at("player");
  await player.waitFor();
  const played = await player.evaluate(async (element, target) => {
    const video = element as HTMLVideoElement;
    if (video.readyState < 1) await new Promise((resolve) => video.addEventListener("loadedmetadata", resolve, { once: true }));
    const sought = new Promise((resolve) => video.addEventListener("seeked", resolve, { once: true }));
    video.currentTime = target;
    await sought;
    return { duration: video.duration, at: video.currentTime, width: video.videoWidth, error: video.error?.message ?? null };
  }, duration / 2);
  expect(played.error).toBeNull();
  expect(Math.abs(played.duration - duration)).toBeLessThan(0.1);
  expect(Math.abs(played.at - duration / 2)).toBeLessThan(0.1);
  expect(played.width).toBe(800);

  const deleted = await host.page.request.delete(`${service.url}/api/recordings/${recording.id}`);
  expect(await deleted.json()).toMatchObject({ deleted: true });
  expect([...(await blobs("a")), ...(await blobs("b"))]).toEqual([]);

  await presented.stop();
  await host.leave();
});

test("the host chooses what is recorded", async () => {
  const { ann, code } = await Person.hosting(service.url, 500);
  await ann.show();
  const presented = await Presented.start(service, code, { width: 800, height: 600 });
  await until("the host sees the screen", () => ann.participant.paintedUpdates(), (updates) => updates > 0);
  // Of the middle of the strip beside the screen.
  const is = { screen: "page", beside: "face", faces: "face" };
  for (const layout of ["screen", "beside", "faces"] as const) {
    await ann.at("record-layout").selectOption(layout);
    await timed(ann.participant, () => ann.participant.page.waitForTimeout(2_500));
    const { id } = await newest(ann.participant, "ready");
    const [red, green] = await colourAt(join(service.region("a"), `${id}.webm`), 2, [0.88, 0.5]);
    expect(150 < red && green < 90 ? "face" : "page", layout).toBe(is[layout]);
  }
  await presented.stop();
  await ann.close();
});

test("a recording of the sound alone has no picture, and asks for none", async () => {
  const { ann, code } = await Person.hosting(service.url, 500);
  await ann.show();
  const bob = await Participant.join(browser, service.url, code, "Bob");
  await until("the host is seen", () => seenOf("Ann", bob.page), (colour) => colour === "red");
  await ann.at("record-layout").selectOption("sound");
  const { atLeast, atMost } = await timed(ann.participant, async () => {
    await ann.participant.page.waitForTimeout(3_000);
    await ann.at("pause-record").click();
    await until("it is paused", () => ann.at("recording-state").innerText(), (state) => state === "Recording paused");
    await ann.at("pause-record").click();
    await until("it goes on", () => ann.at("recording-state").innerText(), (state) => state === "Recording");
    await ann.participant.page.waitForTimeout(6_000);
  });
  const { id } = await newest(ann.participant, "ready");
  const file = join(service.region("a"), `${id}.webm`);
  const { duration, codecs } = await probe(file);
  expect(codecs).toEqual(["opus"]);
  expect(duration).toBeGreaterThan(atLeast - 1.5);
  expect(duration).toBeLessThan(atMost);
  expect(await loudness(file, 500)).toBeGreaterThan(15);
  expect(await sha256(file)).toBe(await sha256(join(service.region("b"), `${id}.webm`)));

  const { page } = ann.participant;
  const asked: string[] = [];
  page.on("request", (request) => asked.push(request.url()));
  await page.goto(`${service.url}/recordings`);
  await ann.at("play").first().click();
  const played = () => ann.at("player").evaluate((element) => [element.tagName, (element as HTMLAudioElement).currentTime, (element as HTMLAudioElement).paused] as const);
  await until("it plays", played, ([tag, at]) => tag === "AUDIO" && 0 < at);
  await page.getByRole("group", { name: /^Player of/ }).focus();
  await page.keyboard.press("k");
  await until("it pauses", played, ([, , paused]) => paused);
  await page.keyboard.press("Home");
  await page.keyboard.press("ArrowRight");
  await until("five seconds", played, ([, at]) => Math.abs(at - 5) < 0.2);
  await ann.at("seek").hover();
  await ann.at("seek-preview").waitFor();
  expect(asked.some((url) => url.includes(`${id}/media`))).toBe(true);
  expect(asked.filter((url) => url.includes(id) && /poster|filmstrip/.test(url))).toEqual([]);
  expect((await page.request.get(`${service.url}/api/recordings/${id}/poster`)).status()).toBe(404);
  await bob.leave();
  await ann.close();
});

test("a recording of a meeting in which nobody presents is as long as the meeting, and says what it is", async () => {
  const { host } = await Participant.host(browser, service.url, "Ann");
  const { atLeast, atMost } = await timed(host, () => host.page.waitForTimeout(2_500));
  const recording = await newest(host, "ready");
  const { duration } = await probe(join(service.region("b"), `${recording.id}.webm`));
  expect(duration).toBeGreaterThan(atLeast);
  expect(duration).toBeLessThan(atMost);
  await host.page.goto(`${service.url}/recordings`);
  await host.at("poster").first().waitFor();
  const [darkest, brightest] = await brightness(host, `[data-id="${recording.id}"] .poster > img`);
  expect([darkest < 60, 150 < brightest]).toEqual([true, true]);
  await host.leave();
});

test("what is paused is left out, and the rest plays on", async () => {
  const { host, code } = await Participant.host(browser, service.url, "Ann");
  const guest = await Participant.join(browser, service.url, code, "Bob");
  const word = () => guest.at("recording-state").innerText();
  const { atMost } = await timed(host, async () => {
    await host.page.waitForTimeout(2_000);
    await host.at("pause-record").click();
    await until("the guest sees that it is paused", word, (state) => state === "Recording paused");
    await host.page.waitForTimeout(4_000);
    await host.at("pause-record").click();
    await until("the guest sees that it goes on", word, (state) => state === "Recording");
    await host.page.waitForTimeout(2_000);
  });
  const recording = await newest(host, "ready");
  const file = join(service.region("a"), `${recording.id}.webm`);
  const { duration } = await probe(file);
  expect(duration).toBeGreaterThan(3.5);
  expect(duration).toBeLessThan(atMost - 3.9);
  // The title stands on dark grey; that there was a pause is said on black, for a second.
  const grounds = (await corners(file)).map((luma) => (luma < 25 ? "pause" : "title"));
  expect(grounds.filter((ground, at) => ground !== grounds[at - 1]), `${grounds}`).toEqual(["title", "pause", "title"]);
  const seconds = grounds.filter((ground) => ground === "pause").length / 10;
  expect(Math.abs(seconds - 1)).toBeLessThan(0.3);
  await guest.leave();
  await host.leave();
});

test("a region that goes away delays nothing, and is made identical when it is back", async () => {
  const { host } = await Participant.host(browser, service.url, "Ann");
  const region = service.region("b");
  await timed(host, async () => {
    await rename(region, `${region}-away`);
    await writeFile(region, "no folder");
    await host.page.waitForTimeout(2_000);
  });
  const { id } = await newest(host, "degraded");
  const name = `${id}.webm`;
  await probe(join(service.region("a"), name));

  await rm(region);
  await rename(`${region}-away`, region);
  await newest(host, "ready", 90_000);
  expect(await sha256(join(region, name))).toBe(await sha256(join(service.region("a"), name)));
  await host.leave();
}, 180_000);
