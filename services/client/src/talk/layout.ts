// Who is seen, where, and how large. Pure: the page measures and draws.

import type { MeetingState } from "../meeting/state";
import { CAMERAS_MAX, type Participant, type Wish } from "../protocol";

/** Most faces in the grid, pictures and initials together; the rest is a number. */
const GRID_MAX = 16;
/** Most faces beside a shared screen. */
const STRIP_MAX = 8;
/** Between two faces, in CSS pixels. */
export const GAP = 8;

/** All alike, or one large and the others small. */
export type Way = "everybody" | "speaker";

export interface Seats {
  /** In the order in which they are shown. */
  readonly faces: readonly Participant[];
  /** How many are there and have no place. */
  readonly more: number;
}

export interface Grid {
  readonly columns: number;
  readonly width: number;
  readonly height: number;
}

/**
 * Who has a place. In the grid everybody keeps their place as long as there is one for all. Beside a screen there are few, so
 * whoever spoke last comes first there.
 */
export function seatsOf(meeting: MeetingState, where: "grid" | "strip"): Seats {
  const limit = where === "grid" ? GRID_MAX : STRIP_MAX;
  const { participants } = meeting;
  const byNeed = [...participants].sort((a, b) => rank(meeting, a, where) - rank(meeting, b, where));
  const chosen = byNeed.slice(0, limit);
  const faces = where === "strip" ? chosen : participants.filter((participant) => chosen.includes(participant));
  return { faces, more: participants.length - faces.length };
}

/**
 * Who is shown large: whoever is kept so, else somebody who speaks. `before`, who was, stays while they speak and until another does. Oneself
 * only where nobody else is.
 */
export function mainOf(meeting: MeetingState, kept: number | null, before: number | null): Participant | null {
  const { participants, you, spoke } = meeting;
  const find = (id: number | null | undefined): Participant | undefined => participants.find((one) => one.id === id);
  const others = participants.filter(({ id }) => id !== you);
  const speaking = meeting.speakers.filter((id) => id !== you);
  const stays = before !== null && before !== you && (speaking.length === 0 || speaking.includes(before)) ? before : null;
  const last = spoke.find((id) => id !== you);
  const chosen = [kept, stays, speaking[0], last].map(find).find((one) => one !== undefined);
  return chosen ?? others.find(({ camera }) => camera) ?? others[0] ?? participants[0] ?? null;
}

/** Lower comes first: speakers, then cameras, then oneself, then the others; each in the order in which they came. */
function rank({ spoke, you, participants }: MeetingState, { id, camera }: Participant, where: "grid" | "strip"): number {
  const place = participants.findIndex((participant) => participant.id === id);
  const lastSpoke = spoke.indexOf(id);
  // Nobody needs to see oneself first.
  if (id === you) return where === "strip" ? 30_000 : 0;
  if (lastSpoke !== -1) return 10_000 + lastSpoke;
  return (camera ? 20_000 : 40_000) + place;
}

/** The columns that make faces of this proportion largest in a box. */
export function gridOf(count: number, box: { readonly width: number; readonly height: number }, proportion: number): Grid {
  let best: Grid = { columns: 1, width: 0, height: 0 };
  for (let columns = 1; columns <= Math.max(1, count); columns++) {
    const rows = Math.ceil(count / columns);
    const byWidth = (box.width - GAP * (columns - 1)) / columns;
    const byHeight = ((box.height - GAP * (rows - 1)) / rows) * proportion;
    const width = Math.floor(Math.max(0, Math.min(byWidth, byHeight)));
    if (best.width < width) best = { columns, width, height: Math.floor(width / proportion) };
  }
  return best;
}

/** What the server is asked for: the cameras that have a place, whoever spoke last first. `height` is in device pixels. */
export function wishesOf(meeting: MeetingState, faces: readonly Participant[], height: number): readonly Wish[] {
  const seen = faces.filter(({ id, camera }) => camera && id !== meeting.you);
  const order = (id: number): number => {
    const spoke = meeting.spoke.indexOf(id);
    return spoke === -1 ? meeting.spoke.length : spoke;
  };
  return [...seen]
    .sort((a, b) => order(a.id) - order(b.id))
    .slice(0, CAMERAS_MAX)
    .map(({ id }) => ({ id, height: Math.round(height) }));
}

/** Up to two letters for somebody without a picture. */
export function initialsOf(name: string): string {
  const words = name.trim().split(/\s+/);
  const ends = words.length === 1 ? [words[0]] : [words[0], words.at(-1)];
  return ends.map((word) => [...(word ?? "")][0]?.toLocaleUpperCase() ?? "").join("");
}
