// The meeting protocol's types, as services/web/PROTOCOL.md has them. Nothing else describes them in the client.

export const PROTOCOL_VERSION = 1;
/** Most characters of a participant's name. */
export const NAME_CHARS_MAX = 64;
/** Most digits of a telephone number. */
export const NUMBER_DIGITS_MAX = 20;
/** Most characters of a chat line. */
export const CHAT_CHARS_MAX = 4_000;
/** Most bytes of a presenter's stream that are sent and not yet taken. */
export const IN_FLIGHT_BYTES_MAX = 1024 * 1024;

/** Most cameras that are on in a meeting, and so most receiving m-lines of an offer. */
export const CAMERAS_MAX = 10;

export interface Participant {
  readonly id: number;
  readonly name: string;
  readonly host: boolean;
  readonly camera: boolean;
  readonly microphone: boolean;
  /** Their hand is up; an older server knows none. */
  readonly hand?: boolean;
  /** Joined by telephone: hears and is heard, and sees nothing. */
  readonly telephone: boolean;
  /** A program that sends or watches; an older server has none. */
  readonly stream?: boolean;
}

/** What a program may with a pass: send by WHIP, or watch by WHEP. */
export type StreamKind = "send" | "watch";

/** What lets a program into the meeting; only the host is told. */
export interface Pass {
  readonly id: number;
  readonly kind: StreamKind;
  readonly name: string;
  readonly token: string;
}

/** At which SIP ports of this host telephones reach the meeting. */
export interface DialIn {
  readonly tls_port: number | null;
  readonly tcp_port: number | null;
  readonly udp_port: number | null;
  /** The organiser's; only the host is told. */
  readonly pin: string | null;
  /** Whether the host may have somebody called; an older server does not say. */
  readonly call_out?: boolean;
}

export type CallOutState = "calling" | "ringing" | "answered" | "failed";

/** Somebody who is called into the meeting; only the host is told. */
export interface CallOut {
  readonly id: number;
  readonly number: string;
  /** What the host calls them. */
  readonly name: string | null;
  readonly state: CallOutState;
  /** Why it failed. */
  readonly message: string | null;
}

export type SoundQuality = "good" | "fair" | "poor";

/** How well a participant's sound comes in; only the host is told. */
export interface Sound {
  readonly id: number;
  readonly quality: SoundQuality;
  /** Packets that were lost or late, of a thousand. */
  readonly lost_permille: number;
  /** What was made up of what was heard, of a thousand. */
  readonly concealed_permille: number;
  readonly jitter_ms: number;
  readonly buffer_ms: number;
  /** Null where nobody knows. */
  readonly round_trip_ms: number | null;
  readonly mouth_to_ear_ms: number;
  /** 0 is as loud as can be, -127 silence. */
  readonly level_dbov: number;
}

/** By what the TURN server at the page's own port may be used, for some hours. */
export interface MediaRelay {
  readonly username: string;
  readonly credential: string;
}

/** How large cameras may be sent. */
export interface CameraPolicy {
  readonly width: number;
  readonly height: number;
  readonly max_kbps: number;
}

/** Whose camera a receiving m-line carries. */
export interface Slot {
  readonly mid: string;
  readonly id: number | null;
}

/** How a camera reaches this viewer, and why so: as high as it is shown, the best that it sends, or the best that the viewer's line carries. */
export type FeedQuality = "as-shown" | "best-there-is" | "bandwidth" | "paused";

export interface SeenFeed {
  readonly id: number;
  readonly quality: FeedQuality;
}

/** A camera that this viewer wants to see, and how high it is shown, in pixels. */
export interface Wish {
  readonly id: number;
  readonly height: number;
}

export interface ChatLine {
  readonly id: number;
  readonly from: number;
  readonly name: string;
  readonly text: string;
  /** RFC 3339 */
  readonly time: string;
}

/** What of a meeting is in a recording; `sound` has no pictures. */
export type RecordingLayout = "beside" | "screen" | "faces" | "sound" | "tracks";

/** Whether there is nothing to see in it. */
export function isSoundAlone(layout: RecordingLayout): boolean {
  return layout === "sound" || layout === "tracks";
}

export type RecordingState = "starting" | "recording" | "paused" | "finishing" | "ready" | "degraded" | "failed";

export interface MeetingRecording {
  readonly id: string;
  readonly state: RecordingState;
  readonly message: string | null;
}

export type ClientMessage =
  | { readonly type: "join"; readonly protocol: 1; readonly code: string; readonly name: string; readonly token?: string }
  | { readonly type: "chat"; readonly text: string }
  /** `video`: films may come as VP8; `series`: graphics may come coded one after another. */
  | { readonly type: "watch"; readonly video: boolean; readonly series: boolean }
  | { readonly type: "unwatch" }
  | { readonly type: "painted"; readonly bytes: number }
  | { readonly type: "present" }
  | { readonly type: "present_stop" }
  | { readonly type: "record"; readonly layout: RecordingLayout }
  | { readonly type: "record_pause" }
  | { readonly type: "record_resume" }
  | { readonly type: "record_stop" }
  | { readonly type: "media_offer"; readonly sdp: string }
  | { readonly type: "camera"; readonly on: boolean }
  | { readonly type: "microphone"; readonly on: boolean }
  | { readonly type: "view"; readonly feeds: readonly Wish[] }
  | { readonly type: "mute"; readonly id: number }
  | { readonly type: "hand"; readonly up: boolean }
  | { readonly type: "lower_hand"; readonly id: number }
  | { readonly type: "lock"; readonly on: boolean }
  | { readonly type: "stream_allow"; readonly kind: StreamKind; readonly name: string }
  | { readonly type: "stream_forbid"; readonly id: number }
  | { readonly type: "call_out"; readonly number: string; readonly name: string | null }
  | { readonly type: "call_out_stop"; readonly id: number }
  | { readonly type: "end" }
  | { readonly type: "leave" };

