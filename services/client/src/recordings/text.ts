// A recording in words.

import type { CopyState, Recording, RecordingState } from "../protocol";

/** A recording that is to go is not ready any more, however whole it still is. */
export function recordingText({ state, regions }: Pick<Recording, "state" | "regions">): string {
  const isGoing = regions.some((region) => region.state === "deleting" || region.state === "deleted");
  return isGoing ? "Being deleted" : stateText(state);
}

function stateText(state: RecordingState): string {
  switch (state) {
    case "starting":
      return "Starting";
    case "recording":
      return "Recording now";
    case "paused":
      return "Paused";
    case "finishing":
      return "Finishing";
    case "ready":
      return "Ready";
    case "degraded":
      return "Ready, one region behind";
    case "failed":
      return "Failed";
  }
}

export function copyText(state: CopyState): string {
  switch (state) {
    case "writing":
      return "being written";
    case "complete":
      return "complete";
    case "behind":
      return "behind, being caught up";
    case "deleting":
      return "being deleted";
    case "deleted":
      return "deleted";
  }
}

/** As clocks show it: 1:01, 1:00:01. */
export function durationText(ms: number | null): string {
  const seconds = Math.round((ms ?? 0) / 1_000);
  const [hours, minutes, rest] = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60, seconds % 60];
  const two = (value: number): string => String(value).padStart(2, "0");
  return 0 < hours ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}

export function bytesText(bytes: number | null): string {
  const count = bytes ?? 0;
  if (count < 1_000) return `${count} bytes`;
  const units = ["kB", "MB", "GB", "TB"];
  let value = count / 1_000;
  let unit = 0;
  // Not 1000.0 kB but 1.0 MB.
  while (999.95 <= value && unit < units.length - 1) {
    value /= 1_000;
    unit += 1;
  }
  return `${value.toFixed(1)} ${units[unit]}`;
}

export function whenText(time: string): string {
  const date = new Date(time);
  return Number.isNaN(date.getTime()) ? time : date.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
}

/** A day as fields for days want it, where the person is: 2026-12-31. */
export function dayOf(time: string): string {
  const date = new Date(time);
  const two = (value: number): string => String(value).padStart(2, "0");
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

/** The last second of a day where the person is, in RFC 3339. */
export function endOfDay(day: string): string {
  return new Date(`${day}T23:59:59`).toISOString();
}

export function keptText(until: string | null): string {
  return until === null ? "" : `, kept until ${new Date(until).toLocaleDateString(undefined, { dateStyle: "medium" })}`;
}
