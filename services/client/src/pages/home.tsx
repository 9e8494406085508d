// The first page: start a meeting, or join one by its code.

import { useState } from "preact/hooks";
import { ApiError, startMeeting } from "../api";
import { parseCodeOrLink } from "../meeting/code";
import { rememberedName, rememberHostToken, rememberName } from "../remembered";
import type { Devices } from "../talk/devices";
import { DevicePanel } from "./device-panel";
import { CodeField, NameField, nameProblem, Problem } from "./fields";
import { Shell } from "./shell";

interface Problems {
  readonly name?: string | null;
  readonly code?: string | null;
  readonly start?: string | null;
}

interface HomePageProps {
  readonly devices: Devices;
  readonly onEnter: (code: string, name: string) => void;
}

export function HomePage({ devices, onEnter }: HomePageProps) {
  const [name, setName] = useState(rememberedName);
  const [code, setCode] = useState("");
  const [problems, setProblems] = useState<Problems>({});
  const [isStarting, setStarting] = useState(false);

  /** Null, and says so, when there is no name. */
  const takeName = (): string | null => {
    const problem = nameProblem(name);
    setProblems({ name: problem });
    if (problem) {
      document.querySelector<HTMLInputElement>("[name=name]")?.focus();
      return null;
    }
    rememberName(name.trim());
    return name.trim();
  };

  const start = async (): Promise<void> => {
    const host = takeName();
    if (host === null || isStarting) return;
    setStarting(true);
    try {
      const meeting = await startMeeting();
      rememberHostToken(meeting.code, meeting.token);
      onEnter(meeting.code, host);
    } catch (error) {
      setProblems({ start: error instanceof ApiError ? error.message : String(error) });
      setStarting(false);
    }
  };

  const join = (event: Event): void => {
    event.preventDefault();
    const guest = takeName();
    if (guest === null) return;
    const parsed = parseCodeOrLink(code);
    if (parsed) {
      onEnter(parsed, guest);
      return;
    }
    setProblems({ code: "A meeting's code has nine digits, for example 123 456 789." });
    document.querySelector<HTMLInputElement>("[name=code]")?.focus();
  };

  return (
    <Shell title="Convene">
      <p class="lead">Share a screen, talk it over, keep a recording.</p>
      <form class="card" onSubmit={join} noValidate>
        <NameField value={name} problem={problems.name ?? null} onValue={setName} />
        <details data-testid="devices" onToggle={(event) => event.currentTarget.open && devices.restore()}>
          <summary>Camera and microphone</summary>
          <DevicePanel devices={devices} />
        </details>
        <div class="choices">
          <section aria-labelledby="start-heading">
            <h2 id="start-heading">Start a meeting</h2>
            <p>You get a code and a link to pass on.</p>
            <button type="button" class="primary" data-testid="start-meeting" disabled={isStarting} onClick={() => void start()}>
              {isStarting ? "Starting …" : "Start a meeting"}
            </button>
            <Problem text={problems.start ?? null} />
          </section>
          <section aria-labelledby="join-heading">
            <h2 id="join-heading">Join a meeting</h2>
            <CodeField value={code} problem={problems.code ?? null} onValue={setCode} />
            <button type="submit" data-testid="join">
              Join
            </button>
          </section>
        </div>
      </form>
    </Shell>
  );
}
