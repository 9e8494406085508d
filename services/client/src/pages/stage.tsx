// The screen, fitted into the page or pixel by pixel, with the pointer over it and the faces beside it; or the faces alone.

import type { ComponentChildren } from "preact";
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
  const [isFitted, setFitted] = useState(true);
  const [way, setWay] = useState<Way>("everybody");
  const [kept, setKept] = useState<number | null>(null);
  const isKept = view.meeting.participants.some(({ id }) => id === kept);
  const show = (wanted: Way): void => {
    setWay(wanted);
    setKept(null);
  };
  const density = useDensity();

  useEffect(() => {
    if (canvas.current && cursor.current) onCanvas(canvas.current, cursor.current);
  }, [onCanvas]);

  const { meeting, screen, isSharing } = view;
  const isShared = meeting.presenter !== null || isSharing;
  const isShown = screen !== null && isShared && !isSharing;
  const toggleFullScreen = (): void => {
    if (document.fullscreenElement) void document.exitFullscreen();
    else void stage.current?.requestFullscreen().catch(() => undefined);
  };
  // A device pixel shows one pixel of the screen in 1:1, whatever the page's zoom.
  const style = screen
    ? { "--screen-width": screen.width, "--screen-height": screen.height, "--density": density }
    : {};

  return (
    <main class="stage" ref={stage}>
      <div class={`scene ${isShared ? "shared" : "faces-alone"}`}>
        <div
          class={`surface ${isFitted ? "fitted" : "one-to-one"}`}
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
        <div class="group" role="group" aria-label="How people are shown">
          <button
            type="button"
            data-testid="show-everybody"
            aria-pressed={way === "everybody" && !isKept}
            onClick={() => show("everybody")}
          >
            Everybody
          </button>
          <button
            type="button"
            data-testid="show-speaker"
            aria-pressed={way === "speaker" && !isKept}
            onClick={() => show("speaker")}
          >
            Speaker
          </button>
        </div>
        <div class="group" role="group" aria-label="How the screen is shown">
          <button type="button" data-testid="fit" hidden={!isShared} aria-pressed={isFitted} onClick={() => setFitted(true)}>
            Fit
          </button>
          <button type="button" data-testid="one-to-one" hidden={!isShared} aria-pressed={!isFitted} onClick={() => setFitted(false)}>
            1:1
          </button>
          <button type="button" data-testid="full-screen" onClick={toggleFullScreen}>
            Full screen
          </button>
        </div>
      </div>
    </main>
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
