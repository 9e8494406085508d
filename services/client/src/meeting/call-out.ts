// What is said of calls that the host has made.

import { type CallOut, NUMBER_DIGITS_MAX } from "../protocol";

/** What is wrong with a telephone number, or null. What is only for the eye is left in it. */
export function numberProblem(text: string): string | null {
  const trimmed = text.trim();
  if (trimmed === "") return "Enter a telephone number.";
  const digits = trimmed.replace(/\D/g, "").length;
  const isNumber = /^\+?[\d ().\/-]+$/.test(trimmed) && 0 < digits && digits <= NUMBER_DIGITS_MAX;
  return isNumber ? null : `A telephone number has up to ${NUMBER_DIGITS_MAX} digits, maybe after a plus.`;
}

/** Who is called, as the host knows them. */
export function calledName({ name, number }: CallOut): string {
  return name ?? number;
}

/** How far a call is. */
export function callOutText({ state, message }: CallOut): string {
  switch (state) {
    case "calling":
      return "Calling …";
    case "ringing":
      return "Ringing …";
    case "answered":
      return "Answered, and asked to press 1 to join …";
    case "failed":
      return message ?? "Nobody was reached.";
  }
}
