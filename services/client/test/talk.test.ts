// A participant's voice and face under virtual time: what the server is told, what is sent, and how the link heals.

import { beforeEach, expect, test, vi } from "vitest";
import { INITIAL, type MeetingState, reduce } from "../src/meeting/state";
import type { ClientMessage, Participant, ServerMessage } from "../src/protocol";
import { Devices, type Source } from "../src/talk/devices";
import { Flow } from "../src/talk/flow";
import { inStereo, sendsMusic, sendsVoice } from "../src/talk/opus";
import { Talk, type TalkView } from "../src/talk/talk";
import { Clock, settled } from "./support/time";
import { TestConnection, TestSource, TestStorage, type TestTrack, type TestTransceiver } from "./support/wires";

const HD = { width: 1280, height: 720, max_kbps: 2_000 };

beforeEach(() => {
  vi.stubGlobal("localStorage", new TestStorage());
});

test("it offers as soon as it has joined: a voice, a camera in three sizes, ten slots", async () => {
  const scene = await join();
  expect(scene.said("media_offer")).toEqual([{ type: "media_offer", sdp: "link 1" }]);
  const [voice, camera, ...slots] = scene.link.transceivers as [TestTransceiver, TestTransceiver, ...TestTransceiver[]];
  expect([voice.kind, voice.init.direction]).toEqual(["audio", "sendrecv"]);
  expect([camera.kind, camera.init.direction]).toEqual(["video", "sendonly"]);
  expect(camera.init.sendEncodings?.map(({ rid }) => rid)).toEqual(["q", "h", "f"]);
  expect(slots.map(({ kind, init }) => `${kind} ${init.direction}`)).toEqual(Array<string>(10).fill("video recvonly"));
});

test("a browser is told the TURN server at the port of the page, where there is one", async () => {
  const configurations: RTCConfiguration[] = [];
  // A function, as what a constructor returns takes the place of what it makes.
  vi.stubGlobal("RTCPeerConnection", function (configuration: RTCConfiguration) {
    configurations.push(configuration);
    return new TestConnection(1);
  });
  const relay = { username: "1769856000:7f3a", credential: "secret" };
  for (const [port, media_relay] of [["8443", relay], ["", relay], ["8443", null]] as const) {
    vi.stubGlobal("window", { location: { hostname: "meet.example.org", port } });
    const talk = new Talk(new Devices(new TestSource() as Source), { send: () => true, onChange: () => undefined, onNotice: () => undefined });
    const joined = { ...JOINED, media_relay };
    talk.heard(joined, reduce(INITIAL, { type: "message", message: joined }));
    talk.close();
  }
  const servers = (port: string) => [{ urls: `turns:meet.example.org:${port}?transport=tcp`, ...relay }];
  expect(configurations.map(({ iceServers }) => iceServers)).toEqual([servers("8443"), servers("443"), []]);
  vi.unstubAllGlobals();
});

test("a microphone is told at once, and tapped fast only its newest state", async () => {
  const scene = await join();
  await scene.devices.setMicrophone(true);
  for (const on of [false, true, false]) await scene.devices.setMicrophone(on);
  expect(scene.said("microphone")).toEqual([{ type: "microphone", on: true }]);
  await scene.clock.pass(300);
  expect(scene.said("microphone").at(-1)).toEqual({ type: "microphone", on: false });
  await scene.clock.pass(60_000);
  expect(scene.said("microphone").length).toBe(2);
});

test("a muted microphone keeps its track, which is silent", async () => {
  const scene = await join();
  await scene.devices.setMicrophone(true);
  const track = scene.source.tracks[0] as TestTrack;
  await settled();
  expect(scene.link.transceivers[0]?.sender.track).toBe(track);
  await scene.devices.setMicrophone(false);
  expect([track.enabled, track.isStopped]).toEqual([false, false]);
});

test("no picture leaves before the server has taken the camera", async () => {
  const scene = await join();
  await scene.devices.setCamera(true);
  await settled();
  expect(scene.said("camera")).toEqual([{ type: "camera", on: true }]);
  expect(scene.link.transceivers[1]?.sender.track).toBeNull();
  scene.hear({ type: "participant_changed", participant: { ...ANN, camera: true } });
  await settled();
  expect(scene.link.transceivers[1]?.sender.track).toBe(scene.source.tracks[0]);
});

