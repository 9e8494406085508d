// What the player's keys do, and which picture is shown for a place in a recording.

import { expect, test } from "vitest";
import { pictureAt } from "../src/recordings/filmstrip";
import { commandOf, nextSpeed, SPEEDS } from "../src/recordings/keys";
import { dayOf, endOfDay } from "../src/recordings/text";

test.each([
  [" ", { do: "toggle" }],
  ["K", { do: "toggle" }],
  ["ArrowLeft", { do: "skip", by: -5 }],
  ["l", { do: "skip", by: 10 }],
  ["0", { do: "seek", to: 0 }],
  ["7", { do: "seek", to: 0.7 }],
  ["End", { do: "seek", to: 1 }],
  [">", { do: "speed", by: 1 }],
  ["Tab", null],
  ["F5", null],
  ["constructor", null],
])("%s", (key, command) => {
  expect(commandOf(key)).toEqual(command);
});

test("speeds go one by one, and no further than there are", () => {
  expect(nextSpeed(1, 1)).toBe(1.25);
  expect(nextSpeed(1, -1)).toBe(0.75);
  expect(nextSpeed(SPEEDS.at(-1)!, 1)).toBe(3);
  expect(nextSpeed(0.5, -1)).toBe(0.5);
  expect(nextSpeed(9, -1)).toBe(2);
});

test("a picture stands for its share of the time", () => {
  expect([0, 0.05, 0.1, 0.99, 1].map((share) => pictureAt(share, 10))).toEqual([0, 0, 1, 9, 9]);
  expect(pictureAt(0.5, 0)).toBe(0);
});

test("a day ends with its last second, where the person is", () => {
  expect(dayOf(endOfDay("2026-12-31"))).toBe("2026-12-31");
  expect(new Date(endOfDay("2026-12-31")).getHours()).toBe(23);
});
