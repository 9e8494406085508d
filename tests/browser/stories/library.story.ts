/** A recording is looked at, played by keyboard, called something else, kept for a time, and shown by a link to somebody who knows a word. */
import type { Browser } from "playwright-core";
import { expect, test } from "vitest";

import { Participant, until } from "../support/browser.ts";
import { Presented } from "../support/presented.ts";
import type { Service } from "../support/service.ts";
import { brightness, newest, record, stage } from "../support/stage.ts";

let service: Service;
let browser: Browser;

stage((...both) => ([service, browser] = both));

/** A recording of some seconds of a screen. */
async function recordScreen(host: Participant, code: string): Promise<void> {
  const presented = await Presented.start(service, code, { width: 800, height: 600 });
  await until("the host sees the screen", () => host.paintedUpdates(), (updates) => updates > 0);
  await record(host);
  await presented.scroll(10);
  await presented.page.waitForTimeout(7_000);
  await host.at("stop-record").click();
  await newest(host, "ready");
  await presented.stop();
}

/** What the player is at. */
async function played(participant: Participant): Promise<{ at: number; speed: number; paused: boolean; width: number }> {
  return participant.at("player").evaluate((element) => {
    const { currentTime, playbackRate, paused, videoWidth } = element as HTMLVideoElement;
    return { at: currentTime, speed: playbackRate, paused, width: videoWidth };
  });
}

test("a recording is looked at, played by keyboard, named, kept and shared", async () => {
  const { host, code } = await Participant.host(browser, service.url, "Ann");
  await recordScreen(host, code);
  await host.page.goto(`${service.url}/recordings`);

  // The page that was presented is dark letters on white.
  await host.at("poster").hover();
  await host.at("filmstrip").waitFor();
  for (const picture of [".poster > img", ".filmstrip > img"]) {
    const [darkest, brightest] = await brightness(host, picture);
    expect(darkest, picture).toBeLessThan(120);
    expect(brightest, picture).toBeGreaterThan(230);
  }

  await host.at("edit").click();
  await host.at("title-input").fill("Budget 山田");
  await host.at("keep-input").fill("2100-12-31");
  await host.at("submit-dialog").click();
  await host.page.getByRole("heading", { name: "Budget 山田" }).waitFor();
  expect(await host.at("recording-item").innerText()).toMatch(/kept until .*2100/);

  await host.at("poster").click();
  await until("it plays", () => played(host), ({ at, width }) => 0 < at && width === 800);
  await host.at("player").focus();
  await host.page.keyboard.press("k");
  await until("it pauses", () => played(host), ({ paused }) => paused);
  await host.page.keyboard.press("Home");
  await host.page.keyboard.press("ArrowRight");
  await until("five seconds", () => played(host), ({ at }) => Math.abs(at - 5) < 0.2);
  await host.page.keyboard.press(">");
  await until("faster", () => played(host), ({ speed }) => speed === 1.25);
  await host.at("speed").selectOption("2");
  await until("twice as fast", () => played(host), ({ speed }) => speed === 2);
  await host.at("seek").hover();
  await host.at("seek-preview").getByTestId("filmstrip").waitFor();

  await host.at("share").click();
  await host.at("share-password").fill("sesame");
  await host.at("submit-dialog").click();
  const link = await host.at("share-link").inputValue();

  const guest = await Participant.open(browser, link);
  await guest.at("watch-password").fill("open");
  await guest.at("watch-submit").click();
  await guest.page.getByText("The password is wrong.").waitFor();
  await guest.at("watch-password").fill("sesame");
  await guest.at("watch-submit").click();
  await until("the guest watches", () => played(guest), ({ at, width }) => 0 < at && width === 800);
  expect(await guest.at("watch-title").innerText()).toBe("Budget 山田");

  await host.at("take-back").click();
  await host.at("share-told").getByText("have ended").waitFor();
  await guest.page.reload();
  await guest.at("watch-password").fill("sesame");
  await guest.at("watch-submit").click();
  await guest.page.getByText("This link has ended.").waitFor();
  await guest.leave();
  await host.leave();
});
