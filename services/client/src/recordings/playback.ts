// What a player knows of its video or sound, and what can be done with it.

import type { MediaHTMLAttributes, RefObject } from "preact";
import { useRef, useState } from "preact/hooks";
import { type Command, commandOf, nextSpeed } from "./keys";

type Listeners = Pick<
  MediaHTMLAttributes<HTMLMediaElement>,
  "onTimeUpdate" | "onSeeking" | "onDurationChange" | "onPlay" | "onPause" | "onVolumeChange" | "onRateChange" | "onError"
>;

export interface Playback {
  readonly media: RefObject<HTMLMediaElement | null>;
  /** What fills the screen. */
  readonly frame: RefObject<HTMLDivElement | null>;
  /** What that is to tell. */
  readonly listeners: Listeners;
  /** In seconds. */
  readonly time: number;
  readonly length: number;
  readonly isPaused: boolean;
  readonly isMuted: boolean;
  readonly speed: number;
  /** Why it does not play, as a sentence; empty while it can. */
  readonly problem: string;
  seek(seconds: number): void;
  perform(command: Command): void;
  setSpeed(speed: number): void;
  onKeyDown(event: KeyboardEvent): void;
}

/** `durationMs` is what the service knows: a recording that still grows does not say. */
export function usePlayback(durationMs: number): Playback {
  const frame = useRef<HTMLDivElement>(null);
  const media = useRef<HTMLMediaElement>(null);
  const [time, setTime] = useState(0);
  const [length, setLength] = useState(durationMs / 1_000);
  const [isPaused, setIsPaused] = useState(true);
  const [isMuted, setIsMuted] = useState(false);
  const [speed, setShownSpeed] = useState(1);
  const [problem, setProblem] = useState("");

  const seek = (seconds: number): void => {
    if (media.current) media.current.currentTime = Math.min(Math.max(seconds, 0), length);
  };
  const setSpeed = (rate: number): void => {
    if (media.current) media.current.playbackRate = rate;
  };
  const perform = (command: Command): void => {
    if (media.current && frame.current) carryOut(command, media.current, frame.current, length);
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const target = event.target as Element;
    // A button is pressed by the space bar, and a choice has its own keys.
    if (target instanceof HTMLSelectElement || (target instanceof HTMLButtonElement && event.key === " ")) return;
    const command = commandOf(event.key);
    if (!command) return;
    event.preventDefault();
    perform(command);
  };
  const listeners: Listeners = {
    onTimeUpdate: ({ currentTarget }) => setTime(currentTarget.currentTime),
    onSeeking: ({ currentTarget }) => setTime(currentTarget.currentTime),
    onDurationChange: ({ currentTarget: { duration } }) => {
      if (Number.isFinite(duration)) setLength(duration);
    },
    onPlay: () => setIsPaused(false),
    onPause: () => setIsPaused(true),
    onVolumeChange: ({ currentTarget }) => setIsMuted(currentTarget.muted || currentTarget.volume === 0),
    onRateChange: ({ currentTarget }) => setShownSpeed(currentTarget.playbackRate),
    onError: ({ currentTarget }) => setProblem(currentTarget.error?.message || "It cannot be played just now. Try again in a minute."),
  };
  return { media, frame, listeners, time, length, isPaused, isMuted, speed, problem, seek, perform, setSpeed, onKeyDown };
}

function carryOut(command: Command, media: HTMLMediaElement, frame: HTMLElement, length: number): void {
  switch (command.do) {
    case "toggle":
      // Why it does not play is told by its error.
      if (media.paused) void media.play().catch(() => undefined);
      else media.pause();
      break;
    case "mute":
      media.muted = !media.muted;
      break;
    case "fill":
      // Sound has nothing to fill a screen with.
      if (media instanceof HTMLAudioElement) break;
      if (document.fullscreenElement) void document.exitFullscreen();
      else void frame.requestFullscreen();
      break;
    case "skip":
      media.currentTime = Math.min(Math.max(media.currentTime + command.by, 0), length);
      break;
    case "seek":
      media.currentTime = command.to * length;
      break;
    case "speed":
      media.playbackRate = nextSpeed(media.playbackRate, command.by);
      break;
    case "volume":
      media.volume = Math.min(Math.max(media.volume + command.by, 0), 1);
  }
}
