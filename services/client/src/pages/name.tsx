// Before a meeting that was opened by its link: who is joining?

import { useState } from "preact/hooks";
import { rememberedName, rememberName } from "../remembered";
import { Code } from "./code";
import { NameField, nameProblem } from "./fields";
import { Shell } from "./shell";

export function NameForm({ code, onName }: { code: string; onName: (name: string) => void }) {
  const [name, setName] = useState(rememberedName);
  const [problem, setProblem] = useState<string | null>(null);

  const join = (event: Event): void => {
    event.preventDefault();
    const missing = nameProblem(name);
    setProblem(missing);
    if (missing) {
      document.querySelector<HTMLInputElement>("[name=name]")?.focus();
      return;
    }
    rememberName(name.trim());
    onName(name.trim());
  };

  return (
    <Shell title="Join a meeting">
      <form class="card" onSubmit={join} noValidate>
        <p>
          Meeting <Code code={code} />
        </p>
        <NameField value={name} problem={problem} onValue={setName} />
        <button type="submit" class="primary" data-testid="join">
          Join
        </button>
      </form>
    </Shell>
  );
}
