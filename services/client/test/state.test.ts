// What a participant knows, step by step.

import { expect, test } from "vitest";
import { INITIAL, isOver, isPresenting, isRecording, type MeetingEvent, type MeetingState, reduce, self } from "../src/meeting/state";
import { figures } from "../src/pages/sound-figures";
import { parseServerMessage, type ServerMessage } from "../src/protocol";

const ANN = { id: 1, name: "Ann", host: true, camera: false, microphone: false, telephone: false };
const BOB = { id: 2, name: "Bob", host: false, camera: false, microphone: false, telephone: false };
const JOINED: ServerMessage = {
  type: "joined",
  you: 1,
  code: "123456789",
  host: true,
  participants: [ANN],
  presenter: null,
  recording: null,
  camera_policy: { width: 1280, height: 720, max_kbps: 2_000 },
  dial_in: null,
  chat: [],
};

test("who calls is said to come by telephone", () => {
  const dan = { ...BOB, id: 3, name: "Dan", microphone: true, telephone: true };
  const state = after(JOINED, { type: "participant_joined", participant: dan });
  expect(state.notice?.text).toBe("Dan has joined by telephone.");
});

test("how cameras come is known until the meeting is joined anew", () => {
  const message = parseServerMessage('{"type":"sights","sights":[{"id":2,"quality":"bandwidth"}]}') as ServerMessage;
  const state = after(JOINED, message);
  expect(state.sights).toEqual([{ id: 2, quality: "bandwidth" }]);
  expect(reduce(state, heard(JOINED)).sights).toEqual([]);
});

test("a raised hand is told, and whether the meeting is locked", () => {
  const state = after(JOINED, { type: "participant_joined", participant: BOB });
  const raised = reduce(state, heard({ type: "participant_changed", participant: { ...BOB, hand: true } }));
  expect(raised.notice?.text).toBe("Bob has raised a hand.");
  const again = reduce(raised, heard({ type: "participant_changed", participant: { ...BOB, hand: true, camera: true } }));
  expect(again.notice).toBe(raised.notice);
  expect(self(after(JOINED, { type: "participant_changed", participant: { ...ANN, hand: true } }))?.hand).toBe(true);
  expect(after(JOINED, { type: "participant_changed", participant: { ...ANN, hand: true } }).notice).toBeNull();
  const locked = after(JOINED, { type: "locked", locked: true });
  expect([locked.isLocked, locked.notice?.text]).toEqual([true, "The meeting is locked: nobody more is let in."]);
  expect(reduce(locked, heard(JOINED)).isLocked).toBe(false);
});

test("a program is said to come as a stream, and its pass is known to the host until they join anew", () => {
  const obs = { ...BOB, id: 3, name: "OBS", camera: true, stream: true };
  expect(after(JOINED, { type: "participant_joined", participant: obs }).notice?.text).toBe("OBS has joined as a stream.");
  const passes = [{ id: 1, kind: "send", name: "OBS", token: "secret" }] as const;
  const state = after(JOINED, { type: "passes", passes });
  expect(state.passes).toEqual(passes);
  expect(reduce(state, heard(JOINED)).passes).toEqual([]);
});

test("whom the host has called is known until they join anew", () => {
  const calls = [{ id: 1, number: "+4930123", name: "Dan", state: "ringing", message: null }] as const;
  const state = after(JOINED, { type: "call_outs", calls });
  expect(state.callOuts).toEqual(calls);
  expect(after(JOINED, { type: "call_outs", calls }, { type: "call_outs", calls: [] }).callOuts).toEqual([]);
  expect(reduce(state, heard(JOINED)).callOuts).toEqual([]);
});

test("how others' sound comes in is what was told last, until they join anew", () => {
  const bob = {
    id: 2,
    quality: "fair",
    lost_permille: 21,
    concealed_permille: 0,
    jitter_ms: 12,
    buffer_ms: 45,
    round_trip_ms: null,
    mouth_to_ear_ms: 65,
    level_dbov: -127,
  } as const;
  const state = after(JOINED, { type: "sound", participants: [bob] });
  expect(state.sound).toEqual([bob]);
  expect(figures(bob).slice(0, 4)).toEqual([
    ["Lost or late", "2.1 %"],
    ["Made up", "0 %"],
    ["Jitter", "12 ms"],
    ["Round trip", "not known"],
  ]);
  expect(after(JOINED, { type: "sound", participants: [bob] }, { type: "sound", participants: [] }).sound).toEqual([]);
  expect(reduce(state, heard(JOINED)).sound).toEqual([]);
});

test("people come and go", () => {
  const state = after(JOINED, { type: "participant_joined", participant: BOB });
  expect(state.participants).toEqual([ANN, BOB]);
  expect(state.notice?.text).toBe("Bob has joined.");
  const left = reduce(state, heard({ type: "participant_left", id: 2 }));
  expect(left.participants).toEqual([ANN]);
  expect(left.notice?.text).toBe("Bob has left.");
});

test("somebody who left and was not there is no news", () => {
  const state = after(JOINED);
  expect(reduce(state, heard({ type: "participant_left", id: 9 }))).toBe(state);
});

