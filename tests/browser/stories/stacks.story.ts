/** Four WebRTC stacks in one meeting: Chromium's, Firefox's, and those of programs that send and watch, aiortc and GStreamer's webrtcbin. */
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";

import { Participant, until } from "../support/browser.ts";
import { Person } from "../support/faces.ts";
import { Fox } from "../support/firefox.ts";
import { freePort } from "../support/path.ts";
import { Program } from "../support/program.ts";
import { Service } from "../support/service.ts";
import { openPasses, passOf } from "../support/stream.ts";

let service: Service;
let ann: Person | undefined;
let fox: Fox | undefined;
const programs: Program[] = [];

vi.setConfig({ testTimeout: 240_000 });

/** Tones whose overtones do not meet. */
const [ANN_HZ, FOX_HZ, STAGE_HZ, DESK_HZ] = [500, 820, 1_340, 2_190];

beforeAll(async () => {
  service = await Service.start({ mediaPort: await freePort() });
});

afterEach(async () => {
  for (const program of programs.splice(0)) await program.end();
  await fox?.close();
  await ann?.close();
  fox = ann = undefined;
});

afterAll(async () => {
  await service?.stop();
});

/** Ann, who starts the meeting in Chromium, is seen and heard, and gives out passes. */
async function host(): Promise<{ ann: Person; code: string }> {
  const started = await Person.hosting(service.url, ANN_HZ);
  const { code } = started;
  ann = started.ann;
  await openPasses(ann);
  await ann.show();
  return { ann, code };
}

test("Chromium, Firefox, webrtcbin and aiortc see and hear each other in one meeting", async () => {
  const { ann, code } = await host();
  fox = await Fox.join(service.url, code, "Fox", "blue", FOX_HZ);
  for (const button of ["camera", "microphone"]) await fox.click(button);

  const stage = Program.send(service, await passOf(ann, "send", "Stage"), "green", STAGE_HZ);
  programs.push(stage);
  await ann.expectToSee("Stage", "green");
  const desk = Program.send(service, await passOf(ann, "send", "Desk"), "yellow", DESK_HZ, "webrtcbin");
  programs.push(desk);
  await ann.expectToSee("Desk", "yellow");
  await ann.expectToSee("Fox", "blue");
  await fox.expectToSee("Stage", "green");
  await fox.expectToSee("Desk", "yellow");
  await fox.expectToSee("Ann", "red");
  for (const hertz of [FOX_HZ, STAGE_HZ, DESK_HZ]) await ann.expectToHear(hertz);
  for (const hertz of [ANN_HZ, STAGE_HZ, DESK_HZ]) await fox.expectToHear(hertz);

  const { address, token } = await passOf(ann, "watch", "Lobby");
  const tones = [ANN_HZ, FOX_HZ, STAGE_HZ, DESK_HZ];
  // They have come in this order; each is watched by a program of the other make.
  for (const [index, [colour, stack]] of ([["red", "webrtcbin"], ["blue", "webrtcbin"], ["green", "webrtcbin"], ["yellow", "aiortc"]] as const).entries()) {
    const player = Program.watch(service, { address: `${address}?participant=${index + 1}`, token }, tones, stack);
    programs.push(player);
    await player.expectToSee(colour);
    for (const hertz of tones) await player.expectToHear(hertz);
    expect(await player.end()).toBe(200);
    programs.splice(programs.indexOf(player), 1);
  }
  const lobby = Program.watch(service, { address: `${address}?participant=1`, token }, tones);
  programs.push(lobby);
  await lobby.expectToSee("red");
  for (const hertz of tones) await lobby.expectToHear(hertz);
  await ann.at("microphone").click();
  await lobby.expectNotToHear(ANN_HZ);

  for (const sender of [stage, desk]) expect(await sender.end()).toBe(200);
  await until("the stage is gone", () => ann.at("roster").innerText(), (roster) => !roster.includes("Stage"));
});

test("a program that stands still leaves the roster within seconds, and goes on where it was", async () => {
  const { ann } = await host();
  const stage = Program.send(service, await passOf(ann, "send", "Stage"), "green", STAGE_HZ);
  programs.push(stage);
  await ann.expectToSee("Stage", "green");
  const roster = () => ann.at("roster").innerText();
  stage.freeze();
  const since = performance.now();
  await until("it has left", roster, (names) => !names.includes("Stage"));
  // Well before half a minute, when its place is given up.
  expect(performance.now() - since).toBeLessThan(20_000);
  stage.thaw();
  await until("it is back", roster, (names) => names.includes("Stage"));
  await ann.expectToSee("Stage", "green");
  await ann.expectToHear(STAGE_HZ);
});
