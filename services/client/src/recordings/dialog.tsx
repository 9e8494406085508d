// A dialogue with one form in it.

import type { ComponentChildren } from "preact";
import { useId, useLayoutEffect, useRef } from "preact/hooks";
import { Problem } from "../pages/fields";

interface FormDialogProps {
  readonly title: string;
  /** What the button says that does it. */
  readonly action: string;
  readonly problem: string | null;
  readonly testId: string;
  readonly onSubmit: () => void;
  readonly onClose: () => void;
  readonly children: ComponentChildren;
}

export function FormDialog({ title, action, problem, testId, onSubmit, onClose, children }: FormDialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  useLayoutEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} aria-labelledby={id} onClose={onClose} data-testid={testId}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          onSubmit();
        }}
      >
        <h2 id={id}>{title}</h2>
        {children}
        <Problem text={problem} />
        <div class="buttons">
          <button type="button" data-testid="close-dialog" onClick={() => dialog.current?.close()}>
            Close
          </button>
          <button type="submit" class="primary" data-testid="submit-dialog">
            {action}
          </button>
        </div>
      </form>
    </dialog>
  );
}
