// The person's own camera and microphone: which are there, which are chosen, what runs, and what went wrong in a sentence.

import { type RememberedDevices, rememberDevices, rememberedDevices } from "../remembered";
import type { CameraPolicy } from "../protocol";
import { cameraConstraints } from "./encodings";

export type Kind = "camera" | "microphone";
export type Choosable = Kind | "speaker";

export interface Choice {
  readonly id: string;
  readonly label: string;
}

export interface DevicesView {
  readonly camera: MediaStreamTrack | null;
  readonly microphone: MediaStreamTrack | null;
  /** The browser is asked and has not answered yet. */
  readonly isStarting: Readonly<Record<Kind, boolean>>;
  readonly isMicrophoneOn: boolean;
  /** The microphone hears music, which is left as it is, in two channels; and else a voice, without its echo and its room. */
  readonly isMusic: boolean;
  readonly choices: Readonly<Record<Choosable, readonly Choice[]>>;
  /** Empty for what the system takes by itself. */
  readonly chosen: Readonly<Record<Choosable, string>>;
  readonly problems: Readonly<Record<Kind, string | null>>;
}

/** The part of `navigator.mediaDevices` that is used here. */
export interface Source {
  getUserMedia(constraints: MediaStreamConstraints): Promise<MediaStream>;
  enumerateDevices(): Promise<MediaDeviceInfo[]>;
  addEventListener(type: "devicechange", listener: () => void): void;
}

const KINDS: Readonly<Record<MediaDeviceKind, Choosable>> = {
  videoinput: "camera",
  audioinput: "microphone",
  audiooutput: "speaker",
};
const NAMES: Readonly<Record<Choosable, string>> = { camera: "Camera", microphone: "Microphone", speaker: "Speaker" };

const VOICE: MediaTrackConstraints = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };
const MUSIC: MediaTrackConstraints = {
  echoCancellation: false,
  noiseSuppression: false,
  autoGainControl: false,
  channelCount: { ideal: 2 },
};

const PREVIEW: CameraPolicy = { width: 1280, height: 720, max_kbps: 0 };

export class Devices {
  readonly #source: Source | null;
  readonly #listeners = new Set<(view: DevicesView) => void>();
  #remembered: RememberedDevices = rememberedDevices();
  #policy = PREVIEW;
  /** Counts what was asked of each, so that a late answer to an earlier question is let go. */
  readonly #asked: Record<Kind, number> = { camera: 0, microphone: 0 };
  #view: DevicesView;

  constructor(source: Source | null = navigator.mediaDevices ?? null) {
    this.#source = source;
    const { camera, microphone, speaker, isMusic } = this.#remembered;
    this.#view = {
      camera: null,
      microphone: null,
      isStarting: { camera: false, microphone: false },
      isMicrophoneOn: false,
      isMusic,
      choices: { camera: [], microphone: [], speaker: [] },
      chosen: { camera, microphone, speaker },
      problems: { camera: null, microphone: null },
    };
    source?.addEventListener("devicechange", () => void this.#list());
    void this.#list();
  }

  get view(): DevicesView {
    return this.#view;
  }

