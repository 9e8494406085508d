// Cameras and microphones in a real Chromium with its fake devices: the look at oneself, the faces, the talk key, and one's own link with
// another real peer connection as the server's.

import type { BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Participant } from "../../src/protocol";
import { Peer } from "../support/peer";
import { Site } from "../support/page";

let site: Site;

const ANN: Participant = { id: 1, name: "Ann", host: true, camera: false, microphone: false, telephone: false };
const BOB: Participant = { id: 2, name: "Bob Ross", host: false, camera: true, microphone: true, telephone: false };

beforeAll(async () => {
  site = await Site.open();
});

afterAll(async () => {
  await site?.close();
});

test("before joining one sees and hears oneself, by keyboard too, and it is remembered", async () => {
  const { page, context, complaints } = await site.page();
  await page.goto(`${site.url}/123456789`);
  await page.getByText("Your camera is off").waitFor();
  await page.getByTestId("camera").focus();
  await page.keyboard.press("Enter");
  await page.getByTestId("microphone").focus();
  await page.keyboard.press("Space");
  await isMoving(page, "camera-preview");
  await page.waitForFunction(() => 0.2 < (document.querySelector("meter")?.value ?? 0));
  expect(await page.getByTestId("camera-choice").locator("option").count()).toBeGreaterThan(1);
  await page.getByTestId("camera-choice").selectOption({ index: 1 });
  await isMoving(page, "camera-preview");
  const chosen = await page.getByTestId("camera-choice").inputValue();
  expect(chosen).not.toBe("");

  await page.reload();
  await isMoving(page, "camera-preview");
  expect(await page.getByTestId("camera-choice").inputValue()).toBe(chosen);
  expect(complaints).toEqual([]);
  await context.close();
});

test("a refused camera is a sentence, and joining goes on without", async () => {
  const { page, context } = await site.page();
  await page.addInitScript(() => {
    navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException("no", "NotAllowedError"));
  });
  const peer = await Peer.of(page);
  await page.goto(`${site.url}/123456789`);
  await page.getByTestId("camera").click();
  await page.getByText("The browser may not use the camera.").waitFor();
  await page.getByTestId("name-input").fill("Ann");
  await page.getByTestId("join").click();
  await peer.welcome();
  await page.getByTestId("roster").waitFor();
  await context.close();
});

test("faces stand in a grid, with names, initials, who is muted and who speaks; oneself in a mirror", async () => {
  const { page, peer, context, complaints } = await inMeeting();
  const faces = page.getByTestId("face");
  await expectTexts(page, ["A|Ann (you)muted", "BR|Bob Ross"]);
  peer.tell({ type: "speakers", ids: [2] });
  await page.locator('[data-testid="face"][data-id="2"][data-speaking="true"]').waitFor();
  await page.getByTestId("roster").getByText("speaks").waitFor();

  await page.getByTestId("camera").click();
  await peer.said("camera");
  peer.tell({ type: "participant_changed", participant: { ...ANN, camera: true } });
  await isMoving(page, "face-picture");
  const mirror = await page.getByTestId("face-picture").evaluate((video) => getComputedStyle(video).transform);
  expect(mirror).toBe("matrix(-1, 0, 0, 1, 0, 0)");
  expect(await faces.count()).toBe(2);
  expect(complaints).toEqual([]);
  await context.close();
});

test("beside a shared screen faces are a strip, whoever spoke last first", async () => {
  const { page, peer, context } = await inMeeting();
  peer.tell({ type: "presenter", id: 2 });
  await page.locator(".faces.strip").waitFor();
  await expectTexts(page, ["BR|Bob Ross", "A|Ann (you)muted"]);
  peer.tell({ type: "participant_joined", participant: { ...BOB, id: 3, name: "Cem" } });
  peer.tell({ type: "speakers", ids: [3] });
  await expectTexts(page, ["C|Cemspeaks", "BR|Bob Ross", "A|Ann (you)muted"]);
  peer.tell({ type: "presenter", id: null });
  await page.locator(".faces.grid").waitFor();
  await context.close();
});

