// The pages in a real Chromium: by keyboard alone, on a narrow screen, and what goes wrong.

import { afterAll, beforeAll, expect, test } from "vitest";
import type { Page } from "playwright-core";
import type { Recording } from "../../src/protocol";
import { Peer } from "../support/peer";
import { Site } from "../support/page";

let site: Site;

const RECORDING: Recording = {
  id: "2b0f6c1e-0000-4000-8000-000000000001",
  code: "123456789",
  title: "Meeting 123456789 with a title_that_has_no_place_to_be_broken_anywhere_in_it",
  layout: "beside",
  started: "2026-01-31T10:00:00Z",
  duration_ms: 61_000,
  bytes: 123_456,
  state: "degraded",
  message: null,
  keep_until: null,
  regions: [
    { name: "a", state: "complete", bytes: 123_456, sha256: null },
    { name: "b", state: "behind", bytes: 1_000, sha256: null },
  ],
};

beforeAll(async () => {
  site = await Site.open();
});

afterAll(async () => {
  await site?.close();
});

test("a meeting is started, talked in and ended by keyboard alone", async () => {
  const { page, context, complaints } = await site.page();
  const peer = await Peer.of(page);
  await page.route("**/api/meetings", (route) =>
    route.fulfill({ status: 201, json: { code: "987654321", token: "secret", link: `${site.url}/987654321` } }),
  );
  await page.goto(site.url);
  await tabTo(page, "name-input");
  await page.keyboard.type("Ann");
  await tabTo(page, "start-meeting");
  await page.keyboard.press("Enter");
  const { token } = await peer.said("join");
  expect(token).toBe("secret");
  expect(new URL(page.url()).pathname).toBe("/987654321");
  const ann = { id: 1, name: "Ann", host: true, camera: false, microphone: false, telephone: false };
  const nothing = { presenter: null, recording: null, camera_policy: { width: 1280, height: 720, max_kbps: 2_000 }, dial_in: null, chat: [] };
  peer.tell({ type: "joined", you: 1, code: "987654321", host: true, participants: [ann], ...nothing });
  expect(await page.getByTestId("meeting-code").textContent()).toBe("987654321");
  await tabTo(page, "chat-input");
  await page.keyboard.type("hello");
  await page.keyboard.press("Enter");
  expect((await peer.said("chat")).text).toBe("hello");
  peer.tell({ type: "chat", id: 1, from: 1, name: "Ann", text: "hello", time: "2026-01-31T10:00:00Z" });
  await page.getByTestId("chat-log").getByText("hello").waitFor();
  await tabTo(page, "record");
  await page.keyboard.press("Enter");
  await peer.said("record");
  await tabTo(page, "end-meeting");
  await page.keyboard.press("Enter");
  await tabTo(page, "confirm");
  await page.keyboard.press("Enter");
  await peer.said("end");
  peer.tell({ type: "ended", message: "The host has ended the meeting." });
  await page.getByTestId("status").getByText("The host has ended the meeting.").waitFor();
  expect(complaints).toEqual([]);
  await context.close();
});

test("a reloaded host's page is still the host's, and the name is remembered", async () => {
  const { page, context } = await site.page();
  const peer = await Peer.of(page);
  await page.route("**/api/meetings", (route) =>
    route.fulfill({ status: 201, json: { code: "987654321", token: "secret", link: "" } }),
  );
  await page.goto(site.url);
  await page.getByTestId("name-input").fill("  Ann ");
  await page.getByTestId("start-meeting").click();
  await peer.said("join");
  await page.reload();
  expect(await page.getByTestId("name-input").inputValue()).toBe("Ann");
  await page.getByTestId("join").click();
  expect(await peer.said("join")).toEqual({ type: "join", protocol: 1, code: "987654321", name: "Ann", token: "secret" });
  await context.close();
});

test("what is missing or refused gets a sentence", async () => {
  const { page, context } = await site.page();
  const peer = await Peer.of(page);
  await page.route("**/api/meetings", (route) =>
    route.fulfill({ status: 503, json: { error: "shutting-down", message: "The server is about to stop." } }),
  );
  await page.goto(site.url);
  await page.getByTestId("join").click();
  await page.getByText("Enter your name").waitFor();
  await page.getByTestId("name-input").fill("Ann");
  await page.getByTestId("code-input").fill("12 34");
  await page.getByTestId("join").click();
  await page.getByText("A meeting's code has nine digits").waitFor();
  await page.getByTestId("start-meeting").click();
  await page.getByText("The server is about to stop.").waitFor();
  await page.getByTestId("code-input").fill("000 000-000");
  await page.getByTestId("join").click();
  expect((await peer.said("join")).code).toBe("000000000");
  peer.tell({ type: "refused", reason: "no-meeting", message: "No meeting can be joined with this code." });
  await page.getByText("No meeting can be joined with this code.").waitFor();
  expect(await page.getByTestId("roster").count()).toBe(0);
  await context.close();
});

