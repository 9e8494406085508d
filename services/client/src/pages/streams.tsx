// How programs send into the meeting and watch it: passes that the host gives out and takes back.

import { useId, useState } from "preact/hooks";
import type { Session } from "../meeting/session";
import { streamAddress } from "../meeting/stream-address";
import { NAME_CHARS_MAX, type Pass, type StreamKind } from "../protocol";
import { copy } from "./clipboard";
import { nameProblem } from "./fields";

interface StreamsProps {
  readonly passes: readonly Pass[];
  readonly code: string;
  readonly session: Session;
}

export function StreamDetails({ passes, code, session }: StreamsProps) {
  return (
    <details class="dial-in" data-testid="streams">
      <summary>Stream into this meeting</summary>
      <p class="quiet">
        A program sends a camera by WHIP (VP8 and Opus), or shows the meeting by WHEP. Give it the address and the token of a pass of its own.
      </p>
      <ul class="passes">
        {passes.map((pass) => (
          <PassItem key={pass.id} pass={pass} code={code} onForbid={() => session.forbid(pass.id)} />
        ))}
      </ul>
      <PassForm onAllow={(kind, name) => session.allow(kind, name)} />
    </details>
  );
}

function PassItem({ pass, code, onForbid }: { pass: Pass; code: string; onForbid: () => void }) {
  const [told, setTold] = useState("");
  /** What cannot be copied is to be selected by hand instead. */
  const give = async (what: string, text: string): Promise<void> => setTold((await copy(text)) ? `${what} copied` : text);
  return (
    <li data-testid="pass">
      <span class="name">{pass.name}</span> <span class="badge">{pass.kind === "send" ? "sends" : "watches"}</span>
      <div class="buttons">
        <button
          type="button"
          class="small"
          data-testid="copy-stream-address"
          onClick={() => void give("Address", streamAddress(pass.kind, code, location.origin))}
        >
          Copy address<span class="unseen"> of {pass.name}</span>
        </button>
        <button type="button" class="small" data-testid="copy-stream-token" onClick={() => void give("Token", pass.token)}>
          Copy token<span class="unseen"> of {pass.name}</span>
        </button>
        <button type="button" class="small danger" data-testid="forbid-stream" onClick={onForbid}>
          Take back<span class="unseen"> the pass of {pass.name}</span>
        </button>
      </div>
      <span role="status" class="quiet" data-testid="stream-copied">
        {told}
      </span>
    </li>
  );
}

function PassForm({ onAllow }: { onAllow: (kind: StreamKind, name: string) => void }) {
  const [name, setName] = useState("");
  const id = useId();
  const allow = (kind: StreamKind): void => {
    if (nameProblem(name) !== null) return;
    onAllow(kind, name.trim());
    setName("");
  };
  const isNameless = nameProblem(name) !== null;
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        allow("send");
      }}
    >
      <div class="field">
        <label for={id}>What the program is called in the meeting</label>
        <input
          id={id}
          data-testid="stream-name"
          autocomplete="off"
          maxLength={NAME_CHARS_MAX}
          value={name}
          onInput={(event) => setName(event.currentTarget.value)}
        />
      </div>
      <div class="buttons">
        <button type="submit" class="small" data-testid="allow-send" disabled={isNameless}>
          Let it send
        </button>
        <button type="button" class="small" data-testid="allow-watch" disabled={isNameless} onClick={() => allow("watch")}>
          Let it watch
        </button>
      </div>
    </form>
  );
}
