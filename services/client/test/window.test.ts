// The presenter's window, by the same lines as `convene_screen::Window`.

import { expect, test } from "vitest";
import { BYTES_MAX, BYTES_MIN, Window } from "../src/present/window";
import { Line } from "./support/line";

const PIECE = 16 * 1024;

/** Sends as much as there is room for through a line, until some time. */
function run(window: Window, line: Line, from: number, until: number, seen: (now: number) => void = () => {}): void {
  for (let now = from; now < until; now++) {
    for (const bytes of line.arrived(now)) window.taken(bytes, now);
    for (;;) {
      const bytes = Math.min(PIECE, window.pieceBytes);
      if (window.room(now) < bytes) break;
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
  // And what is on its way.
  expect(window.size).toBeLessThanOrEqual(BYTES_MIN + 12 * 110);
});

test.each([400, 1_000, 4_000, 20_000])("hardly anything stands in front of a line of %i kbit/s that is full", (kbps) => {
  for (const delay of [10, 40, 75, 150]) {
    const [window, line] = [new Window(), new Line(kbps, delay)];
    let longest = 0;
    run(window, line, 0, 15_000, (now) => {
      if (14_000 < now) longest = Math.max(longest, line.queueMs(now));
    });
    // The smallest window takes longer to pass the slowest of these lines.
    const most = Math.max(100, (1.2 * BYTES_MIN * 8) / kbps);
    expect(longest, `${delay} ms`).toBeLessThan(most);
    const before = line.sentBytes;
    run(window, line, 15_000, 18_000);
    expect(line.sentBytes - before, `${delay} ms`).toBeGreaterThan(0.8 * 3_000 * (kbps / 8));
  }
});

test.each([10, 40])("a line with %i ms of delay that recovers is full within a second", (delay) => {
  const window = new Window();
  const line = new Line(20_000, delay);
  run(window, line, 0, 5_000);
  line.become(400);
  run(window, line, 5_000, 15_000);
  line.become(20_000);
  run(window, line, 15_000, 16_000);
  const before = line.sentBytes;
  run(window, line, 16_000, 17_000);
  expect(line.sentBytes - before).toBeGreaterThan(0.9 * 2_500_000);
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
