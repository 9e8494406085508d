// What the page and the presenter's worker say to each other.

export type ToPresenter =
  /** Frames as the browser captures them. */
  | { readonly type: "frames"; readonly frames: ReadableStream<VideoFrame> }
  /** One frame, where the browser gives no stream of them; answers a `wants`. */
  | { readonly type: "picture"; readonly picture: ImageBitmap }
  /** The meeting waits for the stream, from its start. */
  | { readonly type: "grant" }
  /** Nothing may be sent until the next grant. */
  | { readonly type: "pause" }
  | { readonly type: "taken"; readonly bytes: number }
  | { readonly type: "hash"; readonly id: number };

export type FromPresenter =
  | { readonly type: "stream"; readonly bytes: ArrayBuffer }
  | { readonly type: "wants" }
  | { readonly type: "hash"; readonly id: number; readonly hash: string | null }
  | { readonly type: "failed"; readonly message: string };
