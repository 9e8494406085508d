// The presenter's worker: takes the newest frame whenever the line has room, and turns it into the screen stream.

import factory from "@jsquash/webp/codec/enc/webp_enc_simd.js";
import { isScreenSize } from "../screen/geometry";
import { screenHash } from "../screen/pixels";
import { Encoder, type Frame } from "./encoder";
import { FrameReader } from "./frame";
import type { FromPresenter, ToPresenter } from "./messages";
import { pictureEncoder } from "./pictures";
import { openFilm } from "./reel";
import { Sender } from "./sender";

type Source = VideoFrame | ImageBitmap;

/** What is to be sharpened waits for so long where the line is busy. */
const REFINE_AGAIN_MS = 50;

const reader = new FrameReader();
const startedAt = performance.now();

let encoder: Encoder | null = null;
let sender: Sender | null = null;
let isGranted = false;
let isPumping = false;
let isWanted = false;
/** The newest frame that is not yet looked at; the one before it was let go. */
let newest: Source | null = null;
/** The last frame that was looked at: a new grant begins with it when the screen rests. */
let last: Frame | null = null;
/** Whether `last` is still to be given to the sender. */
let isLastDue = false;
/** Comes back when something has rested long enough. */
let settlement: ReturnType<typeof setTimeout> | undefined;

self.onmessage = ({ data }: MessageEvent<ToPresenter>): void => {
  switch (data.type) {
    case "frames":
      void read(data.frames);
      break;
    case "picture":
      isWanted = false;
      replaceNewest(data.picture);
      break;
    case "grant":
      sender?.restart();
      isGranted = true;
      isLastDue = last !== null;
      break;
    case "pause":
      isGranted = false;
      break;
    case "taken":
      sender?.taken(data.bytes, performance.now());
      break;
    case "hash":
      void hash(data.id);
      return;
  }
  void pump();
};

void load();

async function load(): Promise<void> {
  try {
    const pictures = pictureEncoder(await factory({ noInitialRun: true }));
    encoder = new Encoder({ pictures, openFilm, onFilmFrame: () => void pump() });
    sender = new Sender(encoder);
    await pump();
  } catch (error) {
    fail(`The picture encoder did not load: ${String(error)}. Reload the page and try again.`);
  }
}

async function read(frames: ReadableStream<VideoFrame>): Promise<void> {
  const frameReader = frames.getReader();
  for (;;) {
    const { value, done } = await frameReader.read();
    if (done) return;
    replaceNewest(value);
    void pump();
  }
}

function replaceNewest(source: Source): void {
  newest?.close();
  newest = source;
}

/** Sends what may be sent, and takes the next frame when all of the last one is on its way. One at a time. */
async function pump(): Promise<void> {
  if (isPumping || !sender) return;
  isPumping = true;
  try {
    while (isGranted) {
      const now = performance.now();
      const message = sender.next(now);
      if (message) tell({ type: "stream", bytes: message.buffer }, [message.buffer]);
      else if (!sender.wantsFrame(now)) break;
      else if (sender.hasFilmFrame) sender.filmFrame(1_000 * (now - startedAt));
      else if (!(await giveFrame(sender)) && !settle(sender, now)) break;
      // Between two messages the worker listens: a pause or a grant must not wait for the whole update.
      await breath();
    }
  } catch (error) {
    fail(`The screen could not be read: ${String(error)}.`);
  } finally {
    isPumping = false;
  }
}

/** False when there is no frame to give now. */
async function giveFrame(to: Sender): Promise<boolean> {
  const source = newest;
  newest = null;
  if (source) {
    try {
      last = await reader.read(source);
    } finally {
      source.close();
    }
    isLastDue = true;
  }
  if (!last || !isLastDue) {
    if (!isWanted) tell({ type: "wants" });
    isWanted = true;
    return false;
  }
  if (!isScreenSize(last)) {
    fail(`A screen of ${last.width} x ${last.height} pixels is too large to be presented.`);
    return false;
  }
  isLastDue = false;
  to.frame(last, 1_000 * (performance.now() - startedAt));
  return true;
}

/** Sends what was held back, or sharpens some of what rests; false when neither is due, or has room: then it comes back by itself. */
function settle(of: Sender, now: number): boolean {
  const elapsed = now - startedAt;
  const wait = (dueUs: number | null): number => (dueUs === null ? Number.POSITIVE_INFINITY : dueUs / 1_000 - elapsed);
  const rests = wait(of.restsAt);
  const refines = Math.max(wait(of.refinesAt), of.mayRefine(now) ? 0 : REFINE_AGAIN_MS);
  if (rests <= 0) {
    of.rest(1_000 * elapsed);
    return true;
  }
  if (refines <= 0) {
    of.refine(1_000 * elapsed);
    return true;
  }
  clearTimeout(settlement);
  const next = Math.min(rests, refines);
  if (Number.isFinite(next)) settlement = setTimeout(() => void pump(), Math.ceil(next));
  return false;
}

async function hash(id: number): Promise<void> {
  const sent = encoder?.sent;
  tell({ type: "hash", id, hash: sent && 0 < sent.length ? await screenHash(sent) : null });
}

function fail(message: string): void {
  isGranted = false;
  tell({ type: "failed", message });
}

const channel = new MessageChannel();
const breaths: (() => void)[] = [];
channel.port1.onmessage = () => breaths.shift()?.();

/** Lets the worker hear what has come; a timer would wait for milliseconds. */
function breath(): Promise<void> {
  return new Promise((resolve) => {
    breaths.push(resolve);
    channel.port2.postMessage(null);
  });
}

function tell(message: FromPresenter, transfer: Transferable[] = []): void {
  self.postMessage(message, { transfer });
}
