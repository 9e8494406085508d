// A participant's meeting: the connection, the screen, the presenter and the talk, joined. The page shows its state and passes on what
// the person does.

import { CaptureError } from "../present/capture";
import { Presenter } from "../present/presenter";
import type { RecordingLayout, ServerMessage, StreamKind, Wish } from "../protocol";
import type { Size } from "../screen/geometry";
import { ScreenView } from "../screen/view";
import type { Devices, DevicesView } from "../talk/devices";
import { pushToTalk } from "../talk/push-to-talk";
import { SILENT, Talk, type TalkView } from "../talk/talk";
import { Acknowledger } from "./acknowledger";
import { Connection, type Join } from "./connection";
import { INITIAL, isOver, type MeetingEvent, type MeetingState, reduce } from "./state";

/** How long to wait before a refused stream is asked for anew. */
const REWATCH_MS = 1_000;

export interface View {
  readonly meeting: MeetingState;
  readonly screen: Size | null;
  /** A screen is chosen and not yet stopped, whether the meeting already waits for it or not. */
  readonly isSharing: boolean;
  readonly talk: TalkView;
  readonly devices: DevicesView;
}

export class Session {
  readonly #connection: Connection;
  readonly #acknowledger: Acknowledger;
  readonly #onChange: (view: View) => void;
  readonly #devices: Devices;
  readonly #talk: Talk;
  readonly #endings: (() => void)[];
  #view: View;
  #screen: ScreenView | null = null;
  #presenter: Presenter | null = null;
  #isChoosing = false;
  #isWatching = false;
  #isClosed = false;

