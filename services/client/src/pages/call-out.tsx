// Calling somebody into the meeting.

import { useId, useState } from "preact/hooks";
import { callOutText, calledName, numberProblem } from "../meeting/call-out";
import type { Session } from "../meeting/session";
import { type CallOut, NAME_CHARS_MAX } from "../protocol";

interface CallOutsProps {
  readonly calls: readonly CallOut[];
  readonly session: Session;
}

export function CallOuts({ calls, session }: CallOutsProps) {
  return (
    <section data-testid="call-out">
      <ul class="passes">
        {calls.map((call) => (
          <li key={call.id} data-testid="call-out-item">
            <span class="name">{calledName(call)}</span>{" "}
            <span role="status" class="quiet" data-testid="call-out-state">
              {callOutText(call)}
            </span>
            <div class="buttons">
              {call.state === "failed" && (
                <button type="button" class="small" data-testid="call-out-again" onClick={() => again(session, call)}>
                  Call again<span class="unseen"> for {calledName(call)}</span>
                </button>
              )}
              <button type="button" class="small" data-testid="call-out-stop" onClick={() => session.stopCallOut(call.id)}>
                {call.state === "failed" ? "Put away" : "Hang up"}
                <span class="unseen"> the call to {calledName(call)}</span>
              </button>
            </div>
          </li>
        ))}
      </ul>
      <CallForm onCall={(number, name) => session.callOut(number, name)} />
    </section>
  );
}

function again(session: Session, { id, number, name }: CallOut): void {
  session.stopCallOut(id);
  session.callOut(number, name);
}

function CallForm({ onCall }: { onCall: (number: string, name: string | null) => void }) {
  const [number, setNumber] = useState("");
  const [name, setName] = useState("");
  const id = useId();
  const problem = numberProblem(number);
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (problem !== null) return;
        onCall(number.trim(), name.trim() || null);
        setNumber("");
        setName("");
      }}
    >
      <div class="field">
        <label for={`${id}-number`}>Call somebody</label>
        <input
          id={`${id}-number`}
          data-testid="call-out-number"
          type="tel"
          autocomplete="off"
          placeholder="+49 30 123456"
          value={number}
          aria-invalid={number !== "" && problem !== null}
          aria-describedby={`${id}-problem`}
          onInput={(event) => setNumber(event.currentTarget.value)}
        />
        <p id={`${id}-problem`} class="problem" role="alert">
          {number !== "" && problem}
        </p>
      </div>
      <div class="field">
        <label for={`${id}-name`}>What they are called in the meeting</label>
        <input
          id={`${id}-name`}
          data-testid="call-out-name"
          autocomplete="off"
          maxLength={NAME_CHARS_MAX}
          value={name}
          onInput={(event) => setName(event.currentTarget.value)}
        />
      </div>
      <div class="buttons">
        <button type="submit" class="small" data-testid="call-out-start" disabled={problem !== null}>
          Call
        </button>
      </div>
      <p class="quiet">They hear what it is about, and are in the meeting when they press 1.</p>
    </form>
  );
}
