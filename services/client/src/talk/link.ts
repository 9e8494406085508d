// The one connection that carries the person's voice and camera to the server, and the others' back. It offers once; whose camera
// comes in which slot the server tells beside it. When the network changes, it finds a new way by itself (an ICE restart).

import { type CameraPolicy, CAMERAS_MAX, type MediaRelay } from "../protocol";
import { encodingsOf, layersOf } from "./encodings";
import { Flow, LOOK_MS, packetsOf } from "./flow";
import { inStereo, sendsMusic, sendsVoice } from "./opus";

export type LinkState = "connecting" | "connected" | "broken";

export interface LinkEvents {
  onOffer(sdp: string): void;
  /** What everybody says, as one stream. */
  onSound(sound: MediaStreamTrack): void;
  onState(state: LinkState): void;
  /** Restarting does not help any more: a new link is needed. */
  onHopeless(): void;
}

/** What a link needs of the world. */
export interface LinkWorld {
  connection(relay: MediaRelay | null): RTCPeerConnection;
  later(run: () => void, ms: number): () => void;
}

/** A way that is interrupted for so long is given up; shorter ones heal by themselves. */
const INTERRUPTED_MS_MAX = 500;
/** How long the server may take to answer an offer. */
const ANSWER_MS_MAX = 4_000;
/** How long a new way may take before another is looked for. */
const CONNECT_MS_MAX = 4_000;
/** Whoever shows a camera smaller may soon show it larger again, and would have to wait for it. */
const LESS_AFTER_MS = 3_000;
/** How often a new way is looked for before the whole link is made anew. */
const RESTARTS_MAX = 3;

export class Link {
  readonly #events: LinkEvents;
  readonly #world: LinkWorld;
  readonly #connection: RTCPeerConnection;
  readonly #voice: RTCRtpTransceiver;
  readonly #camera: RTCRtpTransceiver;
  #policy: CameraPolicy;
  /** How high anybody shows the camera, in lines. */
  #wanted = Number.POSITIVE_INFINITY;
  #cancelLess: () => void = () => undefined;
  #isOffering = false;
  #isAnswered = false;
  #mustRestart = false;
  #restarts = 0;
  #isClosed = false;
  #isMusic = false;
  /** The server's last, as it came. */
  #answer: string | null = null;
  #cancelTimer: () => void = () => undefined;
  #cancelLook: () => void = () => undefined;
  readonly #flow = new Flow();

