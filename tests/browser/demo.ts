/** `make demo`: a whole meeting on real input, without a person. Prints where the recording and the screenshots are. */
import { mkdir } from "node:fs/promises";
import { basename, join, resolve } from "node:path";

import { Participant, until } from "./support/browser.ts";
import { Person } from "./support/faces.ts";
import { probe, sha256 } from "./support/media.ts";
import { Presented } from "./support/presented.ts";
import { Service } from "./support/service.ts";

const OUT = resolve(import.meta.dirname, "../../target/demo");

function say(sentence: string): void {
  console.log(sentence);
}

await mkdir(OUT, { recursive: true });
const service = await Service.start({ data: join(OUT, `data-${process.pid}`) });
const people: Person[] = [];
let presented: Presented | undefined;
try {
  say(`The service is at ${service.url}.`);
  const { ann, code } = await Person.hosting(service.url, 500);
  people.push(ann);
  say(`Ann starts meeting ${code}.`);
  const bob = await Person.of("green", 820, (browser) => Participant.join(browser, service.url, code, "Bob"));
  people.push(bob);
  for (const person of people) await person.show();
  await ann.expectToSee("Bob", "green");
  await bob.expectToSee("Ann", "red");
  await ann.expectToHear(820);
  await bob.expectToHear(500);
  say("Bob has joined by code. Ann and Bob see each other's cameras and hear each other's voices.");
  const talking = join(OUT, "talking.png");
  await ann.participant.page.screenshot({ path: talking });

  const [host, viewer] = [ann.participant, bob.participant];
  presented = await Presented.start(service, code);
  await until("Bob sees the screen", () => viewer.paintedUpdates(), (updates) => updates > 0);
  say("A Chromium page under Xvfb is presented; Bob sees it, with the faces beside it.");

  await host.at("record").click();
  await until("recording", () => host.at("recording-state").innerText(), (state) => /recording/i.test(state));
  await presented.type("Ships come in at noon, fog or no fog. ");
  await presented.scroll(25);
  await viewer.at("chat-input").fill("I can read every word.");
  await viewer.at("chat-send").click();
  await until(
    "Bob's canvas equals the framebuffer",
    async () => [await viewer.screenHash(), await presented!.display.hash()],
    ([seen, shown]) => seen === shown,
  );
  say("Typed and scrolled; Bob's canvas equals the framebuffer pixel for pixel.");
  const watching = join(OUT, "watching.png");
  await viewer.page.screenshot({ path: watching });

  await presented.page.waitForTimeout(5_000);
  await host.at("stop-record").click();
  const stopped = performance.now();
  await until(
    "the recording is ready",
    async () => (await host.page.request.get(`${service.url}/api/recordings`)).json(),
    (list: { recordings: { state: string }[] }) => list.recordings[0]?.state === "ready",
  );
  say(`The recording was ready ${Math.round(performance.now() - stopped)} ms after it was stopped.`);

  const file = await service.newestRecording();
  const copies = [file, join(service.region("b"), basename(file))];
  const hashes = await Promise.all(copies.map(sha256));
  if (hashes[0] !== hashes[1]) throw new Error(`the regions differ: ${hashes.join(" and ")}`);
  const { duration, codecs } = await probe(copies[0]!);
  say(`Both regions hold the same bytes: ${duration.toFixed(1)} s of ${codecs.join(" and ")}; ffprobe has no complaint.`);

  await host.page.goto(`${service.url}/recordings`);
  await host.at("play").first().click();
  await host.at("player").waitFor();
  const at = await host.at("player").evaluate(async (element, target) => {
    const video = element as HTMLVideoElement;
    if (video.readyState < 1) await new Promise((resolve) => video.addEventListener("loadedmetadata", resolve, { once: true }));
    const sought = new Promise((resolve) => video.addEventListener("seeked", resolve, { once: true }));
    video.currentTime = target;
    await sought;
    return video.currentTime;
  }, duration * 0.7);
  const playing = join(OUT, "playing.png");
  await host.page.screenshot({ path: playing });
  say(`Played in the browser and sought to ${at.toFixed(1)} s.`);

  for (const path of [...copies, talking, watching, playing]) say(path);
} finally {
  await presented?.stop();
  for (const person of people) await person.close();
  await service.stop(true);
}
