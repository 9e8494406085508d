// The page's side of presenting: a captured screen, and the worker that turns it into the stream.

import { type Capture, capture, chooseScreen } from "./capture";
import type { FromPresenter, ToPresenter } from "./messages";

export interface PresenterEvents {
  /** The next bytes of the stream, to be sent at once. */
  onStream(bytes: ArrayBuffer): void;
  /** The person has stopped sharing by the browser's own means. */
  onEnded(): void;
  /** Nothing more can be presented, and why. */
  onFailed(message: string): void;
}

/** Presents from the choice of a screen until `stop`; sends only between `grant` and `pause`. */
export class Presenter {
  readonly #worker: Worker;
  readonly #capture: Capture;
  readonly #hashes = new Map<number, (hash: string | null) => void>();
  #nextHash = 1;

  /** Asks the person for a screen; throws a `CaptureError` when there will be none. */
  static async choose(events: PresenterEvents): Promise<Presenter> {
    return new Presenter(await chooseScreen(), events);
  }

  private constructor(stream: MediaStream, events: PresenterEvents) {
    this.#worker = new Worker(new URL("./presenter.worker.ts", import.meta.url), { type: "module" });
    this.#worker.onmessage = ({ data }: MessageEvent<FromPresenter>) => this.#heard(data, events);
    this.#worker.onerror = (event) =>
      events.onFailed(`Presenting stopped: ${event.message || "its script did not load"}.`);
    this.#capture = capture(stream, (message, transfer) => this.#tell(message, transfer));
    stream.getVideoTracks()[0]?.addEventListener("ended", () => events.onEnded());
  }

  /** The meeting waits for the stream, from its start. */
  grant(): void {
    this.#tell({ type: "grant" });
  }

  /** Nothing is sent until the next grant. */
  pause(): void {
    this.#tell({ type: "pause" });
  }

  taken(bytes: number): void {
    this.#tell({ type: "taken", bytes });
  }

  /** SHA-256 of the colours of what was sent; null before the first frame. */
  hash(): Promise<string | null> {
    const id = this.#nextHash++;
    return new Promise((resolve) => {
      this.#hashes.set(id, resolve);
      this.#tell({ type: "hash", id });
    });
  }

  stop(): void {
    this.#capture.stop();
    this.#worker.terminate();
    for (const resolve of this.#hashes.values()) resolve(null);
    this.#hashes.clear();
  }

  #heard(message: FromPresenter, events: PresenterEvents): void {
    switch (message.type) {
      case "stream":
        events.onStream(message.bytes);
        break;
      case "wants":
        this.#capture.onWants();
        break;
      case "hash":
        this.#hashes.get(message.id)?.(message.hash);
        this.#hashes.delete(message.id);
        break;
      case "failed":
        events.onFailed(message.message);
    }
  }

  #tell(message: ToPresenter, transfer: Transferable[] = []): void {
    this.#worker.postMessage(message, transfer);
  }
}
