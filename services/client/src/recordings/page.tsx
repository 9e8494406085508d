// The recordings: what there is, and what can be done with it.

import { useCallback, useEffect, useState } from "preact/hooks";
import { ApiError, deleteRecording, listRecordings } from "../api";
import type { Recording } from "../protocol";
import { Confirm } from "../pages/confirm";
import { Problem } from "../pages/fields";
import { Shell } from "../pages/shell";
import { EditDialog } from "./edit";
import { type Dialog, Item } from "./item";
import { ShareDialog } from "./share";
import { whenText } from "./text";

/** The dialogue that is open, and about what. */
interface Open {
  readonly dialog: Dialog;
  readonly recording: Recording;
}

/** How often the list is asked for again while something in it still changes. */
const REFRESH_MS = 2_000;

export function RecordingsPage() {
  const [recordings, setRecordings] = useState<readonly Recording[] | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const [notice, setNotice] = useState("");
  const [playing, setPlaying] = useState<string | null>(null);
  const [open, setOpen] = useState<Open | null>(null);

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
    setOpen(null);
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
            onOpen={(dialog) => setOpen({ dialog, recording })}
          />
        ))}
      </ul>
      {open?.dialog === "edit" && (
        <EditDialog
          recording={open.recording}
          onClose={() => {
            setOpen(null);
            void refresh();
          }}
        />
      )}
      {open?.dialog === "share" && <ShareDialog recording={open.recording} onClose={() => setOpen(null)} />}
      {open?.dialog === "delete" && (
        <Confirm
          title="Delete this recording?"
          action="Delete everywhere"
          onConfirm={() => void remove(open.recording)}
          onCancel={() => setOpen(null)}
        >
          <p>
            {open.recording.title}, {whenText(open.recording.started)}. It is deleted in every region and cannot be brought back.
          </p>
        </Confirm>
      )}
    </Shell>
  );
}

function isUnsettled({ state, regions }: Recording): boolean {
  const isMoving = ["starting", "recording", "paused", "finishing", "degraded"].includes(state);
  return isMoving || regions.some((region) => region.state === "behind" || region.state === "deleting");
}

function listText(names: readonly string[]): string {
  if (names.length === 0) return "every region";
  return names.length === 1 ? `region ${names[0]}` : `regions ${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}