test("a refused camera is switched off", async () => {
  const scene = await join();
  await scene.devices.setCamera(true);
  scene.hear({ type: "camera_refused", message: "10 cameras are on already." });
  await settled();
  expect(scene.source.tracks[0]?.isStopped).toBe(true);
  expect(scene.devices.view.camera).toBeNull();
});

test("whom the host has muted is muted", async () => {
  const scene = await join();
  await scene.devices.setMicrophone(true);
  scene.hear({ type: "muted", by: 2 });
  await settled();
  expect(scene.devices.view.isMicrophoneOn).toBe(false);
});

test("the policy reaches the camera and its encodings", async () => {
  const scene = await join();
  await scene.answer();
  await scene.devices.setCamera(true);
  scene.hear({ type: "participant_changed", participant: { ...ANN, camera: true } });
  scene.hear({ type: "camera_policy", width: 320, height: 240, max_kbps: 500 });
  await settled();
  expect(scene.source.tracks[0]?.constraints.at(-1)).toMatchObject({ width: { ideal: 320 }, height: { ideal: 240 } });
  const encodings = scene.link.transceivers[1]?.sender.encodings;
  expect(encodings?.map(({ active }) => active)).toEqual([true, false, false]);
  expect(encodings?.[0]).toMatchObject({ maxBitrate: 500_000, scaleResolutionDownBy: 3 });
});

test("a camera is sent as large as anybody shows it, and less only after a while", async () => {
  const scene = await join();
  await scene.answer();
  await scene.devices.setCamera(true);
  scene.hear({ type: "participant_changed", participant: { ...ANN, camera: true } });
  await settled();
  const active = () => scene.link.transceivers[1]?.sender.encodings.map(({ active }) => active);
  expect(active()).toEqual([true, true, true]);
  scene.hear({ type: "camera_wanted", height: 180 });
  await scene.clock.pass(2_900);
  expect(active()).toEqual([true, true, true]);
  await scene.clock.pass(200);
  expect(active()).toEqual([true, false, false]);

  scene.hear({ type: "camera_wanted", height: 0 });
  scene.hear({ type: "camera_wanted", height: 180 });
  await scene.clock.pass(4_000);
  expect(active()).toEqual([true, false, false]);
  scene.hear({ type: "camera_wanted", height: 0 });
  await scene.clock.pass(4_000);
  expect(active()).toEqual([false, false, false]);
  scene.hear({ type: "camera_wanted", height: 720 });
  await settled();
  expect(active()).toEqual([true, true, true]);
});

test("slots are people, and the same person's stream stays the same", async () => {
  const scene = await join();
  await scene.answer();
  scene.hear({ type: "slots", slots: [{ mid: "2", id: 7 }, { mid: "3", id: null }, { mid: "0", id: 8 }, { mid: "99", id: 9 }] });
  expect([...scene.view.pictures.keys()]).toEqual([7]);
  const stream = scene.view.pictures.get(7);
  scene.hear({ type: "slots", slots: [{ mid: "2", id: 7 }, { mid: "3", id: 5 }] });
  expect(scene.view.pictures.get(7)).toBe(stream);
  expect(scene.view.pictures.size).toBe(2);
  scene.hear({ type: "slots", slots: [{ mid: "2", id: null }, { mid: "3", id: 5 }] });
  expect([...scene.view.pictures.keys()]).toEqual([5]);
});

test("what is in sight is told once the server knows the viewer, and again on a new link", async () => {
  const scene = await join();
  scene.talk.wish([{ id: 2, height: 360 }]);
  await scene.clock.pass(1_000);
  expect(scene.said("view")).toEqual([]);
  await scene.answer();
  expect(scene.said("view")).toEqual([{ type: "view", feeds: [{ id: 2, height: 360 }] }]);
  scene.talk.wish([{ id: 2, height: 360 }]);
  await scene.clock.pass(1_000);
  expect(scene.said("view").length).toBe(1);
  scene.talk.wish([]);
  await scene.clock.pass(250);
  expect(scene.said("view").at(-1)).toEqual({ type: "view", feeds: [] });
});

test("a failed way is replaced at once, an interrupted one after half a second", async () => {
  const scene = await join();
  await scene.answer();
  scene.link.become("connected", "connected");
  expect(scene.view.link).toBe("connected");
  scene.link.become("failed", "failed");
  await settled();
  expect(scene.said("media_offer").at(-1)?.sdp).toBe("link 1 restart");
  await scene.answer();
  scene.link.become("connected", "connected");

  scene.link.become("disconnected", "disconnected");
  expect(scene.view.link).toBe("broken");
  await scene.clock.pass(499);
  expect(scene.said("media_offer").length).toBe(2);
  await scene.clock.pass(1);
  expect(scene.said("media_offer").length).toBe(3);
});

