// Plays a recording, with or without pictures: seeking by them, speed, volume, the whole screen, and all of it by keyboard.

import { useState } from "preact/hooks";
import { Filmstrip, shareOf } from "./filmstrip";
import { SPEEDS } from "./keys";
import { type Playback, usePlayback } from "./playback";
import { durationText } from "./text";

interface PlayerProps {
  /** Its media and its pictures are below it. */
  readonly address: string;
  readonly title: string;
  /** There is nothing to see. */
  readonly isSound: boolean;
  readonly durationMs: number;
}

export function Player({ address, title, isSound, durationMs }: PlayerProps) {
  const playback = usePlayback(durationMs);
  const media = {
    ref: (element: HTMLMediaElement | null) => {
      playback.media.current = element;
    },
    "data-testid": "player",
    src: `${address}/media`,
    autoPlay: true,
    preload: "metadata",
    ...playback.listeners,
  } as const;
  return (
    // What is only heard cannot be focused itself.
    <div
      ref={playback.frame}
      class="player-frame"
      role="group"
      aria-label={`Player of ${title}`}
      tabIndex={isSound ? 0 : undefined}
      onKeyDown={playback.onKeyDown}
    >
      {isSound ? <audio {...media} /> : <video {...media} class="player" tabIndex={0} aria-label={title} onClick={() => playback.perform({ do: "toggle" })} />}
      <p class="problem" role="alert">
        {playback.problem && `The recording does not play: ${playback.problem}`}
      </p>
      <Bar playback={playback} address={address} isSound={isSound} />
      <p class="quiet keys">
        Space plays and pauses, the arrows skip 5 s, J and L 10 s, digits go to tenths, &lt; and &gt; change the speed, M mutes{isSound ? "." : ", F fills the screen."}
      </p>
    </div>
  );
}

function Bar({ playback, address, isSound }: { playback: Playback; address: string; isSound: boolean }) {
  const { time, length, isPaused, isMuted, speed, perform, setSpeed } = playback;
  return (
    <div class="player-bar">
      <button type="button" class="small" data-testid="toggle" onClick={() => perform({ do: "toggle" })}>
        {isPaused ? "Play" : "Pause"}
      </button>
      <Seek playback={playback} address={address} isSound={isSound} />
      <span class="quiet" data-testid="time">
        {durationText(time * 1_000)} / {durationText(length * 1_000)}
      </span>
      <select
        class="small"
        data-testid="speed"
        aria-label="Speed"
        value={String(speed)}
        onChange={({ currentTarget }) => setSpeed(Number(currentTarget.value))}
      >
        {SPEEDS.map((each) => (
          <option key={each} value={String(each)}>
            {each}×
          </option>
        ))}
      </select>
      <button type="button" class="small" onClick={() => perform({ do: "mute" })}>
        {isMuted ? "Unmute" : "Mute"}
      </button>
      {!isSound && (
        <button type="button" class="small" onClick={() => perform({ do: "fill" })}>
          Full screen
        </button>
      )}
    </div>
  );
}

/** The place in the recording, and what was there under the pointer. */
function Seek({ playback: { time, length, seek }, address, isSound }: { playback: Playback; address: string; isSound: boolean }) {
  const [pointed, setPointed] = useState<number | null>(null);
  return (
    <div class="seek" onPointerMove={(event) => setPointed(shareOf(event))} onPointerLeave={() => setPointed(null)}>
      {pointed !== null && (
        <div class="seek-preview" style={{ left: `${pointed * 100}%` }} aria-hidden="true" data-testid="seek-preview">
          {!isSound && <Filmstrip address={address} share={pointed} />}
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
  );
}