test("recordings are listed with their regions, and one is deleted only after a second word", async () => {
  const { page, context } = await site.page();
  let recordings = [RECORDING];
  await page.route("**/api/recordings", (route) => route.fulfill({ json: { recordings } }));
  await page.route(`**/api/recordings/${RECORDING.id}`, async (route) => {
    expect(route.request().method()).toBe("DELETE");
    recordings = [];
    await route.fulfill({ status: 202, json: { deleted: false, regions: ["b"] } });
  });
  await page.goto(`${site.url}/recordings`);
  const item = page.getByTestId("recording-item");
  expect(await item.innerText()).toMatch(/1:01, 123\.5 kB[^]*Ready, one region behind[^]*Region a: complete[^]*Region b: behind/);
  expect(await page.getByTestId("download").getAttribute("href")).toBe(`/api/recordings/${RECORDING.id}/media?download`);
  await page.getByTestId("play").click();
  expect(await page.getByTestId("player").getAttribute("src")).toBe(`/api/recordings/${RECORDING.id}/media`);
  await page.getByTestId("delete").click();
  await page.keyboard.press("Escape");
  expect(await item.count()).toBe(1);
  await page.getByTestId("delete").click();
  await page.getByTestId("confirm").click();
  await page.getByTestId("notice").getByText("when region b can be reached again").waitFor();
  await item.waitFor({ state: "detached" });
  await context.close();
});

test("nothing is wider than a page of 360 pixels", async () => {
  const { page, context } = await site.page({ viewport: { width: 360, height: 640 } });
  const peer = await Peer.of(page);
  await page.route("**/api/recordings", (route) => route.fulfill({ json: { recordings: [RECORDING] } }));
  const expectNoScroll = async (what: string): Promise<void> => {
    expect(await page.evaluate(() => document.documentElement.scrollWidth), what).toBeLessThanOrEqual(360);
  };
  await page.goto(site.url);
  await page.getByTestId("start-meeting").waitFor();
  await expectNoScroll("the first page");
  await page.goto(`${site.url}/recordings`);
  await page.getByTestId("recording-item").waitFor();
  await expectNoScroll("the recordings");
  await page.goto(`${site.url}/123456789`);
  await page.getByTestId("name-input").fill("Ann");
  await expectNoScroll("the name");
  await page.getByTestId("join").click();
  const long = "x".repeat(64);
  await peer.welcome({
    participants: [{ id: 1, name: long, host: true, camera: false, microphone: false, telephone: false }],
    presenter: 1,
    recording: { id: "r", state: "failed", message: `The recording failed: ${long}` },
    chat: [{ id: 1, from: 1, name: long, text: long + long, time: "2026-01-31T10:00:00Z" }],
  });
  await page.getByTestId("roster").waitFor();
  await expectNoScroll("the meeting");
  await context.close();
});

test("how to call is told, the PIN to the host alone, and who has called is marked", async () => {
  const { page, context, complaints } = await site.page();
  const peer = await Peer.of(page);
  await page.goto(`${site.url}/123456789`);
  await page.getByTestId("name-input").fill("Ann");
  await page.getByTestId("join").click();
  const ann = { id: 1, name: "Ann", host: true, camera: false, microphone: false, telephone: false };
  const dan = { id: 2, name: "Dan", host: false, camera: false, microphone: true, telephone: true };
  const dial_in = { tls_port: 5061, tcp_port: null, udp_port: 5060, pin: "314159" };
  await peer.welcome({ participants: [ann, dan], dial_in });
  await page.getByTestId("dial-in").locator("summary").click();
  const addresses = await page.getByTestId("dial-in-address").allInnerTexts();
  expect(addresses).toEqual(["sips:123456789@localhost:5061", "sip:123456789@localhost:5060"]);
  expect(await page.getByTestId("dial-in").innerText()).toContain("123 456 789");
  expect(await page.getByTestId("dial-in-pin").innerText()).toBe("314159");
  expect(await page.getByTestId("by-telephone").count()).toBe(1);
  await page.getByRole("button", { name: "Mute Dan" }).click();
  expect((await peer.said("mute")).id).toBe(2);
  expect(complaints).toEqual([]);
  await context.close();
});

