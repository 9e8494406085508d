// The people: a grid when nothing is shared, a strip beside a shared screen; or one of them large, and the others in the strip.

import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Session, View } from "../meeting/session";
import { CAMERAS_MAX, type Participant } from "../protocol";
import { gridOf, initialsOf, mainOf, seatsOf, type Way, wishesOf } from "../talk/layout";
import { sightText } from "../talk/text";
import { Picture } from "./picture";

interface FacesProps {
  readonly view: View;
  readonly session: Session;
  readonly where: "grid" | "strip";
  readonly way: Way;
  /** Who is kept large, whoever speaks. */
  readonly kept: number | null;
  readonly onKeep: (id: number | null) => void;
}

/** How high a face beside the screen is, in CSS pixels, and one that is large there; talk.css has the same. */
const STRIP_HEIGHT = 120;
const LARGE_HEIGHT = 240;

export function Faces({ view, session, where, way, kept, onKeep }: FacesProps) {
  const { meeting } = view;
  const [all, large] = [useRef<HTMLUListElement>(null), useRef<HTMLUListElement>(null)];
  const [box, largeBox] = [useBox(all), useBox(large)];
  const before = useRef<number | null>(null);
  const isThere = meeting.participants.some(({ id }) => id === kept);
  const main = way === "speaker" || isThere ? mainOf(meeting, kept, before.current) : null;
  useEffect(() => {
    before.current = main?.id ?? null;
  }, [main?.id]);

  const isGrid = where === "grid" && !main;
  const others = main ? { ...meeting, participants: meeting.participants.filter(({ id }) => id !== main.id) } : meeting;
  const { faces, more } = seatsOf(others, isGrid ? "grid" : "strip");
  const { width, height } = meeting.cameraPolicy;
  const proportion = width / height;
  const grid = isGrid ? gridOf(faces.length + (0 < more ? 1 : 0), box, proportion) : null;
  const largest = where === "grid" ? gridOf(1, largeBox, proportion) : { width: LARGE_HEIGHT * proportion, height: LARGE_HEIGHT };
  const density = window.devicePixelRatio;
  const wishes = [
    ...wishesOf(meeting, main ? [main] : [], largest.height * density),
    ...wishesOf(meeting, faces, (grid?.height ?? STRIP_HEIGHT) * density),
  ].slice(0, CAMERAS_MAX);
  const isMeasured = 0 < largest.height || !main;
  const asked = JSON.stringify(wishes);
  useEffect(() => {
    if (isMeasured) session.wish(wishes);
  }, [session, asked, isMeasured]);

  const face = (participant: Participant) => (
    <Face
      key={participant.id}
      participant={participant}
      view={view}
      isKept={participant.id === kept}
      onKeep={1 < meeting.participants.length ? onKeep : null}
    />
  );
  const style = { "--proportion": proportion, ...(grid ? { "--columns": grid.columns, "--face-width": `${grid.width}px` } : {}) };
  return (
    <div class={`people ${where} ${main ? "with-one-large" : ""}`}>
      {main && (
        <ul
          key="large"
          class="faces large"
          ref={large}
          style={{ "--proportion": proportion, "--face-width": `${largest.width}px` }}
          aria-label="The speaker"
          data-testid="large-face"
        >
          {face(main)}
        </ul>
      )}
      <ul key="all" class={`faces ${isGrid ? "grid" : "strip"}`} ref={all} style={style} aria-label="Faces" data-testid="faces">
        {faces.map(face)}
        {0 < more && <li class="face more">{`${more} more`}</li>}
      </ul>
    </div>
  );
}

interface FaceProps {
  readonly participant: Participant;
  readonly view: View;
  readonly isKept: boolean;
  /** Null where there is nobody else. */
  readonly onKeep: ((id: number | null) => void) | null;
}

function Face({ participant, view, isKept, onKeep }: FaceProps) {
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
      {onKeep && (
        <button
          type="button"
          class="keep small"
          data-testid="keep-large"
          aria-pressed={isKept}
          aria-label={isKept ? `Show ${name} as everybody` : `Keep ${name} large`}
          onClick={() => onKeep(isKept ? null : id)}
        >
          {isKept ? "Unpin" : "Pin"}
        </button>
      )}
    </li>
  );
}

/** The size of an element's inside, as it changes. */
function useBox(element: { readonly current: HTMLElement | null }): { width: number; height: number } {
  const [box, setBox] = useState({ width: 0, height: 0 });
  const observed = useRef<HTMLElement | null>(null);
  const observer = useRef<ResizeObserver | null>(null);
  // After each time it is drawn: the element may be another one, or none.
  useLayoutEffect(() => {
    if (element.current === observed.current) return;
    observer.current?.disconnect();
    observed.current = element.current;
    if (!element.current) return;
    observer.current = new ResizeObserver(([entry]) => {
      if (entry) setBox({ width: entry.contentRect.width, height: entry.contentRect.height });
    });
    observer.current.observe(element.current);
  });
  useLayoutEffect(() => () => observer.current?.disconnect(), []);
  return box;
}
