/** Programs send into a meeting by WHIP and watch it by WHEP, from another site's pages. */

import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";

import { Participant, until } from "../support/browser.ts";
import { type Colour, COLOURS, Person } from "../support/faces.ts";
import { colourAt, loudness } from "../support/media.ts";
import { freePort } from "../support/path.ts";
import { Service } from "../support/service.ts";
import { OtherSite } from "../support/site.ts";
import { end, openPasses, passOf, restart, send, watch } from "../support/stream.ts";

let service: Service;
let site: OtherSite;
let people: Person[] = [];

// A browser for each person starts slowly where other work is done.
vi.setConfig({ testTimeout: 240_000 });

/** Tones whose overtones do not meet. */
const [ANN_HZ, STAGE_HZ] = [500, 820];

beforeAll(async () => {
  service = await Service.start({ mediaPort: await freePort() });
  site = await OtherSite.open();
});

afterEach(async () => {
  for (const person of people) await person.close();
  people = [];
});

afterAll(async () => {
  await site?.close();
  await service?.stop();
});

/** Ann, who starts the meeting, and is seen and heard. */
async function host(): Promise<{ ann: Person; code: string }> {
  const { ann, code } = await Person.hosting(service.url, ANN_HZ);
  people.push(ann);
  await openPasses(ann);
  await ann.show();
  return { ann, code };
}

async function elsewhere(colour: Colour, hertz: number): Promise<Person> {
  const person = await Person.of(colour, hertz, (browser) => Participant.open(browser, site.url));
  people.push(person);
  return person;
}

test("a program's picture and voice are in the meeting, and the meeting is on a player", async () => {
  const { ann, code } = await host();
  const camera = await passOf(ann, "send", "Stage camera");
  expect(camera.address).toBe(`${service.url}/whip/${code}`);
  const stage = await elsewhere("green", STAGE_HZ);
  const sending = await send(stage, camera);
  await ann.expectToSee("Stage camera", "green");
  await ann.expectToHear(STAGE_HZ);
  await ann.at("as-stream").first().waitFor();

  const lobby = await passOf(ann, "watch", "Lobby");
  const player = await elsewhere("blue", 1_340);
  const watching = await watch(player, "The meeting", lobby);
  for (const hertz of [ANN_HZ, STAGE_HZ]) await player.expectToHear(hertz);
  // Whoever speaks is seen.
  await ann.at("microphone").click();
  await player.expectToSee("The meeting", "green");
  await player.expectNotToHear(ANN_HZ);

  expect(await restart(stage, sending, camera.token)).toBe(200);
  await until("the new way carries", () => stage.participant.page.evaluate(() => (window as unknown as { link: RTCPeerConnection }).link.iceConnectionState), (state) => state === "connected" || state === "completed");
  await ann.expectToSee("Stage camera", "green");
  await player.expectToHear(STAGE_HZ);

  expect(await end(player, watching, lobby.token)).toBe(200);
  await until("the player is gone", () => ann.at("roster").innerText(), (roster) => !roster.includes("Lobby"));
  await ann.at("pass").filter({ hasText: "Stage camera" }).getByTestId("forbid-stream").click();
  await until("the camera is gone", () => ann.at("roster").innerText(), (roster) => !roster.includes("Stage camera"));
  await ann.expectNotToHear(STAGE_HZ);
  await expect(send(stage, camera)).rejects.toThrow("Ask the host for one");
});

test("a player shows whom it asks for", async () => {
  const { ann } = await host();
  const stage = await elsewhere("green", STAGE_HZ);
  await send(stage, await passOf(ann, "send", "Stage camera"));
  await ann.expectToSee("Stage camera", "green");
  const { address, token } = await passOf(ann, "watch", "Lobby");
  const player = await elsewhere("blue", 1_340);
  // Ann came first.
  await watch(player, "Ann alone", { address: `${address}?participant=1`, token });
  await player.expectToSee("Ann alone", "red");
  await ann.at("microphone").click();
  await player.expectNotToHear(ANN_HZ);
  await player.expectToHear(STAGE_HZ);
  await player.expectToSee("Ann alone", "red");
});

test("a program that sends is in the recording", async () => {
  const { ann } = await host();
  await ann.at("camera").click();
  await ann.at("microphone").click();
  const stage = await elsewhere("green", STAGE_HZ);
  await send(stage, await passOf(ann, "send", "Stage camera"));
  await ann.expectToSee("Stage camera", "green");
  const state = () => ann.at("recording-state").innerText();
  await ann.at("record").click();
  await until("recording", state, (text) => text === "Recording");
  await ann.participant.page.waitForTimeout(5_000);
  await ann.at("stop-record").click();
  await until("the recording is ready", state, (text) => text === "Recording ready");
  const file = await service.newestRecording();
  expect(await loudness(file, STAGE_HZ)).toBeGreaterThan(15);
  const got = await colourAt(file, 3, [0.7, 0.7]);
  const off = COLOURS.green.rgb.reduce<number>((sum, value, index) => sum + Math.abs(value - got[index]!), 0);
  expect(off, `${got}`).toBeLessThan(150);
});