test("who speaks is large, or who is kept so, in the grid and beside a shared screen, by keyboard too", async () => {
  const { page, peer, context } = await inMeeting();
  peer.tell({ type: "participant_joined", participant: { ...BOB, id: 3, name: "Cem" } });
  await page.getByTestId("speaker").focus();
  await page.keyboard.press("Enter");
  const large = (id: number) => page.locator(`[data-testid="large-face"] [data-id="${id}"]`).waitFor();
  const others = (): Promise<(string | null)[]> =>
    page.getByTestId("faces").getByTestId("face").evaluateAll((faces) => faces.map((face) => face.getAttribute("data-id")));
  await large(2);
  expect(await others()).toEqual(["3", "1"]);
  peer.tell({ type: "speakers", ids: [3] });
  await large(3);
  peer.tell({ type: "speakers", ids: [2, 3] });
  await page.locator('[data-id="2"][data-speaking="true"]').waitFor();
  await large(3);

  await page.locator('[data-id="2"]').getByTestId("keep-large").focus();
  await page.keyboard.press("Space");
  await large(2);
  peer.tell({ type: "presenter", id: 3 });
  await page.locator(".people.strip").waitFor();
  await large(2);
  expect(Math.round((await page.locator('[data-testid="large-face"] .face').boundingBox())?.height ?? 0)).toBe(240);
  peer.tell({ type: "participant_left", id: 2 });
  await page.getByTestId("large-face").getByText("Cem").waitFor();
  await page.getByTestId("everybody").click();
  await page.getByTestId("large-face").waitFor({ state: "detached" });
  await context.close();
});

test("held, the space bar talks; in the chat it is a space", async () => {
  const { page, peer, context } = await inMeeting();
  await page.getByTestId("microphone").click();
  expect((await peer.said("microphone")).on).toBe(true);
  await page.getByTestId("microphone").click();
  expect((await peer.said("microphone")).on).toBe(false);
  await page.evaluate(() => (document.activeElement as HTMLElement).blur());
  await page.keyboard.down("Space");
  expect((await peer.said("microphone")).on).toBe(true);
  await page.getByTestId("microphone").getByText("Mute", { exact: true }).waitFor();
  await page.keyboard.up("Space");
  expect((await peer.said("microphone")).on).toBe(false);

  await page.getByTestId("chat-input").focus();
  await page.keyboard.type("a b");
  expect(await page.getByTestId("chat-input").inputValue()).toBe("a b");
  await page.getByTestId("microphone").getByText("Unmute").waitFor();
  await context.close();
});

test("the host mutes others, and whom the host has muted is muted", async () => {
  const { page, peer, context } = await inMeeting();
  await page.getByRole("button", { name: "Mute Bob Ross" }).click();
  expect((await peer.said("mute")).id).toBe(2);
  peer.tell({ type: "participant_changed", participant: { ...BOB, microphone: false } });
  await page.getByRole("button", { name: "Mute Bob Ross" }).waitFor({ state: "detached" });
  await page.getByTestId("microphone").click();
  expect((await peer.said("microphone")).on).toBe(true);
  peer.tell({ type: "muted", by: 2 });
  expect((await peer.said("microphone")).on).toBe(false);
  await page.getByTestId("notice").getByText("Bob Ross has muted you.").waitFor();
  await context.close();
});

test("devices are changed in the meeting", async () => {
  const { page, context } = await inMeeting();
  await page.getByTestId("camera").click();
  await page.getByTestId("devices").click();
  const dialog = page.getByTestId("devices-dialog");
  await dialog.getByTestId("camera-preview").waitFor();
  await dialog.getByTestId("camera").click();
  await dialog.getByText("Your camera is off").waitFor();
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "detached" });
  await context.close();
});

test("a voice and a face go out, and another's come in where the server says", async () => {
  const { page, peer, context } = await inMeeting();
  await page.getByTestId("camera").click();
  await page.getByTestId("microphone").click();
  peer.tell({ type: "participant_changed", participant: { ...ANN, camera: true, microphone: true } });
  const server = await context.newPage();
  await server.goto("about:blank");
  const { sdp } = await peer.said("media_offer");
  expect(sdp.match(/^m=video/gm)?.length).toBe(11);
  expect(sdp.length).toBeLessThan(60_000);
  peer.tell({ type: "media_answer", sdp: await server.evaluate(answer, sdp) });
  expect(await peer.said("view")).toEqual({ type: "view", feeds: [{ id: 2, height: expect.any(Number) as number }] });
  peer.tell({ type: "slots", slots: [{ mid: "2", id: 2 }] });

  await isMoving(page, "face-picture", 2);
  const green = await page.locator('[data-id="2"] video').evaluate((video: HTMLVideoElement) => {
    const canvas = document.createElement("canvas");
    const context = canvas.getContext("2d");
    context?.drawImage(video, 0, 0, 8, 8);
    return [...(context?.getImageData(4, 4, 1, 1).data ?? [])];
  });
  expect(green[1]).toBeGreaterThan(150);
  expect(green[0]).toBeLessThan(90);
  const heard = await server.evaluate(() => (window as unknown as { heard(): Promise<{ pictures: number; level: number }> }).heard());
  expect(heard.pictures).toBeGreaterThan(0);
  expect(heard.level).toBeGreaterThan(0.001);
  await context.close();
});

