// The screen, fitted into the page or pixel by pixel, with the pointer over it and the faces beside it; or the faces alone.

import type { ComponentChildren, RefObject } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Session, View } from "../meeting/session";
import { isPresenting, nameOf } from "../meeting/state";
import type { Way } from "../talk/layout";
import { Faces } from "./faces";

interface StageProps {
  readonly view: View;
  readonly session: Session;
  /** Called once: a canvas is handed to its painter for good. */
  readonly onCanvas: (canvas: HTMLCanvasElement, cursor: HTMLCanvasElement) => void;
  /** What can be done with the meeting, beside what can be done with the screen. */
  readonly children: ComponentChildren;
}

export function Stage({ view, session, onCanvas, children }: StageProps) {
  const stage = useRef<HTMLElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const cursor = useRef<HTMLCanvasElement>(null);
  const [fit, setFit] = useState<Fit>("fit");
  const [way, setWay] = useState<Way>("everybody");
  const [kept, setKept] = useState<number | null>(null);
  const isKept = view.meeting.participants.some(({ id }) => id === kept);

  useEffect(() => {
    if (canvas.current && cursor.current) onCanvas(canvas.current, cursor.current);
  }, [onCanvas]);

  const { meeting, isSharing } = view;
  const isShared = meeting.presenter !== null || isSharing;
  const toggleFullScreen = (): void => {
    if (document.fullscreenElement) void document.exitFullscreen();
    else void stage.current?.requestFullscreen().catch(() => undefined);
  };
  return (
    <main class="stage" ref={stage}>
      <div class={`scene ${isShared ? "shared" : "faces-alone"}`}>
        <Surface view={view} fit={fit} isShared={isShared} canvas={canvas} cursor={cursor} />
        <Faces
          key={isShared ? "strip" : "grid"}
          view={view}
          session={session}
          where={isShared ? "strip" : "grid"}
          way={way}
          kept={kept}
          onKeep={setKept}
        />
      </div>
      <p class="notice" role="status" data-testid="notice">
        {meeting.notice?.text}
      </p>
      <div class="tools">
        {children}
        <Choice
          name="How people are shown"
          options={WAYS}
          chosen={isKept ? null : way}
          onChoose={(wanted) => {
            setWay(wanted);
            setKept(null);
          }}
        />
        <div class="group">
          {isShared && <Choice name="How the screen is shown" options={FITS} chosen={fit} onChoose={setFit} />}
          <button type="button" data-testid="full-screen" onClick={toggleFullScreen}>
            Full screen
          </button>
        </div>
      </div>
    </main>
  );
}

interface SurfaceProps {
  readonly view: View;
  readonly fit: Fit;
  readonly isShared: boolean;
  readonly canvas: RefObject<HTMLCanvasElement | null>;
  readonly cursor: RefObject<HTMLCanvasElement | null>;
}

/** The screen and the pointer over it, or why there is none yet. */
function Surface({ view, fit, isShared, canvas, cursor }: SurfaceProps) {
  const { screen, isSharing } = view;
  const density = useDensity();
  const isShown = screen !== null && isShared && !isSharing;
  // A device pixel shows one pixel of the screen in 1:1, whatever the page's zoom.
  const style = screen
    ? { "--screen-width": screen.width, "--screen-height": screen.height, "--density": density }
    : {};

  return (
    <div
      class={`surface ${fit === "fit" ? "fitted" : "one-to-one"}`}
      style={style}
      tabIndex={0}
      role="region"
      aria-label="Shared screen"
      hidden={!isShared}
    >
      {!isShown && <p class="placeholder">{placeholderText(view)}</p>}
      <div class="screen" hidden={!isShown}>
        <canvas ref={canvas} data-testid="screen" role="img" aria-label={screenLabel(view)} />
        <canvas ref={cursor} class="cursor" data-testid="cursor" aria-hidden="true" hidden />
      </div>
    </div>
  );
}

type Fit = "fit" | "one-to-one";

type Options<T extends string> = readonly (readonly [value: T, text: string])[];

const WAYS: Options<Way> = [
  ["everybody", "Everybody"],
  ["speaker", "Speaker"],
];

const FITS: Options<Fit> = [
  ["fit", "Fit"],
  ["one-to-one", "1:1"],
];

interface ChoiceProps<T extends string> {
  readonly name: string;
  readonly options: Options<T>;
  /** None where something else counts. */
  readonly chosen: T | null;
  readonly onChoose: (value: T) => void;
}

/** One of a few, as buttons of which one is pressed. */
function Choice<T extends string>({ name, options, chosen, onChoose }: ChoiceProps<T>) {
  return (
    <div class="group" role="group" aria-label={name}>
      {options.map(([value, text]) => (
        <button key={value} type="button" data-testid={value} aria-pressed={value === chosen} onClick={() => onChoose(value)}>
          {text}
        </button>
      ))}
    </div>
  );
}

/** Device pixels a CSS pixel; it changes with the page's zoom, which the window tells as a new size. */
function useDensity(): number {
  const [density, setDensity] = useState(window.devicePixelRatio);
  useEffect(() => {
    const onResize = (): void => setDensity(window.devicePixelRatio);
    addEventListener("resize", onResize);
    return () => removeEventListener("resize", onResize);
  }, []);
  return density;
}

function placeholderText({ meeting, isSharing }: View): string {
  if (isPresenting(meeting)) return "You are presenting. The others see what you have chosen.";
  if (isSharing) return "Your screen is chosen. Waiting for the meeting to take it …";
  if (meeting.presenter !== null) return `${nameOf(meeting, meeting.presenter)} is presenting. Waiting for the screen …`;
  return "";
}

function screenLabel({ meeting }: View): string {
  return meeting.presenter === null ? "The shared screen" : `The screen of ${nameOf(meeting, meeting.presenter)}`;
}
