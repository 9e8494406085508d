/** Three WebRTC stacks in one meeting: Chromium's, Firefox's, and aiortc's, which sends and watches as a program. */
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";

import { Program } from "../support/aiortc.ts";
import { Participant, until } from "../support/browser.ts";
import { Person } from "../support/faces.ts";
import { Fox } from "../support/firefox.ts";
import { freePort } from "../support/path.ts";
import { Service } from "../support/service.ts";
import { openPasses, passOf } from "../support/stream.ts";

let service: Service;
let ann: Person | undefined;
let fox: Fox | undefined;
const programs: Program[] = [];

vi.setConfig({ testTimeout: 240_000 });

const [ANN_HZ, FOX_HZ, STAGE_HZ] = [500, 820, 1_340];

beforeAll(async () => {
  service = await Service.start({ mediaPort: await freePort() });
});

afterEach(async () => {
  for (const program of programs.splice(0)) await program.end();
  await fox?.close();
  await ann?.close();
});

afterAll(async () => {
  await service?.stop();
});

test("Chromium, Firefox and aiortc see and hear each other in one meeting", async () => {
  let code = "";
  ann = await Person.of("red", ANN_HZ, async (browser) => {
    const started = await Participant.host(browser, service.url, "Ann");
    code = started.code;
    return started.host;
  });
  await openPasses(ann);
  await ann.show();
  fox = await Fox.join(service.url, code, "Fox", "blue", FOX_HZ);
  for (const button of ["camera", "microphone"]) await fox.click(button);

  const stage = Program.send(service, await passOf(ann, "send", "Stage"), "green", STAGE_HZ);
  programs.push(stage);
  await ann.expectToSee("Stage", "green");
  await ann.expectToSee("Fox", "blue");
  await fox.expectToSee("Stage", "green");
  await fox.expectToSee("Ann", "red");
  for (const hertz of [FOX_HZ, STAGE_HZ]) await ann.expectToHear(hertz);
  for (const hertz of [ANN_HZ, STAGE_HZ]) await fox.expectToHear(hertz);

  const { address, token } = await passOf(ann, "watch", "Lobby");
  const lobby = Program.watch(service, { address: `${address}?participant=1`, token }, [ANN_HZ, FOX_HZ, STAGE_HZ]);
  programs.push(lobby);
  await lobby.expectToSee("red");
  for (const hertz of [ANN_HZ, FOX_HZ, STAGE_HZ]) await lobby.expectToHear(hertz);
  await ann.at("microphone").click();
  await lobby.expectNotToHear(ANN_HZ);

  expect(await stage.end()).toBe(200);
  await until("the stage is gone", () => ann!.at("roster").innerText(), (roster) => !roster.includes("Stage"));
});
