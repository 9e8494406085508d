// A moving picture of somebody.

import { useLayoutEffect, useMemo, useRef } from "preact/hooks";

interface PictureProps {
  readonly stream?: MediaStream;
  readonly track?: MediaStreamTrack;
  readonly isMirrored?: boolean;
  readonly label: string;
  readonly testId: string;
  /** Its pictures have so many lines from now on. */
  readonly onLines?: (lines: number) => void;
}

export function Picture({ stream, track, isMirrored, label, testId, onLines }: PictureProps) {
  const video = useRef<HTMLVideoElement>(null);
  const shown = useMemo(() => stream ?? (track ? new MediaStream([track]) : null), [stream, track]);
  useLayoutEffect(() => {
    if (video.current) video.current.srcObject = shown;
  }, [shown]);
  return (
    <video
      ref={video}
      class={isMirrored ? "mirrored" : ""}
      data-testid={testId}
      aria-label={label}
      onResize={({ currentTarget }) => onLines?.(currentTarget.videoHeight)}
      autoPlay
      playsInline
      muted
    />
  );
}
