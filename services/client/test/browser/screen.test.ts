// The screen in a real Chromium: its canvas holds exactly the stream's pixels.

import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Encoder, type Frame, type World } from "../../src/present/encoder";
import type { Decode } from "../../src/screen/painter";
import { screenHash } from "../../src/screen/pixels";
import * as write from "../../src/screen/write";
import { Peer } from "../support/peer";
import { Site } from "../support/page";
import { seeded } from "../support/random";
import { replay } from "../support/replay";
import { block, copyOf, inks, screen, scrolledPage } from "../support/screens";
import { settle } from "../support/settle";
import { hasFilm, streamOf, type Vector, vectors } from "../support/vectors";
import { nodeDecoder } from "../support/webp";
import { nodeWorld } from "../support/world";

let site: Site;
let decode: Decode<Uint32Array>;
let world: World;

beforeAll(async () => {
  [site, decode, world] = await Promise.all([Site.open(), nodeDecoder(), nodeWorld()]);
});

afterAll(async () => {
  await site?.close();
});

test("every vector's last screen is on the canvas, pixel by pixel, and every error is told", async () => {
  await inMeeting(async (page, peer) => {
    for (const vector of vectors()) {
      if (!vector.screen || hasFilm(vector)) continue;
      const stream = streamOf(vector);
      const { screen: expected } = await replay([stream], decode);
      peer.stream(stream);
      expect((await peer.said("painted")).bytes, vector.name).toBeGreaterThan(0);
      await expectHash(page, expected.data, vector.name);
      const isPointerShown = vector.screen.cursor?.visible === true;
      expect(await page.getByTestId("cursor").isVisible(), `${vector.name}: the pointer`).toBe(isPointerShown);
      await rejoin(peer);
    }
    const wrong = vectors().find(({ name }) => name === "error-bad-picture-bytes");
    if (!wrong) throw new Error("the vector of a bad picture is gone");
    peer.stream(streamOf(wrong));
    await peer.said("unwatch");
    expect(await page.getByTestId("notice").textContent()).toContain("does not decode to that size");
    await peer.said("watch");
  });
});

test("films are on the canvas, about right", async () => {
  await inMeeting(async (page, peer) => {
    const films = vectors().filter((vector) => vector.screen && hasFilm(vector));
    expect(films.length).toBeGreaterThan(1);
    for (const vector of films) {
      peer.stream(streamOf(vector));
      while ((await peer.said("painted")).bytes !== streamOf(vector).length);
      const off = await differences(page, vector);
      expect(off.most, `${vector.name}: the largest difference of a channel`).toBeLessThan(40);
      expect(off.mean, `${vector.name}: the mean difference of a channel`).toBeLessThan(4);
      await rejoin(peer);
    }
  });
});

test("a film that does not decode is asked for as pictures", async () => {
  await inMeeting(async (page, peer) => {
    const wrong = vectors().find(({ name }) => name === "error-video-without-key");
    if (!wrong) throw new Error("the vector of a film without a key frame is gone");
    peer.stream(streamOf(wrong));
    await peer.said("unwatch");
    expect(await page.getByTestId("notice").textContent()).toContain("is not VP8");
    expect(await peer.said("watch")).toEqual({ type: "watch", video: false, series: true });
  });
});

test("random updates with moves, fills and pictures are exact, and each is acknowledged to its last byte", async () => {
  await inMeeting(async (page, peer) => {
    const chance = seeded(11);
    const upTo = (most: number): number => Math.floor(most * chance());
    const encoder = new Encoder(world);
    let frame: Frame = screen(1_111, 777, 0x336699);
    let bytes = 0;
    for (let round = 0; round < 12; round++) {
      frame = copyOf(frame);
      if (round % 3 === 0) scrolledPage(frame, 40, 1_000, 11 * round);
      block(frame, upTo(1_000), upTo(700), 1 + upTo(300), 1 + upTo(300), inks(chance));
      const records = [...encoder.frame(frame, 1_000_000 * round)];
      // What was taken for a photograph is sharpened.
      settle(encoder, records);
      for (const record of records) {
        peer.stream(record);
        bytes += record.length;
      }
      await painted(peer, bytes);
      await expectHash(page, frame.pixels, `round ${round}`);
    }
  });
});

test("a move whose source and target overlap is exact in every direction", async () => {
  await inMeeting(async (page, peer) => {
    const frame = screen(640, 480);
    block(frame, 0, 0, 640, 480, inks(seeded(3)));
    const stream = [...new Encoder(world).frame(frame, 0)];
    for (const [dx, dy] of [[7, 5], [-7, 5], [7, -5], [-7, -5], [0, 1], [1, 0], [0, -1], [-1, 0]] as const) {
      stream.push(write.move({ x: 50 + dx, y: 50 + dy, width: 400, height: 300 }, 50, 50), write.update(1));
    }
    for (const record of stream) peer.stream(record);
    await painted(peer, stream.reduce((sum, { length }) => sum + length, 0));
    const { screen: expected } = await replay(stream, decode);
    await expectHash(page, expected.data, "after the moves");
  });
});

