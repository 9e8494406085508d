// One recording: what it looks like, how far it is, where its copies are, and what can be done with it.

import { recordingUrl } from "../api";
import { isSoundAlone, type Recording } from "../protocol";
import { Poster } from "./filmstrip";
import { Player } from "./player";
import { bytesText, copyText, durationText, keptText, recordingText, whenText } from "./text";

/** What is asked about a recording. */
export type Dialog = "edit" | "share" | "delete";

interface ItemProps {
  readonly recording: Recording;
  readonly isPlaying: boolean;
  readonly onPlay: () => void;
  readonly onOpen: (dialog: Dialog) => void;
}

export function Item({ recording, isPlaying, onPlay, onOpen }: ItemProps) {
  const { id, title, started, state, message, regions } = recording;
  const hasMedia = 0 < (recording.bytes ?? 0) && state !== "starting";
  const isSound = isSoundAlone(recording.layout);
  const hasPictures = hasMedia && !isSound && state !== "recording" && state !== "paused";
  return (
    <li class="card recording" data-testid="recording-item" data-id={id}>
      {hasPictures && !isPlaying && <Poster address={recordingUrl(id)} onPlay={onPlay} />}
      <div class="recording-text">
        <div class="row">
          <div>
            <h2>{title}</h2>
            <p class="quiet">
              {whenText(started)}, {durationText(recording.duration_ms)}, {bytesText(recording.bytes)}
              {keptText(recording.keep_until)}
            </p>
          </div>
          <span class={`badge ${state}`} data-testid="recording-item-state">
            {recordingText(recording)}
          </span>
        </div>
        {message && <p class="problem">{message}</p>}
        <ul class="regions" aria-label="Copies">
          {regions.map((region) => (
            <li key={region.name}>
              <span class={`dot ${region.state}`} aria-hidden="true" />
              Region {region.name}: {copyText(region.state)}
            </li>
          ))}
        </ul>
        <div class="buttons">
          <button type="button" data-testid="play" disabled={!hasMedia} aria-expanded={isPlaying} onClick={onPlay}>
            {isPlaying ? "Close" : "Play"}
            <span class="unseen"> {title}</span>
          </button>
          {hasMedia && (
            <a class="button" data-testid="download" href={`${recordingUrl(id)}/media?download`} download={`${title}.webm`}>
              Download<span class="unseen"> {title}</span>
            </a>
          )}
          <button type="button" data-testid="share" disabled={!hasMedia} onClick={() => onOpen("share")}>
            Share<span class="unseen"> {title}</span>
          </button>
          <button type="button" data-testid="edit" onClick={() => onOpen("edit")}>
            Name and keep<span class="unseen"> {title}</span>
          </button>
          <button type="button" class="danger" data-testid="delete" onClick={() => onOpen("delete")}>
            Delete<span class="unseen"> {title}</span>
          </button>
        </div>
      </div>
      {isPlaying && <Player address={recordingUrl(id)} title={title} isSound={isSound} durationMs={recording.duration_ms ?? 0} />}
    </li>
  );
}
