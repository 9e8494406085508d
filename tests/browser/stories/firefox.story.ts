/** Firefox and Chromium in one meeting: another engine's WebRTC, WebCodecs and workers. */
import { afterAll, afterEach, beforeAll, test, vi } from "vitest";

import { Participant, until } from "../support/browser.ts";
import { Person } from "../support/faces.ts";
import { Fox } from "../support/firefox.ts";
import { freePort } from "../support/path.ts";
import { Service } from "../support/service.ts";

let service: Service;
let ann: Person | undefined;
let fox: Fox | undefined;

vi.setConfig({ testTimeout: 240_000 });

const [ANN_HZ, FOX_HZ] = [500, 820];

beforeAll(async () => {
  service = await Service.start({ mediaPort: await freePort() });
});

afterEach(async () => {
  await fox?.close();
  await ann?.close();
});

afterAll(async () => {
  await service?.stop();
});

test("a person in Firefox is seen and heard, sees and hears, watches a screen and presents one", async () => {
  const started = await Person.hosting(service.url, ANN_HZ);
  const { code } = started;
  ann = started.ann;
  await ann.show();
  fox = await Fox.join(service.url, code, "Fox", "blue", FOX_HZ);
  await fox.click("camera");
  await fox.click("microphone");
  await ann.expectToSee("Fox", "blue");
  await ann.expectToHear(FOX_HZ);
  await fox.expectToSee("Ann", "red");
  await fox.expectToHear(ANN_HZ);

  // Faces and lights of who speaks are part of the screen, which is to rest.
  for (const button of ["camera", "microphone"]) await ann.at(button).click();
  for (const button of ["camera", "microphone"]) await fox.click(button);
  const { participant } = ann;
  await ann.at("present").click();
  const shows = async () => [await fox!.hash("screenHash"), await participant.presentedHash()];
  const areEqual = ([shown, presented]: (string | null)[]) => shown !== null && shown === presented;
  await until("Firefox shows what Chromium presents", shows, areEqual);

  await fox.click("present");
  const presents = async () => [await participant.screenHash(), await fox!.hash("presentedHash")];
  await until("Chromium shows what Firefox presents", presents, areEqual);
});
