// A participant's voice and face in a meeting: the own devices, the link that carries them, and what the server is told of both.

import { type MeetingState, self } from "../meeting/state";
import type { ClientMessage, MediaRelay, ServerMessage, Wish } from "../protocol";
import { Announcer } from "./announcer";
import type { Devices } from "./devices";
import { Link, type LinkState, type LinkWorld } from "./link";

export interface TalkView {
  readonly link: LinkState;
  /** The pictures of the others, by participant. */
  readonly pictures: ReadonlyMap<number, MediaStream>;
  /** What everybody says. */
  readonly sound: MediaStream | null;
}

export const SILENT: TalkView = { link: "connecting", pictures: new Map(), sound: null };

/** What a talk needs of the world. */
export interface TalkWorld extends LinkWorld {
  stream(track: MediaStreamTrack): MediaStream;
}

export interface TalkEvents {
  send(message: ClientMessage): boolean;
  onChange(view: TalkView): void;
  onNotice(text: string): void;
}

/** Between two words about the same switch: a talk key that is tapped fast stays within what the server takes. */
const SWITCH_REST_MS = 300;
/** Between two words about what is seen: a window that is drawn larger changes it with every frame. */
const VIEW_REST_MS = 250;
/** Before a link that could not be made is made anew: twice as long each time, as the server may have its reasons. */
const ANEW_MS = 2_000;
const ANEW_MS_MAX = 32_000;

export class Talk {
  readonly #devices: Devices;
  readonly #events: TalkEvents;
  readonly #world: TalkWorld;
  readonly #camera: Announcer<boolean>;
  readonly #microphone: Announcer<boolean>;
  readonly #wishes: Announcer<string>;
  readonly #unsubscribe: () => void;
  #link: Link | null = null;
  #relay: MediaRelay | null = null;
  #meeting: MeetingState | null = null;
  #view: TalkView = SILENT;
  #cancelAnew: () => void = () => undefined;
  #hasComplained = false;
  #anewMs = ANEW_MS;

  constructor(devices: Devices, events: TalkEvents, world: TalkWorld = browser()) {
    this.#devices = devices;
    this.#events = events;
    this.#world = world;
    const later = world.later;
    this.#camera = new Announcer(false, SWITCH_REST_MS, (on) => events.send({ type: "camera", on }), later);
    this.#microphone = new Announcer(false, SWITCH_REST_MS, (on) => events.send({ type: "microphone", on }), later);
    const view = (feeds: string): boolean => events.send({ type: "view", feeds: JSON.parse(feeds) as Wish[] });
    this.#wishes = new Announcer<string>("", VIEW_REST_MS, view, later);
    for (const announcer of [this.#camera, this.#microphone, this.#wishes]) announcer.pause();
    this.#unsubscribe = devices.subscribe(() => this.#onDevices());
    this.#onDevices();
  }

  /** After every message of the server, with what is known by then. */
  heard(message: ServerMessage, meeting: MeetingState): void {
    this.#meeting = meeting;
    switch (message.type) {
      case "joined":
        this.#relay = message.media_relay ?? null;
        this.#devices.limit(message.camera_policy);
        this.#camera.restart();
        this.#microphone.restart();
        this.#connect();
        break;
      case "media_answer":
        void this.#link?.answered(message.sdp);
        // Only now the server knows for whom the pictures are.
        this.#wishes.restart();
        break;
      case "media_ended":
        this.#anew(message.message);
        break;
      case "participant_changed":
        this.#send();
        break;
      case "camera_policy":
        this.#devices.limit(message);
        void this.#link?.limit(message);
        break;
      case "camera_wanted":
        this.#link?.want(message.height);
        break;
      case "slots":
        this.#showSlots();
        break;
      case "camera_refused":
        void this.#devices.setCamera(false);
        break;
      case "muted":
        void this.#devices.setMicrophone(false);
        break;
      case "ended":
      case "refused":
        this.close();
        break;
      default:
        break;
    }
  }

  /** The connection to the server is lost; whoever comes back is somebody new to it. */
  lost(): void {
    for (const announcer of [this.#camera, this.#microphone, this.#wishes]) announcer.pause();
    this.#disconnect();
  }

  /** What is in sight now. */
  wish(wishes: readonly Wish[]): void {
    this.#wishes.set(JSON.stringify(wishes));
  }

  /** The network is another one: do not wait until the old way is missed. */
  networkChanged(): void {
    this.#link?.restart();
  }

  close(): void {
    this.lost();
    this.#unsubscribe();
    this.#devices.release();
  }

  #connect(): void {
    this.#disconnect();
    const policy = this.#meeting?.cameraPolicy;
    if (!policy) return;
    try {
      const link: Link = new Link(
        policy,
        this.#relay,
        {
          onOffer: (sdp) => this.#events.send({ type: "media_offer", sdp }),
          onSound: (track) => this.#change({ sound: this.#world.stream(track) }),
          onState: (state) => this.#onState(state),
          onHopeless: () => this.#anew(null),
        },
        this.#world,
      );
      this.#link = link;
    } catch {
      this.#complain("This browser carries neither voices nor pictures. Update it, or use another one.");
      return;
    }
    this.#send();
  }

  #disconnect(): void {
    this.#cancelAnew();
    this.#link?.close();
    this.#link = null;
    this.#change(SILENT);
  }

  #anew(why: string | null): void {
    this.#disconnect();
    this.#wishes.pause();
    this.#change({ link: "broken" });
    if (why !== null) this.#complain(why);
    this.#cancelAnew = this.#world.later(() => this.#connect(), this.#anewMs);
    this.#anewMs = Math.min(2 * this.#anewMs, ANEW_MS_MAX);
  }

  #onState(state: LinkState): void {
    if (state === "connected") {
      this.#hasComplained = false;
      this.#anewMs = ANEW_MS;
    }
    this.#change({ link: state });
  }

