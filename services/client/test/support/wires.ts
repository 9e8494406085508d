// The browser's media as the client sees it, played by a script: Node has no cameras and no peer connections. The real ones are in
// test/browser and in the stories.

/** A camera's or a microphone's track. */
export class TestTrack extends EventTarget {
  enabled = true;
  isStopped = false;
  readonly constraints: MediaTrackConstraints[] = [];

  constructor(
    readonly kind: "audio" | "video",
    readonly deviceId = "",
    readonly height = 720,
  ) {
    super();
  }

  stop(): void {
    this.isStopped = true;
  }

  getSettings(): MediaTrackSettings {
    return { height: this.height, deviceId: this.deviceId };
  }

  applyConstraints(constraints: MediaTrackConstraints): Promise<void> {
    this.constraints.push(constraints);
    return Promise.resolve();
  }
}

export class TestTransceiver {
  mid: string | null = null;
  readonly receiver: { track: TestTrack };
  readonly sender: TestSender;

  constructor(
    readonly kind: "audio" | "video",
    readonly init: RTCRtpTransceiverInit,
  ) {
    this.receiver = { track: new TestTrack(kind) };
    this.sender = new TestSender(init.sendEncodings ?? [{}]);
  }
}

class TestSender {
  track: TestTrack | null = null;
  encodings: RTCRtpEncodingParameters[];

  constructor(encodings: RTCRtpEncodingParameters[]) {
    this.encodings = encodings;
  }

  replaceTrack(track: TestTrack | null): Promise<void> {
    this.track = track;
    return Promise.resolve();
  }

  getParameters(): { encodings: RTCRtpEncodingParameters[] } {
    return { encodings: this.encodings.map((encoding) => ({ ...encoding })) };
  }

  setParameters({ encodings }: { encodings: RTCRtpEncodingParameters[] }): Promise<void> {
    this.encodings = encodings;
    return Promise.resolve();
  }
}

export class TestConnection extends EventTarget {
  iceConnectionState: RTCIceConnectionState = "new";
  connectionState: RTCPeerConnectionState = "new";
  localDescription: { sdp: string } | null = null;
  readonly transceivers: TestTransceiver[] = [];
  readonly answers: string[] = [];
  isClosed = false;
  /** Packets of voices and pictures that have come. */
  packets = 0;

  constructor(readonly number: number) {
    super();
  }

  addTransceiver(kind: "audio" | "video", init: RTCRtpTransceiverInit): TestTransceiver {
    const transceiver = new TestTransceiver(kind, init);
    this.transceivers.push(transceiver);
    return transceiver;
  }

  getTransceivers(): TestTransceiver[] {
    return this.transceivers;
  }

  createOffer({ iceRestart }: RTCOfferOptions): Promise<{ type: "offer"; sdp: string }> {
    return Promise.resolve({ type: "offer", sdp: `link ${this.number}${iceRestart ? " restart" : ""}` });
  }

  setLocalDescription(description: { sdp: string }): Promise<void> {
    this.localDescription = description;
    this.transceivers.forEach((transceiver, index) => (transceiver.mid = String(index)));
    return Promise.resolve();
  }

  setRemoteDescription({ sdp }: { sdp: string }): Promise<void> {
    if (sdp === "nonsense") return Promise.reject(new Error("no description"));
    this.answers.push(sdp);
    return Promise.resolve();
  }

  getStats(): Promise<Map<string, { type: string; packetsReceived?: number }>> {
    const voice = { type: "inbound-rtp", packetsReceived: this.packets };
    return Promise.resolve(new Map<string, { type: string; packetsReceived?: number }>([["V", voice], ["T", { type: "transport" }]]));
  }

  close(): void {
    this.isClosed = true;
  }

  /** As the browser tells it. */
  become(ice: RTCIceConnectionState, connection: RTCPeerConnectionState): void {
    this.iceConnectionState = ice;
    this.connectionState = connection;
    this.dispatchEvent(new Event("iceconnectionstatechange"));
  }
}

/** Devices that a script lets in or refuses. */
export class TestSource {
  readonly tracks: TestTrack[] = [];
  readonly asked: MediaStreamConstraints[] = [];
  devices: { kind: MediaDeviceKind; deviceId: string; label: string }[] = [];
  /** The name of the error that the next question gets. */
  refusal: string | null = null;
  #onChange: () => void = () => undefined;

  getUserMedia(constraints: MediaStreamConstraints): Promise<MediaStream> {
    this.asked.push(constraints);
    if (this.refusal) return Promise.reject(new DOMException("", this.refusal));
    const asked = (constraints.video ?? constraints.audio) as MediaTrackConstraints;
    const { exact } = (asked.deviceId ?? { exact: "" }) as { exact: string };
    if (exact === "gone") return Promise.reject(new DOMException("", "OverconstrainedError"));
    const track = new TestTrack(constraints.video ? "video" : "audio", exact);
    this.tracks.push(track);
    return Promise.resolve({ getTracks: () => [track] } as unknown as MediaStream);
  }

  enumerateDevices(): Promise<MediaDeviceInfo[]> {
    return Promise.resolve(this.devices as MediaDeviceInfo[]);
  }

  addEventListener(_type: "devicechange", listener: () => void): void {
    this.#onChange = listener;
  }

  plug(...devices: TestSource["devices"]): void {
    this.devices = devices;
    this.#onChange();
  }
}

/** A browser's storage. */
export class TestStorage {
  readonly #items = new Map<string, string>();

  getItem(key: string): string | null {
    return this.#items.get(key) ?? null;
  }

  setItem(key: string, value: string): void {
    this.#items.set(key, value);
  }

  removeItem(key: string): void {
    this.#items.delete(key);
  }
}
