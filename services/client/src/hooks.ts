// What the browser stories may ask a meeting's page. Read-only.

import type { Session } from "./meeting/session";

export interface ConveneHooks {
  /** Updates painted on this page's canvas. */
  readonly paintedUpdates: number;
  /** SHA-256 in hexadecimal of the canvas's RGB bytes, rows without gaps; null before the first screen. */
  screenHash(): Promise<string | null>;
  /** The same of what this page's presenter has sent; null when it presents nothing. */
  presentedHash(): Promise<string | null>;
}

declare global {
  interface Window {
    readonly convene?: ConveneHooks;
  }
}

export function showHooks(session: Session): void {
  const hooks: ConveneHooks = Object.freeze({
    get paintedUpdates() {
      return session.paintedUpdates;
    },
    screenHash: () => session.screenHash(),
    presentedHash: () => session.presentedHash(),
  });
  Object.defineProperty(window, "convene", { value: hooks, configurable: true });
}