  constructor(join: Join, devices: Devices, onChange: (view: View) => void) {
    this.#onChange = onChange;
    this.#devices = devices;
    this.#view = { meeting: INITIAL, screen: null, isSharing: false, talk: SILENT, devices: devices.view };
    this.#acknowledger = new Acknowledger((bytes) => this.#connection.send({ type: "painted", bytes }));
    this.#connection = new Connection(join, {
      onMessage: (message) => this.#heard(message),
      onStream: (bytes) => this.#screen?.push(bytes),
      onConnecting: () => this.#happened({ type: "connecting" }),
      onLost: (retryMs) => this.#lost(retryMs),
    });
    this.#talk = new Talk(devices, {
      send: (message) => this.#connection.send(message),
      onChange: (talk) => this.#change({ talk }),
      onNotice: (text) => this.#happened({ type: "notice", text }),
    });
    this.#endings = [
      devices.subscribe((view) => this.#change({ devices: view })),
      pushToTalk(() => ({ isMicrophoneOn: this.#view.devices.isMicrophoneOn, setMicrophone: (on) => this.setMicrophone(on) })),
    ];
    devices.restore();
    addEventListener("online", this.#onOnline);
    addEventListener("offline", this.#onOffline);
    networkInformation()?.addEventListener("change", this.#onNetwork);
  }

  get paintedUpdates(): number {
    return this.#screen?.paintedUpdates ?? 0;
  }

  screenHash(): Promise<string | null> {
    return this.#screen?.hash() ?? Promise.resolve(null);
  }

  presentedHash(): Promise<string | null> {
    return this.#presenter?.hash() ?? Promise.resolve(null);
  }

  /** Gives the session its canvas; to be called once, as a canvas is handed to its worker for good. */
  show(canvas: HTMLCanvasElement, cursor: HTMLCanvasElement): void {
    if (!("transferControlToOffscreen" in canvas)) {
      this.#happened({ type: "notice", text: "This browser cannot show the screen. Update it, or use another one." });
      return;
    }
    this.#screen = new ScreenView(canvas, cursor, {
      onPainted: (bytes) => this.#acknowledger.painted(bytes),
      onSize: (screen) => this.#change({ screen }),
      onError: (message) => this.#screenRefused(message),
    });
    if (this.#view.meeting.phase.at === "joined" && !this.#presenter) this.#watch();
  }

  chat(text: string): boolean {
    return this.#connection.send({ type: "chat", text });
  }

  setCamera(on: boolean): void {
    void this.#devices.setCamera(on);
  }

  setMicrophone(on: boolean): void {
    void this.#devices.setMicrophone(on);
  }

  mute(id: number): void {
    this.#connection.send({ type: "mute", id });
  }

  raiseHand(up: boolean): void {
    this.#connection.send({ type: "hand", up });
  }

  lowerHand(id: number): void {
    this.#connection.send({ type: "lower_hand", id });
  }

  /** Lets nobody more in, or everybody again. */
  lock(on: boolean): void {
    this.#connection.send({ type: "lock", on });
  }

  /** Gives a pass to a program. */
  allow(kind: StreamKind, name: string): void {
    this.#connection.send({ type: "stream_allow", kind, name });
  }

  /** Takes a pass back; whoever came with it has to go. */
  forbid(id: number): void {
    this.#connection.send({ type: "stream_forbid", id });
  }

  /** Has somebody called into the meeting. */
  callOut(number: string, name: string | null): void {
    this.#connection.send({ type: "call_out", number, name });
  }

  /** Ends such a call, or puts away that it came to nothing. */
  stopCallOut(id: number): void {
    this.#connection.send({ type: "call_out_stop", id });
  }

  /** The cameras in sight, and how high each is shown. */
  wish(wishes: readonly Wish[]): void {
    this.#talk.wish(wishes);
  }

  record(layout: RecordingLayout): void {
    this.#connection.send({ type: "record", layout });
  }

  /** Leaves out of the recording what happens from now on, or goes on. */
  pauseRecording(paused: boolean): void {
    this.#connection.send({ type: paused ? "record_pause" : "record_resume" });
  }

  stopRecording(): void {
    this.#connection.send({ type: "record_stop" });
  }

  end(): void {
    this.#connection.send({ type: "end" });
  }

  leave(): void {
    this.close();
    this.#happened({ type: "left" });
  }

  async present(): Promise<void> {
    if (this.#presenter || this.#isChoosing) return;
    this.#isChoosing = true;
    try {
      const presenter = await Presenter.choose({
        onStream: (bytes) => this.#connection.sendStream(bytes),
        onEnded: () => this.stopPresenting(),
        onFailed: (message) => {
          this.#happened({ type: "notice", text: message });
          this.stopPresenting();
        },
      });
      if (this.#isClosed || isOver(this.#view.meeting)) {
        presenter.stop();
        return;
      }
      this.#presenter = presenter;
      this.#change({ isSharing: true });
      this.#connection.send({ type: "present" });
    } catch (error) {
      const text = error instanceof CaptureError ? error.message : `The screen cannot be shared: ${String(error)}.`;
      this.#happened({ type: "notice", text });
    } finally {
      this.#isChoosing = false;
    }
  }

  stopPresenting(): void {
    if (!this.#presenter) return;
    this.#connection.send({ type: "present_stop" });
    this.#dropPresenter();
  }

  retryNow(): void {
    this.#connection.retryNow();
  }

  /** Leaves the meeting and lets go of everything. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    removeEventListener("online", this.#onOnline);
    removeEventListener("offline", this.#onOffline);
    networkInformation()?.removeEventListener("change", this.#onNetwork);
    for (const end of this.#endings) end();
    this.#talk.close();
    this.#connection.close();
    this.#acknowledger.restart();
    this.#presenter?.stop();
    this.#presenter = null;
    this.#screen?.close();
  }

  readonly #onOnline = (): void => this.#connection.retryNow();
  readonly #onOffline = (): void => this.#connection.drop();
  readonly #onNetwork = (): void => this.#talk.networkChanged();

  #heard(message: ServerMessage): void {
    this.#happened({ type: "message", message });
    this.#talk.heard(message, this.#view.meeting);
    switch (message.type) {
      case "joined":
        this.#isWatching = false;
        // Who presented when the connection was lost presents again, with the whole screen.
        if (this.#presenter) this.#connection.send({ type: "present" });
        else this.#watch();
        break;
      case "present_granted":
        this.#granted();
        break;
      case "present_ended":
        this.#dropPresenter();
        break;
      case "taken":
        this.#presenter?.taken(message.bytes);
        break;
      case "ended":
      case "refused":
        this.#dropPresenter();
        break;
      default:
        break;
    }
  }

  #granted(): void {
    if (!this.#presenter) {
      this.#connection.send({ type: "present_stop" });
      return;
    }
    if (this.#isWatching) this.#connection.send({ type: "unwatch" });
    this.#isWatching = false;
    this.#presenter.grant();
  }

  #watch(): void {
    if (!this.#screen || this.#isWatching || this.#isClosed) return;
    this.#screen.begin();
    this.#acknowledger.restart();
    this.#isWatching = this.#connection.send({ type: "watch", video: this.#screen.playsFilms, series: true });
  }

  #screenRefused(message: string): void {
    this.#happened({ type: "notice", text: `${message} Asking for the screen anew.` });
    if (this.#isWatching) this.#connection.send({ type: "unwatch" });
    this.#isWatching = false;
    setTimeout(() => {
      if (!this.#presenter) this.#watch();
    }, REWATCH_MS);
  }

  #lost(retryMs: number): void {
    this.#isWatching = false;
    this.#acknowledger.restart();
    this.#presenter?.pause();
    this.#talk.lost();
    this.#happened({ type: "lost", retryMs });
  }

  #dropPresenter(): void {
    if (!this.#presenter) return;
    this.#presenter.stop();
    this.#presenter = null;
    this.#change({ isSharing: false });
    if (!isOver(this.#view.meeting)) this.#watch();
  }

  #happened(event: MeetingEvent): void {
    this.#change({ meeting: reduce(this.#view.meeting, event) });
  }

  #change(change: Partial<View>): void {
    this.#view = { ...this.#view, ...change };
    this.#onChange(this.#view);
  }
}

/** Chromium tells when the way to the network changes; elsewhere an interrupted link is what tells. */
function networkInformation(): EventTarget | null {
  return "connection" in navigator ? (navigator.connection as EventTarget) : null;
}
