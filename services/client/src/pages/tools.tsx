// What can be done in the meeting: speak, be seen, present, record, leave, end.

import { useState } from "preact/hooks";
import type { Session, View } from "../meeting/session";
import { isRecording, self } from "../meeting/state";
import type { MeetingRecording, RecordingLayout } from "../protocol";
import { Switch } from "./device-panel";

interface ToolsProps {
  readonly view: View;
  readonly session: Session;
  readonly onDevices: () => void;
  /** Asks before it ends the meeting. */
  readonly onEnd: () => void;
}

export function Tools({ view, session, onDevices, onEnd }: ToolsProps) {
  const { meeting, isSharing, devices } = view;
  const isJoined = meeting.phase.at === "joined";
  const hand = self(meeting)?.hand ?? false;
  return (
    <>
      <div class="group" role="group" aria-label="Your camera and microphone">
        <Switch
          kind="microphone"
          isOn={devices.isMicrophoneOn}
          isStarting={devices.isStarting.microphone}
          onSwitch={(on) => session.setMicrophone(on)}
        />
        <Switch
          kind="camera"
          isOn={devices.camera !== null}
          isStarting={devices.isStarting.camera}
          onSwitch={(on) => session.setCamera(on)}
        />
        <button type="button" data-testid="devices" onClick={onDevices}>
          Devices
        </button>
      </div>
      <div class="group">
        <button
          type="button"
          data-testid="raise-hand"
          aria-pressed={hand}
          disabled={!isJoined}
          onClick={() => session.raiseHand(!hand)}
        >
          {hand ? "Lower hand" : "Raise hand"}
        </button>
        {isSharing ? (
          <button type="button" class="danger" data-testid="stop-present" onClick={() => session.stopPresenting()}>
            Stop presenting
          </button>
        ) : (
          <button type="button" class="primary" data-testid="present" disabled={!isJoined} onClick={() => void session.present()}>
            Present
          </button>
        )}
        {meeting.host && <RecordButtons meeting={meeting} isJoined={isJoined} session={session} />}
        <span class={meeting.recording ? "recording-state" : "recording-state unseen"} data-testid="recording-state">
          {isRecording(meeting) && meeting.recording?.state !== "paused" && <span class="dot recording" aria-hidden="true" />}
          {recordingText(meeting.recording)}
        </span>
      </div>
      <div class="group">
        <button type="button" data-testid="leave" onClick={() => session.leave()}>
          Leave
        </button>
        {meeting.host && (
          <button
            type="button"
            data-testid="lock"
            aria-pressed={meeting.isLocked}
            disabled={!isJoined}
            onClick={() => session.lock(!meeting.isLocked)}
          >
            {meeting.isLocked ? "Unlock" : "Lock"}
          </button>
        )}
        {meeting.host && (
          <button type="button" class="danger" data-testid="end-meeting" disabled={!isJoined} onClick={onEnd}>
            End meeting
          </button>
        )}
      </div>
    </>
  );
}

function RecordButtons({ meeting, isJoined, session }: { meeting: View["meeting"]; isJoined: boolean; session: Session }) {
  if (isRecording(meeting)) {
    const isPaused = meeting.recording?.state === "paused";
    return (
      <>
        <button
          type="button"
          data-testid="pause-record"
          disabled={!isJoined || meeting.recording?.state === "starting"}
          onClick={() => session.pauseRecording(!isPaused)}
        >
          {isPaused ? "Go on recording" : "Pause recording"}
        </button>
        <button type="button" data-testid="stop-record" disabled={!isJoined} onClick={() => session.stopRecording()}>
          Stop recording
        </button>
      </>
    );
  }
  return <RecordButton session={session} isPossible={isJoined && meeting.recording?.state !== "finishing"} />;
}

const LAYOUTS: readonly (readonly [layout: RecordingLayout, text: string])[] = [
  ["beside", "Screen and faces"],
  ["screen", "Screen only"],
  ["faces", "Faces only"],
  ["sound", "Sound only"],
  ["tracks", "Sound, a track for each person"],
];

function RecordButton({ session, isPossible }: { session: Session; isPossible: boolean }) {
  const [layout, setLayout] = useState<RecordingLayout>("beside");
  return (
    <>
      <button type="button" data-testid="record" disabled={!isPossible} onClick={() => session.record(layout)}>
        Record
      </button>
      <select
        data-testid="record-layout"
        aria-label="What is recorded"
        value={layout}
        disabled={!isPossible}
        onChange={({ currentTarget }) => setLayout(currentTarget.value as RecordingLayout)}
      >
        {LAYOUTS.map(([value, text]) => (
          <option key={value} value={value}>
            {text}
          </option>
        ))}
      </select>
    </>
  );
}

function recordingText(recording: MeetingRecording | null): string {
  switch (recording?.state) {
    case undefined:
      return "Not recorded";
    case "starting":
      return "Starting to record …";
    case "recording":
      return "Recording";
    case "paused":
      return "Recording paused";
    case "finishing":
      return "Finishing the recording …";
    case "ready":
      return "Recording ready";
    case "degraded":
      return "Recording ready, one region behind";
    case "failed":
      return recording?.message ?? "Recording failed";
  }
}
