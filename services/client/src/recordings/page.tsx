// The recordings: what there is, where its copies are; play, download, delete.

import { useCallback, useEffect, useState } from "preact/hooks";
import { ApiError, deleteRecording, listRecordings, mediaUrl } from "../api";
import type { Recording } from "../protocol";
import { Confirm } from "./confirm";
import { Problem } from "./fields";
import { bytesText, copyText, durationText, recordingText, whenText } from "./recording-text";
import { Shell } from "./shell";

/** How often the list is asked for again while something in it still changes. */
const REFRESH_MS = 2_000;

export function RecordingsPage() {
  const [recordings, setRecordings] = useState<readonly Recording[] | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const [notice, setNotice] = useState("");
  const [playing, setPlaying] = useState<string | null>(null);
  const [deleting, setDeleting] = useState<Recording | null>(null);

  const refresh = useCallback(async (): Promise<void> => {
    try {
      setRecordings(await listRecordings());
      setProblem(null);
    } catch (error) {
      setProblem(error instanceof ApiError ? error.message : String(error));
    }
  }, []);

  useEffect(() => void refresh(), [refresh]);

  const isMoving = problem !== null || recordings?.some(isUnsettled) === true;
  useEffect(() => {
    if (!isMoving) return;
    const timer = setInterval(() => void refresh(), REFRESH_MS);
    return () => clearInterval(timer);
  }, [isMoving, refresh]);

  const remove = async (recording: Recording): Promise<void> => {
    setDeleting(null);
    if (playing === recording.id) setPlaying(null);
    try {
      const { deleted, regions } = await deleteRecording(recording.id);
      setNotice(
        deleted
          ? `${recording.title} is deleted in ${listText(regions)}.`
          : `${recording.title} will be gone when ${listText(regions)} can be reached again.`,
      );
    } catch (error) {
      setNotice(error instanceof ApiError ? error.message : String(error));
    }
    await refresh();
  };

  return (
    <Shell title="Recordings" wide>
      <p role="status" class="notice" data-testid="notice">
        {notice}
      </p>
      <Problem text={problem} />
      {recordings === null && problem === null && <p>Loading …</p>}
      {recordings?.length === 0 && <p>Nothing is recorded yet. The host of a meeting starts a recording there.</p>}
      <ul class="recordings" data-testid="recordings-list">
        {recordings?.map((recording) => (
          <Item
            key={recording.id}
            recording={recording}
            isPlaying={playing === recording.id}
            onPlay={() => setPlaying(playing === recording.id ? null : recording.id)}
            onDelete={() => setDeleting(recording)}
          />
        ))}
      </ul>
      {deleting && (
        <Confirm
          title="Delete this recording?"
          action="Delete everywhere"
          onConfirm={() => void remove(deleting)}
          onCancel={() => setDeleting(null)}
        >
          <p>
            {deleting.title}, {whenText(deleting.started)}. It is deleted in every region and cannot be brought back.
          </p>
        </Confirm>
      )}
    </Shell>
  );
}

interface ItemProps {
  readonly recording: Recording;
  readonly isPlaying: boolean;
  readonly onPlay: () => void;
  readonly onDelete: () => void;
}

function Item({ recording, isPlaying, onPlay, onDelete }: ItemProps) {
  const { id, title, started, state, message, regions } = recording;
  const hasMedia = 0 < (recording.bytes ?? 0) && state !== "starting";
  return (
    <li class="card recording" data-testid="recording-item" data-id={id}>
      <div class="row">
        <div>
          <h2>{title}</h2>
          <p class="quiet">
            {whenText(started)}, {durationText(recording.duration_ms)}, {bytesText(recording.bytes)}
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
          <a class="button" data-testid="download" href={`${mediaUrl(id)}?download`} download={`${title}.webm`}>
            Download<span class="unseen"> {title}</span>
          </a>
        )}
        <button type="button" class="danger" data-testid="delete" onClick={onDelete}>
          Delete<span class="unseen"> {title}</span>
        </button>
      </div>
      {isPlaying && (
        <video data-testid="player" class="player" src={mediaUrl(id)} controls autoPlay preload="metadata" aria-label={title} />
      )}
    </li>
  );
}

function isUnsettled({ state, regions }: Recording): boolean {
  const isMoving = state === "starting" || state === "recording" || state === "finishing" || state === "degraded";
  return isMoving || regions.some((region) => region.state === "behind" || region.state === "deleting");
}

function listText(names: readonly string[]): string {
  if (names.length === 0) return "every region";
  return names.length === 1 ? `region ${names[0]}` : `regions ${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}
