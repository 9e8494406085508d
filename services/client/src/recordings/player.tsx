// Plays a recording: seeking with pictures, speed, volume, the whole screen, and all of it by keyboard.

import { useRef, useState } from "preact/hooks";
import { Filmstrip, shareOf } from "./filmstrip";
import { commandOf, nextSpeed, SPEEDS } from "./keys";
import { durationText } from "./text";

interface PlayerProps {
  /** Its media and its pictures are below it. */
  readonly address: string;
  readonly title: string;
  /** As far as the service knows: a recording that still grows does not say. */
  readonly durationMs: number;
}

export function Player({ address, title, durationMs }: PlayerProps) {
  const frame = useRef<HTMLDivElement>(null);
  const video = useRef<HTMLVideoElement>(null);
  const [time, setTime] = useState(0);
  const [length, setLength] = useState(durationMs / 1_000);
  const [isPaused, setIsPaused] = useState(true);
  const [isMuted, setIsMuted] = useState(false);
  const [speed, setSpeed] = useState(1);
  const [pointed, setPointed] = useState<number | null>(null);
  const [problem, setProblem] = useState("");

  const seek = (seconds: number): void => {
    if (video.current) video.current.currentTime = Math.min(Math.max(seconds, 0), length);
  };
  const toggle = (): void => {
    // Why it does not play is told by its error.
    if (video.current?.paused) void video.current.play().catch(() => undefined);
    else video.current?.pause();
  };
  const fill = (): void => {
    if (document.fullscreenElement) void document.exitFullscreen();
    else void frame.current?.requestFullscreen();
  };
  const setRate = (rate: number): void => {
    if (video.current) video.current.playbackRate = rate;
  };

  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.altKey || event.ctrlKey || event.metaKey || !video.current) return;
    const target = event.target as Element;
    // A button is pressed by the space bar, and a choice has its own keys.
    if (target instanceof HTMLSelectElement || (target instanceof HTMLButtonElement && event.key === " ")) return;
    const command = commandOf(event.key);
    if (!command) return;
    event.preventDefault();
    switch (command.do) {
      case "toggle":
        return toggle();
      case "mute":
        video.current.muted = !video.current.muted;
        return;
      case "fill":
        return fill();
      case "skip":
        return seek(video.current.currentTime + command.by);
      case "seek":
        return seek(command.to * length);
      case "speed":
        return setRate(nextSpeed(speed, command.by));
      case "volume":
        video.current.volume = Math.min(Math.max(video.current.volume + command.by, 0), 1);
    }
  };

  return (
    <div ref={frame} class="player-frame" role="group" aria-label={`Player of ${title}`} onKeyDown={onKeyDown}>
      <video
        ref={video}
        data-testid="player"
        class="player"
        src={`${address}/media`}
        autoPlay
        preload="metadata"
        tabIndex={0}
        aria-label={title}
        onClick={toggle}
        onTimeUpdate={({ currentTarget }) => setTime(currentTarget.currentTime)}
        onSeeking={({ currentTarget }) => setTime(currentTarget.currentTime)}
        onDurationChange={({ currentTarget: { duration } }) => {
          if (Number.isFinite(duration)) setLength(duration);
        }}
        onPlay={() => setIsPaused(false)}
        onPause={() => setIsPaused(true)}
        onVolumeChange={({ currentTarget }) => setIsMuted(currentTarget.muted || currentTarget.volume === 0)}
        onRateChange={({ currentTarget }) => setSpeed(currentTarget.playbackRate)}
        onError={({ currentTarget }) => setProblem(currentTarget.error?.message || "It cannot be played just now. Try again in a minute.")}
      />
      <p class="problem" role="alert">
        {problem && `The recording does not play: ${problem}`}
      </p>
      <div class="player-bar">
        <button type="button" class="small" data-testid="toggle" onClick={toggle}>
          {isPaused ? "Play" : "Pause"}
        </button>
        <div class="seek" onPointerMove={(event) => setPointed(shareOf(event))} onPointerLeave={() => setPointed(null)}>
          {pointed !== null && (
            <div class="seek-preview" style={{ left: `${pointed * 100}%` }} aria-hidden="true" data-testid="seek-preview">
              <Filmstrip address={address} share={pointed} />
              {durationText(pointed * length * 1_000)}
            </div>
          )}
          <input
            type="range"
            data-testid="seek"
            aria-label="Place in the recording"
            aria-valuetext={`${durationText(time * 1_000)} of ${durationText(length * 1_000)}`}
            min={0}
            max={length}
            step="any"
            value={time}
            onInput={({ currentTarget }) => seek(currentTarget.valueAsNumber)}
          />
        </div>
        <span class="quiet" data-testid="time">
          {durationText(time * 1_000)} / {durationText(length * 1_000)}
        </span>
        <select
          class="small"
          data-testid="speed"
          aria-label="Speed"
          value={String(speed)}
          onChange={({ currentTarget }) => setRate(Number(currentTarget.value))}
        >
          {SPEEDS.map((each) => (
            <option key={each} value={String(each)}>
              {each}×
            </option>
          ))}
        </select>
        <button
          type="button"
          class="small"
          aria-pressed={isMuted}
          onClick={() => {
            if (video.current) video.current.muted = !isMuted;
          }}
        >
          {isMuted ? "Unmute" : "Mute"}
        </button>
        <button type="button" class="small" onClick={fill}>
          Full screen
        </button>
      </div>
      <p class="quiet keys">
        Space plays and pauses, the arrows skip 5 s, J and L 10 s, digits go to tenths, &lt; and &gt; change the speed, M mutes, F fills the screen.
      </p>
    </div>
  );
}
