// What a recording is called, and how long it is kept.

import { useId, useState } from "preact/hooks";
import { ApiError, changeRecording } from "../api";
import type { Recording } from "../protocol";
import { FormDialog } from "./dialog";
import { dayOf, endOfDay } from "./text";

const TITLE_CHARS_MAX = 120;

export function EditDialog({ recording, onClose }: { recording: Recording; onClose: () => void }) {
  const [title, setTitle] = useState(recording.title);
  const [day, setDay] = useState(recording.keep_until === null ? "" : dayOf(recording.keep_until));
  const [problem, setProblem] = useState<string | null>(null);
  const [titleId, dayId] = [useId(), useId()];
  const save = async (): Promise<void> => {
    try {
      await changeRecording(recording.id, { title, keep_until: day === "" ? null : endOfDay(day) });
      onClose();
    } catch (error) {
      setProblem(error instanceof ApiError ? error.message : String(error));
    }
  };
  return (
    <FormDialog title="Name and keep" action="Save" problem={problem} testId="edit-dialog" onSubmit={() => void save()} onClose={onClose}>
      <div class="field">
        <label for={titleId}>Title</label>
        <input
          id={titleId}
          data-testid="title-input"
          autocomplete="off"
          required
          maxLength={TITLE_CHARS_MAX}
          value={title}
          onInput={(event) => setTitle(event.currentTarget.value)}
        />
      </div>
      <div class="field">
        <label for={dayId}>Keep until the end of this day; for ever when there is none</label>
        <input id={dayId} type="date" data-testid="keep-input" value={day} onInput={(event) => setDay(event.currentTarget.value)} />
      </div>
    </FormDialog>
  );
}