test("an update is shown as a whole, and one that is not whole is not shown", async () => {
  await inMeeting(async (page, peer) => {
    const first = [write.start(), write.size({ width: 64, height: 48 }), write.fill(whole(64, 48), 10, 20, 30), write.update(1)];
    for (const record of first) peer.stream(record);
    await peer.said("painted");
    peer.stream(write.fill(whole(64, 48), 200, 0, 0));
    await expectHash(page, screen(64, 48, 0x1e140a).pixels, "before the end of the second update");
    peer.stream(write.update(2));
    await peer.said("painted");
    await expectHash(page, screen(64, 48, 0x0000c8).pixels, "after it");
  });
});

test("a lost connection comes back by itself and the screen begins anew", async () => {
  await inMeeting(async (page, peer) => {
    for (const record of new Encoder(world).frame(screen(100, 50, 0x00ff00), 0)) peer.stream(record);
    await peer.said("painted");
    await peer.drop();
    await page.getByTestId("status").getByText("trying again").waitFor();
    expect(await page.getByTestId("screen").isVisible()).toBe(true);
    await peer.welcome({ presenter: 2 });
    await peer.said("watch");
    expect(await page.getByTestId("status").textContent()).toBe("Connected");
    for (const record of new Encoder(world).frame(screen(80, 40, 0xff00ff), 0)) peer.stream(record);
    await peer.said("painted");
    await expectHash(page, screen(80, 40, 0xff00ff).pixels, "the screen after the loss");
  });
});

test("fit keeps the proportions inside the page, 1:1 shows pixel for pixel", async () => {
  await inMeeting(async (page, peer) => {
    for (const record of new Encoder(world).frame(screen(2_000, 500, 0x777777), 0)) peer.stream(record);
    await peer.said("painted");
    const canvas = page.getByTestId("screen");
    const fitted = await canvas.boundingBox();
    expect(fitted?.width).toBeLessThanOrEqual(1_280);
    expect((fitted?.width ?? 0) / (fitted?.height ?? 1)).toBeCloseTo(4, 1);
    await page.getByTestId("one-to-one").click();
    const box = await canvas.boundingBox();
    expect([box?.width, box?.height]).toEqual([2_000, 500]);
    expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true);
    await page.getByTestId("full-screen").click();
    await page.waitForFunction(() => document.fullscreenElement !== null);
  });
});

async function inMeeting(act: (page: Page, peer: Peer) => Promise<void>): Promise<void> {
  const { page, context, complaints } = await site.page();
  const peer = await Peer.of(page);
  await page.goto(`${site.url}/123456789`);
  await page.getByTestId("name-input").fill("Ann");
  await page.getByTestId("join").click();
  await peer.welcome({ presenter: 2 });
  await peer.said("watch");
  await act(page, peer);
  expect(complaints).toEqual([]);
  await context.close();
}

/** The next stream is another connection's. */
async function rejoin(peer: Peer): Promise<void> {
  await peer.drop();
  await peer.welcome({ presenter: 2 });
  await peer.said("watch");
}

/** Some acknowledgements are left out when updates are many; the last one never is. */
async function painted(peer: Peer, bytes: number): Promise<void> {
  while ((await peer.said("painted")).bytes !== bytes);
}

/** How far what the page shows is off from a vector's last screen. */
async function differences(page: Page, { screen }: Vector): Promise<{ most: number; mean: number }> {
  const { width, height, pixels } = screen as NonNullable<Vector["screen"]>;
  const shown = await page.evaluate(
    ([width, height]) => {
      const canvas = document.createElement("canvas");
      [canvas.width, canvas.height] = [width, height];
      const context = canvas.getContext("2d") as CanvasRenderingContext2D;
      context.drawImage(document.querySelector("[data-testid=screen]") as HTMLCanvasElement, 0, 0);
      return [...context.getImageData(0, 0, width, height).data];
    },
    [width, height] as const,
  );
  const wanted = Buffer.from(pixels.join(""), "hex");
  const off = [...wanted].map((value, at) => Math.abs(value - (shown[Math.floor(at / 3) * 4 + (at % 3)] ?? 0)));
  return { most: Math.max(...off), mean: off.reduce((sum, one) => sum + one, 0) / off.length };
}

async function expectHash(page: Page, pixels: Uint32Array, what: string): Promise<void> {
  const hash = await screenHash(new Uint8Array(pixels.buffer));
  expect(await page.evaluate(() => window.convene?.screenHash()), what).toBe(hash);
}

function whole(width: number, height: number): { x: number; y: number; width: number; height: number } {
  return { x: 0, y: 0, width, height };
}