test("the host has somebody called, and sees what becomes of it", async () => {
  const { page, context, complaints } = await site.page();
  const peer = await Peer.of(page);
  await page.goto(`${site.url}/123456789`);
  await page.getByTestId("name-input").fill("Ann");
  await page.getByTestId("join").click();
  const ann = { id: 1, name: "Ann", host: true, camera: false, microphone: false, telephone: false };
  const dial_in = { tls_port: 5061, tcp_port: null, udp_port: null, pin: "314159", call_out: true };
  await peer.welcome({ participants: [ann], dial_in });
  await page.getByTestId("dial-in").locator("summary").click();
  const number = page.getByTestId("call-out-number");
  await number.fill("dan@example.org");
  await page.getByText("A telephone number has up to 20 digits").waitFor();
  expect(await page.getByTestId("call-out-start").isDisabled()).toBe(true);
  await number.fill(" +49 30 123 ");
  await page.getByTestId("call-out-name").fill("Dan");
  await page.getByTestId("call-out-name").press("Enter");
  expect(await peer.said("call_out")).toEqual({ type: "call_out", number: "+49 30 123", name: "Dan" });
  expect(await number.inputValue()).toBe("");
  const call = { id: 7, number: "+4930123", name: "Dan", state: "ringing", message: null } as const;
  peer.tell({ type: "call_outs", calls: [call] });
  await page.getByTestId("call-out-state").getByText("Ringing").waitFor();
  await page.getByRole("button", { name: "Hang up the call to Dan" }).click();
  expect((await peer.said("call_out_stop")).id).toBe(7);
  peer.tell({ type: "call_outs", calls: [{ ...call, state: "failed", message: "They declined." }] });
  await page.getByTestId("call-out-state").getByText("They declined.").waitFor();
  await page.getByRole("button", { name: "Call again for Dan" }).click();
  expect((await peer.said("call_out_stop")).id).toBe(7);
  expect((await peer.said("call_out")).number).toBe("+4930123");
  peer.tell({ type: "call_outs", calls: [] });
  await page.getByTestId("call-out-item").waitFor({ state: "detached" });

  await peer.drop();
  await peer.welcome({ host: false, participants: [ann], dial_in: { ...dial_in, pin: null, call_out: false } });
  await page.getByTestId("call-out").waitFor({ state: "detached" });
  expect(complaints).toEqual([]);
  await context.close();
});

test("the host gives passes to programs and takes them back, and nobody else", async () => {
  const { page, context, complaints } = await site.page();
  await page.addInitScript(() => {
    navigator.clipboard.writeText = () => Promise.reject(new DOMException("no", "NotAllowedError"));
  });
  const peer = await Peer.of(page);
  await page.goto(`${site.url}/123456789`);
  await page.getByTestId("name-input").fill("Ann");
  await page.getByTestId("join").click();
  const ann = { id: 1, name: "Ann", host: true, camera: false, microphone: false, telephone: false };
  const obs = { ...ann, id: 2, name: "OBS", host: false, camera: true, stream: true };
  await peer.welcome({ participants: [ann, obs] });
  await page.getByTestId("streams").locator("summary").click();
  expect(await page.getByTestId("allow-send").isDisabled()).toBe(true);
  await page.getByTestId("stream-name").fill(" Lobby ");
  await page.getByTestId("allow-watch").click();
  expect(await peer.said("stream_allow")).toEqual({ type: "stream_allow", kind: "watch", name: "Lobby" });
  peer.tell({ type: "passes", passes: [{ id: 7, kind: "watch", name: "Lobby", token: "secret" }] });
  // What the browser does not let be copied is there to be selected.
  await page.getByRole("button", { name: "Copy address of Lobby" }).click();
  await page.getByTestId("stream-copied").getByText(`${site.url}/whep/123456789`).waitFor();
  await page.getByRole("button", { name: "Copy token of Lobby" }).click();
  await page.getByTestId("stream-copied").getByText("secret").waitFor();
  await page.getByRole("button", { name: "Take back the pass of Lobby" }).click();
  expect((await peer.said("stream_forbid")).id).toBe(7);
  expect(await page.getByTestId("as-stream").count()).toBe(1);

  await peer.drop();
  await peer.welcome({ host: false, participants: [{ ...ann, host: false }] });
  await page.getByTestId("streams").waitFor({ state: "detached" });
  expect(complaints).toEqual([]);
  await context.close();
});

/** Presses Tab until the element has the keyboard, as somebody without a mouse does. */
async function tabTo(page: Page, testId: string): Promise<void> {
  await page.getByTestId(testId).waitFor();
  for (let presses = 0; presses < 40; presses++) {
    if (await page.getByTestId(testId).evaluate((element) => element === document.activeElement)) return;
    await page.keyboard.press("Tab");
  }
  throw new Error(`the keyboard does not reach ${testId}`);
}
