// Links that show a recording to others: until when, with a password or without one, and how to take them back.

import { useId, useState } from "preact/hooks";
import { ApiError, shareRecording, takeLinksBack } from "../api";
import { copy } from "../pages/clipboard";
import type { Recording } from "../protocol";
import { FormDialog } from "./dialog";
import { whenText } from "./text";

const DAYS: readonly (readonly [days: number, text: string])[] = [
  [1, "1 day"],
  [7, "7 days"],
  [30, "30 days"],
  [365, "1 year"],
];
const DAY_MS = 86_400_000;

export function ShareDialog({ recording, onClose }: { recording: Recording; onClose: () => void }) {
  const [days, setDays] = useState(7);
  const [password, setPassword] = useState("");
  const [link, setLink] = useState("");
  const [told, setTold] = useState("");
  const [problem, setProblem] = useState<string | null>(null);
  const [daysId, passwordId, linkId] = [useId(), useId(), useId()];

  const attempt = async (work: () => Promise<void>): Promise<void> => {
    try {
      setProblem(null);
      await work();
    } catch (error) {
      setProblem(error instanceof ApiError ? error.message : String(error));
    }
  };
  const share = (): Promise<void> =>
    attempt(async () => {
      const until = new Date(Date.now() + days * DAY_MS).toISOString();
      const given = await shareRecording(recording.id, password === "" ? { until } : { until, password });
      setLink(given.link);
      setTold(`Whoever has this link sees the recording until ${whenText(given.until)}.`);
    });
  const onCopy = async (): Promise<void> => {
    setTold((await copy(link)) ? "Link copied" : "The browser did not let the link be copied; select it by hand.");
  };
  const takeBack = (): Promise<void> =>
    attempt(async () => {
      await takeLinksBack(recording.id);
      setLink("");
      setTold("All links to this recording have ended. What somebody looks at now may go on for five minutes.");
    });

  return (
    <FormDialog
      title={`Share ${recording.title}`}
      action="Make a link"
      problem={problem}
      testId="share-dialog"
      onSubmit={() => void share()}
      onClose={onClose}
    >
      <div class="field">
        <label for={daysId}>It shows the recording for</label>
        <select id={daysId} data-testid="share-days" value={String(days)} onChange={(event) => setDays(Number(event.currentTarget.value))}>
          {DAYS.map(([value, text]) => (
            <option key={value} value={String(value)}>
              {text}
            </option>
          ))}
        </select>
      </div>
      <div class="field">
        <label for={passwordId}>Password, if it is to have one</label>
        <input
          id={passwordId}
          data-testid="share-password"
          autocomplete="off"
          minLength={4}
          maxLength={100}
          value={password}
          onInput={(event) => setPassword(event.currentTarget.value)}
        />
      </div>
      {link !== "" && (
        <div class="field">
          <label for={linkId}>Link</label>
          <input id={linkId} data-testid="share-link" readOnly value={link} onFocus={(event) => event.currentTarget.select()} />
          <button type="button" data-testid="copy-share-link" onClick={() => void onCopy()}>
            Copy link
          </button>
        </div>
      )}
      <p role="status" class="quiet" data-testid="share-told">
        {told}
      </p>
      <button type="button" class="small danger" data-testid="take-back" onClick={() => void takeBack()}>
        Take all links back
      </button>
    </FormDialog>
  );
}
