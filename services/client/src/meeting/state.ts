// What a participant knows of the meeting: a pure step from one state to the next for everything that happens.

import type {
  CameraPolicy,
  ChatLine,
  CallOut,
  DialIn,
  MeetingRecording,
  Participant,
  Pass,
  RefusedReason,
  SeenFeed,
  ServerMessage,
  Slot,
  Sound,
} from "../protocol";

/** Most chat lines that are kept on the page. */
const CHAT_LINES_MAX = 1_000;
/** Most people who are remembered as having spoken: as many as can be seen. */
const SPOKE_MAX = 10;

export type Phase =
  | { readonly at: "connecting" }
  | { readonly at: "joined" }
  /** The connection was lost; the next try comes by itself in `retryMs`. */
  | { readonly at: "reconnecting"; readonly retryMs: number }
  | { readonly at: "refused"; readonly reason: RefusedReason; readonly message: string }
  | { readonly at: "ended"; readonly message: string };

export interface MeetingState {
  readonly phase: Phase;
  readonly you: number | null;
  readonly host: boolean;
  readonly participants: readonly Participant[];
  readonly presenter: number | null;
  readonly recording: MeetingRecording | null;
  /** Nobody more is let in. */
  readonly isLocked: boolean;
  readonly chat: readonly ChatLine[];
  readonly cameraPolicy: CameraPolicy;
  /** How the meeting is reached by telephone, if it is. */
  readonly dialIn: DialIn | null;
  /** What the host has given out to programs. */
  readonly passes: readonly Pass[];
  /** Whom the host has called. */
  readonly callOuts: readonly CallOut[];
  /** How well others' sound comes in, as the host is told. */
  readonly sound: readonly Sound[];
  /** What the receiving m-lines carry. */
  readonly slots: readonly Slot[];
  /** How the others' cameras reach this viewer. */
  readonly sights: readonly SeenFeed[];
  /** Who speaks now, the loudest first. */
  readonly speakers: readonly number[];
  /** Who spoke lately, the last one first: they stay in sight when they pause. */
  readonly spoke: readonly number[];
  /** The last thing that the participant is told, and a count so that the same words are told again. */
  readonly notice: { readonly text: string; readonly count: number } | null;
}

export type MeetingEvent =
  | { readonly type: "message"; readonly message: ServerMessage }
  | { readonly type: "lost"; readonly retryMs: number }
  | { readonly type: "connecting" }
  | { readonly type: "left" }
  | { readonly type: "notice"; readonly text: string };

export const INITIAL: MeetingState = {
  phase: { at: "connecting" },
  you: null,
  host: false,
  participants: [],
  presenter: null,
  recording: null,
  isLocked: false,
  chat: [],
  cameraPolicy: { width: 640, height: 480, max_kbps: 1_000 },
  dialIn: null,
  passes: [],
  callOuts: [],
  sound: [],
  slots: [],
  sights: [],
  speakers: [],
  spoke: [],
  notice: null,
};

export function reduce(state: MeetingState, event: MeetingEvent): MeetingState {
  switch (event.type) {
    case "message":
      return onMessage(state, event.message);
    case "lost":
      return isOver(state) ? state : { ...state, phase: { at: "reconnecting", retryMs: event.retryMs } };
    case "connecting":
      // A second try is still a reconnection to whoever was in the meeting.
      return isOver(state) || state.you === null ? state : { ...state, phase: { at: "reconnecting", retryMs: 0 } };
    case "left":
      return { ...state, phase: { at: "ended", message: "You have left the meeting." } };
    case "notice":
      return withNotice(state, event.text);
  }
}

/** Whether nothing more will come of this meeting. */
export function isOver({ phase }: MeetingState): boolean {
  return phase.at === "ended" || phase.at === "refused";
}

export function isPresenting(state: MeetingState): boolean {
  return state.presenter !== null && state.presenter === state.you;
}

export function isRecording({ recording }: MeetingState): boolean {
  return recording !== null && ["starting", "recording", "paused"].includes(recording.state);
}

/** What everybody is told of oneself. */
export function self(state: MeetingState): Participant | null {
  return state.participants.find(({ id }) => id === state.you) ?? null;
}

export function nameOf(state: MeetingState, id: number): string {
  return state.participants.find((participant) => participant.id === id)?.name ?? "Somebody";
}

