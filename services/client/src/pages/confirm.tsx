// Asks before something that cannot be undone. The browser's own modal dialogue keeps the keyboard inside and closes by Escape.

import type { ComponentChildren } from "preact";
import { useId, useLayoutEffect, useRef } from "preact/hooks";

interface ConfirmProps {
  readonly title: string;
  /** What the button says that does it. */
  readonly action: string;
  readonly onConfirm: () => void;
  readonly onCancel: () => void;
  readonly children: ComponentChildren;
}

export function Confirm({ title, action, onConfirm, onCancel, children }: ConfirmProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  useLayoutEffect(() => dialog.current?.showModal(), []);
  const confirm = (): void => {
    // Closed rather than only taken away, so that the keyboard is back where it was.
    dialog.current?.close();
    onConfirm();
  };
  return (
    <dialog ref={dialog} aria-labelledby={id} onClose={onCancel} data-testid="confirm-dialog">
      <h2 id={id}>{title}</h2>
      {children}
      <div class="buttons">
        <button type="button" data-testid="cancel" onClick={() => dialog.current?.close()}>
          Cancel
        </button>
        <button type="button" class="danger" data-testid="confirm" onClick={confirm}>
          {action}
        </button>
      </div>
    </dialog>
  );
}
