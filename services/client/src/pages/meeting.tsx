// The meeting: the screen, what can be done, who is there, and what they say.

import { useCallback, useEffect, useState } from "preact/hooks";
import { showHooks } from "../hooks";
import type { Join } from "../meeting/connection";
import { Session, type View } from "../meeting/session";
import { INITIAL, isOver } from "../meeting/state";
import { forgetHostToken } from "../remembered";
import { Chat } from "./chat";
import { Confirm } from "./confirm";
import { Head } from "./meeting-head";
import { Over } from "./over";
import { Roster } from "./roster";
import { Stage } from "./stage";
import { Tools } from "./tools";

const NOTHING_YET: View = { meeting: INITIAL, screen: null, isSharing: false };

export function MeetingPage({ join }: { join: Join }) {
  const [session, setSession] = useState<Session | null>(null);
  const [view, setView] = useState<View>(NOTHING_YET);
  const [isEnding, setEnding] = useState(false);

  useEffect(() => {
    const opened = new Session(join, setView);
    showHooks(opened);
    setSession(opened);
    // A closed tab is a participant who left: the socket is closed on purpose, not found broken later.
    const onHide = (event: PageTransitionEvent): void => {
      if (!event.persisted) opened.close();
    };
    addEventListener("pagehide", onHide);
    return () => {
      removeEventListener("pagehide", onHide);
      opened.close();
    };
  }, [join]);

  useEffect(() => {
    document.title = `Meeting ${join.code} - Convene`;
  }, [join.code]);

  const { meeting } = view;
  const wasEnded = meeting.phase.at === "ended" && meeting.you !== null;
  useEffect(() => {
    if (wasEnded && meeting.host) forgetHostToken(join.code);
  }, [wasEnded, meeting.host, join.code]);

  const onCanvas = useCallback(
    (canvas: HTMLCanvasElement, cursor: HTMLCanvasElement) => session?.show(canvas, cursor),
    [session],
  );

  if (!session || meeting.phase.at === "connecting") {
    return (
      <main class="column" aria-busy="true">
        <p role="status" data-testid="status">
          Joining the meeting …
        </p>
      </main>
    );
  }
  if (isOver(meeting)) return <Over meeting={meeting} code={join.code} />;
  return (
    <div class="meeting">
      <Head code={join.code} meeting={meeting} onRetry={() => session.retryNow()} />
      <Stage view={view} onCanvas={onCanvas}>
        <Tools view={view} session={session} onEnd={() => setEnding(true)} />
      </Stage>
      <aside class="side" aria-label="People and chat">
        <Roster meeting={meeting} />
        <Chat meeting={meeting} onSay={(text) => session.chat(text)} />
      </aside>
      {isEnding && (
        <Confirm
          title="End the meeting for all?"
          action="End for all"
          onConfirm={() => session.end()}
          onCancel={() => setEnding(false)}
        >
          <p>Everybody leaves, the code is given back, and a running recording is finished.</p>
        </Confirm>
      )}
    </div>
  );
}