test("nothing is wider than a page of 360 pixels, with a grid and with a strip", async () => {
  const { page, peer, context } = await inMeeting({ width: 360, height: 640 });
  const width = (): Promise<number> => page.evaluate(() => document.documentElement.scrollWidth);
  const long = { ...BOB, id: 3, name: "x".repeat(64) };
  peer.tell({ type: "participant_joined", participant: long });
  await page.locator('[data-testid="face"][data-id="3"]').waitFor();
  expect(await width()).toBeLessThanOrEqual(360);
  peer.tell({ type: "presenter", id: 2 });
  await page.locator(".faces.strip").waitFor();
  expect(await width()).toBeLessThanOrEqual(360);
  await page.getByTestId("devices").click();
  await page.getByTestId("devices-dialog").waitFor();
  expect(await width()).toBeLessThanOrEqual(360);
  await context.close();
});

async function inMeeting(viewport = { width: 1280, height: 800 }): Promise<{ page: Page; peer: Peer; context: BrowserContext; complaints: string[] }> {
  const { page, context, complaints } = await site.page({ viewport });
  const peer = await Peer.of(page);
  await page.goto(`${site.url}/123456789`);
  await page.getByTestId("name-input").fill("Ann");
  await page.getByTestId("join").click();
  await peer.welcome({ participants: [ANN, BOB] });
  await page.getByTestId("roster").waitFor();
  return { page, peer, context, complaints };
}

/** What each face shows: the initials, and the words below. */
async function expectTexts(page: Page, texts: readonly string[]): Promise<void> {
  const shown = (): Promise<string[]> =>
    page.getByTestId("face").evaluateAll((faces) => faces.map((face) => [...face.children].filter((child) => child.localName !== "button").map((child) => child.textContent).join("|")));
  await expect.poll(shown).toEqual(texts);
}

/** A picture with frames that come. */
async function isMoving(page: Page, testId: string, id?: number): Promise<void> {
  const video = id === undefined ? page.getByTestId(testId) : page.locator(`[data-id="${id}"]`).getByTestId(testId);
  await video.evaluate(
    (element: HTMLVideoElement) =>
      new Promise<void>((resolve) => element.requestVideoFrameCallback(() => element.requestVideoFrameCallback(() => resolve()))),
  );
}

/** The server's end: it shows green in the first slot, and says what it gets. Runs in a page of its own. */
async function answer(sdp: string): Promise<string> {
  const connection = new RTCPeerConnection();
  await connection.setRemoteDescription({ type: "offer", sdp });
  const canvas = document.createElement("canvas");
  const context = canvas.getContext("2d");
  let frame = 0;
  setInterval(() => {
    if (!context) return;
    context.fillStyle = frame++ % 2 ? "#00c800" : "#00cc00";
    context.fillRect(0, 0, canvas.width, canvas.height);
  }, 50);
  const [voice, camera, slot] = connection.getTransceivers();
  if (!voice || !camera || !slot) throw new Error("the offer has too few lines");
  slot.direction = "sendonly";
  await slot.sender.replaceTrack(canvas.captureStream(20).getVideoTracks()[0] ?? null);
  await connection.setLocalDescription();
  while (connection.iceGatheringState !== "complete") await new Promise((resolve) => setTimeout(resolve, 20));

  const ear = new Audio();
  ear.muted = true;
  ear.srcObject = new MediaStream([voice.receiver.track]);
  const audio = new AudioContext();
  const analyser = audio.createAnalyser();
  audio.createMediaStreamSource(ear.srcObject).connect(analyser);
  (window as unknown as { heard: unknown }).heard = async () => {
    const samples = new Float32Array(analyser.fftSize);
    for (let level = 0, pictures = 0; ; ) {
      analyser.getFloatTimeDomainData(samples);
      level = Math.max(level, ...samples.map(Math.abs));
      for (const report of (await camera.receiver.getStats()).values()) pictures = Math.max(pictures, report.framesDecoded ?? 0);
      if (0.001 < level && 0 < pictures) return { level, pictures };
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };
  return connection.localDescription?.sdp ?? "";
}
