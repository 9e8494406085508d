// Form fields with their labels and what is wrong with them.

import { useId } from "preact/hooks";
import { NAME_CHARS_MAX } from "../protocol";

interface FieldProps {
  readonly value: string;
  readonly problem: string | null;
  readonly onValue: (value: string) => void;
}

export function NameField({ value, problem, onValue }: FieldProps) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>Your name</label>
      <input
        id={id}
        data-testid="name-input"
        name="name"
        autocomplete="name"
        maxLength={NAME_CHARS_MAX}
        value={value}
        aria-invalid={problem !== null}
        aria-describedby={`${id}-problem`}
        onInput={(event) => onValue(event.currentTarget.value)}
      />
      <Problem id={`${id}-problem`} text={problem} />
    </div>
  );
}

export function CodeField({ value, problem, onValue }: FieldProps) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>Meeting code or link</label>
      <input
        id={id}
        data-testid="code-input"
        name="code"
        autocomplete="off"
        inputMode="numeric"
        placeholder="123 456 789"
        value={value}
        aria-invalid={problem !== null}
        aria-describedby={`${id}-problem`}
        onInput={(event) => onValue(event.currentTarget.value)}
      />
      <Problem id={`${id}-problem`} text={problem} />
    </div>
  );
}

/** Always there, so that screen readers hear it change. */
export function Problem({ id, text }: { id?: string; text: string | null }) {
  return (
    <p {...(id ? { id } : {})} class="problem" role="alert">
      {text}
    </p>
  );
}

/** What is wrong with a name, as a sentence; null when it can be taken. */
export function nameProblem(name: string): string | null {
  return name.trim() === "" ? "Enter your name, so that the others know who you are." : null;
}
