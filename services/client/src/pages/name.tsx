// Before a meeting that was opened by its link: who is joining?

import { useEffect, useState } from "preact/hooks";
import { rememberedName, rememberName } from "../remembered";
import type { Devices } from "../talk/devices";
import { Code } from "./code";
import { DevicePanel } from "./device-panel";
import { NameField, nameProblem } from "./fields";
import { Shell } from "./shell";

interface NameFormProps {
  readonly code: string;
  readonly devices: Devices;
  readonly onName: (name: string) => void;
}

export function NameForm({ code, devices, onName }: NameFormProps) {
  const [name, setName] = useState(rememberedName);
  const [problem, setProblem] = useState<string | null>(null);

  // Who came by a link is about to join: what was on the last time is shown as the others will see it.
  useEffect(() => devices.restore(), [devices]);

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
        <DevicePanel devices={devices} />
        <button type="submit" class="primary" data-testid="join">
          Join
        </button>
      </form>
    </Shell>
  );
}
