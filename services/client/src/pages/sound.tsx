// What everybody says, on the chosen speaker. A browser that wants a touch of the page first is asked for one.

import { useEffect, useRef, useState } from "preact/hooks";

export function Sound({ sound, speaker }: { sound: MediaStream | null; speaker: string }) {
  const audio = useRef<HTMLAudioElement>(null);
  const [isBlocked, setBlocked] = useState(false);

  const play = (): void => {
    const { current } = audio;
    if (!current?.srcObject) return;
    current.play().then(
      () => setBlocked(false),
      (error: unknown) => setBlocked(error instanceof Error && error.name === "NotAllowedError"),
    );
  };

  useEffect(() => {
    if (!audio.current) return;
    audio.current.srcObject = sound;
    play();
  }, [sound]);

  useEffect(() => {
    // A speaker that is gone is no reason for silence: the system's own is taken.
    if (audio.current && "setSinkId" in audio.current) void audio.current.setSinkId(speaker).catch(() => undefined);
  }, [speaker]);

  return (
    <>
      <audio ref={audio} data-testid="sound" />
      {isBlocked && (
        <button type="button" class="primary" data-testid="hear" onClick={play}>
          Hear the others
        </button>
      )}
    </>
  );
}
