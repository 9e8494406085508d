// The own camera and microphone: chosen, remembered, refused, unplugged.

import { beforeEach, expect, test, vi } from "vitest";
import { Devices, problemText, type Source } from "../src/talk/devices";
import { levelOf } from "../src/talk/level";
import { settled } from "./support/time";
import { TestSource, TestStorage } from "./support/wires";

beforeEach(() => {
  vi.stubGlobal("localStorage", new TestStorage());
});

test("the first time both are off, and the next time as they were", async () => {
  const first = new Devices(new TestSource() as Source);
  first.restore();
  expect([first.view.camera, first.view.microphone]).toEqual([null, null]);
  await first.setCamera(true);
  await first.setMicrophone(true);
  await first.setMicrophone(false);
  first.release();

  const source = new TestSource();
  const second = new Devices(source as Source);
  second.restore();
  await settled();
  expect(second.view.camera).not.toBeNull();
  expect(second.view.microphone).toBeNull();
});

test("a microphone is asked for with echo, noise and level taken care of", async () => {
  const source = new TestSource();
  await new Devices(source as Source).setMicrophone(true);
  expect(source.asked).toEqual([{ audio: { echoCancellation: true, noiseSuppression: true, autoGainControl: true } }]);
});

test("music is taken as it is, in two channels, and so it is the next time", async () => {
  const source = new TestSource();
  const devices = new Devices(source as Source);
  await devices.setMusic(true);
  expect(source.asked).toEqual([]);
  await devices.setMicrophone(true);
  await devices.setMicrophone(false);
  const music = { echoCancellation: false, noiseSuppression: false, autoGainControl: false, channelCount: { ideal: 2 } };
  expect(source.asked).toEqual([{ audio: music }]);
  await devices.setMusic(false);
  expect(source.asked[1]).toEqual({ audio: { echoCancellation: true, noiseSuppression: true, autoGainControl: true } });
  expect([source.tracks[0]?.isStopped, devices.view.isMicrophoneOn, source.tracks[1]?.enabled]).toEqual([true, false, false]);
  await devices.setMusic(true);
  expect(new Devices(null).view.isMusic).toBe(true);
});

test.each(["NotAllowedError", "NotFoundError", "NotReadableError"])("%s is a sentence, and one can join without", async (name) => {
  const source = new TestSource();
  source.refusal = name;
  const devices = new Devices(source as Source);
  await devices.setCamera(true);
  expect(devices.view.camera).toBeNull();
  expect(devices.view.problems.camera).toMatch(/^(The browser|No camera|The camera) .* you can join without it\.$/);
  source.refusal = null;
  await devices.setCamera(true);
  expect([devices.view.camera === null, devices.view.problems.camera]).toEqual([false, null]);
});

test("a browser without devices is a sentence too", async () => {
  const devices = new Devices(null);
  await devices.setMicrophone(true);
  expect(devices.view.problems.microphone).toBe("This page may not use a microphone. Open it by its https address; you can join without it.");
  expect(problemText("camera", "odd")).toContain("odd");
});

test("a chosen device is opened, and another one when it is not plugged in today", async () => {
  const source = new TestSource();
  const devices = new Devices(source as Source);
  await devices.setCamera(true);
  await devices.choose("camera", "b");
  expect(source.tracks.map(({ deviceId, isStopped }) => [deviceId, isStopped])).toEqual([["", true], ["b", false]]);
  await devices.choose("camera", "gone");
  expect(source.tracks.at(-1)).toMatchObject({ deviceId: "", isStopped: false });
  expect(devices.view.problems.camera).toBeNull();
});

test("a muted microphone is muted after another one is chosen, too", async () => {
  const source = new TestSource();
  const devices = new Devices(source as Source);
  await devices.setMicrophone(true);
  await devices.setMicrophone(false);
  await devices.choose("microphone", "b");
  expect(source.tracks.at(-1)).toMatchObject({ deviceId: "b", enabled: false });
  expect(devices.view.isMicrophoneOn).toBe(false);
});

test("who switches off while the browser still asks gets no camera", async () => {
  const source = new TestSource();
  const devices = new Devices(source as Source);
  const starting = devices.setCamera(true);
  expect(devices.view.isStarting.camera).toBe(true);
  await devices.setCamera(false);
  await starting;
  expect(devices.view.camera).toBeNull();
  expect(source.tracks[0]?.isStopped).toBe(true);
});

test("an unplugged camera is off, and says so", async () => {
  const source = new TestSource();
  const devices = new Devices(source as Source);
  await devices.setCamera(true);
  source.tracks[0]?.dispatchEvent(new Event("ended"));
  expect(devices.view.camera).toBeNull();
  expect(devices.view.problems.camera).toMatch(/unplugged/);
});

test("devices are listed as they come and go, without names only by number", async () => {
  const source = new TestSource();
  const devices = new Devices(source as Source);
  source.plug(
    { kind: "videoinput", deviceId: "a", label: "Front" },
    { kind: "videoinput", deviceId: "b", label: "" },
    { kind: "audioinput", deviceId: "", label: "" },
    { kind: "audiooutput", deviceId: "default", label: "Default" },
    { kind: "audiooutput", deviceId: "s", label: "Headset" },
  );
  await settled();
  expect(devices.view.choices).toEqual({
    camera: [{ id: "a", label: "Front" }, { id: "b", label: "Camera 2" }],
    microphone: [],
    speaker: [{ id: "s", label: "Headset" }],
  });
});

test("storage that holds nonsense is as good as none", () => {
  for (const text of ["", "{", "7", "null", '"x"']) {
    localStorage.setItem("convene.devices", text);
    expect(new Devices(null).view.chosen).toEqual({ camera: "", microphone: "", speaker: "" });
  }
});

test("a level is nothing in a quiet room and all of it for a shout", () => {
  expect(levelOf(new Float32Array(1024))).toBe(0);
  expect(levelOf(new Float32Array(1024).fill(0.5))).toBe(1);
  expect(levelOf(new Float32Array(1024).fill(0.02))).toBeGreaterThan(0.3);
  expect(levelOf(new Float32Array(0))).toBe(0);
});