  #onDevices(): void {
    const { camera, isMicrophoneOn } = this.#devices.view;
    this.#camera.set(camera !== null);
    this.#microphone.set(isMicrophoneOn);
    this.#send();
  }

  /** No picture leaves before the server has taken the camera: the eleventh one is refused. */
  #send(): void {
    const { camera, microphone, isMusic } = this.#devices.view;
    const isTaken = this.#meeting !== null && self(this.#meeting)?.camera === true;
    this.#link?.setMusic(isMusic);
    void this.#link?.send(microphone, isTaken ? camera : null);
  }

  #showSlots(): void {
    const pictures = new Map<number, MediaStream>();
    for (const { mid, id } of this.#meeting?.slots ?? []) {
      const track = id === null ? null : (this.#link?.slot(mid) ?? null);
      if (id === null || !track) continue;
      // The same stream as long as the same track shows the same person, so that the page changes nothing.
      const known = this.#view.pictures.get(id);
      pictures.set(id, known?.getVideoTracks()[0] === track ? known : this.#world.stream(track));
    }
    this.#change({ pictures });
  }

  /** Once, until it works again. */
  #complain(text: string): void {
    if (this.#hasComplained) return;
    this.#hasComplained = true;
    this.#events.onNotice(text);
  }

  #change(change: Partial<TalkView>): void {
    this.#view = { ...this.#view, ...change };
    this.#events.onChange(this.#view);
  }
}

function browser(): TalkWorld {
  return {
    connection: (relay) => new RTCPeerConnection({ bundlePolicy: "max-bundle", iceServers: serversOf(relay) }),
    later: (run, ms) => {
      const timer = setTimeout(run, ms);
      return () => clearTimeout(timer);
    },
    stream: (track) => new MediaStream([track]),
  };
}

/** The last way, for networks that let nothing but TLS through. Browsers prefer the server's own candidates. */
function serversOf(relay: MediaRelay | null): RTCIceServer[] {
  if (relay === null) return [];
  const { hostname, port } = window.location;
  return [{ urls: `turns:${hostname}:${port || "443"}?transport=tcp`, username: relay.username, credential: relay.credential }];
}
