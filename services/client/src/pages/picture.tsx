// A moving picture of somebody.

import { useLayoutEffect, useMemo, useRef } from "preact/hooks";

interface PictureProps {
  readonly stream?: MediaStream;
  readonly track?: MediaStreamTrack;
  readonly isMirrored?: boolean;
  readonly label: string;
  readonly testId: string;
}

export function Picture({ stream, track, isMirrored, label, testId }: PictureProps) {
  const video = useRef<HTMLVideoElement>(null);
  const shown = useMemo(() => stream ?? (track ? new MediaStream([track]) : null), [stream, track]);
  useLayoutEffect(() => {
    if (video.current) video.current.srcObject = shown;
  }, [shown]);
  return (
    <video ref={video} class={isMirrored ? "mirrored" : ""} data-testid={testId} aria-label={label} autoPlay playsInline muted />
  );
}