export type RefusedReason = "no-meeting" | "too-many-tries" | "full" | "locked" | "bad-request" | "shutting-down";

export type ServerMessage =
  | {
      readonly type: "joined";
      readonly you: number;
      readonly code: string;
      readonly host: boolean;
      readonly participants: readonly Participant[];
      readonly presenter: number | null;
      readonly recording: MeetingRecording | null;
      /** Nobody more is let in; an older server does not say. */
      readonly locked?: boolean;
      readonly camera_policy: CameraPolicy;
      readonly dial_in: DialIn | null;
      /** A server that is older, or has no port for it, tells none. */
      readonly media_relay?: MediaRelay | null;
      readonly chat: readonly ChatLine[];
    }
  | { readonly type: "refused"; readonly reason: RefusedReason; readonly message: string }
  | { readonly type: "participant_joined"; readonly participant: Participant }
  | { readonly type: "participant_left"; readonly id: number }
  | { readonly type: "participant_changed"; readonly participant: Participant }
  | { readonly type: "camera_refused"; readonly message: string }
  | { readonly type: "media_answer"; readonly sdp: string }
  | { readonly type: "media_ended"; readonly message: string }
  | { readonly type: "slots"; readonly slots: readonly Slot[] }
  | { readonly type: "sights"; readonly sights: readonly SeenFeed[] }
  | { readonly type: "speakers"; readonly ids: readonly number[] }
  | ({ readonly type: "camera_policy" } & CameraPolicy)
  | { readonly type: "camera_wanted"; readonly height: number }
  | { readonly type: "muted"; readonly by: number }
  | { readonly type: "locked"; readonly locked: boolean }
  | ({ readonly type: "chat" } & ChatLine)
  | { readonly type: "presenter"; readonly id: number | null }
  | { readonly type: "present_granted" }
  | { readonly type: "present_ended"; readonly message: string }
  | { readonly type: "taken"; readonly bytes: number }
  | { readonly type: "recording"; readonly recording: MeetingRecording | null }
  | { readonly type: "passes"; readonly passes: readonly Pass[] }
  | { readonly type: "call_outs"; readonly calls: readonly CallOut[] }
  | { readonly type: "sound"; readonly participants: readonly Sound[] }
  | { readonly type: "ended"; readonly message: string }
  | { readonly type: "error"; readonly message: string };

const SERVER_TYPES: ReadonlySet<string> = new Set<ServerMessage["type"]>([
  "joined",
  "refused",
  "participant_joined",
  "participant_left",
  "participant_changed",
  "camera_refused",
  "media_answer",
  "media_ended",
  "slots",
  "sights",
  "speakers",
  "camera_policy",
  "camera_wanted",
  "muted",
  "locked",
  "chat",
  "presenter",
  "present_granted",
  "present_ended",
  "taken",
  "recording",
  "passes",
  "call_outs",
  "sound",
  "ended",
  "error",
]);

/** Null for what is not a message of this protocol's version; such a message is ignored, as a later server may say more. */
export function parseServerMessage(text: string): ServerMessage | null {
  let message: unknown;
  try {
    message = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof message !== "object" || message === null || !("type" in message)) return null;
  if (typeof message.type !== "string" || !SERVER_TYPES.has(message.type)) return null;
  return message as ServerMessage;
}

export type CopyState = "writing" | "complete" | "behind" | "deleting" | "deleted";

export interface RegionCopy {
  readonly name: string;
  readonly state: CopyState;
  readonly bytes: number;
  readonly sha256: string | null;
}

export interface Recording {
  readonly id: string;
  readonly code: string;
  readonly title: string;
  readonly layout: RecordingLayout;
  /** RFC 3339 */
  readonly started: string;
  readonly duration_ms: number | null;
  readonly bytes: number | null;
  readonly state: RecordingState;
  readonly message: string | null;
  /** When it is deleted by itself, RFC 3339; null is never. */
  readonly keep_until: string | null;
  readonly regions: readonly RegionCopy[];
}

export interface StartedMeeting {
  readonly code: string;
  readonly token: string;
  readonly link: string;
}

export interface GivenLink {
  readonly link: string;
  /** RFC 3339 */
  readonly until: string;
}

/** What a link shows. */
export interface Shown {
  readonly title: string;
  readonly layout: RecordingLayout;
  /** RFC 3339 */
  readonly started: string;
  readonly duration_ms: number;
  /** The media and the pictures are below it. */
  readonly address: string;
  /** RFC 3339 */
  readonly until: string;
}

export interface Deleted {
  readonly deleted: boolean;
  readonly regions: readonly string[];
}