test("an interruption that heals by itself costs nothing", async () => {
  const scene = await join();
  await scene.answer();
  scene.link.become("connected", "connected");
  scene.link.become("disconnected", "disconnected");
  await scene.clock.pass(300);
  scene.link.become("connected", "connected");
  await scene.clock.pass(60_000);
  expect(scene.said("media_offer").length).toBe(1);
});

test("a way that is gone without a word is looked for anew after a second, and one that has gone quiet is left alone", async () => {
  const scene = await join();
  await scene.answer();
  scene.link.become("connected", "connected");
  for (let look = 0; look < 10; look++) {
    scene.link.packets += 12;
    await scene.clock.pass(250);
  }
  expect(scene.said("media_offer").length).toBe(1);
  await scene.clock.pass(1_250);
  expect(scene.said("media_offer").map(({ sdp }) => sdp)).toEqual(["link 1", "link 1 restart"]);
  await scene.answer();
  await scene.clock.pass(60_000);
  expect(scene.said("media_offer").length).toBe(2);
});

test("a silent meeting's few packets are no steady flow, and keep a steady one alive", () => {
  const quiet = new Flow();
  let packets = 0;
  for (let look = 0; look < 20; look++) expect(quiet.look((packets += look % 2))).toBe(false);
  for (let look = 0; look < 20; look++) expect(quiet.look(packets)).toBe(false);
  const steady = new Flow();
  const looks = [12, 12, 12, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0].map((came) => steady.look((packets += came)));
  expect(looks).toEqual([false, false, false, false, false, false, false, false, false, false, false, true, false]);
});

test("another network is a new way at once, and while an offer is open right after its answer", async () => {
  const scene = await join();
  scene.talk.networkChanged();
  expect(scene.said("media_offer").length).toBe(1);
  await scene.answer();
  expect(scene.said("media_offer").map(({ sdp }) => sdp)).toEqual(["link 1", "link 1 restart"]);
});

test("a server that does not answer is asked again, and then with a new link", async () => {
  const scene = await join();
  await scene.clock.pass(4 * 4_000 + 2_000);
  expect(scene.said("media_offer").map(({ sdp }) => sdp)).toEqual([
    "link 1",
    "link 1 restart",
    "link 1 restart",
    "link 1 restart",
    "link 2",
  ]);
  expect(scene.links[0]?.isClosed).toBe(true);
});

test("a server that lost its end gets a new link, told once, later each time", async () => {
  const scene = await join();
  scene.hear({ type: "media_ended", message: "The server had a fault." });
  expect(scene.notices).toEqual(["The server had a fault."]);
  await scene.clock.pass(2_000);
  expect(scene.links.length).toBe(2);
  scene.hear({ type: "media_ended", message: "The server had a fault." });
  await scene.clock.pass(2_000);
  expect(scene.links.length).toBe(2);
  await scene.clock.pass(2_000);
  expect(scene.links.length).toBe(3);
  expect(scene.notices.length).toBe(1);
});

test("an answer that is none, and keys that cannot be agreed on, make a new link", async () => {
  const scene = await join();
  await scene.answer("nonsense");
  await scene.clock.pass(2_000);
  expect(scene.links.length).toBe(2);
  await scene.answer();
  scene.link.become("connected", "failed");
  await scene.clock.pass(10_000);
  expect(scene.links.length).toBe(3);
});

test("after a lost connection the new one hears all of it again", async () => {
  const scene = await join();
  await scene.answer();
  await scene.devices.setCamera(true);
  await scene.devices.setMicrophone(true);
  scene.talk.wish([{ id: 2, height: 360 }]);
  await scene.clock.pass(1_000);
  scene.talk.lost();
  expect([scene.links[0]?.isClosed, scene.view.pictures.size, scene.view.sound]).toEqual([true, 0, null]);
  scene.talk.wish([]);
  await scene.clock.pass(1_000);
  const before = scene.messages.length;
  scene.hear({ ...JOINED, you: 5, participants: [{ ...ANN, id: 5 }] });
  await settled();
  expect(scene.messages.slice(before)).toEqual([
    { type: "camera", on: true },
    { type: "microphone", on: true },
    { type: "media_offer", sdp: "link 2" },
  ]);
  await scene.answer();
  expect(scene.said("view").at(-1)).toEqual({ type: "view", feeds: [] });
});

