/** People with a camera of one colour and a voice of one tone, each in a browser of their own; and what others see and hear of them. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { Browser } from "playwright-core";

import { launch, Participant, until } from "./browser.ts";

/** Colours as a camera has them, and what a canvas makes of them. */
export const COLOURS = {
  red: { yuv: [81, 90, 240], rgb: [255, 0, 0] },
  green: { yuv: [145, 54, 34], rgb: [0, 255, 0] },
  blue: { yuv: [41, 240, 110], rgb: [0, 0, 255] },
  yellow: { yuv: [210, 16, 146], rgb: [255, 255, 0] },
} as const;

export type Colour = keyof typeof COLOURS;

const [WIDTH, HEIGHT, FRAMES, RATE] = [640, 480, 16, 15];
/** Samples a second of the voices. */
const AUDIO_RATE = 48_000;

/** The tone of a voice, or those of an instrument: left and right. */
export type Voice = number | readonly [left: number, right: number];

export class Person {
  private constructor(
    readonly browser: Browser,
    readonly participant: Participant,
    private readonly folder: string,
  ) {}

  /**
   * A browser whose camera shows this colour, with a bar that moves, and whose microphone hears this tone, in syllables. A grain, in steps of
   * luma, costs as much as a real camera's pictures do.
   */
  static async of(
    colour: Colour,
    hertz: Voice,
    enter: (browser: Browser) => Promise<Participant>,
    flags: string[] = [],
    grain = 0,
  ): Promise<Person> {
    const folder = await mkdtemp(join(tmpdir(), "convene-face-"));
    const [picture, voice] = [join(folder, "face.y4m"), join(folder, "voice.wav")];
    await writeFile(picture, film(COLOURS[colour].yuv, grain));
    await writeFile(voice, syllables(...(typeof hertz === "number" ? ([hertz, hertz] as const) : hertz)));
    const browser = await launch([`--use-file-for-fake-video-capture=${picture}`, `--use-file-for-fake-audio-capture=${voice}`, ...flags]);
    return new Person(browser, await enter(browser), folder);
  }

  /** Ann in red, who starts a meeting. */
  static async hosting(url: string, hertz: Voice, grain = 0): Promise<{ ann: Person; code: string }> {
    let code = "";
    const enter = async (browser: Browser): Promise<Participant> => {
      const started = await Participant.host(browser, url, "Ann");
      code = started.code;
      return started.host;
    };
    const ann = await Person.of("red", hertz, enter, [], grain);
    return { ann, code };
  }

  at(testId: string) {
    return this.participant.at(testId);
  }

  /** Switches camera and microphone on. */
  async show(): Promise<void> {
    await this.at("camera").click();
    await this.at("microphone").click();
    await this.at("camera").getByText("Stop camera").waitFor();
    await this.at("microphone").getByText("Mute").waitFor();
  }

  sees(name: string): Promise<Colour | "nothing"> {
    return seenOf(name, this.participant.page);
  }

  async expectToSee(name: string, colour: Colour, patienceMs = 30_000): Promise<void> {
    await until(`${name} is seen in ${colour}`, () => this.sees(name), (seen) => seen === colour, patienceMs);
  }

  hears(hertz: number): Promise<number> {
    return heardOf(hertz, this.participant.page);
  }

  async expectToHear(hertz: number): Promise<void> {
    await until(`${hertz} Hz is heard`, () => this.hears(hertz), (decibels) => 20 < decibels);
  }

  async expectNotToHear(hertz: number): Promise<void> {
    await until(`${hertz} Hz is not heard`, () => this.hears(hertz), (decibels) => decibels < 6);
  }