function onMessage(state: MeetingState, message: ServerMessage): MeetingState {
  switch (message.type) {
    case "joined":
      return {
        ...state,
        phase: { at: "joined" },
        you: message.you,
        host: message.host,
        participants: message.participants,
        presenter: message.presenter,
        recording: message.recording,
        isLocked: message.locked ?? false,
        chat: message.chat,
        cameraPolicy: message.camera_policy,
        dialIn: message.dial_in,
        passes: [],
        callOuts: [],
        sound: [],
        slots: [],
        sights: [],
        speakers: [],
        spoke: [],
      };
    case "refused":
      return { ...state, phase: { at: "refused", reason: message.reason, message: message.message } };
    case "participant_joined": {
      const { participant } = message;
      const others = state.participants.filter(({ id }) => id !== participant.id);
      const how = participant.telephone ? " by telephone" : participant.stream ? " as a stream" : "";
      return withNotice({ ...state, participants: [...others, participant] }, `${participant.name} has joined${how}.`);
    }
    case "participant_left": {
      if (!state.participants.some(({ id }) => id === message.id)) return state;
      const rest = state.participants.filter(({ id }) => id !== message.id);
      const here = (id: number): boolean => id !== message.id;
      const { speakers, spoke } = state;
      const next = { ...state, participants: rest, speakers: speakers.filter(here), spoke: spoke.filter(here) };
      return withNotice(next, `${nameOf(state, message.id)} has left.`);
    }
    case "participant_changed": {
      const { participant } = message;
      const before = state.participants.find(({ id }) => id === participant.id);
      const replace = (one: Participant): Participant => (one.id === participant.id ? participant : one);
      const next = { ...state, participants: state.participants.map(replace) };
      const hasRaised = participant.hand && !before?.hand && participant.id !== state.you;
      return hasRaised ? withNotice(next, `${participant.name} has raised a hand.`) : next;
    }
    case "camera_policy": {
      const { type: _, ...cameraPolicy } = message;
      return { ...state, cameraPolicy };
    }
    case "slots":
      return { ...state, slots: message.slots };
    case "sights":
      return { ...state, sights: message.sights };
    case "speakers": {
      const spoke = [...message.ids, ...state.spoke.filter((id) => !message.ids.includes(id))];
      return { ...state, speakers: message.ids, spoke: spoke.slice(0, SPOKE_MAX) };
    }
    case "muted":
      return withNotice(state, `${nameOf(state, message.by)} has muted you.`);
    case "locked":
      return withNotice(
        { ...state, isLocked: message.locked },
        message.locked ? "The meeting is locked: nobody more is let in." : "The meeting is open again.",
      );
    case "chat": {
      const { type: _, ...line } = message;
      return { ...state, chat: [...state.chat.filter(({ id }) => id !== line.id), line].slice(-CHAT_LINES_MAX) };
    }
    case "presenter":
      return onPresenter(state, message.id);
    case "recording":
      return onRecording(state, message.recording);
    case "passes":
      return { ...state, passes: message.passes };
    case "call_outs":
      return { ...state, callOuts: message.calls };
    case "sound":
      return { ...state, sound: message.participants };
    case "ended":
      return { ...state, phase: { at: "ended", message: message.message }, presenter: null };
    case "present_ended":
    case "camera_refused":
    case "error":
      return withNotice(state, message.message);
    case "present_granted":
    case "taken":
    case "media_answer":
    case "camera_wanted":
    case "media_ended":
      return state;
  }
}

function onPresenter(state: MeetingState, id: number | null): MeetingState {
  const next = { ...state, presenter: id };
  if (id === state.presenter) return next;
  if (id === null) return withNotice(next, "Nobody is presenting now.");
  return withNotice(next, id === state.you ? "You are presenting." : `${nameOf(state, id)} is presenting.`);
}

function onRecording(state: MeetingState, recording: MeetingRecording | null): MeetingState {
  const next = { ...state, recording };
  if (recording === null || recording.state === state.recording?.state) return next;
  return withNotice(next, recordingSentence(recording));
}

export function recordingSentence({ state, message }: MeetingRecording): string {
  switch (state) {
    case "starting":
      return "The recording is starting.";
    case "recording":
      return "This meeting is being recorded.";
    case "paused":
      return "The recording is paused.";
    case "finishing":
      return "The recording is being finished.";
    case "ready":
      return "The recording is ready.";
    case "degraded":
      return message ?? "The recording is ready; one region is still behind.";
    case "failed":
      return message ?? "The recording failed.";
  }
}

function withNotice(state: MeetingState, text: string): MeetingState {
  return { ...state, notice: { text, count: (state.notice?.count ?? 0) + 1 } };
}
