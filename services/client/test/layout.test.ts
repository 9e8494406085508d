// Who is seen, where, and how large; and how a camera is sent.

import { expect, test } from "vitest";
import { INITIAL, type MeetingState } from "../src/meeting/state";
import type { Participant } from "../src/protocol";
import { encodingsOf, layersOf } from "../src/talk/encodings";
import { GAP, gridOf, initialsOf, mainOf, seatsOf, wishesOf } from "../src/talk/layout";

const HD = { width: 1280, height: 720, max_kbps: 2_000 };
const MANY = { width: 640, height: 480, max_kbps: 1_000 };
const SHARED = { width: 320, height: 240, max_kbps: 500 };

test("in the grid everybody keeps their place, whoever speaks", () => {
  const meeting = meetingOf(5, [3, 4]);
  expect(ids(meeting, "grid")).toEqual([1, 2, 3, 4, 5]);
  expect(ids({ ...meeting, spoke: [5, 2] }, "grid")).toEqual([1, 2, 3, 4, 5]);
});

test("with more people than places, oneself, speakers and cameras have one", () => {
  const meeting = meetingOf(40, [38, 39]);
  const { faces, more } = seatsOf({ ...meeting, spoke: [30] }, "grid");
  expect(faces.length + more).toBe(40);
  expect(faces.map(({ id }) => id)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 30, 38, 39]);
});

test("beside the screen whoever spoke last comes first, then cameras, then oneself", () => {
  const meeting = { ...meetingOf(12, [5, 6]), spoke: [9, 6] };
  expect(ids(meeting, "strip")).toEqual([9, 6, 5, 1, 2, 3, 4, 7]);
});

test.each([
  [1, 1],
  [2, 2],
  [4, 2],
  [5, 3],
  [9, 3],
])("%i wide faces stand in %i columns on a wide page", (count, columns) => {
  expect(gridOf(count, { width: 1280, height: 640 }, 16 / 9).columns).toBe(columns);
});

test("no face is larger than its place, on any page", () => {
  for (let count = 1; count <= 17; count++) {
    for (const [width, height] of [[360, 300], [900, 700], [300, 900], [1, 1]] as const) {
      const grid = gridOf(count, { width, height }, 4 / 3);
      const rows = Math.ceil(count / grid.columns);
      expect(grid.columns * grid.width + (grid.columns - 1) * GAP * Number(0 < grid.width)).toBeLessThanOrEqual(width);
      expect(rows * grid.height + (rows - 1) * GAP * Number(0 < grid.width)).toBeLessThanOrEqual(height + rows);
    }
  }
  expect(gridOf(3, { width: 0, height: 0 }, 1).width).toBe(0);
});

test("what is asked for are cameras in sight, not one's own, whoever spoke last first", () => {
  const meeting = { ...meetingOf(6, [1, 2, 4, 6]), spoke: [6, 5] };
  const { faces } = seatsOf(meeting, "grid");
  expect(wishesOf(meeting, faces, 239.6)).toEqual([
    { id: 6, height: 240 },
    { id: 2, height: 240 },
    { id: 4, height: 240 },
  ]);
  expect(wishesOf(meeting, [], 240)).toEqual([]);
});

test("who speaks is large, stays so while they speak, and until somebody else does", () => {
  const meeting = meetingOf(5, [3]);
  const large = (before: number | null, speakers: number[], spoke = speakers, kept: number | null = null) =>
    mainOf({ ...meeting, speakers, spoke }, kept, before)?.id;
  expect(large(null, [])).toBe(3);
  expect(large(null, [4, 2])).toBe(4);
  expect(large(2, [4, 2])).toBe(2);
  expect(large(2, [4])).toBe(4);
  expect(large(2, [])).toBe(2);
  expect(large(null, [], [5])).toBe(5);
  expect(large(2, [1]), "oneself is not, whatever one says").toBe(2);
  expect(large(9, []), "who has left is not").toBe(3);
  expect(large(2, [4], [4], 5)).toBe(5);
  expect(large(2, [4], [4], 9)).toBe(4);
  expect(mainOf(meetingOf(1, []), null, null)?.id).toBe(1);
  expect(mainOf(INITIAL, null, null)).toBeNull();
});

test("never more than ten cameras are asked for", () => {
  const meeting = meetingOf(14, [2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13]);
  expect(wishesOf(meeting, seatsOf(meeting, "grid").faces, 100).length).toBe(10);
});

test.each([
  ["Ann", "A"],
  ["ann marie de Groot", "AG"],
  ["🦀 Ferris", "🦀F"],
  ["  ", ""],
])("%s has the initials %s", (name, initials) => {
  expect(initialsOf(name)).toBe(initials);
});

test("a camera is sent as large as it may be, and smaller beside it where that helps", () => {
  const active = (policy: typeof HD) => layersOf(policy).filter(({ isActive }) => isActive);
  expect(active(HD).map(({ height }) => height)).toEqual([180, 360, 720]);
  expect(active(MANY).map(({ height }) => height)).toEqual([240, 480]);
  expect(active(SHARED)).toEqual([{ rid: "q", height: 240, kbps: 500, isActive: true }]);
  // Of a small camera Chromium leaves out the last ones.
  expect(active(MANY).map(({ rid }) => rid)).toEqual(["q", "h"]);
  for (const policy of [HD, MANY, SHARED]) {
    expect(active(policy).reduce((sum, { kbps }) => sum + kbps, 0)).toBe(policy.max_kbps);
  }
});

test("a camera that cannot be smaller is scaled by the sender", () => {
  const [whole] = encodingsOf(SHARED, 720, 3, 720);
  expect(whole).toMatchObject({ rid: "q", active: true, maxBitrate: 500_000, scaleResolutionDownBy: 3 });
  expect(encodingsOf(HD, 480, 3, 720).map(({ scaleResolutionDownBy }) => scaleResolutionDownBy)).toEqual([480 / 180, 480 / 360, 1]);
});

test("nothing is sent that is larger than anybody shows it", () => {
  const active = (seen: number) => encodingsOf(HD, 720, 3, seen).map(({ active }) => active);
  expect([0, 1, 180, 240, 360, 480].map(active)).toEqual([
    [false, false, false],
    [true, false, false],
    [true, false, false],
    [true, true, false],
    [true, true, false],
    [true, true, true],
  ]);
  expect(encodingsOf(SHARED, 240, 3, 180).map(({ active }) => active)).toEqual([true, false, false]);
  expect(encodingsOf(HD, 720, 1, 0)[0]?.active).toBe(false);
});

test("a server that takes one encoding gets the whole picture", () => {
  expect(encodingsOf(HD, 720, 1, 720)).toEqual([{ active: true, maxBitrate: 2_000_000, maxFramerate: 30, scaleResolutionDownBy: 1 }]);
});

function meetingOf(count: number, cameras: readonly number[]): MeetingState {
  const participant = (id: number): Participant => ({ id, name: `P${id}`, host: false, camera: cameras.includes(id), microphone: true, telephone: false });
  return { ...INITIAL, you: 1, participants: Array.from({ length: count }, (_, index) => participant(index + 1)) };
}

function ids(meeting: MeetingState, where: "grid" | "strip"): number[] {
  return seatsOf(meeting, where).faces.map(({ id }) => id);
}
