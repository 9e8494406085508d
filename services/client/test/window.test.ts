// The presenter's window, by the same lines as `convene_screen::Window`.

import { expect, test } from "vitest";
import { BYTES_MAX, BYTES_MIN, Window } from "../src/present/window";
import { Line } from "./support/line";

const PIECE = 16 * 1024;

/** Sends as much as there is room for through a line, until some time. */
function run(window: Window, line: Line, from: number, until: number, seen: (now: number) => void = () => {}): void {
  for (let now = from; now < until; now++) {
    for (const bytes of line.arrived(now)) window.taken(bytes, now);
    while (0 < window.room(now)) {
      const bytes = Math.min(PIECE, window.pieceBytes);
      line.send(bytes, now);
      window.sent(bytes, true, now);
    }
    seen(now);
  }
}

test("a fast line with a long way gets what it can carry", () => {
  const window = new Window();
  run(window, new Line(100_000, 50), 0, 3_000);
  const onTheWay = 12_500 * 100;
  expect(window.size).toBeGreaterThanOrEqual(onTheWay);
  expect(window.size).toBeLessThan(4 * onTheWay);
});

test("a slow line gets the smallest window once it is known", () => {
  const window = new Window();
  run(window, new Line(96, 50), 0, 60_000);
  expect(window.size).toBe(BYTES_MIN);
});

test("once the line is known, less than 100 ms wait in front of it", () => {
  for (const [kbps, delay] of [
    [1_000, 10],
    [5_000, 10],
    [20_000, 10],
  ] as const) {
    const [window, line] = [new Window(), new Line(kbps, delay)];
    let longest = 0;
    run(window, line, 0, 30_000, (now) => {
      if (5_000 < now) longest = Math.max(longest, line.queueMs(now));
    });
    expect(longest, `${kbps} kbit/s`).toBeLessThan(100);
    expect(line.sentBytes, `${kbps} kbit/s`).toBeGreaterThan(0.9 * 30_000 * (kbps / 8));
  }
});

test("the window never leaves its limits", () => {
  for (const [kbps, delay] of [
    [8_000_000, 1_000],
    [8, 0],
    [800, 0],
  ] as const) {
    const window = new Window();
    run(window, new Line(kbps, delay), 0, 30_000);
    expect(window.size).toBeGreaterThanOrEqual(BYTES_MIN);
    expect(window.size).toBeLessThanOrEqual(BYTES_MAX);
    expect(window.inFlight).toBeLessThanOrEqual(BYTES_MAX + PIECE);
  }
});

test("a line that falls silent gets no more than the smallest window", () => {
  const window = new Window();
  run(window, new Line(100_000, 5), 0, 1_000);
  const before = window.inFlight;
  for (let count = 0; count < 3; count++) window.sent(PIECE, true, 1_000);
  expect(BYTES_MIN).toBeLessThan(before + 3 * PIECE);
  expect(window.room(2_000)).toBe(0);
});

test("what was never sent cannot be taken, and a count that goes back is no news", () => {
  const window = new Window();
  window.sent(100, false, 0);
  window.taken(60, 1);
  window.taken(40, 2);
  expect(window.inFlight).toBe(40);
  window.taken(1_000, 3);
  expect(window.inFlight).toBe(0);
});
