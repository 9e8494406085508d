// After the meeting, or instead of it.

import type { MeetingState } from "../meeting/state";
import { Shell } from "./shell";

export function Over({ meeting, code }: { meeting: MeetingState; code: string }) {
  const { phase } = meeting;
  const isRefused = phase.at === "refused";
  const message = isRefused || phase.at === "ended" ? phase.message : "";
  // The same code may work in a minute, or when somebody has left.
  const canTryAgain = isRefused ? phase.reason !== "no-meeting" : meeting.phase.at === "ended" && message.startsWith("You have left");
  return (
    <Shell title={isRefused ? "The meeting could not be joined" : "The meeting is over"}>
      <div class="card">
        <p role="status" data-testid="status">
          {message}
        </p>
        <div class="buttons">
          {canTryAgain && (
            <a class="button primary" href={`/${code}`}>
              {isRefused ? "Try again" : "Join again"}
            </a>
          )}
          <a class="button" href="/">
            Start or join another meeting
          </a>
          {meeting.recording && (
            <a class="button" href="/recordings">
              Recordings
            </a>
          )}
        </div>
      </div>
    </Shell>
  );
}