  /** Tells every change until the answer is called. */
  subscribe(listener: (view: DevicesView) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Starts what was on the last time. */
  restore(): void {
    const { isCameraOn, isMicrophoneOn } = this.#remembered;
    if (isCameraOn && !this.#view.camera) void this.setCamera(true);
    if (isMicrophoneOn && !this.#view.microphone) void this.setMicrophone(true);
  }

  async setCamera(on: boolean): Promise<void> {
    this.#remember({ isCameraOn: on });
    if (on) await this.#start("camera");
    else this.#stop("camera");
  }

  /** A muted microphone keeps running, so that it is heard at once when it is wanted again. */
  async setMicrophone(on: boolean): Promise<void> {
    this.#remember({ isMicrophoneOn: on });
    const { microphone } = this.#view;
    if (microphone) {
      microphone.enabled = on;
      this.#change({ isMicrophoneOn: on });
    } else if (on) {
      await this.#start("microphone");
    } else {
      // Whatever the browser still answers is not wanted any more.
      this.#stop("microphone");
    }
  }

  async choose(kind: Choosable, id: string): Promise<void> {
    this.#remember({ [kind]: id });
    this.#change({ chosen: { ...this.#view.chosen, [kind]: id } });
    if (kind !== "speaker") await this.#restart(kind);
  }

  async setMusic(isMusic: boolean): Promise<void> {
    this.#remember({ isMusic });
    this.#change({ isMusic });
    await this.#restart("microphone");
  }

  /** Opens it anew if it is open, as it is chosen by now. */
  async #restart(kind: Kind): Promise<void> {
    if (!this.#view[kind]) return;
    const wasOn = kind === "camera" || this.#view.isMicrophoneOn;
    this.#stop(kind);
    await this.#start(kind);
    if (!wasOn) await this.setMicrophone(false);
  }

  /** How large the camera's pictures may be from now on. */
  limit(policy: CameraPolicy): void {
    this.#policy = policy;
    // A camera that cannot do so stays as it is, and the sender makes its pictures smaller.
    void this.#view.camera?.applyConstraints(cameraConstraints(policy)).catch(() => undefined);
  }

  /** Lets go of both; what is remembered stays. */
  release(): void {
    this.#policy = PREVIEW;
    for (const kind of ["camera", "microphone"] as const) this.#stop(kind);
  }

  async #start(kind: Kind): Promise<void> {
    const number = ++this.#asked[kind];
    this.#change({ ...this.#starting(kind, true), ...this.#problem(kind, null) });
    try {
      const track = await this.#open(kind);
      if (number !== this.#asked[kind]) return track.stop();
      track.addEventListener("ended", () => this.#ended(kind, track));
      this.#change({ [kind]: track, ...(kind === "microphone" ? { isMicrophoneOn: true } : {}), ...this.#starting(kind, false) });
      // Only who was let in is told the names of devices.
      await this.#list();
    } catch (error) {
      if (number !== this.#asked[kind]) return;
      this.#change({ ...this.#starting(kind, false), ...this.#problem(kind, problemText(kind, error)) });
    }
  }

  async #open(kind: Kind): Promise<MediaStreamTrack> {
    if (!this.#source) throw new DOMException("", "SecurityError");
    const id = this.#view.chosen[kind];
    const ask = async (chosen: string): Promise<MediaStreamTrack> => {
      const device = chosen === "" ? {} : { deviceId: { exact: chosen } };
      const constraints: MediaStreamConstraints =
        kind === "camera"
          ? { video: { ...cameraConstraints(this.#policy), ...device } }
          : { audio: { ...(this.#view.isMusic ? MUSIC : VOICE), ...device } };
      const track = (await this.#source?.getUserMedia(constraints))?.getTracks()[0];
      if (!track) throw new DOMException("", "NotFoundError");
      return track;
    };
    try {
      return await ask(id);
    } catch (error) {
      // The chosen one is not plugged in today: any other will do.
      const isGone = error instanceof Error && (error.name === "OverconstrainedError" || error.name === "NotFoundError");
      if (id === "" || !isGone) throw error;
      return ask("");
    }
  }

  #stop(kind: Kind): void {
    this.#asked[kind] += 1;
    this.#view[kind]?.stop();
    this.#change({
      [kind]: null,
      ...(kind === "microphone" ? { isMicrophoneOn: false } : {}),
      ...this.#starting(kind, false),
      ...this.#problem(kind, null),
    });
  }

  #ended(kind: Kind, track: MediaStreamTrack): void {
    if (this.#view[kind] !== track) return;
    this.#stop(kind);
    this.#change(this.#problem(kind, `The ${kind} has stopped: it was unplugged, or the browser took it away.`));
  }

  async #list(): Promise<void> {
    const devices = (await this.#source?.enumerateDevices().catch(() => [])) ?? [];
    const choices: Record<Choosable, Choice[]> = { camera: [], microphone: [], speaker: [] };
    for (const { kind, deviceId, label } of devices) {
      const into = choices[KINDS[kind]];
      // Without an id it is only known that there is one; `default` is what the empty choice says already.
      if (deviceId === "" || deviceId === "default") continue;
      into.push({ id: deviceId, label: label || `${NAMES[KINDS[kind]]} ${into.length + 1}` });
    }
    this.#change({ choices });
  }

  #starting(kind: Kind, is: boolean): Partial<DevicesView> {
    return { isStarting: { ...this.#view.isStarting, [kind]: is } };
  }

  #problem(kind: Kind, text: string | null): Partial<DevicesView> {
    return { problems: { ...this.#view.problems, [kind]: text } };
  }

  #remember(change: Partial<RememberedDevices>): void {
    this.#remembered = { ...this.#remembered, ...change };
    rememberDevices(this.#remembered);
  }

  #change(change: Partial<DevicesView>): void {
    this.#view = { ...this.#view, ...change };
    for (const listener of this.#listeners) listener(this.#view);
  }
}

/** What was wrong and what to do; one can always join without. */
export function problemText(kind: Kind, error: unknown): string {
  switch (error instanceof Error ? error.name : "") {
    case "NotAllowedError":
      return `The browser may not use the ${kind}. Allow it beside the address, then switch it on again; you can join without it.`;
    case "NotFoundError":
    case "OverconstrainedError":
      return `No ${kind} was found. Plug one in and switch it on again; you can join without it.`;
    case "NotReadableError":
    case "AbortError":
      return `The ${kind} cannot be used just now. Another program may have it; you can join without it.`;
    case "SecurityError":
      return `This page may not use a ${kind}. Open it by its https address; you can join without it.`;
    default:
      return `The ${kind} cannot be used: ${String(error)}. You can join without it.`;
  }
}