test("a chat line that comes twice is shown once", () => {
  const line = { type: "chat", id: 7, from: 2, name: "Bob", text: "hello", time: "2026-01-31T10:00:00Z" } as const;
  expect(after(JOINED, line, line).chat).toEqual([{ id: 7, from: 2, name: "Bob", text: "hello", time: line.time }]);
});

test("a thousand chat lines are kept, the oldest go", () => {
  const lines = Array.from({ length: 1_001 }, (_, id) => ({ type: "chat", id, from: 2, name: "Bob", text: "x", time: "" }) as const);
  const { chat } = after(JOINED, ...lines);
  expect(chat.length).toBe(1_000);
  expect(chat[0]?.id).toBe(1);
});

test("presenting is known by one's own id", () => {
  const state = after(JOINED, { type: "presenter", id: 1 });
  expect(isPresenting(state)).toBe(true);
  expect(isPresenting(reduce(state, heard({ type: "presenter", id: 2 })))).toBe(false);
});

test("a switched camera or microphone changes the roster and is no news", () => {
  const state = after(JOINED, { type: "participant_joined", participant: BOB });
  const changed = reduce(state, heard({ type: "participant_changed", participant: { ...BOB, camera: true } }));
  expect(changed.participants).toEqual([ANN, { ...BOB, camera: true }]);
  expect(changed.notice).toBe(state.notice);
  expect(self(changed)).toEqual(ANN);
});

test("who spoke last stays first when nobody speaks, and goes when they leave", () => {
  const bob = { type: "participant_joined", participant: BOB } as const;
  const state = after(JOINED, bob, { type: "speakers", ids: [1] }, { type: "speakers", ids: [2, 1] }, { type: "speakers", ids: [] });
  expect(state.speakers).toEqual([]);
  expect(state.spoke).toEqual([2, 1]);
  expect(reduce(state, heard({ type: "participant_left", id: 2 })).spoke).toEqual([1]);
});

test("a new connection knows nothing of the former one's slots and speakers", () => {
  const before = after(JOINED, { type: "slots", slots: [{ mid: "2", id: 2 }] }, { type: "speakers", ids: [1] });
  expect(before.slots).toEqual([{ mid: "2", id: 2 }]);
  const back = reduce(before, heard(JOINED));
  expect([back.slots, back.speakers, back.spoke]).toEqual([[], [], []]);
});

test("how large cameras may be follows the server", () => {
  const state = after(JOINED, { type: "camera_policy", width: 320, height: 240, max_kbps: 500 });
  expect(state.cameraPolicy).toEqual({ width: 320, height: 240, max_kbps: 500 });
});

test("a refused camera and being muted are told", () => {
  expect(after(JOINED, { type: "camera_refused", message: "10 cameras are on already." }).notice?.text).toMatch(/^10 cameras/);
  expect(after(JOINED, { type: "muted", by: 1 }).notice?.text).toBe("Ann has muted you.");
});

test("a recording is told once for each state", () => {
  const recording = { id: "r", state: "recording", message: null } as const;
  const state = after(JOINED, { type: "recording", recording });
  expect(isRecording(state)).toBe(true);
  const count = state.notice?.count;
  expect(reduce(state, heard({ type: "recording", recording })).notice?.count).toBe(count);
  expect(isRecording(reduce(state, heard({ type: "recording", recording: { ...recording, state: "ready" } })))).toBe(false);
});

test("a lost connection keeps what was known, and joining again replaces it", () => {
  const lost = reduce(after(JOINED, { type: "participant_joined", participant: BOB }), { type: "lost", retryMs: 250 });
  expect(lost.phase).toEqual({ at: "reconnecting", retryMs: 250 });
  expect(lost.participants).toEqual([ANN, BOB]);
  const back = reduce(lost, heard({ ...JOINED, you: 5, participants: [{ ...ANN, id: 5 }] }));
  expect(back.phase.at).toBe("joined");
  expect(back.you).toBe(5);
  expect(back.participants.length).toBe(1);
});

test.each<ServerMessage>([
  { type: "ended", message: "The host has ended the meeting." },
  { type: "refused", reason: "no-meeting", message: "No meeting can be joined with this code." },
])("$type is the end, whatever the connection does then", (message) => {
  const state = after(JOINED, message);
  expect(isOver(state)).toBe(true);
  expect(reduce(state, { type: "lost", retryMs: 1 })).toBe(state);
  expect(reduce(state, { type: "connecting" })).toBe(state);
});

test("what is no message of the protocol is ignored", () => {
  for (const text of ["", "{", "null", "[]", '"joined"', "{}", '{"type":7}', '{"type":"dance"}']) {
    expect(parseServerMessage(text)).toBeNull();
  }
  expect(parseServerMessage('{"type":"taken","bytes":5,"more":1}')).toEqual({ type: "taken", bytes: 5, more: 1 });
});

function after(...messages: ServerMessage[]): MeetingState {
  return messages.map(heard).reduce(reduce, INITIAL);
}

function heard(message: ServerMessage): MeetingEvent {
  return { type: "message", message };
}
