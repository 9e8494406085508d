// The people: a grid when nothing is shared, a strip beside a shared screen.

import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Session, View } from "../meeting/session";
import type { Participant } from "../protocol";
import { gridOf, initialsOf, seatsOf, wishesOf } from "../talk/layout";
import { sightText } from "../talk/text";
import { Picture } from "./picture";

interface FacesProps {
  readonly view: View;
  readonly session: Session;
  readonly where: "grid" | "strip";
}

export function Faces({ view, session, where }: FacesProps) {
  const { meeting } = view;
  const list = useRef<HTMLUListElement>(null);
  const box = useBox(list);
  const { faces, more } = seatsOf(meeting, where);
  const { width, height } = meeting.cameraPolicy;
  const proportion = width / height;
  const places = faces.length + (0 < more ? 1 : 0);
  const grid = where === "grid" ? gridOf(places, box, proportion) : null;
  const shownHeight = (grid?.height ?? STRIP_HEIGHT) * window.devicePixelRatio;
  const wishes = wishesOf(meeting, faces, shownHeight);
  const asked = JSON.stringify(wishes);
  useEffect(() => session.wish(wishes), [session, asked]);

  const style = { "--proportion": proportion, ...(grid ? { "--columns": grid.columns, "--face-width": `${grid.width}px` } : {}) };
  return (
    <ul class={`faces ${where}`} ref={list} style={style} aria-label="Faces" data-testid="faces">
      {faces.map((participant) => (
        <Face key={participant.id} participant={participant} view={view} />
      ))}
      {0 < more && <li class="face more">{`${more} more`}</li>}
    </ul>
  );
}

/** How high a face beside the screen is, in CSS pixels; meeting.css has the same. */
const STRIP_HEIGHT = 120;

function Face({ participant, view }: { participant: Participant; view: View }) {
  const { meeting, talk, devices } = view;
  const { id, name, camera, microphone } = participant;
  const isYou = id === meeting.you;
  const isSpeaking = microphone && meeting.speakers.includes(id);
  const stream = talk.pictures.get(id);
  const [lines, setLines] = useState(0);
  const quality = meeting.sights.find((sight) => sight.id === id)?.quality;
  const hint = isYou || !camera ? undefined : sightText(quality, lines, name);
  const label = isYou ? "Your camera, as in a mirror" : `The camera of ${name}`;
  return (
    <li class={`face ${isSpeaking ? "speaking" : ""}`} data-testid="face" data-id={id} data-speaking={isSpeaking} title={hint}>
      {!camera || (isYou ? !devices.camera : !stream) ? (
        <span class="initials" aria-hidden="true">
          {initialsOf(name)}
        </span>
      ) : isYou ? (
        <Picture track={devices.camera as MediaStreamTrack} isMirrored label={label} testId="face-picture" />
      ) : (
        <Picture key={stream?.id} stream={stream as MediaStream} label={label} testId="face-picture" onLines={setLines} />
      )}
      <span class="caption">
        <span class="name">{isYou ? `${name} (you)` : name}</span>
        {!microphone && <span class="muted">muted</span>}
        {isSpeaking && <span class="unseen">speaks</span>}
      </span>
    </li>
  );
}

/** The size of an element's inside, as it changes. */
function useBox(element: { readonly current: HTMLElement | null }): { width: number; height: number } {
  const [box, setBox] = useState({ width: 0, height: 0 });
  useLayoutEffect(() => {
    const { current } = element;
    if (!current) return;
    const observer = new ResizeObserver(([entry]) => {
      if (entry) setBox({ width: entry.contentRect.width, height: entry.contentRect.height });
    });
    observer.observe(current);
    return () => observer.disconnect();
  }, [element]);
  return box;
}
