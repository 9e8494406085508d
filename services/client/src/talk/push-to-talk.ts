// The space bar as a key to talk: held, it lets a muted microphone be heard; let go, it mutes it again.

/** What takes a space for itself, so that writing and pressing buttons stay as they are. */
const TAKES_SPACE = "input, textarea, select, button, a, summary, audio, video, dialog, [role=log], [contenteditable]";

export interface Talker {
  readonly isMicrophoneOn: boolean;
  setMicrophone(on: boolean): void;
}

/** Listens until the answer is called. */
export function pushToTalk(talker: () => Talker): () => void {
  let isHeld = false;
  const onDown = (event: KeyboardEvent): void => {
    if (event.code !== "Space" || event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.target instanceof Element && event.target.closest(TAKES_SPACE)) return;
    // A held key repeats; it must not scroll the page either.
    if (isHeld || !talker().isMicrophoneOn) event.preventDefault();
    if (isHeld || event.repeat || talker().isMicrophoneOn) return;
    isHeld = true;
    talker().setMicrophone(true);
  };
  const letGo = (): void => {
    if (!isHeld) return;
    isHeld = false;
    talker().setMicrophone(false);
  };
  const onUp = (event: KeyboardEvent): void => {
    if (event.code === "Space") letGo();
  };
  addEventListener("keydown", onDown);
  addEventListener("keyup", onUp);
  // A key that is let go elsewhere is not heard here.
  addEventListener("blur", letGo);
  return () => {
    removeEventListener("keydown", onDown);
    removeEventListener("keyup", onUp);
    removeEventListener("blur", letGo);
  };
}
