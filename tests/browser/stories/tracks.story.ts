/** A meeting of two browsers and a telephone is recorded with a track for each, which line up with the mix. */
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";

import { Participant, until } from "../support/browser.ts";
import { Person } from "../support/faces.ts";
import { Phone } from "../support/phone.ts";
import { run } from "../support/process.ts";
import { Service } from "../support/service.ts";
import { newest, record } from "../support/stage.ts";

let service: Service;
let ann: Person | undefined;
let bob: Person | undefined;
let dan: Phone | undefined;

vi.setConfig({ testTimeout: 240_000 });

const HERTZ = { Ann: 500, Bob: 1160, Dan: 820 } as const;
const NAMES = ["Ann", "Bob", "Dan"] as const;
/** Of sound as it is looked at here. */
const SAMPLES_PER_SECOND = 8_000;
/** A look lasts 10 ms. */
const STEP = SAMPLES_PER_SECOND / 100;

beforeAll(async () => {
  service = await Service.start({ args: ["--sip-tls-port", "0"] });
});

afterEach(async () => {
  await dan?.close();
  await bob?.close();
  await ann?.close();
});

afterAll(async () => {
  await service?.stop();
});

/** The names of the tracks of a file, in their order. */
async function tracks(path: string): Promise<string[]> {
  const { stdout } = await run("ffprobe", ["-v", "error", "-show_entries", "stream_tags=title", "-of", "csv=p=0", path]);
  return stdout.toString().trim().split("\n");
}

/** How loud a tone is on a track, each 10 ms of the recording, in parts of full scale. */
async function loudness(path: string, track: number, hertz: number): Promise<number[]> {
  const filters = `aresample=${SAMPLES_PER_SECOND}:async=1:first_pts=0,bandpass=f=${hertz}:width_type=h:w=60,bandpass=f=${hertz}:width_type=h:w=60`;
  const form = ["-ac", "1", "-f", "s16le", "-"];
  const { stdout, stderr } = await run("ffmpeg", ["-v", "warning", "-i", path, "-map", `0:${track}`, "-af", filters, ...form]);
  expect(stderr).toBe("");
  const samples = new Int16Array(stdout.buffer, stdout.byteOffset, stdout.byteLength >> 1);
  const steps = Array.from({ length: Math.floor(samples.length / STEP) }, (_, step) => samples.subarray(step * STEP, (step + 1) * STEP));
  return steps.map((step) => Math.sqrt(step.reduce((sum, sample) => sum + sample * sample, 0) / STEP) / 32_768);
}

/** By how many milliseconds the second is later than the first, where what becomes loud in them is most alike. */
function lateness(first: number[], second: number[]): number {
  const rises = (track: number[]) => track.map((value, at) => Math.max(0, value - (track[at - 3] ?? 0)));
  const [early, late] = [rises(first), rises(second)];
  const alike = (steps: number) => early.reduce((sum, value, at) => sum + value * (late[at + steps] ?? 0), 0);
  const steps = Array.from({ length: 81 }, (_, step) => step - 40);
  return steps.reduce((best, steps) => (alike(best) < alike(steps) ? steps : best), 0) * 10;
}

test("each of two browsers and a telephone has a track of its own, beside the mix of all", async () => {
  const started = await Person.hosting(service.url, HERTZ.Ann);
  const { code } = started;
  ann = started.ann;
  await ann.at("microphone").click();
  await ann.at("record-layout").selectOption({ label: "Sound, a track for each person" });
  await record(ann.participant);
  const { page } = ann.participant;
  await page.waitForTimeout(3_000);

  bob = await Person.of("blue", HERTZ.Bob, (browser) => Participant.join(browser, service.url, code, "Bob"));
  await bob.at("microphone").click();
  await ann.expectToHear(HERTZ.Bob);
  await ann.at("dial-in").locator("summary").click();
  const address = (await ann.at("dial-in-address").innerText()).replace(code, "meeting");
  dan = await Phone.call(address, "Dan", "PCMU", HERTZ.Dan, service.certificate);
  await dan.press(`${code}#`);
  await ann.at("roster").getByText("Dan").first().waitFor();
  await ann.expectToHear(HERTZ.Dan);
  await page.waitForTimeout(5_000);
  if (process.env.SCREENSHOTS) await page.screenshot({ path: join(process.env.SCREENSHOTS, "tracks.png") });
  // What a muted one says is on no track.
  await page.getByRole("button", { name: "Mute Bob" }).click();
  await ann.expectNotToHear(HERTZ.Bob);
  await page.waitForTimeout(4_000);
  await ann.at("stop-record").click();
  const { id } = await newest(ann.participant, "ready");

  const path = join(service.region("a"), `${id}.webm`);
  const names = await tracks(path);
  expect(names[0]).toBe("Everybody");
  expect(names.slice(1).sort()).toEqual([...NAMES]);
  for (const name of NAMES) {
    const track = names.indexOf(name);
    const own = await loudness(path, track, HERTZ[name]);
    const mixed = await loudness(path, 0, HERTZ[name]);
    const loudest = Math.max(...own);
    expect(loudest, name).toBeGreaterThan(0.02);
    const apart = Math.abs(lateness(mixed, own));
    expect(apart, `${name} in milliseconds from the mix`).toBeLessThanOrEqual(50);
    for (const other of NAMES.filter((one) => one !== name)) {
      expect(Math.max(...(await loudness(path, track, HERTZ[other]))), `${other} on the track of ${name}`).toBeLessThan(loudest / 10);
    }
    const last = own.slice(mixed.length - 250);
    const isMuted = name === "Bob";
    expect(Math.max(0, ...last) < loudest / 10, `${name} at the end`).toBe(isMuted);
  }

  // It plays as any recording of the sound does.
  await page.goto(`${service.url}/recordings`);
  await ann.at("play").first().click();
  const played = () => ann!.at("player").evaluate((element) => [element.tagName, (element as HTMLAudioElement).currentTime] as const);
  await until("it plays", played, ([tag, at]) => tag === "AUDIO" && 1 < at);
  await ann.at("player").evaluate((element) => ((element as HTMLAudioElement).currentTime = 8));
  await until("it plays on from there", played, ([, at]) => 8.5 < at && at < 20);
  if (process.env.SCREENSHOTS) await page.screenshot({ path: join(process.env.SCREENSHOTS, "tracks-played.png") });
});
