// The meeting: the screen, the faces, what can be done, who is there, and what they say.

import { useCallback, useEffect, useMemo, useState } from "preact/hooks";
import { showHooks } from "../hooks";
import type { Join } from "../meeting/connection";
import { Session, type View } from "../meeting/session";
import { INITIAL, isOver } from "../meeting/state";
import { forgetHostToken } from "../remembered";
import type { Devices } from "../talk/devices";
import { SILENT } from "../talk/talk";
import { Chat } from "./chat";
import { Confirm } from "./confirm";
import { DevicesDialog } from "./devices-dialog";
import { DialInDetails } from "./dial-in";
import { Head } from "./meeting-head";
import { Over } from "./over";
import { Roster } from "./roster";
import { Sound } from "./sound";
import { Stage } from "./stage";
import { StreamDetails } from "./streams";
import { Tools } from "./tools";

export function MeetingPage({ join, devices }: { join: Join; devices: Devices }) {
  const [session, setSession] = useState<Session | null>(null);
  const nothingYet = useMemo<View>(
    () => ({ meeting: INITIAL, screen: null, isSharing: false, talk: SILENT, devices: devices.view }),
    [devices],
  );
  const [view, setView] = useState(nothingYet);
  const [isEnding, setEnding] = useState(false);
  const [isChoosing, setChoosing] = useState(false);

  useEffect(() => {
    const opened = new Session(join, devices, setView);
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
  }, [join, devices]);

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
      <Stage view={view} session={session} onCanvas={onCanvas}>
        <Tools view={view} session={session} onDevices={() => setChoosing(true)} onEnd={() => setEnding(true)} />
        <Sound sound={view.talk.sound} speaker={view.devices.chosen.speaker} />
      </Stage>
      <aside class="side" aria-label="People and chat">
        <Roster meeting={meeting} session={session} />
        <div class="ways">
          {meeting.dialIn && (
            <DialInDetails dialIn={meeting.dialIn} code={join.code} calls={meeting.callOuts} session={session} />
          )}
          {meeting.host && <StreamDetails passes={meeting.passes} code={join.code} session={session} />}
        </div>
        <Chat meeting={meeting} onSay={(text) => session.chat(text)} />
      </aside>
      {isChoosing && <DevicesDialog devices={devices} onClose={() => setChoosing(false)} />}
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
