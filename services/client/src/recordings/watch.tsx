// What somebody with a link to a recording sees.

import { useCallback, useEffect, useId, useState } from "preact/hooks";
import { ApiError, watchRecording } from "../api";
import { Problem } from "../pages/fields";
import { Brand } from "../pages/shell";
import { isSoundAlone, type Shown } from "../protocol";
import { Player } from "./player";
import { durationText, whenText } from "./text";

export function WatchPage({ token }: { token: string }) {
  const [shown, setShown] = useState<Shown | null>(null);
  const [needsPassword, setNeedsPassword] = useState(false);
  const [password, setPassword] = useState("");
  const [problem, setProblem] = useState<string | null>(null);
  const id = useId();

  const knock = useCallback(
    async (word?: string): Promise<void> => {
      try {
        const answer = await watchRecording(token, word);
        setShown(answer);
        document.title = `${answer.title} - Convene`;
      } catch (error) {
        const asksFirst = error instanceof ApiError && error.reason === "password-needed";
        setNeedsPassword((before) => before || asksFirst);
        setProblem(asksFirst ? null : error instanceof Error ? error.message : String(error));
      }
    },
    [token],
  );
  useEffect(() => void knock(), [knock]);

  return (
    <div class="page">
      <header class="bar">
        <Brand />
      </header>
      <main class="column wide">
        <h1 data-testid="watch-title">{shown?.title ?? "A recording"}</h1>
        {shown && (
          <>
            <p class="quiet">
              {whenText(shown.started)}, {durationText(shown.duration_ms)}. This link ends {whenText(shown.until)}.
            </p>
            <Player address={shown.address} title={shown.title} isSound={isSoundAlone(shown.layout)} durationMs={shown.duration_ms} />
          </>
        )}
        {!shown && needsPassword && (
          <form
            class="card"
            onSubmit={(event) => {
              event.preventDefault();
              void knock(password);
            }}
          >
            <div class="field">
              <label for={id}>Password</label>
              <input
                id={id}
                type="password"
                data-testid="watch-password"
                autocomplete="current-password"
                required
                value={password}
                onInput={(event) => setPassword(event.currentTarget.value)}
              />
            </div>
            <button type="submit" class="primary" data-testid="watch-submit">
              Watch
            </button>
          </form>
        )}
        <Problem text={shown ? null : problem} />
      </main>
    </div>
  );
}
