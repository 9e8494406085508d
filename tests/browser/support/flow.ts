/** How a face's picture goes on: when each of its steps was shown, told by the bar that moves in it. */
import type { Page } from "playwright-core";

import { type Colour, COLOURS, type Person } from "./faces.ts";

/** A picture that differs from the one before. */
interface Step {
  /** Milliseconds since 1970, so that pages and tests go by one clock. */
  readonly at: number;
  readonly rgb: readonly number[];
}

export interface Flowing {
  /** New pictures a second. */
  readonly rate: number;
  /** Until the first one, and the longest without any, in milliseconds. */
  readonly firstMs: number;
  readonly stillMs: number;
}

/** Begins to note the pictures of somebody's face on a page, also when they come in another element later. */
async function noteFlow(page: Page, name: string): Promise<void> {
  await page.evaluate((name) => {
    const steps: { at: number; rgb: number[] }[] = [];
    ((window as unknown as { flows: Record<string, unknown> }).flows ??= {})[name] = steps;
    const canvas = document.createElement("canvas");
    const [columns, rows] = [64, 8];
    [canvas.width, canvas.height] = [columns, rows];
    const context = canvas.getContext("2d", { willReadFrequently: true })!;
    let watched: HTMLVideoElement | null = null;
    let before = -1;
    const look = (video: HTMLVideoElement): void => {
      if (video !== watched || !video.isConnected) return;
      context.drawImage(video, 0, 0, columns, rows);
      // The bar is in the upper third, and nowhere else it is as dark.
      const upper = context.getImageData(0, 1, columns, 1).data;
      let [bar, darkest] = [0, Number.POSITIVE_INFINITY];
      for (let column = 0; column < columns; column++) {
        const light = upper[4 * column]! + upper[4 * column + 1]! + upper[4 * column + 2]!;
        if (light < darkest) [bar, darkest] = [column, light];
      }
      if (bar !== before) steps.push({ at: Date.now(), rgb: [...context.getImageData(columns / 2, rows - 2, 1, 1).data.slice(0, 3)] });
      before = bar;
      video.requestVideoFrameCallback(() => look(video));
    };
    setInterval(() => {
      const face = [...document.querySelectorAll("[data-testid=face]")].find((face) => face.textContent?.includes(name));
      const video = face?.querySelector("video") ?? null;
      if (video === watched) return;
      watched = video;
      video?.requestVideoFrameCallback(() => look(video));
    }, 20);
  }, name);
}

/** How the picture has gone on from then until now. All that was shown must have been of this colour. */
async function flowSince(page: Page, name: string, colour: Colour, since: number): Promise<Flowing> {
  const now = Date.now();
  const steps = await page.evaluate((name) => (window as unknown as { flows: Record<string, Step[]> }).flows[name]!, name);
  const seen = steps.filter(({ at }) => since <= at && at <= now);
  const alien = seen.find(({ rgb }) => 240 < COLOURS[colour].rgb.reduce<number>((sum, value, index) => sum + Math.abs(value - rgb[index]!), 0));
  if (alien) throw new Error(`${name} was seen in ${alien.rgb}, which is not ${colour}`);
  const times = [since, ...seen.map(({ at }) => at), now];
  const gaps = times.slice(1).map((at, index) => at - times[index]!);
  return {
    rate: (1_000 * seen.length) / (now - since),
    firstMs: Math.round(gaps[0]!),
    stillMs: Math.round(Math.max(...gaps)),
  };
}

/** Ann in red and Bob in green. */
export interface Pair {
  readonly ann: Person;
  readonly bob: Person;
}

/** Two who show themselves, and are followed from when they see each other. */
export async function meet({ ann, bob }: Pair): Promise<void> {
  for (const person of [ann, bob]) await person.show();
  await ann.expectToSee("Bob", "green");
  await bob.expectToSee("Ann", "red");
  await noteFlow(ann.participant.page, "Bob");
  await noteFlow(bob.participant.page, "Ann");
}

/** How Bob sees Ann, and Ann sees Bob. */
export async function flows({ ann, bob }: Pair, since: number): Promise<Flowing[]> {
  return [await flowSince(bob.participant.page, "Ann", "red", since), await flowSince(ann.participant.page, "Bob", "green", since)];
}
