/** A browser and a telephone in one meeting, each judged by what it hears of the other. */
import { join } from "node:path";

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
  const started = await Person.hosting(service.url, ANN_HZ);
  const { code } = started;
  ann = started.ann;
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

test("the host has somebody called, who joins by a key; and is told who does not want to", async () => {
  const number = "+4930123";
  const files = [service.certificate, join(service.data, "tls/key.pem")] as const;
  dan = await Phone.wait(number, "auto", DAN_HZ, files);
  // The telephone itself is the provider: it takes the calls for its number, by TLS, and registers nobody.
  const trunk = (phone: Phone) => [
    ...["--sip-tls-port", "0", "--sip-trunk", `sip:127.0.0.1:${phone.tlsPort};transport=tls`],
    ...["--sip-trunk-ca-file", service.certificate, "--sip-call-out", "+49"],
  ];
  const calling = await Service.start({ args: trunk(dan) });
  try {
    ann = await Person.of("red", ANN_HZ, async (browser) => (await Participant.host(browser, calling.url, "Ann")).host);
    await ann.at("microphone").click();
    await ann.at("dial-in").locator("summary").click();
    await ann.at("call-out-number").fill("+49 30 123");
    await ann.at("call-out-name").fill("Dan");
    await ann.at("call-out-start").click();
    await dan.established();
    await ann.at("call-out-state").getByText("asked to press 1").waitFor();
    await ann.expectNotToHear(DAN_HZ);
    await dan.press("1");
    await ann.at("by-telephone").first().waitFor();
    await ann.at("call-out-item").waitFor({ state: "detached" });
    await ann.expectToHear(DAN_HZ);
    await new Promise((resolve) => setTimeout(resolve, LISTENING_MS));
    const heard = await dan.hangUp();
    expect(await loudness(heard, ANN_HZ)).toBeGreaterThan(8);
    await until("Dan is gone", () => ann!.at("by-telephone").count(), (callers) => callers === 0);
    const words = calling.process.output.join("\n");
    expect(words).not.toMatch(/4930123|Dan/);
  } finally {
    await ann?.close();
    await calling.stop();
  }
  await dan.close();

  dan = await Phone.wait(number, "manual", DAN_HZ, files);
  const again = await Service.start({ args: trunk(dan) });
  try {
    ann = await Person.of("red", ANN_HZ, async (browser) => (await Participant.host(browser, again.url, "Ann")).host);
    await ann.at("dial-in").locator("summary").click();
    await ann.at("call-out-number").fill(number);
    await ann.at("call-out-start").click();
    await ann.at("call-out-state").getByText("Ringing").waitFor();
    await dan.decline();
    await ann.at("call-out-state").getByText("The line is busy.").waitFor();
    await ann.at("call-out-number").fill("+44 20 1");
    await ann.at("call-out-start").click();
    await ann.at("notice").getByText("does not call that number").waitFor();
  } finally {
    await ann.close();
    await again.stop();
  }
});
