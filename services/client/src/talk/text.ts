// How somebody's picture comes, in words.

import type { FeedQuality } from "../protocol";

/** Why a picture of so many lines is no larger; nothing while there is none. An older or newer server may say what is not known here. */
export function sightText(quality: FeedQuality | undefined, lines: number, name: string): string | undefined {
  if (quality === "paused") return "No picture, because your line carries no more";
  if (lines === 0) return undefined;
  switch (quality) {
    case "bandwidth":
      return `${lines} lines, because your line carries no more`;
    case "best-there-is":
      return `${lines} lines, the most that ${name} sends`;
    case "as-shown":
      return `${lines} lines, as large as it is shown`;
    default:
      return undefined;
  }
}
