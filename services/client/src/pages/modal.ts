// The browser's own modal dialogue: it keeps the keyboard inside, closes by Escape, and gives the keyboard back.

import type { RefObject } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";

export interface Modal {
  readonly dialog: RefObject<HTMLDialogElement | null>;
  /** Closed rather than only taken away, so that the keyboard is back where it was. */
  readonly close: () => void;
}

/** A dialogue that is open as long as it is on the page. */
export function useModal(): Modal {
  const dialog = useRef<HTMLDialogElement>(null);
  useLayoutEffect(() => dialog.current?.showModal(), []);
  return { dialog, close: () => dialog.current?.close() };
}