  async close(): Promise<void> {
    await this.browser.close();
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** A page of any browser. */
export interface Tab {
  evaluate<Given, Answer>(ask: (given: Given) => Answer | Promise<Answer>, given: Given): Promise<Answer>;
}

/** The colour of somebody's face on a page, once its picture moves. */
export async function seenOf(name: string, page: Tab): Promise<Colour | "nothing"> {
  const rgb = await page.evaluate(async (name) => {
    const face = [...document.querySelectorAll("[data-testid=face]")].find((face) => face.textContent?.includes(name));
    const video = face?.querySelector("video");
    if (!video) return null;
    // Two more frames, so that a picture which stands still is none.
    for (let frame = 0; frame < 2; frame++) {
      const came = await Promise.race([
        new Promise<boolean>((resolve) => video.requestVideoFrameCallback(() => resolve(true))),
        new Promise<boolean>((resolve) => setTimeout(() => resolve(false), 1_000)),
      ]);
      if (!came) return null;
    }
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = 16;
    const context = canvas.getContext("2d")!;
    context.drawImage(video, 0, 0, 16, 16);
    return [...context.getImageData(8, 12, 1, 1).data.slice(0, 3)];
  }, name);
  if (!rgb) return "nothing";
  const off = (colour: Colour) => COLOURS[colour].rgb.reduce<number>((sum, value, index) => sum + Math.abs(value - rgb[index]!), 0);
  const [nearest] = (Object.keys(COLOURS) as Colour[]).sort((a, b) => off(a) - off(b));
  return off(nearest!) < 240 ? nearest! : "nothing";
}

/** How loud this tone is on the left and on the right of what a page plays, in decibels of full scale: the loudest of half a second. */
export async function sidesOf(hertz: number, page: Tab): Promise<{ left: number; right: number }> {
  return page.evaluate(async (hertz) => {
    const { srcObject } = document.querySelector<HTMLAudioElement>("[data-testid=sound]")!;
    if (!(srcObject instanceof MediaStream)) return { left: -200, right: -200 };
    const context = new AudioContext();
    const splitter = context.createChannelSplitter(2);
    context.createMediaStreamSource(srcObject).connect(splitter);
    const analysers = [0, 1].map((channel) => {
      const analyser = context.createAnalyser();
      analyser.fftSize = 8_192;
      analyser.smoothingTimeConstant = 0;
      splitter.connect(analyser, channel);
      return analyser;
    });
    const bins = new Float32Array(4_096);
    const at = Math.round((hertz / context.sampleRate) * 8_192);
    const loudest = [-200, -200];
    for (let look = 0; look < 12; look++) {
      await new Promise((resolve) => setTimeout(resolve, 60));
      analysers.forEach((analyser, channel) => {
        analyser.getFloatFrequencyData(bins);
        loudest[channel] = Math.max(loudest[channel]!, ...bins.slice(at - 2, at + 3));
      });
    }
    await context.close();
    return { left: loudest[0]!, right: loudest[1]! };
  }, hertz);
}

/** How loud this tone is in what a page plays, in decibels over what lies beside it: the loudest of half a second. */
export async function heardOf(hertz: number, page: Tab): Promise<number> {
  return page.evaluate(async (hertz) => {
    const { srcObject } = document.querySelector<HTMLAudioElement>("[data-testid=sound]")!;
    if (!(srcObject instanceof MediaStream)) return -100;
    const context = new AudioContext();
    const analyser = context.createAnalyser();
    analyser.fftSize = 8_192;
    analyser.smoothingTimeConstant = 0;
    context.createMediaStreamSource(srcObject).connect(analyser);
    const bins = new Float32Array(analyser.frequencyBinCount);
    const at = Math.round((hertz / context.sampleRate) * analyser.fftSize);
    let loudest = -100;
    for (let look = 0; look < 12; look++) {
      await new Promise((resolve) => setTimeout(resolve, 60));
      analyser.getFloatFrequencyData(bins);
      const tone = Math.max(...bins.slice(at - 2, at + 3));
      if (-70 < tone) loudest = Math.max(loudest, tone - bins[Math.round(at * 1.21)]!);
    }
    await context.close();
    return loudest;
  }, hertz);
}

/** One colour, and a bar in its upper half that moves with every frame. */
function film([y, u, v]: readonly [number, number, number], grain: number): Buffer {
  const parts = [Buffer.from(`YUV4MPEG2 W${WIDTH} H${HEIGHT} F${RATE}:1 Ip A1:1 C420jpeg\n`)];
  for (let frame = 0; frame < FRAMES; frame++) {
    const luma = Buffer.alloc(WIDTH * HEIGHT, y);
    for (let at = 0; 0 < grain && at < luma.length; at++) luma[at] = y + grain * (chance(at + frame * luma.length) - 0.5);
    const left = (frame * WIDTH) / FRAMES;
    for (let row = 0; row < HEIGHT / 3; row++) luma.fill(16, row * WIDTH + left, row * WIDTH + left + 24);
    const quarter = (WIDTH * HEIGHT) / 4;
    parts.push(Buffer.from("FRAME\n"), luma, Buffer.alloc(quarter, u), Buffer.alloc(quarter, v));
  }
  return Buffer.concat(parts);
}

/** From 0 to 1, another for each number. */
function chance(number: number): number {
  const mixed = Math.imul(number ^ (number >>> 15), 0x2c1b3c6d);
  return (Math.imul(mixed ^ (mixed >>> 12), 0x297a2d39) >>> 16) / 2 ** 16;
}

/** A tone that comes and goes like speech: browsers take what never pauses for noise, and suppress it. */
function syllables(left: number, right: number): Buffer {
  const samples = 2 * AUDIO_RATE;
  const channels = left === right ? 1 : 2;
  const data = Buffer.alloc(2 * samples * channels);
  for (let index = 0; index < samples; index++) {
    const time = index / AUDIO_RATE;
    const isSpoken = time % 0.35 < 0.2;
    [left, right].slice(0, channels).forEach((hertz, channel) => {
      const value = isSpoken ? Math.sin(2 * Math.PI * hertz * time) * 0.5 : 0;
      data.writeInt16LE(Math.round(value * 32_767), 2 * (index * channels + channel));
    });
  }
  const head = Buffer.alloc(44);
  head.write("RIFF", 0);
  head.writeUInt32LE(36 + data.length, 4);
  head.write("WAVEfmt ", 8);
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(1, 20);
  head.writeUInt16LE(channels, 22);
  head.writeUInt32LE(AUDIO_RATE, 24);
  head.writeUInt32LE(2 * channels * AUDIO_RATE, 28);
  head.writeUInt16LE(2 * channels, 32);
  head.writeUInt16LE(16, 34);
  head.write("data", 36);
  head.writeUInt32LE(data.length, 40);
  return Buffer.concat([head, data]);
}
