// How a camera is sent under the server's policy: the largest picture that is allowed, and smaller ones beside it for viewers who
// show it small or have a poor line.

import type { CameraPolicy } from "../protocol";

export interface Layer {
  readonly rid: (typeof RIDS)[number];
  /** Lines of the picture. */
  readonly height: number;
  readonly kbps: number;
  readonly isActive: boolean;
}

export const FRAMES_PER_SECOND = 30;

/** Below so many lines a face is a blot, and its own encoding costs more than it saves. */
const HEIGHT_MIN = 180;

/** Of what a camera may send, a quarter of the height gets so much, half of it so much; the whole picture gets the rest. */
const SHARES = { quarter: 0.075, half: 0.225 } as const;

const RIDS = ["q", "h", "f"] as const;

/**
 * From the smallest to the largest, as browsers want them; the shares of what is too small go to the whole picture. Those that are sent come
 * first: of a camera of less than 960 x 540 Chromium sends two at most, and leaves out the last ones whatever they are.
 */
export function layersOf({ height, max_kbps }: CameraPolicy): readonly Layer[] {
  const parts = [
    { height: Math.round(height / 4), kbps: Math.round(max_kbps * SHARES.quarter) },
    { height: Math.round(height / 2), kbps: Math.round(max_kbps * SHARES.half) },
  ].filter((part) => HEIGHT_MIN <= part.height);
  const rest = parts.reduce((left, { kbps }) => left - kbps, max_kbps);
  const sent = [...parts, { height, kbps: rest }];
  return RIDS.map((rid, place) => ({ rid, isActive: place < sent.length, ...(sent[place] ?? { height, kbps: rest }) }));
}

/**
 * What the sender is told, for a camera whose pictures have so many lines and are shown so high at most: nothing is sent where nobody sees
 * them, and nothing that is larger than it needs to be. Sizes and rates do not follow what is seen: Chromium looks for the room for a larger
 * rate once, and not while it still looks for another. A server that takes one encoding only gets the whole picture.
 */
export function encodingsOf(policy: CameraPolicy, lines: number, count: number, seen: number): RTCRtpEncodingParameters[] {
  const encoding = ({ rid, height, kbps, isActive }: Layer): RTCRtpEncodingParameters => ({
    rid,
    active: isActive,
    maxBitrate: kbps * 1_000,
    maxFramerate: FRAMES_PER_SECOND,
    scaleResolutionDownBy: Math.max(1, lines / height),
  });
  if (count === 1) {
    const { rid: _, ...whole } = encoding({ rid: "f", height: policy.height, kbps: policy.max_kbps, isActive: 0 < seen });
    return [whole];
  }
  let enough = 0;
  return layersOf(policy).map((layer) => {
    const isActive = layer.isActive && enough < seen;
    if (isActive) enough = layer.height;
    return encoding({ ...layer, isActive });
  });
}

export function cameraConstraints({ width, height }: CameraPolicy): MediaTrackConstraints {
  return { width: { ideal: width }, height: { ideal: height }, frameRate: { ideal: FRAMES_PER_SECOND, max: FRAMES_PER_SECOND } };
}
