/** What stories of recordings and screens begin with: one service and one browser for all of a file, and a recording that is begun and ready. */
import type { Browser } from "playwright-core";
import { afterAll, beforeAll } from "vitest";

import { launch, type Participant, until } from "./browser.ts";
import { Service } from "./service.ts";

/** Starts both before the first story of this file, hands them over, and ends them after the last. */
export function stage(set: (service: Service, browser: Browser) => void): void {
  let service: Service | undefined;
  let browser: Browser | undefined;
  beforeAll(async () => {
    service = await Service.start();
    browser = await launch();
    set(service, browser);
  });
  afterAll(async () => {
    await browser?.close();
    await service?.stop();
  });
}

export interface Recorded {
  readonly id: string;
  readonly duration_ms: number;
  readonly state: string;
}

/** Waits until the host's meeting is recorded. */
export async function record(host: Participant): Promise<void> {
  await host.at("record").click();
  await until("recording", () => host.at("recording-state").innerText(), (state) => state === "Recording");
}

/** Waits until the newest recording is so. */
export async function newest(host: Participant, state: "ready" | "degraded", patienceMs = 10_000): Promise<Recorded> {
  const list = async () =>
    (await (await host.page.request.get(new URL("/api/recordings", host.page.url()).href)).json()) as { recordings: Recorded[] };
  const { recordings } = await until(`a recording is ${state}`, list, (list) => list.recordings[0]?.state === state, patienceMs);
  return recordings[0]!;
}

/** How bright the pixels of a loaded picture are, at least and at most. */
export async function brightness(participant: Participant, selector: string): Promise<[number, number]> {
  return participant.page.locator(selector).evaluate(async (element) => {
    const picture = element as HTMLImageElement;
    await picture.decode();
    const canvas = new OffscreenCanvas(picture.naturalWidth, picture.naturalHeight);
    const context = canvas.getContext("2d")!;
    context.drawImage(picture, 0, 0);
    const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
    const greens = data.filter((_, at) => at % 4 === 1);
    return [greens.reduce((a, b) => Math.min(a, b)), greens.reduce((a, b) => Math.max(a, b))] as [number, number];
  });
}