  constructor(policy: CameraPolicy, relay: MediaRelay | null, events: LinkEvents, world: LinkWorld) {
    this.#policy = policy;
    this.#events = events;
    this.#world = world;
    const connection = world.connection(relay);
    this.#connection = connection;
    connection.addEventListener("iceconnectionstatechange", () => this.#onState());
    connection.addEventListener("connectionstatechange", () => this.#onState());
    this.#voice = connection.addTransceiver("audio", { direction: "sendrecv" });
    const sendEncodings = layersOf(policy).map(({ rid, isActive }) => ({ rid, active: isActive }));
    this.#camera = connection.addTransceiver("video", { direction: "sendonly", sendEncodings });
    prefer(this.#camera, "video/VP8");
    for (let slot = 0; slot < CAMERAS_MAX; slot++) {
      prefer(connection.addTransceiver("video", { direction: "recvonly" }), "video/VP8");
    }
    prefer(this.#voice, "audio/opus");
    void this.#offer();
  }

  /** The person's own; null for what is off. */
  async send(voice: MediaStreamTrack | null, camera: MediaStreamTrack | null): Promise<void> {
    if (this.#voice.sender.track !== voice) await this.#voice.sender.replaceTrack(voice);
    if (this.#camera.sender.track !== camera) await this.#camera.sender.replaceTrack(camera);
    await this.#encode();
  }

  /** Whether the voice is music, which is sent in two channels and as good as it can be. */
  setMusic(isMusic: boolean): void {
    if (this.#isMusic === isMusic) return;
    this.#isMusic = isMusic;
    void this.#encodeVoice();
  }

  /** How a browser encodes stands in what is agreed on. The server takes both, so that is agreed on anew without asking it. */
  async #encodeVoice(): Promise<void> {
    // Whoever waits for an answer encodes so when it comes.
    if (this.#answer === null || this.#isOffering || this.#isClosed) return;
    this.#isOffering = true;
    const isMusic = this.#isMusic;
    try {
      await this.#setOffer({});
      await this.#connection.setRemoteDescription({ type: "answer", sdp: this.#asSent(this.#answer) });
    } catch {
      this.#giveUp();
      return;
    }
    this.#isOffering = false;
    if (this.#mustRestart) this.restart();
    else if (this.#isMusic !== isMusic) void this.#encodeVoice();
  }

  #asSent(answer: string): string {
    return this.#isMusic ? sendsMusic(answer) : sendsVoice(answer);
  }

  async #setOffer(options: RTCOfferOptions): Promise<void> {
    const { type, sdp } = await this.#connection.createOffer(options);
    await this.#connection.setLocalDescription({ type, sdp: inStereo(sdp ?? "") });
  }

  async limit(policy: CameraPolicy): Promise<void> {
    this.#policy = policy;
    await this.#encode();
  }

  /** So high the camera is shown to anybody, in lines; 0 when nobody sees it. */
  want(height: number): void {
    this.#cancelLess();
    const begin = (): void => {
      this.#wanted = height;
      void this.#encode();
    };
    if (this.#wanted <= height) begin();
    else this.#cancelLess = this.#world.later(begin, LESS_AFTER_MS);
  }

  async answered(sdp: string): Promise<void> {
    if (this.#isClosed || !this.#isOffering) return;
    this.#isOffering = false;
    this.#cancelTimer();
    try {
      await this.#connection.setRemoteDescription({ type: "answer", sdp: this.#asSent(sdp) });
    } catch {
      this.#giveUp();
      return;
    }
    this.#answer = sdp;
    if (!this.#isAnswered) {
      this.#isAnswered = true;
      this.#events.onSound(this.#voice.receiver.track);
      void this.#look();
    }
    await this.#encode();
    if (this.#isConnected()) this.#restarts = 0;
    if (this.#mustRestart) this.restart();
    else if (!this.#isConnected()) this.#restartIn(CONNECT_MS_MAX);
  }

  /** The track of this slot. */
  slot(mid: string): MediaStreamTrack | null {
    const found = this.#connection.getTransceivers().find((transceiver) => transceiver.mid === mid);
    return found && found !== this.#voice && found !== this.#camera ? found.receiver.track : null;
  }

  /** Looks for a new way, because this one is interrupted or the network is another one. */
  restart(): void {
    if (this.#isClosed) return;
    this.#mustRestart = true;
    if (this.#isOffering) return;
    this.#restarts += 1;
    if (RESTARTS_MAX < this.#restarts) {
      this.#giveUp();
      return;
    }
    void this.#offer();
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#cancelTimer();
    this.#cancelLook();
    this.#cancelLess();
    this.#connection.close();
  }

  async #offer(): Promise<void> {
    this.#isOffering = true;
    const iceRestart = this.#mustRestart;
    this.#mustRestart = false;
    try {
      await this.#setOffer({ iceRestart });
    } catch {
      this.#giveUp();
      return;
    }
    if (this.#isClosed) return;
    this.#cancelTimer();
    this.#cancelTimer = this.#world.later(() => {
      this.#isOffering = false;
      this.restart();
    }, ANSWER_MS_MAX);
    this.#events.onOffer(this.#connection.localDescription?.sdp ?? "");
  }

  #onState(): void {
    if (this.#isClosed) return;
    const { iceConnectionState, connectionState } = this.#connection;
    if (this.#isConnected()) {
      this.#restarts = 0;
      if (!this.#isOffering) this.#cancelTimer();
      this.#events.onState("connected");
    } else if (iceConnectionState === "failed") {
      this.#events.onState("broken");
      this.restart();
    } else if (connectionState === "failed") {
      // There is a way, but the keys could not be agreed on.
      this.#giveUp();
    } else if (iceConnectionState === "disconnected") {
      this.#events.onState("broken");
      if (!this.#isOffering) this.#restartIn(INTERRUPTED_MS_MAX);
    }
  }

  /** A way may be gone without the browser noticing for some seconds. */
  async #look(): Promise<void> {
    // The last numbers of a connection that is being closed are of no use.
    const packets = await packetsOf(this.#connection).catch(() => 0);
    if (this.#isClosed) return;
    if (this.#flow.look(packets) && this.#isConnected() && !this.#isOffering) this.restart();
    this.#cancelLook = this.#world.later(() => void this.#look(), LOOK_MS);
  }

  #isConnected(): boolean {
    return this.#connection.connectionState === "connected";
  }

  #restartIn(ms: number): void {
    this.#cancelTimer();
    this.#cancelTimer = this.#world.later(() => this.restart(), ms);
  }

  #giveUp(): void {
    if (this.#isClosed) return;
    this.close();
    this.#events.onState("broken");
    this.#events.onHopeless();
  }

  /** The sender's encodings can be set once the server has said which ones it takes. */
  async #encode(): Promise<void> {
    if (!this.#isAnswered || this.#isClosed) return;
    const { sender } = this.#camera;
    const parameters = sender.getParameters();
    const { encodings } = parameters;
    const lines = sender.track?.getSettings().height ?? this.#policy.height;
    const asked = encodingsOf(this.#policy, lines, encodings.length, this.#wanted);
    encodings.forEach((encoding, index) => Object.assign(encoding, asked[index]));
    // Refused while another change is under way or after the end; the next change sets it.
    await sender.setParameters(parameters).catch(() => undefined);
  }
}

/** This codec alone, with what repairs it. A browser that does not let itself be asked offers all it has. */
function prefer(transceiver: RTCRtpTransceiver, mimeType: string): void {
  const [kind] = mimeType.split("/");
  const all = globalThis.RTCRtpReceiver?.getCapabilities?.(kind ?? "")?.codecs ?? [];
  const wanted = [mimeType.toLowerCase(), "video/rtx"];
  const codecs = all.filter((codec) => wanted.includes(codec.mimeType.toLowerCase()));
  if (0 < codecs.length) transceiver.setCodecPreferences?.(codecs);
}
