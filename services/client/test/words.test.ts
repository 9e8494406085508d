// Codes, addresses, and recordings in words.

import { expect, test } from "vitest";
import { codeGroups, parseCode, parseCodeOrLink } from "../src/meeting/code";
import { bytesText, durationText, recordingText } from "../src/recordings/text";
import { sightText } from "../src/talk/text";
import type { CopyState, RegionCopy } from "../src/protocol";
import { routeOf } from "../src/route";

test.each(["123456789", " 123 456 789 ", "123-456-789", "123\u00a0456\u2013789"])("%s is a code", (text) => {
  expect(parseCode(text)).toBe("123456789");
});

test.each(["", "12345678", "1234567890", "12345678a", "１２３４５６７８９"])("%s is none", (text) => {
  expect(parseCode(text)).toBeNull();
});

test("a link is as good as its code", () => {
  expect(parseCodeOrLink(" https://meet.example:8443/123456789 ")).toBe("123456789");
  expect(parseCodeOrLink("https://meet.example/recordings")).toBeNull();
  expect(parseCodeOrLink("tomorrow")).toBeNull();
});

test("a code is said in groups of three", () => {
  expect(codeGroups("123456789")).toEqual(["123", "456", "789"]);
});

test.each([
  ["/", { page: "home" }],
  ["/recordings", { page: "recordings" }],
  ["/recordings/", { page: "recordings" }],
  ["/123456789", { page: "meeting", code: "123456789" }],
  ["/123-456-789", { page: "meeting", code: "123456789" }],
  ["/watch/AQ-b_9", { page: "watch", token: "AQ-b_9" }],
  ["/watch/", { page: "unknown" }],
  ["/watch/a/b", { page: "unknown" }],
  ["/12", { page: "unknown" }],
])("%s is an address", (path, route) => {
  expect(routeOf(path)).toEqual(route);
});

test("durations read as on a clock", () => {
  expect([0, 61_000, 3_661_000, 59_600, null].map(durationText)).toEqual(["0:00", "1:01", "1:01:01", "1:00", "0:00"]);
});

test("a recording's state is said in words, and that it goes before all else", () => {
  const copy = (state: CopyState): RegionCopy => ({ name: "a", state, bytes: 1, sha256: null });
  expect(recordingText({ state: "degraded", regions: [copy("behind")] })).toBe("Ready, one region behind");
  expect(recordingText({ state: "failed", regions: [] })).toBe("Failed");
  expect(recordingText({ state: "ready", regions: [copy("complete"), copy("deleting")] })).toBe("Being deleted");
});

test("why a picture is no larger is said in words", () => {
  expect(sightText("bandwidth", 180, "Ann")).toBe("180 lines, because your line carries no more");
  expect(sightText("best-there-is", 480, "Ann")).toBe("480 lines, the most that Ann sends");
  expect(sightText("as-shown", 360, "Ann")).toBe("360 lines, as large as it is shown");
  expect(sightText("paused", 180, "Ann")).toBe("No picture, because your line carries no more");
  expect([sightText("bandwidth", 0, "Ann"), sightText(undefined, 180, "Ann"), sightText("new" as "paused", 180, "Ann")]).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
});

test("sizes have units", () => {
  expect([0, 999, 1_000, 999_949, 999_950, 123_456_789, null].map(bytesText)).toEqual([
    "0 bytes",
    "999 bytes",
    "1.0 kB",
    "999.9 kB",
    "1.0 MB",
    "123.5 MB",
    "0 bytes",
  ]);
});