test("the end lets go of devices and link", async () => {
  const scene = await join();
  await scene.devices.setCamera(true);
  scene.hear({ type: "ended", message: "over" });
  expect([scene.links[0]?.isClosed, scene.source.tracks[0]?.isStopped]).toEqual([true, true]);
  await scene.clock.pass(600_000);
  expect(scene.links.length).toBe(1);
});

test("music is agreed on anew with what the server has answered, and it is not asked for that", async () => {
  const scene = await join();
  await scene.devices.setMusic(true);
  expect(scene.link.answers).toEqual([]);
  const opus = "a=rtpmap:111 opus/48000/2\r\n";
  const music = `${opus}a=fmtp:111 stereo=1;sprop-stereo=1;maxaveragebitrate=128000\r\n`;
  const voice = `${opus}a=fmtp:111 usedtx=1\r\n`;
  scene.hear({ type: "media_answer", sdp: opus });
  await settled();
  expect(scene.link.answers).toEqual([music]);
  await scene.devices.setMusic(false);
  await settled();
  expect(scene.link.answers).toEqual([music, voice]);
  // Twice before it is done: the last one counts.
  void scene.devices.setMusic(true);
  void scene.devices.setMusic(false);
  void scene.devices.setMusic(true);
  await settled();
  expect(scene.link.answers.at(-1)).toBe(music);
  expect(scene.said("media_offer").length).toBe(1);
});

test("a voice has one channel and no silence, music has two and all of it, and of Opus only", () => {
  const answer = "a=rtpmap:111 opus/48000/2\r\na=fmtp:111 minptime=10;useinbandfec=1\r\na=rtpmap:96 VP8/90000\r\na=fmtp:96 stereo=1\r\n";
  const by = (more: string) => answer.replace("useinbandfec=1", `useinbandfec=1;${more}`);
  const music = by("stereo=1;sprop-stereo=1;maxaveragebitrate=128000");
  expect([sendsVoice(answer), sendsMusic(answer), inStereo(answer)]).toEqual([by("usedtx=1"), music, by("stereo=1")]);
  expect([sendsVoice(music), sendsMusic(by("usedtx=1"))]).toEqual([by("usedtx=1"), music]);
  expect(sendsVoice("a=rtpmap:111 opus/48000/2\r\n")).toBe("a=rtpmap:111 opus/48000/2\r\na=fmtp:111 usedtx=1\r\n");
});

const ANN: Participant = { id: 1, name: "Ann", host: false, camera: false, microphone: false, telephone: false };
const JOINED: Extract<ServerMessage, { type: "joined" }> = {
  type: "joined",
  you: 1,
  code: "123456789",
  host: false,
  participants: [ANN],
  presenter: null,
  recording: null,
  camera_policy: HD,
  dial_in: null,
  chat: [],
};

/** Somebody in a meeting whose server is the test. */
class Scene {
  readonly clock = new Clock();
  readonly source = new TestSource();
  readonly devices = new Devices(this.source as Source);
  readonly links: TestConnection[] = [];
  readonly messages: ClientMessage[] = [];
  readonly notices: string[] = [];
  view!: TalkView;
  readonly talk: Talk;
  #meeting: MeetingState = INITIAL;

  constructor() {
    this.talk = new Talk(
      this.devices,
      {
        send: (message) => 0 < this.messages.push(message),
        onChange: (view) => (this.view = view),
        onNotice: (text) => this.notices.push(text),
      },
      {
        connection: () => {
          this.links.push(new TestConnection(this.links.length + 1));
          return this.link as unknown as RTCPeerConnection;
        },
        later: this.clock.later,
        stream: (track) => ({ getVideoTracks: () => [track] }) as unknown as MediaStream,
      },
    );
  }

  get link(): TestConnection {
    return this.links.at(-1) as TestConnection;
  }

  hear(message: ServerMessage): void {
    this.#meeting = reduce(this.#meeting, { type: "message", message });
    this.talk.heard(message, this.#meeting);
  }

  async answer(sdp = "answer"): Promise<void> {
    this.hear({ type: "media_answer", sdp });
    await settled();
  }

  said<T extends ClientMessage["type"]>(type: T): Extract<ClientMessage, { type: T }>[] {
    return this.messages.filter((message): message is Extract<ClientMessage, { type: T }> => message.type === type);
  }
}

async function join(): Promise<Scene> {
  const scene = new Scene();
  scene.hear(JOINED);
  await settled();
  return scene;
}
