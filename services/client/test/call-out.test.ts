// What the host is told of calls, and which numbers are sent at all.

import { expect, test } from "vitest";
import { callOutText, calledName, numberProblem } from "../src/meeting/call-out";
import { NUMBER_DIGITS_MAX } from "../src/protocol";

const CALL = { id: 1, number: "+4930123", name: null, state: "calling", message: null } as const;

test("numbers are taken as people write them", () => {
  for (const good of ["+49 (30) 123-45.67", " 030/12 ", "110", "1".repeat(NUMBER_DIGITS_MAX)]) expect(numberProblem(good), good).toBeNull();
  expect(numberProblem("  ")).toBe("Enter a telephone number.");
  for (const wrong of ["+", "12+3", "()", "sip:dan@example.org", "1".repeat(NUMBER_DIGITS_MAX + 1)]) {
    expect(numberProblem(wrong), wrong).toContain("up to 20 digits");
  }
});

test("each state of a call has its words", () => {
  expect(callOutText(CALL)).toBe("Calling …");
  expect(callOutText({ ...CALL, state: "ringing" })).toBe("Ringing …");
  expect(callOutText({ ...CALL, state: "answered" })).toContain("press 1");
  expect(callOutText({ ...CALL, state: "failed", message: "They declined." })).toBe("They declined.");
  expect(callOutText({ ...CALL, state: "failed" })).toBe("Nobody was reached.");
});

test("who is called has the name that the host gave, or else the number", () => {
  expect([calledName(CALL), calledName({ ...CALL, name: "Dan" })]).toEqual(["+4930123", "Dan"]);
});
