/** A real browser on a poor line: pictures and voices go on, and how well is measured by the pictures themselves. */
import { setTimeout } from "node:timers/promises";

import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";

import { Participant, until } from "../support/browser.ts";
import { Person } from "../support/faces.ts";
import { type Flowing, flows, meet, type Pair } from "../support/flow.ts";
import { FAIR, freePort, Path } from "../support/path.ts";
import { Service } from "../support/service.ts";

let service: Service;
let metricsPort: number;
let people: Person[] = [];

vi.setConfig({ testTimeout: 240_000 });

const [ANN_HZ, BOB_HZ] = [500, 820];

beforeAll(async () => {
  metricsPort = await freePort();
  service = await Service.start({ mediaPort: await freePort(), args: ["--metrics", `127.0.0.1:${metricsPort}`] });
});

afterEach(async () => {
  for (const person of people) await person.close();
  people = [];
});

afterAll(async () => {
  await service?.stop();
});

/** Ann on a good line and Bob by this one, both with camera and microphone, who see and hear each other. */
async function pair(path: Path, grain = 0): Promise<Pair> {
  const { ann, code } = await Person.hosting(service.url, ANN_HZ, grain);
  people.push(ann);
  const bob = await Person.of("green", BOB_HZ, (browser) => Participant.join(browser, service.url, code, "Bob", (page) => path.lead(page)));
  people.push(bob);
  await meet({ ann, bob });
  return { ann, bob };
}

/** What the line is like, and how the picture must go on at least: the camera has 15 pictures a second, and the machine may be busy. */
const WEATHERS = [
  { weather: { loss: 0, roundTripMs: 30, jitterMs: 0 }, rate: 5, stillMs: 2_000 },
  { weather: { loss: 0.05, roundTripMs: 100, jitterMs: 20 }, rate: 4, stillMs: 3_000 },
  { weather: { loss: 0.1, roundTripMs: 300, jitterMs: 0 }, rate: 2, stillMs: 4_000 },
  { weather: { loss: 0, roundTripMs: 30, jitterMs: 0 }, rate: 5, stillMs: 3_000 },
];

/** How long each lasts. */
const LASTS_MS = 8_000;

test("pictures and voices go on where a tenth is lost, and are back in full when nothing is", async () => {
  const path = new Path(7);
  try {
    const both = await pair(path);
    for (const { weather, rate, stillMs } of WEATHERS) {
      path.weather = weather;
      const [since, before] = [Date.now(), { ...path.count }];
      await setTimeout(LASTS_MS);
      const got = await flows(both, since);
      const lost = (path.count.lost - before.lost) / (path.count.came - before.came);
      console.info(`${weather.loss} lost, ${weather.roundTripMs} ms: ${got.map(words).join("; ")}`);
      expect(lost).toBeCloseTo(weather.loss, 1);
      for (const flowing of got) {
        expect(flowing.rate).toBeGreaterThan(rate);
        expect(flowing.stillMs).toBeLessThan(stillMs);
      }
      await both.ann.expectToHear(BOB_HZ);
      await both.bob.expectToHear(ANN_HZ);
    }
    // A machine that stands still for a second may be taken for a line that is gone.
    expect(path.ways, "losses alone are no reason for another way").toBeLessThanOrEqual(2);
  } finally {
    path.close();
  }
});

test("a network that changes without a word costs two seconds, however little came by it", async () => {
  const path = new Path(9);
  try {
    const both = await pair(path);
    const missed = async (): Promise<Flowing> => {
      const ways = path.ways;
      path.break();
      const since = Date.now();
      await setTimeout(5_000);
      const [, bob] = await flows(both, since);
      console.info(`another network: ${words(bob!)}`);
      expect(path.ways).toBeGreaterThan(ways);
      return bob!;
    };
    // Half of it is noticing; the rest is for a busy machine.
    expect((await missed()).stillMs).toBeLessThan(4_000);
    await both.bob.expectToSee("Ann", "red");
    await both.bob.expectToHear(ANN_HZ);

    // Bob sees and hears nobody any more.
    for (const button of ["camera", "microphone"]) await both.ann.at(button).click();
    await both.bob.expectNotToHear(ANN_HZ);
    expect((await missed()).stillMs).toBeLessThan(4_000);
    await both.ann.expectToHear(BOB_HZ);
  } finally {
    path.close();
  }
});

test("a face says why it is no larger where the line is narrow", async () => {
  const path = new Path(11);
  try {
    const { bob } = await pair(path, 60);
    const face = bob.at("face").filter({ hasText: "Ann" });
    const hint = async () => (await face.getAttribute("title")) ?? "";
    const lines = () => face.locator("video").evaluate((video) => (video as HTMLVideoElement).videoHeight);
    await until("all is seen", hint, (text) => /^\d+ lines, (as large as it is shown|the most that Ann sends)$/.test(text));

    path.down = { ...FAIR, delayMs: 15, kbps: 350 };
    const narrow = await until("the line is blamed", hint, (text) => / lines, because your line carries no more$/.test(text));
    await until("it is as small as is said", lines, (height) => height < 360);
    await until("and says so", hint, (text) => text.startsWith("180 lines, because"));
    await until("operators see it", () => metric(/^convene_relay_video_slots\{.*reason="bandwidth"\} (\d+)$/gm), (slots) => 0 < slots, 20_000);
    console.info(`on a narrow line: ${narrow}, then ${await hint()}`);
    await bob.expectToSee("Ann", "red");

    path.down = FAIR;
    await until("all is seen again", hint, (text) => text !== "" && !text.includes("your line"));
    await until("it is larger", lines, (height) => 180 < height);
  } finally {
    path.close();
  }
});

/** What the service tells Prometheus of these, together. */
async function metric(samples: RegExp): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
  return [...text.matchAll(samples)].reduce((sum, [, value]) => sum + Number(value), 0);
}

function words({ rate, firstMs, stillMs }: Flowing): string {
  return `${rate.toFixed(1)} pictures a second, the first after ${firstMs} ms, ${stillMs} ms without any`;
}
