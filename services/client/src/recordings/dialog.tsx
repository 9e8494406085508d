// A dialogue with one form in it.

import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";
import { Problem } from "../pages/fields";
import { useModal } from "../pages/modal";

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
  const { dialog, close } = useModal();
  const id = useId();
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
          <button type="button" data-testid="close-dialog" onClick={close}>
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
