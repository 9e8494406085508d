// The meeting's head: its code and link, how the connection is, and the last thing that happened.

import { useEffect, useRef, useState } from "preact/hooks";
import { type MeetingState, type Phase } from "../meeting/state";
import { copy } from "./clipboard";
import { Code } from "./code";
import { Brand } from "./shell";

export function Head({ code, meeting, onRetry }: { code: string; meeting: MeetingState; onRetry: () => void }) {
  const [copied, setCopied] = useState("");
  const heading = useRef<HTMLHeadingElement>(null);
  const link = `${location.origin}/${code}`;
  // The form that had the keyboard is gone: go on from the top of the meeting.
  useEffect(() => heading.current?.focus(), []);

  const copyLink = async (): Promise<void> => {
    setCopied((await copy(link)) ? "Link copied" : "The browser did not let the link be copied; it is in the address bar.");
  };

  return (
    <header class="bar meeting-bar">
      <Brand />
      <h1 ref={heading} class="unseen" tabIndex={-1}>
        Meeting {code}
      </h1>
      <div class="invitation">
        <Code code={code} />
        <span class="link" data-testid="meeting-link">
          {link}
        </span>
        <button type="button" data-testid="copy-link" onClick={() => void copyLink()}>
          Copy link
        </button>
        <span role="status" class="quiet">
          {copied}
        </span>
      </div>
      <div class={`connection ${meeting.phase.at}`}>
        <span class="dot" aria-hidden="true" />
        <span role="status" data-testid="status">
          {statusText(meeting.phase)}
        </span>
        {meeting.phase.at === "reconnecting" && (
          <button type="button" data-testid="retry" onClick={onRetry}>
            Try now
          </button>
        )}
      </div>
    </header>
  );
}

function statusText(phase: Phase): string {
  switch (phase.at) {
    case "joined":
      return "Connected";
    case "reconnecting":
      return "Connection lost, trying again …";
    default:
      return "Connecting …";
  }
}
