/** A browser and a telephone in one meeting, each judged by what it hears of the other. */
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";

import { Participant, until } from "../support/browser.ts";
import { Person } from "../support/faces.ts";
import { loudness } from "../support/media.ts";
import { Phone } from "../support/phone.ts";
import { Service } from "../support/service.ts";

let service: Service;
let ann: Person | undefined;
let dan: Phone | undefined;

vi.setConfig({ testTimeout: 240_000 });

const [ANN_HZ, DAN_HZ] = [500, 820];

beforeAll(async () => {
  service = await Service.start({ args: ["--sip-tls-port", "0"] });
});

afterEach(async () => {
  await dan?.close();
  await ann?.close();
});

afterAll(async () => {
  await service?.stop();
});

/** Longer than all that is said to a caller. */
const LISTENING_MS = 12_000;

test("a browser and a telephone hear each other, and the host mutes who calls", async () => {
  let code = "";
  ann = await Person.of("red", ANN_HZ, async (browser) => {
    const started = await Participant.host(browser, service.url, "Ann");
    code = started.code;
    return started.host;
  });
  await ann.at("microphone").click();
  await ann.at("dial-in").locator("summary").click();
  // Whoever calls the code itself is not asked for it.
  const address = (await ann.at("dial-in-address").innerText()).replace(code, "meeting");
  dan = await Phone.call(address, "Dan", "PCMU", DAN_HZ, service.certificate);
  await dan.press(`${code}#`);
  await ann.at("roster").getByText("Dan").first().waitFor();
  await ann.at("by-telephone").first().waitFor();
  await ann.expectToHear(DAN_HZ);
  await ann.expectNotToHear(ANN_HZ);

  await ann.participant.page.getByRole("button", { name: "Mute Dan" }).click();
  await ann.expectNotToHear(DAN_HZ);
  await dan.press("*6");
  await ann.expectToHear(DAN_HZ);

  // What is said to him comes first: that he is in the meeting, is muted, is heard.
  await new Promise((resolve) => setTimeout(resolve, LISTENING_MS));
  const heard = await dan.hangUp();
  // The menu's voice is in the file as well.
  expect(await loudness(heard, ANN_HZ)).toBeGreaterThan(8);
  await until("Dan is gone", () => ann!.at("by-telephone").count(), (callers) => callers === 0);
});
