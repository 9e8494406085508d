// The screen that the person chooses, as frames for the presenter's worker.

import type { ToPresenter } from "./messages";

/** More frames than these nobody reads; fewer make scrolling look rough. */
const FRAME_RATE_MAX = 30;
/** Where frames are taken from a hidden page's video, which is told nothing of new ones. */
const HIDDEN_PAGE_MS = 500;

/** Why nothing can be presented, as a sentence. */
export class CaptureError extends Error {
  override readonly name = "CaptureError";
}

/** Asks the person for a screen, a window or a tab. */
export async function chooseScreen(): Promise<MediaStream> {
  if (!navigator.mediaDevices?.getDisplayMedia) {
    throw new CaptureError("This browser cannot share a screen. Use a desktop browser, or `convene present`.");
  }
  try {
    return await navigator.mediaDevices.getDisplayMedia({
      video: { frameRate: { ideal: FRAME_RATE_MAX, max: FRAME_RATE_MAX } },
      audio: false,
    });
  } catch (error) {
    if (error instanceof DOMException && error.name === "NotAllowedError") {
      throw new CaptureError("No screen was chosen, so nothing is presented.");
    }
    throw new CaptureError(`The screen cannot be shared: ${error instanceof Error ? error.message.replace(/\.$/, "") : String(error)}.`);
  }
}

/** Feeds the worker; `onWants` is to be called when the worker says `wants`. */
export interface Capture {
  onWants(): void;
  stop(): void;
}

export function capture(stream: MediaStream, tell: (message: ToPresenter, transfer: Transferable[]) => void): Capture {
  const track = stream.getVideoTracks()[0];
  if (!track) throw new CaptureError("The browser gave a screen without a picture.");
  const stopTracks = (): void => stream.getTracks().forEach((each) => each.stop());
  if (typeof MediaStreamTrackProcessor === "function") {
    // The queue is short, so that a frame which waits is always a new one.
    const { readable } = new MediaStreamTrackProcessor({ track: track as MediaStreamVideoTrack, maxBufferSize: 2 });
    tell({ type: "frames", frames: readable }, [readable as unknown as Transferable]);
    return { onWants: () => undefined, stop: stopTracks };
  }
  return captureByVideo(stream, stopTracks, tell);
}

/** For browsers that give no frames of a track: a video element plays it, and its picture is taken when the worker wants one. */
function captureByVideo(
  stream: MediaStream,
  stopTracks: () => void,
  tell: (message: ToPresenter, transfer: Transferable[]) => void,
): Capture {
  const video = document.createElement("video");
  video.muted = true;
  video.srcObject = stream;
  let [isNew, isWanted, isTaking] = [false, true, false];

  const take = async (): Promise<void> => {
    if (!isNew || !isWanted || isTaking || video.readyState < HTMLMediaElement.HAVE_CURRENT_DATA) return;
    [isNew, isTaking] = [false, true];
    try {
      const picture = await createImageBitmap(video);
      isWanted = false;
      tell({ type: "picture", picture }, [picture]);
    } finally {
      isTaking = false;
    }
  };
  const onFrame = (): void => {
    isNew = true;
    void take();
    video.requestVideoFrameCallback(onFrame);
  };
  video.requestVideoFrameCallback(onFrame);
  const timer = setInterval(() => {
    if (!document.hidden) return;
    isNew = true;
    void take();
  }, HIDDEN_PAGE_MS);
  void video.play();
  return {
    onWants: () => {
      isWanted = true;
      void take();
    },
    stop: () => {
      clearInterval(timer);
      video.srcObject = null;
      stopTracks();
    },
  };
}
