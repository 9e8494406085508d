// Presenting from a real Chromium: its own tab, captured unattended.

import { afterAll, beforeAll, expect, test } from "vitest";
import type { Decode } from "../../src/screen/painter";
import { screenHash } from "../../src/screen/pixels";
import { IN_FLIGHT_BYTES_MAX } from "../../src/protocol";
import { Peer } from "../support/peer";
import { Site } from "../support/page";
import { type Replay, replay } from "../support/replay";
import { nodeDecoder } from "../support/webp";

let site: Site;
let decode: Decode<Uint32Array>;

beforeAll(async () => {
  [site, decode] = await Promise.all([Site.open(), nodeDecoder()]);
});

afterAll(async () => {
  await site?.close();
});

test.each([
  ["by the browser's stream of frames", false],
  ["by a video element, where there is no such stream", true],
])("what is sent is what was captured %s, before and after a loss, and stopping is said", async (_, isPlain) => {
  const { page, context, complaints } = await site.page();
  if (isPlain) await page.addInitScript(() => Reflect.deleteProperty(window, "MediaStreamTrackProcessor"));
  const peer = await Peer.of(page);
  await page.goto(`${site.url}/123456789`);
  await page.getByTestId("name-input").fill("Ann");
  await page.getByTestId("join").click();
  await peer.welcome();

  let stream: Uint8Array[] = [];
  let [bytes, taken] = [0, 0];
  peer.onSaid = (said) => {
    if (!Buffer.isBuffer(said)) return;
    stream.push(new Uint8Array(said));
    bytes += said.length;
    expect(bytes - taken).toBeLessThanOrEqual(IN_FLIGHT_BYTES_MAX);
    peer.tell({ type: "taken", bytes: (taken = bytes) });
  };
  const settled = async (): Promise<Replay> => {
    for (;;) {
      const shown = await replay(stream, decode);
      expect(shown.error).toBeNull();
      const hash = await screenHash(new Uint8Array(shown.screen.data.buffer));
      if (0 < shown.shown.length && hash === (await page.evaluate(() => window.convene?.presentedHash()))) return shown;
      await page.waitForTimeout(50);
    }
  };

  await page.getByTestId("present").click();
  await peer.said("present");
  peer.tell({ type: "presenter", id: 1 });
  peer.tell({ type: "present_granted" });
  await peer.said("unwatch");
  const { screen } = await settled();
  expect([screen.width, screen.height].every((side) => 300 < side)).toBe(true);
  expect(new Set(screen.data).size).toBeGreaterThan(10);

  // The page presents itself, and on a slow machine goes on changing for a moment because it presents.
  let before: number;
  do {
    before = bytes;
    await page.waitForTimeout(500);
  } while (bytes !== before);
  // A change is a small update, not another screen.
  await page.getByTestId("chat-input").fill("hello");
  await page.getByTestId("chat-input").blur();
  while (bytes === before) await page.waitForTimeout(20);
  await settled();
  expect(bytes - before).toBeLessThan(before / 2);

  // Whoever presented presents again, with the whole screen, also when that rests.
  await peer.drop();
  [stream, bytes, taken] = [[], 0, 0];
  await peer.welcome();
  await peer.said("present");
  peer.tell({ type: "present_granted" });
  const again = await settled();
  expect(again.shown.length).toBeGreaterThan(0);
  expect(stream[0]?.[0]).toBe(1);

  await page.getByTestId("stop-present").click();
  await peer.said("present_stop");
  await peer.said("watch");
  expect(await page.evaluate(() => window.convene?.presentedHash())).toBeNull();
  expect(complaints).toEqual([]);
  await context.close();
});

test("whoever is followed by another presenter stops and watches", async () => {
  const { page, context } = await site.page();
  const peer = await Peer.of(page);
  await page.goto(`${site.url}/123456789`);
  await page.getByTestId("name-input").fill("Ann");
  await page.getByTestId("join").click();
  await peer.welcome();
  await page.getByTestId("present").click();
  await peer.said("present");
  peer.tell({ type: "present_granted" });
  peer.tell({ type: "present_ended", message: "Bob presents now." });
  await peer.said("watch");
  expect(await page.getByTestId("notice").textContent()).toBe("Bob presents now.");
  await page.getByTestId("present").waitFor();
  await context.close();
});
