/** A participant claps in a real browser, by its own encoders and its own sender reports, and is seen when it is heard in the recording. */
import type { Browser } from "playwright-core";
import { join } from "node:path";
import { expect, test } from "vitest";

import { Participant } from "../support/browser.ts";
import { clapOffsets } from "../support/media.ts";
import type { Service } from "../support/service.ts";
import { newest, record, stage } from "../support/stage.ts";

let service: Service;
let browser: Browser;

stage((...both) => ([service, browser] = both));

/** In the page: camera and microphone are a canvas that flashes and a tone that beeps, once a second for 100 ms, by one clock. */
function clap(): void {
  let stream: MediaStream | undefined;
  const begin = (): MediaStream => {
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [640, 480];
    const picture = canvas.getContext("2d")!;
    const draw = (): void => {
      const now = performance.now();
      picture.fillStyle = now % 1_000 < 100 ? "#fff" : "#222";
      picture.fillRect(0, 0, 640, 480);
      picture.fillStyle = "#555";
      picture.fillRect((now / 10) % 600, 200, 40, 40);
      requestAnimationFrame(draw);
    };
    requestAnimationFrame(draw);

    const context = new AudioContext({ latencyHint: "interactive" });
    const [tone, gain, out] = [context.createOscillator(), context.createGain(), context.createMediaStreamDestination()];
    tone.frequency.value = 1_000;
    gain.gain.value = 0;
    tone.connect(gain).connect(out);
    tone.start();
    let scheduled = 0;
    setInterval(() => {
      // Its clock and the page's drift, so they are compared again for each beep.
      const next = Math.floor(performance.now() / 1_000) + 1;
      if (next <= scheduled || next * 1_000 - performance.now() > 300) return;
      scheduled = next;
      const at = context.currentTime + (next * 1_000 - performance.now()) / 1_000;
      gain.gain.setValueAtTime(0.5, at);
      gain.gain.setValueAtTime(0, at + 0.1);
    }, 50);
    return new MediaStream([...canvas.captureStream(30).getTracks(), ...out.stream.getTracks()]);
  };
  navigator.mediaDevices.getUserMedia = async (wanted) => {
    stream ??= begin();
    const tracks = [...(wanted?.audio ? stream.getAudioTracks() : []), ...(wanted?.video ? stream.getVideoTracks() : [])];
    return new MediaStream(tracks.map((track) => track.clone()));
  };
}

test("a face is seen when it is heard", async () => {
  const { host } = await Participant.host(browser, service.url, "Ann");
  await host.page.evaluate(clap);
  await host.at("camera").click();
  await host.at("microphone").click();
  await host.at("microphone").getByText("Mute").waitFor();
  await record(host);
  await host.page.waitForTimeout(22_000);
  await host.at("stop-record").click();
  const { id } = await newest(host, "ready");

  const offsets = (await clapOffsets(join(service.region("a"), `${id}.webm`))).filter(({ second }) => 8 < second);
  const late = offsets.map(({ late }) => late).sort((one, other) => one - other);
  console.log(`Chromium's faces are late by ${late.map((late) => late.toFixed(0)).join(", ")} ms`);
  expect(late.length).toBeGreaterThan(8);
  expect(Math.abs(late[late.length >> 1]!)).toBeLessThan(50);
  await host.leave();
});
