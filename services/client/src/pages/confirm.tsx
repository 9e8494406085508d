// Asks before something that cannot be undone.

import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";
import { useModal } from "./modal";

interface ConfirmProps {
  readonly title: string;
  /** What the button says that does it. */
  readonly action: string;
  readonly onConfirm: () => void;
  readonly onCancel: () => void;
  readonly children: ComponentChildren;
}

export function Confirm({ title, action, onConfirm, onCancel, children }: ConfirmProps) {
  const { dialog, close } = useModal();
  const id = useId();
  const confirm = (): void => {
    close();
    onConfirm();
  };
  return (
    <dialog ref={dialog} aria-labelledby={id} onClose={onCancel} data-testid="confirm-dialog">
      <h2 id={id}>{title}</h2>
      {children}
      <div class="buttons">
        <button type="button" data-testid="cancel" onClick={close}>
          Cancel
        </button>
        <button type="button" class="danger" data-testid="confirm" onClick={confirm}>
          {action}
        </button>
      </div>
    </dialog>
  );
}
